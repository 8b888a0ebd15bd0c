"""How a core table is rebuilt, whichever vendor's: the run's days, in place of what it had of them."""

from collections import Counter
from collections.abc import Callable
from datetime import date

import dagster as dg
import polars as pl

from ai_usage.ingest.rejections import keep_rejections
from ai_usage.layers import note, pulls_behind
from ai_usage.partitions import Span, span_of_run
from ai_usage.warehouse.ledger import Records
from ai_usage.warehouse.port import Warehouse
from ai_usage.warehouse.table import PULLS, Table

GROUP = "core"
KINDS = {"polars", "duckdb"}
DAYS_AT_ONCE = 31  # bounds memory, whatever the range

ASKED_DAYS = f"""
select distinct activity_date
from {PULLS.address}
where pull in unnest(@pulls) and activity_date between @first_day and @last_day
"""


def asked_days(warehouse: Warehouse, asset: str, span: Span) -> set[date]:
    """The days of a span about which a source that the table is made of was asked. The other days are unknown."""
    pulls = sorted(pulls_behind(asset))
    rows = warehouse.ask(ASKED_DAYS, pulls=pulls, first_day=span.first, last_day=span.last)
    return set(rows["activity_date"])


def rebuild(
    context: dg.AssetExecutionContext,
    warehouse: Warehouse,
    table: Table,
    *,
    pull: str,
    shape: Callable[[Records], pl.DataFrame],
) -> None:
    """Replace the run's days of a table by the newest records of a pull, and note each day's rows and money.
    A day that was pulled is replaced whole, even by nothing; one never pulled is left as it is. Records that could not
    be used are kept in `record_rejections`.
    """
    asset, money = f"core/{table.name}", next((c for c in table.columns if c.endswith("_usd")), None)
    with warehouse.connected():
        for days in span_of_run(context).cut(at_most=DAYS_AT_ONCE):
            said = warehouse.newest(pull, days)
            if said.days:
                built = shape(said)
                warehouse.replace_days(table, said.days, built)
                keep_rejections(warehouse, said)
                rejected = Counter(rejection.activity_date for rejection in said.rejections)
                for row in _by_day(said, built, money).to_dicts():
                    day = row.pop("activity_date")
                    note(context, asset, day, **row, **({"rejected_records": rejected[day]} if rejected[day] else {}))
            for unpulled in set(days.days) - set(said.days):
                note(context, asset, unpulled, skipped=f"raw/{pull} has no answer for this day: left as it was")


def _by_day(said: Records, built: pl.DataFrame, money: str | None) -> pl.DataFrame:
    sums = built.group_by("activity_date").agg(
        pl.len().alias("dagster/partition_row_count"), *([pl.col(money).sum()] if money else [])
    )
    versions = said.versions.select("activity_date", "pull_id")
    return versions.join(sums, on="activity_date", how="left").with_columns(
        pl.col("dagster/partition_row_count").fill_null(0),
        *([pl.col(money).fill_null(0)] if money else []),
    )
