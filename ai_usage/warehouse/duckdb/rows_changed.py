"""Rows that a statement deletes or writes."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any

import duckdb

from ai_usage.warehouse.duckdb.statements import has_values, is_not_kept, is_of_days
from ai_usage.warehouse.table import Table


def rows_written(db: duckdb.DuckDBPyConnection, insert: str, parameters: Mapping[str, Any]) -> int:
    """How many rows an insert wrote."""
    [(rows,)] = db.execute(insert, parameters).fetchall()
    return int(rows)


def delete_days(
    db: duckdb.DuckDBPyConnection,
    table: Table,
    days: Sequence[date],
    of: Mapping[str, str] | None = None,
    *,
    and_without: bool = False,
    kept: Mapping[date, Collection[str]] | None = None,
) -> None:
    """Delete the rows of these days that `Warehouse.fill_days` replaces."""
    where, values = has_values(of, or_none=and_without)
    is_wanted, bounds = is_of_days(str(table.date_column), days)
    is_replaced, pairs = is_not_kept(table, kept)
    db.execute(
        f"delete from {table.address} where {is_wanted} and {where} and {is_replaced}",
        {**bounds, **values, **pairs},
    )
