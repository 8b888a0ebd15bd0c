"""The rows of `pulls`, held in memory: which versions there are is asked of them, so that it costs no job. They are
few, and the queries are the ones of the embedded warehouse, over a database in memory.
"""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import polars as pl

from ai_usage.warehouse.duckdb import connection, statements
from ai_usage.warehouse.duckdb.ledger_tables import LedgerTables
from ai_usage.warehouse.table import PULLS, RAW, Table, raw_table

# The request of a pull is long, and no version depends on it.
ALL = "select {} from {}".format(
    ", ".join("'' as request" if n == "request" else n for n in PULLS.columns), PULLS.address
)
Fetch = Callable[
    [str, list[str], list[date | None]], pl.DataFrame
]  # pull, pull_ids, their days → rows of its raw table


class LedgerIndex(LedgerTables):
    """Answers about versions. `fetch` brings the records of the versions that are asked for."""

    def __init__(self, fetch: Fetch) -> None:
        super().__init__(connection.connect(Path(":memory:")))
        self._fetch = fetch
        self._db.execute(f"create schema {RAW}")
        self._db.execute(statements.create(PULLS))

    def fill(self, pulls: pl.DataFrame) -> None:
        """Put these rows in place of all."""
        self._db.execute(f"delete from {PULLS.address}")
        self.add(pulls)

    def add(self, pulls: pl.DataFrame) -> None:
        self._insert(PULLS, pulls)

    def _bring(self, pull: str, versions: pl.DataFrame, records_of: str) -> None:
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
