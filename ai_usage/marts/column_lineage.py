"""The columns from which each column of a mart is computed, by its SELECT.

A column's origins are what its expression reads, through all steps. What rows are joined or filtered by is no origin.
"""

from collections.abc import Iterator, Mapping
from functools import cache

import dagster as dg
from sqlglot import exp
from sqlglot.optimizer.scope import Scope, find_all_in_scope, traverse_scope

from ai_usage.core.tables import CORE_TABLES
from ai_usage.marts.files import Mart, marts
from ai_usage.providers.registry import PROVIDERS
from ai_usage.warehouse.googlesql import parsed, read

Origins = frozenset[tuple[str, str]]  # table, column
Columns = Mapping[str, Origins]
NONE: Origins = frozenset()


def column_lineage(mart: Mart) -> dg.TableColumnLineage:
    """The origins of each column of a mart in the assets that it reads. The table of pulls, for one, is no asset."""
    layers = {name: layer for layer, name in mart.reads}
    return dg.TableColumnLineage(
        {
            column: [
                dg.TableColumnDep(dg.AssetKey([layers[table], table]), name)
                for table, name in sorted(origins)
                if table in layers
            ]
            for column, origins in origins_of(read(mart.query)).items()
        }
    )


@cache
def origins_of(text: str) -> Columns:
    """The origins of each column of a SELECT in GoogleSQL. `ValueError` names a column that has not one source."""
    known: dict[int, Columns] = {}
    scopes = traverse_scope(parsed(text))
    for scope in scopes:  # what one reads stands before it
        known[id(scope)] = _columns(scope, known)
    return known[id(scopes[-1])]


def _columns(scope: Scope, known: Mapping[int, Columns]) -> Columns:
    """The columns of one step. `known` has those of the steps it reads."""
    if scope.set_operation_scopes:
        first, second = (known[id(part)] for part in scope.set_operation_scopes)
        return {name: mine | more for (name, mine), more in zip(first.items(), second.values(), strict=True)}
    if not isinstance(scope.expression, exp.Select):
        return {}
    return dict(_Select(scope, known).columns(scope.expression))


class _Select:
    """One SELECT, with what it reads from."""

    def __init__(self, scope: Scope, known: Mapping[int, Columns]) -> None:
        self.scope, self.known = scope, known
        self.subqueries = {id(of.expression): of for of in scope.subquery_scopes}
        joined = [of for of in (scope.expression.args.get("from_"), *scope.expression.args.get("joins", ())) if of]
        self.lists = {
            name: of.this
            for of in joined
            if isinstance(of.this, exp.Unnest)
            for name in (of.this.alias, *of.this.alias_column_names)
        }

    def columns(self, select: exp.Select) -> Iterator[tuple[str, Origins]]:
        for selected in select.selects:
            if selected.is_star:
                yield from self._star(selected)
            else:
                yield selected.alias_or_name, self._read(selected)

    def _star(self, star: exp.Expr) -> Iterator[tuple[str, Origins]]:
        """All columns of the sources, or of the one that is named, but those of its EXCEPT."""
        named = star.table if isinstance(star, exp.Column) else ""
        left_out = {name.name for of in star.find_all(exp.Star) for name in of.args.get("except_") or ()}
        for name, (_, source) in self.scope.selected_sources.items():
            if named not in {"", name}:
                continue
            columns = self.known[id(source)] if isinstance(source, Scope) else _of_table(source.name)
            yield from ((column, of) for column, of in columns.items() if column not in left_out)

    def _read(self, expression: exp.Expr) -> Origins:
        """The origins of an expression."""
        found = [self.column(column) for column in find_all_in_scope(expression, exp.Column)]
        for query in find_all_in_scope(expression, exp.Select, exp.SetOperation):
            found += self.known[id(self.subqueries[id(query)])].values()
        return NONE.union(*found)

    def column(self, column: exp.Column) -> Origins:
        name, table = column.name, column.table
        if listed := self.lists.get(table or name):
            return self._read(listed)
        sources = {key: source for key, (_, source) in self.scope.selected_sources.items() if table in {"", key}}
        found = [of for source in sources.values() if (of := self._of(source, name)) is not None]
        if not found and self.scope.parent:  # a subquery may read columns of the SELECT it stands in
            return _Select(self.scope.parent, self.known).column(column)
        if len(found) != 1:
            raise ValueError(f"{column.sql()} has {len(found) or 'no'} sources")
        return found[0]

    def _of(self, source: exp.Expr | Scope, name: str) -> Origins | None:
        """A column's origins in one source; None if it has no such column."""
        if isinstance(source, Scope):
            return self.known[id(source)].get(name)
        return frozenset({(source.name, name)})


def _of_table(name: str) -> Columns:
    """All columns of a table, as a star reads them; `ValueError` for a table that is neither of core nor a mart."""
    of_providers = (table for provider in PROVIDERS for table in provider.tables)
    for table in (*(mart.table for mart in marts()), *CORE_TABLES, *of_providers):
        if table.name == name:
            return {column: frozenset({(name, column)}) for column in table.columns}
    raise ValueError(f"a star reads {name}, which is no table of core and no mart: name its columns")
