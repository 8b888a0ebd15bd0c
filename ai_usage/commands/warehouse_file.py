"""The embedded warehouse, for the commands that work on its file."""

from ai_usage.catalog import FUNCTIONS, TABLES
from ai_usage.settings import Settings
from ai_usage.warehouse.duckdb.engine import DuckDBWarehouse
from ai_usage.warehouse.open import open_file


def warehouse_file(of: Settings, *, is_read_only: bool = False) -> DuckDBWarehouse:
    """The warehouse with all our tables, created or migrated at first use, unless it is only read."""
    return open_file(of, TABLES, FUNCTIONS, is_read_only=is_read_only)
