"""Reads the ledger's tables: the versions of a pull's days, and the records of versions."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime

import duckdb
import polars as pl

from ai_usage.partitions import Span
from ai_usage.warehouse.ledger import Look, Records
from ai_usage.warehouse.table import PULLS, Table, raw_table

NEWEST = f"""
with ranked as (
    select account, pull_id, activity_date, records, records_pull_id, envelope,
        row_number() over (partition by account, activity_date order by pulled_at desc, pull_id desc) as age
    from {PULLS.address}
    where pull = $pull and pulled_at <= coalesce($as_of, pulled_at)
        and case when $first_day is null then activity_date is null
            else activity_date between $first_day and $last_day end
)
select ranked.account, ranked.activity_date, origin.pull_id, origin.pulled_at, ranked.records, ranked.envelope,
    origin.content_hash
from ranked join {PULLS.address} as origin on origin.pull = $pull and origin.pull_id = ranked.records_pull_id
    and origin.activity_date is not distinct from ranked.activity_date
where ranked.age = 1
order by ranked.activity_date, ranked.account
"""

DAYS = f"""
select distinct account, activity_date from {PULLS.address} where pull = $pull and activity_date is not null
"""

LOOKS = f"""
select account, activity_date, max(pulled_at) as pulled_at,
    arg_max(coalesce(asked_at, pulled_at), pulled_at) as asked_at
from {PULLS.address}
where pull = $pull and case when $first_day is null then activity_date is null
    else activity_date between $first_day and $last_day end
group by account, activity_date
"""

HISTORY = f"""
select account, activity_date, pull_id, pulled_at, records, envelope, content_hash, records_pull_id,
    min(coalesce(asked_at, pulled_at)) over (
        partition by account order by pulled_at, pull_id rows between current row and unbounded following
    ) as asked_at
from {PULLS.address}
where pull = $pull and activity_date is null
    and pulled_at between coalesce($since, pulled_at) and coalesce($until, pulled_at)
order by pulled_at, pull_id
"""

VERSIONS = f"""
select account, activity_date, pull_id, pulled_at, records, envelope, content_hash
from {PULLS.address}
where pull = $pull and activity_date between $first_day and $last_day and records_pull_id = pull_id
order by activity_date, account, pulled_at, pull_id
"""


def newest_versions(
    db: duckdb.DuckDBPyConnection, pull: str, span: Span | None, as_of: datetime | None = None
) -> pl.DataFrame:
    """Of each account the last version of each day of the span (of the snapshot, if None), or the last by `as_of`."""
    found: pl.DataFrame = db.sql(NEWEST, params={"pull": pull, "as_of": as_of, **_days_of(span)}).pl()
    return found


def newest_looks(db: duckdb.DuckDBPyConnection, pull: str, span: Span | None) -> dict[tuple[str, date | None], Look]:
    """Account and day → the newest version, in the order of versions."""
    found = db.sql(LOOKS, params={"pull": pull, **_days_of(span)}).pl()
    return {(account, day): Look(pulled_at, asked_at) for account, day, pulled_at, asked_at in found.iter_rows()}


def pulled_days(db: duckdb.DuckDBPyConnection, pull: str) -> pl.DataFrame:
    """The days of which each account was ever pulled: account, activity_date."""
    found: pl.DataFrame = db.sql(DAYS, params={"pull": pull}).pl()
    return found


def records_of(db: duckdb.DuckDBPyConnection, pull: str, versions: pl.DataFrame) -> Records:
    """These versions with their records."""
    return Records(pull, versions, _lines(db, pull, versions, "activity_date, account, position"))


def snapshot_history(
    db: duckdb.DuckDBPyConnection, pull: str, since: datetime | None, until: datetime | None
) -> Records:
    """`Warehouse.history`."""
    found = db.sql(HISTORY, params={"pull": pull, "since": since, "until": until}).pl()
    lines = _lines(db, pull, found, "pulled_at, pull_id, position", records_of="records_pull_id")
    return Records(pull, found.drop("records_pull_id"), lines)


def every_version(db: duckdb.DuckDBPyConnection, pull: str, span: Span) -> Records:
    """`Warehouse.versions`."""
    found = db.sql(VERSIONS, params={"pull": pull, **_days_of(span)}).pl()
    return Records(pull, found, _lines(db, pull, found, "activity_date, account, pulled_at, pull_id, position"))


def copy_ledger(
    db: duckdb.DuckDBPyConnection, ledger: str, tables: Sequence[Table], *, at: datetime, days: Span
) -> None:
    """Put an attached file's ledger of these days and of every snapshot, as it stood at an instant, in ours' place."""
    asked = _days_of(days)
    of_these_days = "(activity_date is null or activity_date between $first_day and $last_day)"
    committed = f"pull_id in (select pull_id from {PULLS.address} where pull = $pull)"
    db.execute(f"delete from {PULLS.address}")
    db.execute(
        f"insert into {PULLS.address} by name select * from {ledger}.{PULLS.address} "
        f"where pulled_at <= $at and {of_these_days}",
        {**asked, "at": at},
    )
    for table in tables:
        if table.is_ledger:
            db.execute(f"delete from {table.address}")
            db.execute(
                f"insert into {table.address} by name select * from {ledger}.{table.address} "
                f"where {committed} and {of_these_days}",
                {**asked, "pull": table.name},
            )


def _days_of(span: Span | None) -> Mapping[str, object]:
    return {"first_day": span and span.first, "last_day": span and span.last}


def _lines(
    db: duckdb.DuckDBPyConnection, pull: str, versions: pl.DataFrame, order: str, *, records_of: str = "pull_id"
) -> pl.DataFrame:
    """The records of versions, each with its version's stamps."""
    db.register("found", versions)
    lines = db.sql(
        f"""select found.account, found.activity_date, found.pull_id, found.pulled_at as ingestion_timestamp, raw.record
        from found join {raw_table(pull).address} as raw
            on raw.pull_id = found.{records_of} and raw.activity_date is not distinct from found.activity_date
        order by {", ".join(f"{'raw' if name == 'position' else 'found'}.{name}" for name in order.split(", "))}"""
    ).pl()
    db.unregister("found")
    return lines
