"""A ledger as of an instant, as a file of the embedded warehouse: its tables are read once, by one person, and need no
dataset.
"""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from ai_usage.partitions import Span
from ai_usage.warehouse.duckdb.engine import DuckDBWarehouse
from ai_usage.warehouse.port import Warehouse
from ai_usage.warehouse.table import PULLS, Table

OF_THESE_DAYS = "(activity_date is null or activity_date between @first_day and @last_day)"


def ledger_as_of(
    ledger: "Warehouse", at: datetime, days: Span, *, into: Path, tables: Sequence[Table], functions: Sequence[str]
) -> DuckDBWarehouse:
    """The ledger of these days and of every snapshot, in place of the ledger in a file."""
    published = into.with_name(f"{into.stem}_published.duckdb")
    cut = DuckDBWarehouse(into, published, tables, lambda: at, functions=functions)
    asked = {"first_day": days.first, "last_day": days.last, "at": at}
    pulls = ledger.ask(f"select * from {PULLS.address} where pulled_at <= @at and {OF_THESE_DAYS}", **asked)
    with cut.connected():
        cut.replace_all(PULLS, pulls)
        for table in tables:
            if table.is_ledger:
                committed = f"pull_id in (select pull_id from {PULLS.address} where pull = @pull)"
                rows = ledger.ask(
                    f"select * from {table.address} where {committed} and {OF_THESE_DAYS}", pull=table.name, **asked
                )
                cut.replace_all(table, rows)
    return cut
