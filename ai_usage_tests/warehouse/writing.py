"""Writes to a warehouse, in this process or another one: it imports little, so another process starts quickly."""

from datetime import UTC, date, datetime
from pathlib import Path

from ai_usage.providers.anthropic.tables import CORE_TABLES, RAW_TABLES
from ai_usage.warehouse.duckdb.engine import DuckDBWarehouse
from ai_usage.warehouse.erasures import ERASURES
from ai_usage.warehouse.ledger import Answer
from ai_usage.warehouse.table import PULLS

PULL = "claude_cost_report"
DAY = date(2026, 11, 10)
TABLES = (PULLS, *RAW_TABLES.values(), *CORE_TABLES, ERASURES)


def warehouse_in(folder: Path) -> DuckDBWarehouse:
    return DuckDBWarehouse(folder / "ai_usage.duckdb", folder / "published.duckdb", TABLES, lambda: datetime.now(UTC))


def answer(day: date | None, *cents: str, **more: object) -> Answer:
    lines = [f'{{"currency": "USD", "amount": "{c}", "workspace_id": null, "novel": [1, {{}}]}}' for c in cents]
    return Answer("anthropic", day, [line.encode() for line in lines], 1, {"limit": 31}, **more)  # type: ignore[arg-type]
