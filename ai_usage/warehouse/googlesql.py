"""SQL is written once, in GoogleSQL, under `sql/`; here it becomes DuckDB's. Tables pin the types."""

from functools import cache

import sqlglot
from sqlglot import exp

from ai_usage.settings import ROOT

BIGNUM = exp.DataType.build("DECIMAL(38, 9)", dialect="duckdb")


@cache
def read(name: str) -> str:
    """The text of `sql/<name>.sql`."""
    return (ROOT / "sql" / f"{name}.sql").read_text(encoding="utf-8")


@cache
def to_duckdb(googlesql: str) -> tuple[str, frozenset[str]]:
    """DuckDB's form of one GoogleSQL statement, and the parameters it takes."""
    tree = sqlglot.parse_one(googlesql, read="bigquery").transform(_pin_numeric)
    names = frozenset(p.name for p in tree.find_all(exp.Parameter))
    return tree.sql(dialect="duckdb"), names


def _pin_numeric(node: exp.Expression) -> exp.Expression:
    """GoogleSQL's bare NUMERIC has 9 decimals; DuckDB's has 3."""
    bare = isinstance(node, exp.DataType) and node.this == exp.DataType.Type.DECIMAL and not node.expressions
    return BIGNUM.copy() if bare else node
