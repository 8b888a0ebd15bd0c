"""Queries that BigQuery refuses although Google's analyzer accepts them: limits of execution, not of the language."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlglot import exp

from ai_usage.warehouse.googlesql import parsed

OUTER = {"LEFT", "RIGHT", "FULL"}


def outer_joins_without_equality(tree: exp.Expr) -> list[str]:
    """BigQuery: "LEFT OUTER JOIN cannot be used without a condition that is an equality of fields from both sides of
    the join". A column counts for the side with its table's name; a column without a table's name counts for neither.
    """
    joins = (join for join in tree.find_all(exp.Join) if join.side in OUTER and not isinstance(join.this, exp.Unnest))
    return [join.sql(dialect="bigquery") for join in joins if not _has_equality(join)]


def _has_equality(join: exp.Join) -> bool:
    """In a FULL join every condition must be an equality: BigQuery cannot run it otherwise."""
    if join.args.get("using"):
        return True
    on = join.args.get("on")
    parts = list(on.flatten()) if isinstance(on, exp.And) else [on]
    are_equal = [isinstance(part, exp.EQ) and _compares_sides(part, join.alias_or_name) for part in parts]
    return all(are_equal) if join.side == "FULL" else any(are_equal)


def _compares_sides(equality: exp.EQ, joined: str) -> bool:
    sides = [{column.table for column in side.find_all(exp.Column)} for side in (equality.this, equality.expression)]
    return any(one == {joined} and other and not other & {joined, ""} for one, other in (sides, sides[::-1]))


def correlated_subqueries(tree: exp.Expr) -> list[str]:
    """BigQuery: "Correlated subqueries that reference other tables are not supported unless they can be de-correlated".
    The documentation does not list which ones can be, so none is allowed. A subquery over an array of its own row is
    allowed.
    """
    return [query.sql(dialect="bigquery") for query in tree.find_all(exp.Select) if _is_correlated(query)]


def _is_correlated(query: exp.Select) -> bool:
    sources = query.find_all(exp.Table, exp.Subquery, exp.Unnest)
    inner = {name.name for source in sources for name in source.find_all(exp.Identifier)}
    has_table = any(isinstance(table.this, exp.Identifier) for table in query.find_all(exp.Table))
    outer = {column.table for column in query.find_all(exp.Column)} - inner - {""}
    return has_table and bool(outer)


@dataclass
class Reads:
    """How often a query reads a table, after views and WITH are expanded: BigQuery expands them at each use, and
    refuses a query that becomes too large.
    """

    views: Mapping[str, str]  # address → its SELECT
    _of_views: dict[str, int] = field(default_factory=dict)

    def of(self, sql: str) -> int:
        return self._of(parsed(sql), {})

    def _of(self, node: exp.Expr, steps: Mapping[str, int]) -> int:
        with_ = node.args.get("with_")
        for step in with_.expressions if with_ else ():
            steps = {**steps, step.alias: self._of(step.this, steps)}
        own = self._of_table(node, steps) if isinstance(node, exp.Table) else 0
        return own + sum(self._of(child, steps) for child in node.iter_expressions() if child is not with_)

    def _of_table(self, table: exp.Table, steps: Mapping[str, int]) -> int:
        if not isinstance(table.this, exp.Identifier):
            return 0
        if not table.db:
            return steps[table.name]
        address = f"{table.db}.{table.name}"
        if address not in self.views:
            return 1
        if address not in self._of_views:
            self._of_views[address] = self.of(self.views[address])
        return self._of_views[address]
