"""The tables and views that a query reads, by their names in its text."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from ai_usage.warehouse.googlesql import read
from ai_usage.warehouse.table import Table

NOT_NAMES = re.compile(r"--[^\n]*|'(?:[^'\\]|\\.)*'")
NOW = re.compile(r"(?i)\bcurrent_(timestamp|datetime|date|time)\b")
NAME = re.compile(r"\b(ai_usage_\w+\.\w+)\b(\s*\()?")


@dataclass(frozen=True)
class Reads:
    """`tables` are those that a question reads, itself and through `views`; each view comes after those that it reads.
    `is_known` is false where it calls a table function: then it may read others. `is_lasting` is false where the answer
    changes with the time.
    """

    tables: tuple[str, ...]
    views: tuple[Table, ...]
    is_known: bool = True
    is_lasting: bool = True


def reads_of(googlesql: str, views: Mapping[str, Table]) -> Reads:
    """What a question reads, of a warehouse with these views by address."""
    names, is_known = _names(googlesql)
    is_lasting = NOW.search(googlesql) is None
    tables: dict[str, None] = {}
    through: dict[str, Table] = {}
    for name in names:
        if name not in views:
            tables[name] = None
            continue
        of_view = reads_of(read(views[name].view_of or ""), views)
        is_known, is_lasting = is_known and of_view.is_known, is_lasting and of_view.is_lasting
        tables |= dict.fromkeys(of_view.tables)
        through |= {view.address: view for view in (*of_view.views, views[name])}
    return Reads(tuple(sorted(tables)), tuple(through.values()), is_known, is_lasting)


@cache
def _names(googlesql: str) -> tuple[tuple[str, ...], bool]:
    """The tables and views that a text names, and whether it calls no function of the warehouse."""
    found = NAME.findall(NOT_NAMES.sub(" ", googlesql))
    return tuple(dict.fromkeys(name for name, _ in found)), not any(call for _, call in found)
