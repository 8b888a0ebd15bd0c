"""The graph without the parts that no test of a whole command needs: most checks, marts that spend does not read, and
the pulls of all sources but one. These have their own tests, and would take most of a command's time. Importing this
module before the command is enough.
"""

from ai_usage import definitions
from ai_usage.automation import runs
from ai_usage_tests import lineage_once  # noqa: F401 - it is enough to import it
from ai_usage_tests.parts import assets_of, behind, checks_of

SPEND, EXPORT = "marts/ai_spend", "marts/focus_1_2"
PULLED = "cursor"  # the smallest set of pulls that gives spend

definitions.ASSETS[:] = assets_of(definitions.ASSETS, {"raw", "core", "dashboards"}, {EXPORT} | behind(SPEND))
definitions.CHECKS[:] = checks_of(definitions.CHECKS, {"no_day_is_missing", "ledger_is_whole"}, definitions.ASSETS)
runs.CADENCES = [cadence for cadence in runs.CADENCES if cadence.name == PULLED]  # type: ignore[attr-defined]
