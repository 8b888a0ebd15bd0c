"""Counts the jobs and requests that BigQuery got, and models the bytes that it would bill.

The rule of the model: a query job reads each table that its text names, directly or through a view, and the table that
it writes. It reads every column and every day of each, at least 10 MB, as BigQuery bills. BigQuery itself reads only
the columns and partitions that a query needs, so it bills less. Loads, and reading a table without a query, are free.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import duckdb
import pytest
import requests

from ai_usage.catalog import TABLES
from ai_usage.warehouse.bigquery.jobs import Jobs
from ai_usage.warehouse.reads import reads_of
from ai_usage.warehouse.table import Table, Type

LEAST_BYTES = 10_000_000  # of one table in one query
WIDTHS = {Type.INTEGER: 8, Type.FLOAT: 8, Type.DATE: 8, Type.INSTANT: 8, Type.BOOLEAN: 1, Type.NUMERIC: 16}
VIEWS = {table.address: table for table in TABLES if table.view_of}


@dataclass
class Counted:
    """`requests` includes those of the setup; `made` counts those that create or change a dataset or table."""

    statements: list[str] = field(default_factory=list)
    loads_by_table: Counter[str] = field(default_factory=Counter)
    requests: int = 0
    made: int = 0

    @property
    def jobs(self) -> int:
        return len(self.statements) + self.loads_by_table.total()


@contextmanager
def counted(host: str) -> Iterator[Counted]:
    """Counts this process's requests to an emulator within the block."""
    found = Counted()
    query, load, request = Jobs.query, Jobs.load, requests.Session.request

    def counted_query(self: Jobs, googlesql: str, *more: Any) -> Any:
        found.statements.append(googlesql)
        return query(self, googlesql, *more)

    def counted_load(self: Jobs, table: Table, *rows: Any, **more: Any) -> None:
        found.loads_by_table[table.name] += 1
        load(self, table, *rows, **more)

    def counted_request(self: requests.Session, method: str, url: str, *more: Any, **how: Any) -> requests.Response:
        if url.startswith(host):
            found.requests += 1
            place = url.partition("?")[0]
            found.made += method in {"POST", "PATCH", "PUT"} and place.endswith(("/datasets", "/tables"))
        return request(self, method, url, *more, **how)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Jobs, "query", counted_query)
        patch.setattr(Jobs, "load", counted_load)
        patch.setattr(requests.Session, "request", counted_request)
        yield found


def bytes_of_tables(db: duckdb.DuckDBPyConnection, tables: Sequence[Table] = TABLES) -> dict[str, int]:
    """Address → bytes of its rows as BigQuery counts them, measured on the same tables in a DuckDB file."""
    return {table.address: _bytes(db, table) for table in tables if not table.view_of}


def _bytes(db: duckdb.DuckDBPyConnection, table: Table) -> int:
    each = [
        f"coalesce(2 + octet_length(encode({name})), 0)"
        if column.type is Type.STRING
        else f"if({name} is null, 0, {WIDTHS[column.type]})"
        for name, column in table.columns.items()
    ]
    found = db.execute(f"select coalesce(sum({' + '.join(each)}), 0) from {table.address}").fetchone()
    return int(found[0]) if found else 0


def modelled_bytes(statement: str, sizes: Mapping[str, int]) -> int:
    """The bytes that a statement is billed for, by the rule above."""
    return sum(max(LEAST_BYTES, sizes.get(table, 0)) for table in reads_of(statement, VIEWS).tables)
