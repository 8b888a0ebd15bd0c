"""The filters of Cloud Monitoring and Cloud Logging: comparisons with quoted texts, all of which have to hold."""

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from ai_usage.simulator.google_wire import CloudError
from ai_usage.simulator.queries import Query

COMPARISON = re.compile(r'\s*([\w.]+)\s*(>=|<=|!=|=|:|<|>)\s*"((?:[^"\\]|\\.)*)"[ \t]*')
AND = re.compile(r"AND\s|\n")


class Term(NamedTuple):
    """One comparison: `resource.labels.service = "…"`."""

    field: str
    operator: str
    value: str


def terms_of(text: str) -> list[Term]:
    """The comparisons of a filter. CloudError if it contains anything else."""
    found, at = [], 0
    while at < len(text):
        comparison = COMPARISON.match(text, at)
        if comparison is None:
            break
        field, operator, value = comparison.groups()
        found.append(Term(field.replace(".label.", ".labels."), operator, re.sub(r"\\(.)", r"\1", value)))
        joint = AND.match(text, comparison.end())
        if joint is None:
            at = comparison.end()
            break
        at = joint.end()
    if not found or at < len(text.rstrip()):
        raise CloudError(400, f"Unparseable filter: syntax error at line 1, column {at + 1}: {text[at : at + 20]!r}")
    return found


def value_at(entry: Any, path: Sequence[str]) -> str | None:
    """A text within nested objects."""
    for name in path:
        entry = entry.get(name) if isinstance(entry, dict) else None
    return entry if isinstance(entry, str) else None


def paged(path: str, pairs: Sequence[tuple[str, str]]) -> Query:
    """A request's parameters, with Google's name for the page parameter."""
    return Query(path, [("page" if name == "pageToken" else name, value) for name, value in pairs if value])
