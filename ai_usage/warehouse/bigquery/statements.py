"""The text of BigQuery's statements. Days are literals, so that BigQuery prunes the other partitions."""

import hashlib
import json
import re
from collections.abc import Collection, Mapping, Sequence
from datetime import date

import polars as pl

from ai_usage.warehouse.bigquery.errors import LOST
from ai_usage.warehouse.googlesql import read
from ai_usage.warehouse.table import Column, Table, Type

LEASE = "ai_usage_raw.writer_lease"
PARAMETER = r"@(\w+)"
Condition = tuple[str, dict[str, object]]
Selectable = tuple[str, dict[str, object]]  # a query, and its parameters
INLINED_ROWS, INLINED_BYTES = 500, 200_000  # that a statement may have itself; BigQuery takes 10 MB with parameters


def name_of(type_: Type) -> str:
    """GoogleSQL's name of a type in an expression."""
    return "numeric" if type_ is Type.NUMERIC else type_.googlesql.lower()


def pinned(table: Table, select: str) -> str:
    """A query with its columns cast to what the table declares."""
    columns = ", ".join(f"cast(selected.{n} as {name_of(c.type)}) as {n}" for n, c in table.columns.items())
    return f"select {columns} from (\n{select}\n) as selected"


def parameters_of(googlesql: str) -> set[str]:
    """The parameters that a statement takes: `@name` outside of comments and literals."""
    bare = re.sub(r"--[^\n]*|'(?:[^'\\]|\\.)*'|`[^`]*`", " ", googlesql)
    return set(re.findall(PARAMETER, bare))


def merge(table: Table, select: str, *, deleted: str, inserted: str = "true") -> str:
    """Put the rows of a query for which `inserted` is true in place of those for which `deleted` is, in one statement.
    It fails, and changes nothing, if `@holder` does not hold the lease.
    """
    nulls = ", ".join(f"cast(null as {name_of(column.type)})" for column in table.columns.values())
    names = ", ".join(table.columns)
    return f"""
merge {table.address} as old
using (
    select {names} from (\n{select}\n) as fresh where {inserted}
    union all
    select {nulls} from ({fence()}) as fence where not fence.is_held
) as made
on false
when not matched by source and {deleted} then delete
when not matched by target then insert ({names}) values ({", ".join(f"made.{n}" for n in table.columns)})
"""


def merge_builds(table: Table, select: str) -> str:
    """Put each row in place of the one of its table and day, if there is one. Fenced as `merge` is."""
    nulls = ", ".join(f"cast(null as {name_of(column.type)})" for column in table.columns.values())
    names = ", ".join(table.columns)
    never = "date '0001-01-01'"
    updated = ", ".join(f"{n} = made.{n}" for n in table.columns if n not in {"asset", "activity_date"})
    return f"""
merge {table.address} as old
using (
    {select}
    union all
    select {nulls} from ({fence()}) as fence where not fence.is_held
) as made
on old.asset = made.asset and coalesce(old.activity_date, {never}) = coalesce(made.activity_date, {never})
when matched then update set {updated}
when not matched by target then insert ({names}) values ({", ".join(f"made.{n}" for n in table.columns)})
"""


def fence() -> str:
    """One row, or an error if the lease is another run's."""
    return f"select if(countif(holder = @holder) = 1, true, error('{LOST}')) as is_held from {LEASE}"


def no_rows(table: Table) -> str:
    nulls = ", ".join(f"cast(null as {name_of(column.type)}) as {name}" for name, column in table.columns.items())
    return f"select {nulls} from unnest(cast([] as array<int64>)) as nothing"


def inlined(table: Table, rows: pl.DataFrame) -> Selectable | None:
    """A query of few rows, which it has as a parameter, so that they need no load and no table; None if they are too
    many.
    """
    if rows.height > INLINED_ROWS:
        return None
    as_texts = rows.select(pl.all().cast(pl.String)).to_dicts()
    text = json.dumps(as_texts, ensure_ascii=False)
    if len(text.encode()) > INLINED_BYTES:
        return None
    columns = [
        f"cast(json_value(one, '$.{name}') as {name_of(column.type)}) as {name}"
        for name, column in table.columns.items()
    ]
    return f"select {', '.join(columns)} from unnest(json_query_array(@inlined)) as one", {"inlined": text}


def of_days(column: str, days: Sequence[date]) -> str:
    """The condition that a column is one of these days."""
    literals = ", ".join(f"date '{day}'" for day in days)
    return f"{column} in ({literals})"


def has_values(of: Mapping[str, str] | None, *, of_row: str = "", or_none: bool = False) -> Condition:
    """The condition that columns of a row have these values, and its parameters. With `or_none` it is also true of rows
    that have no value there.
    """
    named = of or {}
    each = [f"({of_row}{name} = @of_{name}{f' or {of_row}{name} is null' if or_none else ''})" for name in named]
    return " and ".join(each) or "true", {f"of_{name}": value for name, value in named.items()}


def is_not_kept(table: Table, kept: Mapping[date, Collection[str]] | None, *, of_row: str = "") -> Condition:
    """A condition that is true of the rows that are not of a day's `kept` accounts, and its parameters."""
    accounts_by_day = {str(day): accounts for day, accounts in (kept or {}).items() if accounts}
    if not accounts_by_day or "account" not in table.columns:
        return "true", {}
    day, account = f"cast({of_row}{table.date_column} as string)", f"{of_row}account"
    is_kept = f"({account} is null or concat({day}, ' ', {account}) in unnest(@kept_accounts))"
    pairs = [f"{of} {name}" for of, names in accounts_by_day.items() for name in names]
    return f"not ({day} in unnest(@kept_days) and {is_kept})", {
        "kept_days": list(accounts_by_day),
        "kept_accounts": pairs,
    }


def function(name: str) -> str:
    """Makes a table function of a query's name: its parameters are the arguments, of the types to which they are cast
    in it.
    """
    text = re.sub(r"--[^\n]*\n", "", read(name))
    types = dict(re.findall(r"cast\(@(\w+) as (\w+)\)", text))
    untyped = parameters_of(text) - types.keys()
    if untyped:
        raise ValueError(f"sql/{name}.sql: {sorted(untyped)} must be cast to a type where they are used")
    arguments = ", ".join(f"{argument} {kind}" for argument, kind in types.items())
    short = name.rpartition("/")[2]
    return (
        f"create or replace table function ai_usage_analytics.{short}({arguments}) as (\n"
        f"{re.sub(PARAMETER, chr(92) + '1', text)}\n)"
    )


def digest(*texts: str) -> str:
    """Of a table's declaration or a text, short enough for a label."""
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:32]


def shape_of(table: Table) -> str:
    """Changes with everything that BigQuery has of a table's declaration."""
    if table.view_of:
        return digest(pinned(table, read(table.view_of)), table.grain)
    described = [_column(name, column) for name, column in table.columns.items()]
    return digest(table.grain, str(table.date_column), *table.cluster, *described)


def _column(name: str, column: Column) -> str:
    return f"{name} {column.type.name} {column.required} {column.description}"
