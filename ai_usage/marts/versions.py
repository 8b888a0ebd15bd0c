"""The version of each mart's code: if it changes, a build with the same sources may give other rows."""

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache

from ai_usage.marts.files import Mart, marts
from ai_usage.warehouse.googlesql import read
from ai_usage.warehouse.table import Table

DIGITS = 16
TEXT_OR_SPACE = re.compile(r"""('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`[^`]*`)|(?:\s+|--[^\n]*|/\*.*?\*/)+""", re.DOTALL)


@cache
def code_versions() -> Mapping[str, str]:
    """Each mart's version, by its name."""
    return versions(marts(), read)


def versions(of: Iterable[Mart], text: Callable[[str], str]) -> Mapping[str, str]:
    """The same for marts of which `text` has the SELECT, views before what reads them. A view's version is part of the
    version of every mart that reads the view.
    """
    found: dict[str, str] = {}
    views: dict[str, str] = {}
    for mart in of:
        of_views = [views[name] for _, name in sorted(mart.reads) if name in views]
        version = found[mart.table.name] = version_of(text(mart.query), mart.table, of_views)
        if mart.table.view_of:
            views[mart.table.name] = version
    return found


def version_of(text: str, table: Table, of_views: Iterable[str] = ()) -> str:
    """The digest of a SELECT and of the columns it fills. Comments, line breaks and descriptions are no part of it."""
    statement = TEXT_OR_SPACE.sub(lambda found: found[1] or " ", text).strip()
    columns = [f"{name} {column.type.name} {column.required}" for name, column in table.columns.items()]
    parts = [statement, *columns, table.date_column or "", *of_views]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:DIGITS]
