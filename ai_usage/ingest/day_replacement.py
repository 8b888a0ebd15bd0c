"""Rebuilds a core table of any provider: replaces the run's days."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import dagster as dg
import polars as pl

from ai_usage.ingest.rejections import keep_rejections
from ai_usage.layers import note, pulls_behind
from ai_usage.partitions import ONE_DAY, Span, span_of_run
from ai_usage.warehouse.port import Warehouse
from ai_usage.warehouse.reading.ledger_records import Records
from ai_usage.warehouse.table import PULLS, Table

GROUP = "core"
KINDS = {"polars", "duckdb"}
DAYS_AT_ONCE = 31  # bounds memory, whatever the range
RECORDS_AT_ONCE = 100_000  # more days at once if they have no more records than this

ASKED_DAYS = f"""
select distinct account, activity_date
from {PULLS.address}
where pull in unnest(@pulls) and activity_date between @first_day and @last_day
"""

RECORDS_OF_DAYS = f"""
with newest as (
    select pull, account, activity_date, max(records) as records
    from {PULLS.address}
    where pull in unnest(@pulls) and activity_date between @first_day and @last_day
    group by pull, account, activity_date
)

select activity_date, sum(records) as records
from newest
group by activity_date
"""


def spans_with_few_records(warehouse: Warehouse, pulls: Sequence[str], span: Span) -> Iterator[Span]:
    """The fewest spans that cover this one, oldest first, each with few enough records of these pulls for memory."""
    if len(span.days) <= DAYS_AT_ONCE:
        yield span
        return
    asked = {"pulls": list(pulls), "first_day": span.first, "last_day": span.last}
    counts = {day: int(count) for day, count in warehouse.ask(RECORDS_OF_DAYS, **asked).iter_rows()}
    first, held = span.first, 0
    for day in span.days:
        held += counts.get(day, 0)
        if held > RECORDS_AT_ONCE and (day - first).days >= DAYS_AT_ONCE:
            yield Span(first, day - ONE_DAY)
            first, held = day, counts.get(day, 0)
    yield Span(first, span.last)


def asked_days(warehouse: Warehouse, asset: str, span: Span) -> set[date]:
    """The days of a span for which any source of the table was asked. The other days are unknown."""
    return set().union(*asked_days_by_account(warehouse, asset, span).values())


def asked_days_by_account(warehouse: Warehouse, asset: str, span: Span) -> dict[str, set[date]]:
    """Account → the days of a span for which it was asked for any of the table's pulls."""
    pulls = sorted(pulls_behind(asset))
    asked: dict[str, set[date]] = {}
    for account, day in warehouse.ask(ASKED_DAYS, pulls=pulls, first_day=span.first, last_day=span.last).iter_rows():
        asked.setdefault(account, set()).add(day)
    return asked


Shape = Callable[[Records], pl.DataFrame]


def rebuild(context: dg.AssetExecutionContext, warehouse: Warehouse, table: Table, *, pull: str, shape: Shape) -> None:
    """Replace the run's days of a table by the newest records of a pull, account by account, and note each day's rows
    and money. An account's day that was pulled is replaced whole, even by nothing; one never pulled is left as it is.
    Records that could not be used are kept in `record_rejections`.
    """
    rebuild_of_pulls(context, warehouse, table, {pull: shape})


def rebuild_of_pulls(
    context: dg.AssetExecutionContext, warehouse: Warehouse, table: Table, shapes: Mapping[str, Shape]
) -> None:
    """The same, of a table with rows of several pulls: a day is replaced once any of them was pulled, by the rows of
    all of them.
    """
    asset, money = f"core/{table.name}", next((c for c in table.columns if c.endswith("_usd")), None)
    with warehouse.connected():
        for days in spans_with_few_records(warehouse, list(shapes), span_of_run(context)):
            newest = [warehouse.newest(pull, days) for pull in shapes]
            accounts = sorted({account for records in newest for account in records.accounts})
            built = [
                _replaced(warehouse, table, account, [records.of_account(account) for records in newest], shapes)
                for account in accounts
            ]
            rejected = sum((of_account.rejected for of_account in built), Counter[date | None]())
            if built:
                rows = pl.concat([of_account.rows for of_account in built])
                for row in _by_day(newest, rows, money).to_dicts():
                    day = row.pop("activity_date")
                    note(context, asset, day, **row, **({"rejected_records": rejected[day]} if rejected[day] else {}))
            pulled = {day for records in newest for day in records.days}
            raw = ", ".join(f"raw/{pull}" for pull in shapes)
            for unpulled in set(days.days) - pulled:
                note(context, asset, unpulled, skipped=f"{raw} has no answer for this day: left as it was")


@dataclass(frozen=True)
class _Built:
    """The result of rebuilding one account's days."""

    rows: pl.DataFrame
    rejected: Counter[date | None]


def _replaced(
    warehouse: Warehouse, table: Table, account: str, parts: Sequence[Records], shapes: Mapping[str, Shape]
) -> _Built:
    """Put one account's records in place of what the table has of its days."""
    pulled = [part for part in parts if not part.versions.is_empty()]
    rows = pl.concat([shapes[part.pull](part) for part in pulled])
    days = {day for part in pulled for day in part.days}
    warehouse.replace_days(table, sorted(days), rows, of={"account": account})
    for part in pulled:
        keep_rejections(warehouse, part)
    return _Built(rows, Counter(rejection.activity_date for part in pulled for rejection in part.rejections))


def _by_day(newest: Sequence[Records], built: pl.DataFrame, money: str | None) -> pl.DataFrame:
    """Each day's pulls, rows and money, of all accounts together."""
    sums = built.group_by("activity_date").agg(
        pl.len().alias("dagster/partition_row_count"), *([pl.col(money).sum()] if money else [])
    )
    all_versions = pl.concat([records.versions.select("activity_date", "pull_id") for records in newest])
    versions = all_versions.group_by("activity_date", maintain_order=True).agg(pl.col("pull_id").str.join(", "))
    return versions.join(sums, on="activity_date", how="left").with_columns(
        pl.col("dagster/partition_row_count").fill_null(0),
        *([pl.col(money).fill_null(0)] if money else []),
    )
