"""Small days written by hand: rows of any table with only the columns that matter, written directly to the warehouse,
without a run.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from ai_usage.catalog import TABLES
from ai_usage.core.providers import DIM_PLATFORM, DIM_PROVIDER, platform_rows, provider_rows
from ai_usage.providers.registry import PROVIDERS
from ai_usage.warehouse.port import Warehouse
from ai_usage.warehouse.table import Table, Type
from ai_usage_tests.mock_claude import Row
from ai_usage_tests.platform import Platform

NOTHING: dict[Type, Any] = {
    Type.STRING: "",
    Type.INTEGER: 0,
    Type.BOOLEAN: False,
    Type.DATE: date(2026, 1, 1),
    Type.INSTANT: datetime(2026, 1, 1, tzinfo=UTC),
    Type.NUMERIC: Decimal(0),
    Type.FLOAT: 0.0,
}


def put(platform: Platform, name: str | Table, rows: Sequence[Row]) -> None:
    """Replaces the table's rows with these; the table is the first with that name. A required column that a row leaves
    out is empty or zero.
    """
    table = name if isinstance(name, Table) else next(table for table in TABLES if table.name == name)
    unsaid = {n: NOTHING[column.type] if column.required else None for n, column in table.columns.items()}
    platform.warehouse.replace_all(table, table.frame({n: [row.get(n, unsaid[n]) for row in rows] for n in unsaid}))


def know_providers(warehouse: Warehouse) -> None:
    """Fills the tables of providers and platforms without a run."""
    warehouse.replace_all(DIM_PROVIDER, provider_rows(PROVIDERS))
    warehouse.replace_all(DIM_PLATFORM, platform_rows(PROVIDERS))


def pull(name: str, day: date, at: datetime, **more: Any) -> Row:
    """A row of `ai_usage_raw.pulls`."""
    pull_id = f"{at.timestamp():020.6f}"
    known = {"pull_id": pull_id, "records_pull_id": pull_id, "envelope": "{}"}
    return {"pull": name, "activity_date": day, "pulled_at": at, **known, **more}
