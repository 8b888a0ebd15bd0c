"""Which versions there are, asked of the rows of `pulls` in memory, so that it costs no job. The queries are the
embedded warehouse's.
"""

from collections.abc import Callable
from datetime import date, datetime

import polars as pl

from ai_usage.partitions import Span
from ai_usage.warehouse.bigquery.memory import Memory
from ai_usage.warehouse.duckdb import ledger_tables
from ai_usage.warehouse.ledger import Look, Records
from ai_usage.warehouse.table import PULLS, raw_table

Fetch = Callable[
    [str, list[str], list[date | None]], pl.DataFrame
]  # pull, pull_ids, their days → rows of its raw table


class LedgerIndex:
    """Answers about versions. `pulls` is held in the memory; `fetch` brings the records that are not."""

    def __init__(self, memory: Memory, fetch: Fetch) -> None:
        self._memory = memory
        self._fetch = fetch

    def newest_versions(self, pull: str, span: Span | None, as_of: datetime | None = None) -> pl.DataFrame:
        return ledger_tables.newest_versions(self._memory.db, pull, span, as_of)

    def newest_looks(self, pull: str, span: Span | None) -> dict[tuple[str, date | None], Look]:
        return ledger_tables.newest_looks(self._memory.db, pull, span)

    def pulled_days(self, pull: str) -> pl.DataFrame:
        return ledger_tables.pulled_days(self._memory.db, pull)

    def origins(self) -> set[bool]:
        """Whether pulls are simulated: of all, one value or none."""
        found = self._memory.db.execute(f"select distinct is_simulated from {PULLS.address}").fetchall()
        return {bool(of) for (of,) in found}

    def newest(self, pull: str, span: Span | None, as_of: datetime | None) -> Records:
        versions = self.newest_versions(pull, span, as_of)
        self._bring(pull, versions)
        return ledger_tables.records_of(self._memory.db, pull, versions)

    def history(self, pull: str, since: datetime | None, until: datetime | None) -> Records:
        asked = {"pull": pull, "since": since, "until": until}
        versions: pl.DataFrame = self._memory.db.sql(ledger_tables.HISTORY, params=asked).pl()
        self._bring(pull, versions, "records_pull_id")
        return ledger_tables.snapshot_history(self._memory.db, pull, since, until)

    def versions(self, pull: str, span: Span) -> Records:
        asked = {"pull": pull, "first_day": span.first, "last_day": span.last}
        versions: pl.DataFrame = self._memory.db.sql(ledger_tables.VERSIONS, params=asked).pl()
        self._bring(pull, versions)
        return ledger_tables.every_version(self._memory.db, pull, span)

    def _bring(self, pull: str, versions: pl.DataFrame, records_of: str = "pull_id") -> None:
        """Have the records of these versions in memory, beside what is there already."""
        full = versions.filter(pl.col("records") > 0)
        table = raw_table(pull)
        self._memory.make(table)
        lacking = self._memory.lacking(table, full[records_of].to_list())
        if not lacking:
            return
        days = full.filter(pl.col(records_of).is_in(lacking))["activity_date"].to_list()
        self._memory.keep_records(table, lacking, self._fetch(pull, lacking, days))
