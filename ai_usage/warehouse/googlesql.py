"""SQL is written once, in GoogleSQL, under `sql/`. This module translates it for DuckDB. Tables pin the types.

``from `providers/*/spend` `` reads the rows of every `sql/providers/<provider>/spend.sql`, each with its provider. What
their columns are `sql/contracts/spend.sql` has; a provider without that file has no rows.

What the transpiler leaves with another meaning is rewritten below; tests hold each rewrite, and every file, against
Google's own evaluator. One difference cannot be mended here: `/`, `avg` and `safe_divide` of NUMERICs are DOUBLE on
DuckDB, and the SQL text does not have a column's type. A test, which has the analyzer's types, forbids them instead.
"""

import re
from collections.abc import Callable, Mapping
from functools import cache

import sqlglot
from sqlglot import exp

from ai_usage.places import SHIPPED

SQL = SHIPPED / "sql"
OF_EACH_PROVIDER = re.compile(r"`providers/\*/(?P<part>\w+)`")
BIGNUM = exp.DataType.build("DECIMAL(38, 9)", dialect="duckdb")
NANO, BILLION = "0.000000001", "1000000000"
MICROSECONDS = {"MICROSECOND": 1, "MILLISECOND": 10**3, "SECOND": 10**6}
MICROSECONDS |= {"MINUTE": 60 * 10**6, "HOUR": 3600 * 10**6, "DAY": 86400 * 10**6}


@cache
def read(name: str, provider: str | None = None) -> str:
    """The text of `sql/<name>.sql`. What it reads of each provider is in it, or only what one of them has."""
    text = (SQL / f"{name}.sql").read_text(encoding="utf-8")
    return OF_EACH_PROVIDER.sub(lambda found: _of_providers(found["part"], provider), text)


def providers_with(part: str) -> list[str]:
    """The providers that have a file of this name."""
    return sorted(path.parent.name for path in SQL.glob(f"providers/*/{part}.sql"))


def _of_providers(part: str, provider: str | None) -> str:
    """The rows of these files as a subquery. The contract has no rows, but types."""
    own = [key for key in providers_with(part) if provider in {None, key}]
    selects = [f"select cast(null as string) as provider, own.* from (\n{read(f'contracts/{part}')}) as own"]
    selects += [f"select '{key}' as provider, own.* from (\n{read(f'providers/{key}/{part}')}) as own" for key in own]
    return "(\n{}\n)".format("\nunion all\n".join(selects))


@cache
def parsed(googlesql: str) -> exp.Expr:
    """The tree of one GoogleSQL statement, which everybody shares: parsing takes ten times as long as copying."""
    return sqlglot.parse_one(googlesql, read="bigquery")


@cache
def to_duckdb(googlesql: str) -> tuple[str, frozenset[str]]:
    """DuckDB's form of one GoogleSQL statement, and the parameters it takes."""
    return _transpiled(googlesql)


def _transpiled(googlesql: str) -> tuple[str, frozenset[str]]:
    tree = parsed(googlesql).copy()
    names = frozenset(p.name for p in tree.find_all(exp.Parameter))
    for node in reversed(list(tree.find_all(*REWRITES))):  # a part before what it is a part of
        if rewrite := REWRITES.get(type(node)):  # a TRY_CAST, which is found as a CAST, has none
            node.replace(rewrite(node))
    return tree.sql(dialect="duckdb", copy=False), names


def _decimal(node: exp.Expression) -> exp.Expression:
    """GoogleSQL's bare NUMERIC has 9 decimals; DuckDB's has 3."""
    return BIGNUM.copy() if node.this == exp.DataType.Type.DECIMAL and not node.expressions else node


def _nanos(node: exp.Expression) -> exp.Expression:
    """A whole number of nano-dollars. As a product of two NUMERICs it would have 18 decimals, and to divide that by 1e9
    again takes DuckDB some thirty times as long.
    """
    wholes, nano = node.this, node.expression
    if not (isinstance(wholes, exp.Cast) and isinstance(nano, exp.Cast) and nano.this.name == NANO):
        return node
    product = exp.Mul(this=exp.paren(wholes.this, copy=False), expression=exp.cast(nano.this, "DECIMAL(10, 9)"))
    return exp.cast(product, BIGNUM)


def _nano_count(node: exp.Expression) -> exp.Expression:
    """How many nano-dollars a NUMERIC is. DuckDB takes a microsecond to divide the product by 1e9 again: those of whole
    dollars and of the rest, which is so small that it is exact as a double, take a tenth of that.
    """
    product = node.this
    if not (node.is_type("BIGINT") and isinstance(product, exp.Mul) and product.expression.name == BILLION):
        return node
    usd = exp.paren(product.this)
    dollars = exp.cast(exp.func("trunc", exp.cast(usd, "DOUBLE"), copy=True), "BIGINT")
    rest = exp.cast(exp.func("round", exp.cast(usd - dollars, "DOUBLE") * product.expression), "BIGINT")
    return exp.paren(dollars * product.expression + rest)


def _part(node: exp.Expression) -> exp.Expression:
    """DAYOFWEEK counts from 1, DuckDB's from 0; DuckDB's WEEK is GoogleSQL's ISOWEEK."""
    match node.name.upper():
        case "DAYOFWEEK":
            return exp.paren(exp.Extract(this=node.this, expression=node.expression) + 1, copy=False)
        case "ISOWEEK":
            return exp.Extract(this=exp.var("WEEK"), expression=node.expression)
    return node


def _whole_units(node: exp.Expression) -> exp.Expression:
    """TIMESTAMP_DIFF counts whole units, DuckDB's DATE_DIFF the boundaries between; its DATE_SUB errs before 1970."""
    later, earlier = (exp.func("epoch_us", at) for at in (node.this, node.expression))
    micros = exp.Literal.number(MICROSECONDS[node.args["unit"].name.upper()])
    return exp.paren(exp.IntDiv(this=exp.paren(later - earlier, copy=False), expression=micros), copy=False)


def _quotient(node: exp.Expression) -> exp.Expression:
    """DIV is a function, DuckDB's // an operator: what it divides, and it itself, must hold together."""
    whole = exp.IntDiv(this=exp.paren(node.this, copy=False), expression=exp.paren(node.expression, copy=False))
    return exp.paren(whole, copy=False)


def _count(node: exp.Expression) -> exp.Expression:
    """COUNTIF of no rows is 0; DuckDB's is null."""
    return exp.Count(this=exp.If(this=node.this, true=exp.Literal.number(1)))


def _text(node: exp.Expression) -> exp.Expression:
    """No DuckDB text may hold a NUL as it is."""
    nul = exp.Anonymous(this="chr", expressions=[exp.Literal.number(0)])
    return nul if node.is_string and node.this == "\0" else node


REWRITES: Mapping[type[exp.Expression], Callable[[exp.Expression], exp.Expression]] = {
    exp.DataType: _decimal,
    exp.Mul: _nanos,
    exp.Cast: _nano_count,
    exp.Extract: _part,
    exp.TimestampDiff: _whole_units,
    exp.IntDiv: _quotient,
    exp.CountIf: _count,
    exp.Literal: _text,
}
