"""The graph without what no test of a whole command looks at: most checks, marts that spend is not made of, and the
pulls of all sources but one. These have tests of their own, and would take most of the time of a command. It is enough
to import it, before the command.
"""

from ai_usage import definitions
from ai_usage.automation import runs
from ai_usage_tests import lineage_once  # noqa: F401 - it is enough to import it
from ai_usage_tests.parts import assets_of, behind, checks_of

SPEND, EXPORT = "marts/ai_spend", "marts/focus_1_2"
PULLED = "cursor"  # the fewest pulls that make spend

definitions.ASSETS[:] = assets_of(definitions.ASSETS, {"raw", "core", "dashboards"}, {EXPORT} | behind(SPEND))
definitions.CHECKS[:] = checks_of(definitions.CHECKS, {"no_day_is_missing", "ledger_is_whole"}, definitions.ASSETS)
runs.CADENCES = [cadence for cadence in runs.CADENCES if cadence.name == PULLED]  # type: ignore[attr-defined]
