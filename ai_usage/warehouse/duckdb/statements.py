"""The text of DuckDB's statements: tables, views, functions, changes of a table, and conditions on rows."""

import hashlib
import re
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ai_usage.warehouse import googlesql
from ai_usage.warehouse.googlesql import read, to_duckdb
from ai_usage.warehouse.migrations import Change
from ai_usage.warehouse.table import PULLS, Table

PARAMETER = r"\$(\w+)"


def pinned(table: Table, query: str, *, provider: str | None = None) -> tuple[str, frozenset[str]]:
    """The query with its columns cast to what the table declares, and the parameters it takes."""
    select, names = to_duckdb(read(query, provider))
    columns = ", ".join(f"cast({name} as {column.type.duckdb}) as {name}" for name, column in table.columns.items())
    return f"select {columns} from ({select}) as selected", names


def view(table: Table) -> str:
    """The query of a view."""
    return pinned(table, table.view_of or "")[0]


def digest_of_view(table: Table) -> str:
    """A digest of what a view's query is made of: it shows a change without parsing the query."""
    types = [f"{name} {column.type.duckdb}" for name, column in table.columns.items()]
    return digest(read(table.view_of or ""), *types)


def digest(*googlesql: str) -> str:
    """A digest of texts and of what makes them DuckDB's."""
    return hashlib.sha256("\n".join([_transpiler(), *googlesql]).encode()).hexdigest()


@cache
def _transpiler() -> str:
    """Our part of the transpiler, and which version the library has."""
    return f"{version('sqlglot')} {Path(googlesql.__file__).read_text(encoding='utf-8')}"


def function(name: str) -> str:
    """A table function of a query's name: its parameters are the arguments."""
    select, parameters = to_duckdb(read(name))
    body = re.sub(PARAMETER, r"\1", select)
    return f"{name.rpartition('/')[2]}({', '.join(sorted(parameters, key=body.index))}) as table {body}"


def has_values(of: Mapping[str, str] | None, *, or_none: bool = False) -> tuple[str, dict[str, str]]:
    """The condition that columns have these values, and its parameters. With `or_none` it is also true of rows that
    have no value there.
    """
    named = of or {}
    each = [f"({name} = $of_{name}{f' or {name} is null' if or_none else ''})" for name in named]
    return " and ".join(each) or "true", {f"of_{name}": value for name, value in named.items()}


def is_of_days(column: str, days: Sequence[date]) -> tuple[str, dict[str, Any]]:
    """The condition that a day is one of these, given in their order, and its parameters. The bounds alone, where no
    day between them lacks, are compared at a fraction of what each row costs with a list.
    """
    bounds = {"first_wanted": days[0], "last_wanted": days[-1]}
    within = f"{column} between $first_wanted and $last_wanted"
    if len(days) == (days[-1] - days[0]).days + 1:
        return within, bounds
    return f"{within} and list_contains($wanted_days::date[], {column})", bounds | {"wanted_days": days}


def is_not_kept(table: Table, kept: Mapping[date, Collection[str]] | None) -> tuple[str, dict[str, list[str]]]:
    """A condition that is true of the rows that are not of a day's `kept` accounts, and its parameters."""
    accounts_by_day = {str(day): accounts for day, accounts in (kept or {}).items() if accounts}
    if not accounts_by_day or "account" not in table.columns:
        return "true", {}
    day = f"cast({table.date_column} as varchar)"
    is_kept = f"(account is null or list_contains($kept_accounts, {day} || ' ' || account))"
    pairs = [f"{of} {account}" for of, accounts in accounts_by_day.items() for account in accounts]
    return f"not (list_contains($kept_days, {day}) and {is_kept})", {
        "kept_days": list(accounts_by_day),
        "kept_accounts": pairs,
    }


def delete_unasked(table: Table, column: str) -> str:
    """Deletes the days, or whole months, for which no provider was asked."""
    first = f"made.{column}"
    last = f"last_day({first})" if column == "month_start" else first
    asked = f"select 1 from {PULLS.address} as pulls where pulls.activity_date between {first} and {last}"
    return f"delete from {table.address} as made where not exists ({asked})"


def create(table: Table) -> str:
    """Creates a table where it is missing."""
    columns = [
        f"{name} {column.type.duckdb}"
        f"{' not null' if column.required else ''}{' using compression zstd' if column.is_bulky else ''}"
        for name, column in table.columns.items()
    ]
    return f"create table if not exists {table.address} ({', '.join(columns)})"


def alter(change: Change) -> str:
    """Makes one change of a table."""
    table, name = change.table.address, change.column
    if change.what == "renamed":
        values = [f"update {table} set {name} = '{new}' where {name} = '{old}'" for old, new in change.values.items()]
        return "; ".join([f"alter table {table} rename column {change.before} to {name}", *values])
    if change.what == "dropped":
        return f"alter table {table} drop column {name}"
    if change.what == "relaxed":
        return f"alter table {table} alter column {name} drop not null"
    kind = change.declared.type.duckdb
    if change.what == "added" and change.declared.before is not None:
        is_null = f"alter table {table} alter column {name}"
        return (
            f"alter table {table} add column {name} {kind} default '{change.declared.before}'; {is_null} drop default; "
            f"{is_null} set not null"
        )
    if change.what == "added":
        return f"alter table {table} add column {name} {kind}"
    return f"alter table {table} alter column {name} set data type {kind} using cast({name} as {kind})"
