"""`make build [FROM=… TO=…]`: core, marts and boards again from the ledger, asking no provider, and their checks: after
an upgrade, or a change of SQL. Blocked days keep their last good version.
"""

from collections.abc import Sequence
from datetime import date

from ai_usage.automation.warehouse_resource import asked_warehouse
from ai_usage.commands.backfill import asked_day, refuse_days_outside, tell_outcome
from ai_usage.commands.data_folder import prepare_instance
from ai_usage.commands.refresh import build
from ai_usage.commands.typed import parser
from ai_usage.errors import SettingError
from ai_usage.partitions import Span
from ai_usage.places import COMMAND
from ai_usage.settings import Settings
from ai_usage.warehouse.port import Warehouse

PULLED_DAYS = """
select distinct activity_date
from ai_usage_raw.pulls
where activity_date between @first_day and @last_day
order by activity_date
"""


def run(of: Settings, argv: Sequence[str]) -> int:
    arguments = parser("build", __doc__)
    arguments.add_argument("first", nargs="?", default="", help="FROM, the first UTC day; else the first ever pulled")
    arguments.add_argument("last", nargs="?", default="", help="TO, the last UTC day, included; else the last pulled")
    asked = arguments.parse_args(argv)
    first = asked_day("FROM", asked.first) if asked.first else None
    last = asked_day("TO", asked.last) if asked.last else None
    refuse_days_outside(of, first, last)
    days = pulled_days(asked_warehouse(of), first or of.start_date, last or of.yesterday())
    prepare_instance(of)
    return tell_outcome(of, build(of, Span(days[0], days[-1])), len(days))


def pulled_days(warehouse: Warehouse, first: date, last: date) -> list[date]:
    """The days between `first` and `last` that some provider was asked about; `SettingError` if there are none."""
    days: list[date] = warehouse.ask(PULLED_DAYS, first_day=first, last_day=last)["activity_date"].to_list()
    if not days:
        raise SettingError(
            f"No day from {first} to {last} was pulled yet, so there is nothing to build from: "
            f"{COMMAND} backfill, or {COMMAND} demo."
        )
    return days
