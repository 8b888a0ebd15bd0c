"""What the files in `sql/marts/` say of themselves: each is one SELECT that fills the table, or is the view, of its
name. Grain and columns stand in its header; what it reads is read from the SELECT.

    -- What Claude charged on each UTC day.
    --
    -- grain: one UTC day of one organisation
    -- built: daily by expense_date
    -- blocked by: anthropic
    -- columns:
    --   expense_date date not null: the UTC day
    --   cost_usd numeric: billed, in USD, or so
    --     many words about it

`built` is `daily by <column>`, `monthly by <column>` (whole calendar months, each under its first day), `whole` or
`view`. `blocked by` names the providers: a day that the gate of one blocks keeps its last good version
here. A line that is indented deeper goes on with the one before.
"""

import calendar
import re
from dataclasses import dataclass, field
from functools import cache
from graphlib import TopologicalSorter

from sqlglot import exp

from ai_usage.partitions import Span
from ai_usage.providers.provider import Gate
from ai_usage.providers.registry import BY_KEY
from ai_usage.settings import ROOT
from ai_usage.warehouse.googlesql import parsed, read
from ai_usage.warehouse.table import ANALYTICS, RAW, Column, Table, Type

FOLDER = ROOT / "sql" / "marts"
TYPES = {type_.name.lower(): type_ for type_ in Type}
COLUMN = re.compile(r"(?P<name>\w+) (?P<type>\w+)(?P<required> not null)?: (?P<description>.+)")
ENTRY = re.compile(r"(?P<key>grain|built|blocked by|cluster|columns):(?P<value>.*)")


@dataclass(frozen=True)
class Mart:
    """One file of `sql/marts/`."""

    table: Table
    about: str
    blocked_by: tuple[Gate, ...]
    reads: frozenset[tuple[str, str]]  # layer, table
    is_monthly: bool = False

    @property
    def is_daily(self) -> bool:
        """Whether some days of it can be built without the others: those of one month together, if monthly."""
        return self.table.date_column is not None

    def touched(self, span: Span) -> Span:
        """The days that are built anew with those of a span."""
        if not self.is_monthly:
            return span
        days_in_month = calendar.monthrange(span.last.year, span.last.month)[1]
        return Span(span.first.replace(day=1), span.last.replace(day=days_in_month))

    @property
    def query(self) -> str:
        """Where its SELECT is, for the warehouse."""
        return f"marts/{self.table.name}"


@cache
def marts() -> tuple[Mart, ...]:
    """Every mart there is; what one reads stands before it."""
    names = sorted(path.stem for path in FOLDER.glob("*.sql"))
    found = {name: read_mart(name, read(f"marts/{name}"), frozenset(names)) for name in names}
    order = TopologicalSorter(
        {name: sorted(table for layer, table in mart.reads if layer == "marts") for name, mart in found.items()}
    )
    return tuple(found[name] for name in order.static_order())


def read_mart(name: str, text: str, names: frozenset[str]) -> Mart:
    """A mart from its file's text; `ValueError` names the file and what is wrong in it."""
    header = Header.read(name, text)
    built, _, day = header.entry("built").partition(" by ")
    if built not in {"daily", "monthly", "whole", "view"} or (built in {"daily", "monthly"}) != bool(day):
        raise ValueError(
            f"sql/marts/{name}.sql: built: is 'daily by <column>', 'monthly by <column>', 'whole' or 'view', "
            f"not {built!r}"
        )
    table = Table(
        name=name,
        grain=header.entry("grain"),
        columns=header.columns,
        date_column=day or None,
        cluster=tuple(re.findall(r"\w+", header.entries.get("cluster", ""))),
        view_of=f"marts/{name}" if built == "view" else None,
    )
    select = parsed(text)
    if not isinstance(select, exp.Query) or select.named_selects != list(table.columns):
        raise ValueError(f"sql/marts/{name}.sql must select what its header says: {list(table.columns)}")
    providers = [who.strip() for who in header.entries.get("blocked by", "").split(",") if who.strip()]
    if unknown := set(providers) - BY_KEY.keys():
        raise ValueError(f"sql/marts/{name}.sql: blocked by: knows {sorted(BY_KEY)}, not {sorted(unknown)}")
    blocked_by = tuple(BY_KEY[key].gate for key in providers)
    if blocked_by and built == "monthly":
        raise ValueError(f"sql/marts/{name}.sql: blocked by: blocks days; a month is built from days that passed")
    return Mart(table, header.about, blocked_by, _reads(select, names), built == "monthly")


def _reads(select: exp.Query, names: frozenset[str]) -> frozenset[tuple[str, str]]:
    found = set()
    for table in select.find_all(exp.Table):
        if table.db == ANALYTICS:
            found.add(("marts" if table.name in names else "core", table.name))
        elif table.db == RAW and table.name != "pulls":
            found.add(("raw", table.name))
        elif table.db == RAW:
            found |= {("raw", literal.this) for literal in _pulls_named(select)}
    return frozenset(found)


def _pulls_named(select: exp.Query) -> list[exp.Literal]:
    """The literals that a column `pull` is compared with."""
    return [
        literal
        for compared in select.find_all(exp.EQ, exp.In)
        if isinstance(compared.this, exp.Column) and compared.this.name == "pull"
        for literal in compared.find_all(exp.Literal)
    ]


@dataclass
class Header:
    """The comment a file opens with."""

    name: str
    about: str = ""
    entries: dict[str, str] = field(default_factory=dict)
    columns: dict[str, Column] = field(default_factory=dict)

    @classmethod
    def read(cls, name: str, text: str) -> "Header":
        header = cls(name)
        key, column_lines = "", list[str]()
        for line in text.splitlines():
            if not line.startswith("--"):
                break
            said = line.removeprefix("--").removeprefix(" ").rstrip()
            if entry := ENTRY.fullmatch(said):
                key = entry["key"]
                header.entries[key] = entry["value"].strip()
            elif key == "columns" and said.startswith("  ") and not said.startswith("   "):
                column_lines.append(said.strip())
            elif key == "columns" and column_lines:
                column_lines[-1] += f" {said.strip()}"
            elif key:
                header.entries[key] += f" {said.strip()}"
            else:
                header.about = f"{header.about} {said.strip()}".strip()
        header.columns = dict(header._column(line) for line in column_lines)
        return header

    def entry(self, key: str) -> str:
        if not (value := self.entries.get(key, "")):
            raise ValueError(f"sql/marts/{self.name}.sql: its header has no line '-- {key}: …'")
        return value

    def _column(self, line: str) -> tuple[str, Column]:
        said = COLUMN.fullmatch(line)
        if not said or said["type"] not in TYPES:
            raise ValueError(
                f"sql/marts/{self.name}.sql: a column's line is '<name> <type> [not null]: <what it is>', with a type "
                f"of {', '.join(TYPES)}; not {line!r}"
            )
        return said["name"], Column(TYPES[said["type"]], said["description"], bool(said["required"]))
