"""The rows of `pulls`, held in memory: which versions there are is asked of them, so that it costs no job. They are
few, and the queries are the ones of the embedded warehouse, over a database in memory.
"""

from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import duckdb
import polars as pl

from ai_usage.partitions import Span
from ai_usage.warehouse.duckdb import connection, ledger_tables, statements
from ai_usage.warehouse.ledger import Look, Records
from ai_usage.warehouse.table import PULLS, RAW, Table, raw_table

# The request of a pull is long, and no version depends on it.
ALL = "select {} from {}".format(
    ", ".join("'' as request" if n == "request" else n for n in PULLS.columns), PULLS.address
)
Fetch = Callable[
    [str, list[str], list[date | None]], pl.DataFrame
]  # pull, pull_ids, their days → rows of its raw table


class LedgerIndex:
    """Answers about versions. `fetch` brings the records of the versions that are asked for."""

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._db: duckdb.DuckDBPyConnection = connection.connect(Path(":memory:"))
        self._db.execute(f"create schema {RAW}")
        self._db.execute(statements.create(PULLS))

    def fill(self, pulls: pl.DataFrame) -> None:
        """Put these rows in place of all."""
        self._db.execute(f"delete from {PULLS.address}")
        self.add(pulls)

    def add(self, pulls: pl.DataFrame) -> None:
        self._insert(PULLS, pulls)

    def newest_versions(self, pull: str, span: Span | None, as_of: datetime | None = None) -> pl.DataFrame:
        return ledger_tables.newest_versions(self._db, pull, span, as_of)

    def newest_looks(self, pull: str, span: Span | None) -> dict[tuple[str, date | None], Look]:
        return ledger_tables.newest_looks(self._db, pull, span)

    def pulled_days(self, pull: str) -> pl.DataFrame:
        return ledger_tables.pulled_days(self._db, pull)

    def origins(self) -> set[bool]:
        """Whether pulls are simulated: of all, one value or none."""
        return {bool(of) for (of,) in self._db.execute(f"select distinct is_simulated from {PULLS.address}").fetchall()}

    def newest(self, pull: str, span: Span | None, as_of: datetime | None) -> Records:
        versions = self.newest_versions(pull, span, as_of)
        self._bring(pull, versions)
        return ledger_tables.records_of(self._db, pull, versions)

    def history(self, pull: str, since: datetime | None, until: datetime | None) -> Records:
        asked = {"pull": pull, "since": since, "until": until}
        versions: pl.DataFrame = self._db.sql(ledger_tables.HISTORY, params=asked).pl()
        self._bring(pull, versions, "records_pull_id")
        return ledger_tables.snapshot_history(self._db, pull, since, until)

    def versions(self, pull: str, span: Span) -> Records:
        asked = {"pull": pull, "first_day": span.first, "last_day": span.last}
        versions: pl.DataFrame = self._db.sql(ledger_tables.VERSIONS, params=asked).pl()
        self._bring(pull, versions)
        return ledger_tables.every_version(self._db, pull, span)

    def _bring(self, pull: str, versions: pl.DataFrame, records_of: str = "pull_id") -> None:
        """Have the records of these versions, and of no others, in memory."""
        table = raw_table(pull)
        self._db.execute(statements.create(table))
        self._db.execute(f"delete from {table.address}")
        full = versions.filter(pl.col("records") > 0)
        if full.height:
            self._insert(table, self._fetch(pull, full[records_of].unique().to_list(), full["activity_date"].to_list()))

    def _insert(self, table: Table, rows: pl.DataFrame) -> None:
        if rows.height:
            self._db.register("incoming", rows)
            self._db.execute(f"insert into {table.address} by name select * from incoming")
            self._db.unregister("incoming")
