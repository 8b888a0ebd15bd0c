"""Whether each row of a table exists once: no two rows of a day share the key that the table declares."""

from collections.abc import Sequence

import polars as pl

from ai_usage.partitions import Span
from ai_usage.warehouse.port import Warehouse
from ai_usage.warehouse.table import Table


def repeated(warehouse: Warehouse, tables: Sequence[Table], span: Span | None) -> pl.DataFrame:
    """Keys that occur more than once in any of the tables: activity_date (null in a snapshot), account
    (null in a table without accounts), table_name, row_key, times.
    """
    query = repeated_keys(tables)
    days = {"first_day": span.first, "last_day": span.last} if span else {}
    return warehouse.ask(query, **days)


def repeated_keys(tables: Sequence[Table]) -> str:
    """The query in GoogleSQL. Nulls of a key are equal: null is a value of a dimension here."""
    parts = [_of_table(table) for table in tables]
    return "\nunion all\n".join(parts) + "\norder by activity_date, table_name, row_key"


def _of_table(table: Table) -> str:
    if not table.key:
        raise ValueError(f"{table.name} declares no key")
    day = table.date_column or "cast(null as date)"
    named = ", ', ', ".join(
        f"'{name} ', coalesce(cast({name} as string), 'null')" for name in table.key if name != table.date_column
    )
    conditions = [f"{table.date_column} between @first_day and @last_day"] if table.date_column else []
    conditions += [f"{table.key_if} is not null"] if table.key_if else []
    where = f"where {' and '.join(conditions)} " if conditions else ""
    keys = ", ".join(table.key)
    account = "account" if "account" in table.key else "cast(null as string)"
    return (
        f"select {day} as activity_date, {account} as account, '{table.name}' as table_name, "
        f"concat({named}) as row_key, count(*) as times "
        f"from {table.address} {where}group by {keys} having count(*) > 1"
    )
