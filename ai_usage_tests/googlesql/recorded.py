"""Records the GoogleSQL texts that a warehouse gets while tests run, with the types of their parameters as a BigQuery
client derives them from the values.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from unittest.mock import patch

from ai_usage.warehouse.duckdb.engine import DuckDBWarehouse
from ai_usage.warehouse.googlesql import read, to_duckdb
from ai_usage_tests.googlesql.engine import Parameter

Recorded = dict[str, dict[str, Parameter]]  # text → its parameters
TYPES = {
    bool: "BOOL",
    int: "INT64",
    float: "FLOAT64",
    str: "STRING",
    Decimal: "NUMERIC",
    datetime: "TIMESTAMP",
    date: "DATE",
    type(None): "STRING",
}


def type_of(value: Any) -> str:
    if isinstance(value, list):
        return f"ARRAY<{type_of(value[0]) if value else 'STRING'}>"
    return TYPES[type(value)]


@contextmanager
def recording() -> Iterator[Recorded]:
    """Records the queries of any warehouse within the block, and the queries that fill tables."""
    texts: Recorded = {}
    ask, fill_days, fill_all = DuckDBWarehouse.ask, DuckDBWarehouse.fill_days, DuckDBWarehouse.fill_all

    def note(text: str, given: dict[str, Any]) -> None:
        texts[text] = {name: Parameter(type_of(given[name]), given[name]) for name in to_duckdb(text)[1]}

    def noted_ask(self: DuckDBWarehouse, googlesql: str, **parameters: Any) -> Any:
        note(googlesql, parameters)
        return ask(self, googlesql, **parameters)

    def noted_fill_days(self: DuckDBWarehouse, table: Any, query: str, days: Any, **parameters: Any) -> None:
        note(read(query, (parameters.get("of") or {}).get("provider")), parameters)
        fill_days(self, table, query, days, **parameters)

    def noted_fill_all(self: DuckDBWarehouse, table: Any, query: str, **parameters: Any) -> None:
        note(read(query), parameters)
        fill_all(self, table, query, **parameters)

    with patch.multiple(DuckDBWarehouse, ask=noted_ask, fill_days=noted_fill_days, fill_all=noted_fill_all):
        yield texts
