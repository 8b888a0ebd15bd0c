"""Public holidays of the country of `AI_USAGE_HOLIDAYS`: forecasts expect them to be as quiet as Sundays, and anomalies
compare them with weekends. The calendar is that of the library `holidays`; without the setting there are none.
"""

from collections.abc import Mapping
from datetime import date
from importlib import import_module
from typing import Any

import dagster as dg

from ai_usage.errors import SettingError
from ai_usage.ingest.day_replacement import GROUP, KINDS
from ai_usage.ingest.ledger_writes import InWarehouse
from ai_usage.layers import note, snapshot_asset
from ai_usage.settings import settings
from ai_usage.warehouse.table import Table, day, string

DIM_HOLIDAY = Table(
    name="dim_holiday",
    grain="one public holiday of the country, or part of it, that AI_USAGE_HOLIDAYS names; none without it",
    question="Which days are public holidays?",
    example="select holiday_date, holiday_name from ai_usage_analytics.dim_holiday order by holiday_date",
    date_column=None,
    columns={
        "holiday_date": day("the day there, taken as the UTC day", required=True),
        "holiday_name": string("in a language of the country", required=True),
    },
    key=("holiday_date",),
)


# It has no pull as its parent: every build contains it, so that the marts of the run use a changed setting.
@snapshot_asset("core", DIM_HOLIDAY, group=GROUP, kinds=KINDS)
def dim_holiday(context: dg.AssetExecutionContext, warehouse: InWarehouse) -> None:
    """Public holidays from the year before the first day to the next year."""
    of = settings()
    found = public_holidays(of.holidays, of.start_date.year - 1, of.now().year + 1)
    rows: dict[str, list[Any]] = {"holiday_date": list(found), "holiday_name": list(found.values())}
    warehouse.replace_all(DIM_HOLIDAY, DIM_HOLIDAY.frame(rows))
    note(context, "core/dim_holiday", None, **{"dagster/row_count": len(found)})


def public_holidays(region: str, first_year: int, last_year: int) -> Mapping[date, str]:
    """The days of a region, such as DE or DE-BY, with their names; none without a region. `SettingError` for one that
    the library does not know.
    """
    if not region:
        return {}
    country, _, part = region.partition("-")
    library: Any = import_module("holidays")  # imported only when needed, because it is slow
    try:
        found = library.country_holidays(country, subdiv=part or None, years=range(first_year, last_year + 1))
    except NotImplementedError as error:
        raise SettingError(
            f"AI_USAGE_HOLIDAYS is {region!r}, which the calendar does not know ({error}); write a country such as "
            "DE, or a part of one such as DE-BY."
        ) from error
    return dict(sorted(found.items()))


ASSETS = [dim_holiday]
