"""Which versions there are, asked of the rows of `pulls` in memory, so that it costs no job. The queries are the
embedded warehouse's.
"""

from collections.abc import Callable
from datetime import date

import polars as pl

from ai_usage.warehouse.bigquery.memory import Memory
from ai_usage.warehouse.duckdb.ledger_tables import LedgerTables
from ai_usage.warehouse.table import raw_table

Fetch = Callable[
    [str, list[str], list[date | None]], pl.DataFrame
]  # pull, pull_ids, their days → rows of its raw table


class LedgerIndex(LedgerTables):
    """Answers about versions. `pulls` is held in the memory; `fetch` brings the records that are not."""

    def __init__(self, memory: Memory, fetch: Fetch) -> None:
        super().__init__(memory.db)
        self._memory = memory
        self._fetch = fetch

    def _bring(self, pull: str, versions: pl.DataFrame, records_of: str) -> None:
        """Have the records of these versions in memory, beside what is there already."""
        table = raw_table(pull)
        self._memory.make_room()
        self._memory.make(table)
        full = versions.filter(pl.col("records") > 0)
        if lacking := self._memory.lacking(table, full[records_of].to_list()):
            days = full.filter(pl.col(records_of).is_in(lacking))["activity_date"].to_list()
            self._memory.keep_records(table, lacking, self._fetch(pull, lacking, days))
