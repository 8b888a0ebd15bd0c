"""GoogleSQL as somebody who may read one table may ask it: what a query names, and the same for DuckDB.

A table that is partitioned by the time of its load has no such column: `_PARTITIONTIME` stands for the day on which a
row was exported. A query has to bound it (a copy without it: `export_time`), else it would read the whole table.
"""

from collections.abc import Iterator
from typing import NamedTuple

from sqlglot import ParseError, exp, parse
from sqlglot.errors import TokenError

PARTITIONS = {"_partitiontime": "TIMESTAMP", "_partitiondate": "DATE"}
UNBOUNDED = (
    "Cannot query over table '{table}' without a filter over column(s) '{columns}' that can be used for partition "
    "elimination"
)
TO_JSON = "google_json"  # a macro: JSON as BigQuery writes it
PARTITION_COLUMNS = "_PARTITION_LOAD_TIME', '_PARTITIONDATE', '_PARTITIONTIME"


class SqlError(Exception):
    """BigQuery's refusal of a query: status, reason and message."""

    def __init__(self, message: str, reason: str = "invalidQuery", status: int = 400) -> None:
        super().__init__(message)
        self.reason, self.status = reason, status


class Question(NamedTuple):
    """One SELECT on one table. `guard` is what bounds the partitions, in terms of `bounded`, one column."""

    table: str
    sql: exp.Query
    guard: exp.Expr
    bounded: str
    columns: frozenset[str] | None  # None: all
    parameters: frozenset[str]


def table_of(text: str) -> tuple[exp.Query, str]:
    """The query, and the one table that it reads."""
    try:
        statements = [one for one in parse(text, dialect="bigquery") if one is not None]
    except (ParseError, TokenError) as error:
        raise SqlError(f"Syntax error: {str(error).splitlines()[0]}") from error
    if len(statements) != 1:
        raise SqlError("Syntax error: expected one statement")
    query = statements[0]
    if not isinstance(query, exp.Query):
        raise SqlError("Access Denied: Permission bigquery.tables.updateData denied", "accessDenied", 403)
    named = {cte.alias for cte in query.find_all(exp.CTE)}
    tables = {name(table) for table in query.find_all(exp.Table) if table.db or table.name not in named}
    if len(tables) != 1:
        raise SqlError(f"Simulated: a query reads one table, not {len(tables)}")
    return query, tables.pop()


def name(table: exp.Table) -> str:
    """`project.dataset.table`, or the parts of it that the query has."""
    return ".".join(part for part in (table.catalog, table.db, table.name) if part)


def question_of(query: exp.Query, table: str, *, is_partitioned: bool) -> Question:
    """The parsed query. SqlError if it does not bound the partitions."""
    for column in query.find_all(exp.Column):
        if not is_partitioned and column.name.lower() in PARTITIONS:
            raise SqlError(f"Unrecognized name: {column.name}")
    bounded = set(PARTITIONS) if is_partitioned else {"export_time"}
    guards = [part for part in _conditions(query) if _columns(part) and _columns(part) <= bounded]
    reads = [one for one in query.find_all(exp.Table) if name(one) == table]
    if len(reads) != 1 or not guards:
        columns = PARTITION_COLUMNS if is_partitioned else "export_time"
        raise SqlError(UNBOUNDED.format(table=table, columns=columns))
    read = _columns(query) - set(PARTITIONS)
    whole = query.find(exp.Star) is not None or {one.alias_or_name.lower() for one in reads} & read
    return Question(
        table,
        query,
        exp.and_(*guards),
        "_partitiontime" if is_partitioned else "export_time",
        None if whole else frozenset(read),
        frozenset(one.name for one in query.find_all(exp.Parameter)),
    )


def on_duckdb(part: exp.Expr, table: str, relation: str, load_time: str) -> str:
    """For DuckDB: the table is `relation`, and the pseudo-columns are cut from the expression `load_time`."""

    def changed(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Table) and name(node) == table:
            alias = node.alias or node.name
            return exp.to_table(relation).as_(alias, quoted=True)
        if isinstance(node, exp.Column) and node.name.lower() in PARTITIONS:
            cut = exp.func("DATE_TRUNC", exp.Literal.string("day"), exp.column(load_time), dialect="duckdb")
            return exp.cast(cut, PARTITIONS[node.name.lower()], dialect="duckdb")
        if isinstance(node, exp.JSONFormat):
            return exp.Anonymous(this=TO_JSON, expressions=[node.this])
        return node

    return part.copy().transform(changed).sql("duckdb")


def _conditions(query: exp.Query) -> Iterator[exp.Expr]:
    """Each condition that all rows must meet."""
    for where in query.find_all(exp.Where):
        parts = where.this.flatten() if isinstance(where.this, exp.And) else [where.this]
        yield from (part.unnest() for part in parts)


def _columns(part: exp.Expr) -> set[str]:
    """The table's columns that a part of a query names, in lower case."""
    aliases = {table.alias_or_name for table in part.root().find_all(exp.Table)}
    found = set()
    for column in part.find_all(exp.Column):
        names = [one.name for one in column.parts]
        found.add(names[1 if len(names) > 1 and names[0] in aliases else 0].lower())
    return found
