"""Reads the ledger's tables: the versions of a pull's days, and the records of versions."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import duckdb
import polars as pl

from ai_usage.partitions import Span
from ai_usage.warehouse.duckdb.connection import ROWS_A_BATCH
from ai_usage.warehouse.googlesql import read, to_duckdb
from ai_usage.warehouse.ledger import AccountDay, Look
from ai_usage.warehouse.reading.ledger_records import Records
from ai_usage.warehouse.table import PULLS, Table, raw_table


class LedgerTables:
    """The ledger of one database: `Held`, and the records."""

    def __init__(self, db: duckdb.DuckDBPyConnection) -> None:
        self._db = db

    def newest_versions(self, pull: str, span: Span | None, as_of: datetime | None = None) -> pl.DataFrame:
        return self._ask("newest", pull=pull, as_of=as_of, **_days_of(span))

    def newest_looks(self, pull: str, span: Span | None) -> dict[AccountDay, Look]:
        found = self._ask("looks", pull=pull, **_days_of(span))
        return {(account, day): Look(pulled_at, asked_at) for account, day, pulled_at, asked_at in found.iter_rows()}

    def origins(self) -> set[bool]:
        return {bool(of) for (of,) in self._db.execute(f"select distinct is_simulated from {PULLS.address}").fetchall()}

    def pulled_days(self, pull: str) -> pl.DataFrame:
        """The days of which each account was ever pulled: account, activity_date."""
        return self._ask("days", pull=pull)

    def lines_of(self, pull: str, versions: pl.DataFrame) -> pl.DataFrame:
        """The records of these versions, as `newest_versions` has them."""
        return self._lines(pull, versions, "activity_date, account, position")

    def history(self, pull: str, since: datetime | None, until: datetime | None) -> Records:
        """`Warehouse.history`."""
        found = self._ask("history", pull=pull, since=since, until=until)
        lines = self._lines(pull, found, "pulled_at, pull_id, position", records_of="records_pull_id")
        return Records(pull, found.drop("records_pull_id"), lines)

    def versions(self, pull: str, span: Span) -> Records:
        """`Warehouse.versions`."""
        found = self._ask("versions", pull=pull, **_days_of(span))
        return Records(pull, found, self._lines(pull, found, "activity_date, account, pulled_at, pull_id, position"))

    def _ask(self, name: str, **parameters: object) -> pl.DataFrame:
        sql, names = to_duckdb(read(f"ledger/{name}"))
        found: pl.DataFrame = self._db.sql(sql, params={name: parameters[name] for name in names}).pl(ROWS_A_BATCH)
        return found

    def _lines(self, pull: str, versions: pl.DataFrame, order: str, *, records_of: str = "pull_id") -> pl.DataFrame:
        """The records of versions, each with its version's stamps."""
        self._bring(pull, versions, records_of)
        self._db.register("found", versions)
        lines = self._db.sql(
            f"""select found.account, found.activity_date, found.pull_id, found.pulled_at as ingestion_timestamp,
                raw.record
            from found join {raw_table(pull).address} as raw
                on raw.pull_id = found.{records_of} and raw.activity_date is not distinct from found.activity_date
            order by {", ".join(f"{'raw' if name == 'position' else 'found'}.{name}" for name in order.split(", "))}"""
        ).pl(ROWS_A_BATCH)
        self._db.unregister("found")
        return lines

    def _bring(self, pull: str, versions: pl.DataFrame, records_of: str) -> None:
        """Have the records of these versions in the database: a whole ledger has them."""


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
