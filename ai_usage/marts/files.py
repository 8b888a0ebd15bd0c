"""The marts as their files declare them: those of one provider in `sql/providers/<provider>/`, all others in
`sql/marts/`. Each is one SELECT that fills the table, or is the view, of its name. Grain and columns are in its header;
what it reads is read from the SELECT.

    -- What was charged on each UTC day.
    --
    -- grain: one UTC day of one organization
    -- question: What did the organization pay on each day?
    -- example: select expense_date, cost_usd from ai_usage_analytics.this_table
    -- built: daily by expense_date
    -- group: spend
    -- blocked by: <provider>
    -- columns:
    --   expense_date date not null: the UTC day
    --   cost_usd numeric: billed, in USD, or so
    --     many words about it

`built` is `daily by <column>`, `monthly by <column>` (whole calendar months, each under its first day), `whole` or
`view`. `group` is the subject under which the UI shows it. `blocked by` names the providers: a day that the gate of one
blocks keeps its last good version here. `daily by <column>, each provider apart` is a union of files that providers
supply (`sql/contracts/` has their columns): each provider's rows are filled, and blocked by its gate, without the
others'. A table that is only a step of another, or of a check, has `step of` in place of `question` and `example`; both
are in docs/tables.md. A line that is indented deeper goes on with the one before.
"""

import calendar
import re
from dataclasses import dataclass, field
from functools import cache
from graphlib import TopologicalSorter

from sqlglot import exp

from ai_usage.ingest.rejections import RECORD_REJECTIONS
from ai_usage.partitions import Span
from ai_usage.providers.provider import Gate, Provider
from ai_usage.providers.registry import BY_KEY, PROVIDERS
from ai_usage.warehouse.googlesql import SQL, parsed, providers_with, read
from ai_usage.warehouse.table import ANALYTICS, PULLS, RAW, Column, Table, Type, account

TYPES = {type_.name.lower(): type_ for type_ in Type}
COLUMN = re.compile(r"(?P<name>\w+) (?P<type>\w+)(?P<required> not null)?: (?P<description>.+)")
BUILT = re.compile(r"(?P<how>daily|monthly) by (?P<column>\w+)(?P<apart>, each provider apart)?|whole|view")
COMMENT = re.compile(r"--.*")
READ = re.compile(rf"\b({ANALYTICS}|{RAW})\.(\w+)")
PULLS_NAMED = re.compile(r"\bpull\s*(?:=|in\s*\()\s*(?P<names>'\w+'(?:\s*,\s*'\w+')*)")
ENTRY = re.compile(r"(?P<key>grain|question|example|step of|built|group|blocked by|cluster|columns):(?P<value>.*)")


@dataclass(frozen=True)
class Mart:
    """One file, and what it declares."""

    query: str  # where its SELECT is, for the warehouse
    table: Table
    about: str
    group: str  # the subject under which the UI shows it
    blocked_by: tuple[Gate, ...]
    reads: frozenset[tuple[str, str]]  # layer, table
    is_monthly: bool = False
    each: tuple[Provider, ...] = ()  # with rows that are filled separately

    @property
    def gates(self) -> tuple[Gate, ...]:
        """The gates that block its days, or those of one provider's rows."""
        return (*self.blocked_by, *(provider.gate for provider in self.each))

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


@cache
def marts() -> tuple[Mart, ...]:
    """Every mart, each after the marts that it reads."""
    queries = _queries()
    found = {name: read_mart(query, read(query), frozenset(queries)) for name, query in queries.items()}
    order = TopologicalSorter(
        {name: sorted(table for layer, table in mart.reads if layer == "marts") for name, mart in found.items()}
    )
    return tuple(found[name] for name in order.static_order())


def _queries() -> dict[str, str]:
    """Each mart's name and where its file is. What a provider supplies by contract is no mart."""
    files = [*(SQL / "marts").rglob("*.sql"), *(SQL / "providers").glob("*/*.sql")]
    found: dict[str, str] = {}
    of_contracts = {path.stem for path in (SQL / "contracts").glob("*.sql")}
    for path in sorted(file for file in files if file.stem not in of_contracts):
        query = path.relative_to(SQL).with_suffix("").as_posix()
        if path.stem in found:
            raise ValueError(f"sql/{query}.sql and sql/{found[path.stem]}.sql have one name")
        found[path.stem] = query
    return found


@cache
def contracts() -> dict[str, list[str]]:
    """The columns of each file that a provider may supply; `ValueError` names a file that has others."""
    found = {}
    for path in (SQL / "contracts").glob("*.sql"):
        columns = _selected(read(f"contracts/{path.stem}"))
        for provider in providers_with(path.stem):
            if _selected(read(f"providers/{provider}/{path.stem}")) != columns:
                raise ValueError(f"sql/providers/{provider}/{path.stem}.sql must select {columns}, in this order")
        found[path.stem] = columns
    return found


def _selected(text: str) -> list[str]:
    select = parsed(text)
    return select.named_selects if isinstance(select, exp.Query) else []


def read_mart(query: str, text: str, names: frozenset[str]) -> Mart:
    """A mart from its file's text; `ValueError` names the file and what is wrong in it."""
    name = query.rpartition("/")[2]
    header = Header.read(query, text)
    built = BUILT.fullmatch(header.entry("built"))
    if not built:
        raise ValueError(
            f"sql/{query}.sql: built: is 'daily by <column>', 'monthly by <column>', 'whole' or 'view', "
            f"not {header.entry('built')!r}"
        )
    table = Table(
        name=name,
        grain=header.entry("grain"),
        question=header.entries.get("question", ""),
        example=header.entries.get("example", ""),
        step_of=header.entries.get("step of", ""),
        columns=header.columns,
        date_column=built["column"],
        cluster=tuple(re.findall(r"\w+", header.entries.get("cluster", ""))),
        view_of=query if built[0] == "view" else None,
    )
    providers = [who.strip() for who in header.entries.get("blocked by", "").split(",") if who.strip()]
    if unknown := set(providers) - BY_KEY.keys():
        raise ValueError(f"sql/{query}.sql: blocked by: knows {sorted(BY_KEY)}, not {sorted(unknown)}")
    blocked_by = tuple(BY_KEY[key].gate for key in providers)
    if blocked_by and built["how"] != "daily":
        raise ValueError(f"sql/{query}.sql: blocked by: blocks days; a month is built from days that passed")
    return Mart(
        query=query,
        table=table,
        about=header.about,
        group=header.entry("group"),
        blocked_by=blocked_by,
        reads=_reads(text, names),
        is_monthly=built["how"] == "monthly",
        each=PROVIDERS if built["apart"] else (),
    )


def refuse_other_columns(mart: Mart) -> None:
    """`ValueError` if the file selects other columns than its header has, or a provider's part than its contract has.

    All files are parsed in half a second: too long for each process, so it is asked before a file's SELECT is run.
    """
    if mart.each:
        contracts()
    if _selected(read(mart.query)) != list(mart.table.columns):
        raise ValueError(f"sql/{mart.query}.sql must select the columns of its header: {list(mart.table.columns)}")


def _reads(text: str, names: frozenset[str]) -> frozenset[tuple[str, str]]:
    """Layer and table of what a SELECT reads. All bills, by `dim_provider.billing_pull`, are no pulls: one provider's
    failed pull would keep the others' marts from being built in that run.
    """
    code = COMMENT.sub("", text)
    found = set()
    for schema, table in READ.findall(code):
        if schema == RAW and table == PULLS.name:
            found |= {("raw", pull) for of in PULLS_NAMED.finditer(code) for pull in re.findall(r"\w+", of["names"])}
        elif schema == RAW:
            found.add(("raw", table))
        elif table != RECORD_REJECTIONS.name:  # no asset: each core table writes its own
            found.add(("marts" if table in names else "core", table))
    return frozenset(found)


@dataclass
class Header:
    """The comment a file opens with."""

    query: str
    about: str = ""
    entries: dict[str, str] = field(default_factory=dict)
    columns: dict[str, Column] = field(default_factory=dict)

    @classmethod
    def read(cls, query: str, text: str) -> "Header":
        header = cls(query)
        key, column_lines = "", list[str]()
        for line in text.splitlines():
            if not line.startswith("--"):
                break
            words = line.removeprefix("--").removeprefix(" ").rstrip()
            if entry := ENTRY.fullmatch(words):
                key = entry["key"]
                header.entries[key] = entry["value"].strip()
            elif key == "columns" and words.startswith("  ") and not words.startswith("   "):
                column_lines.append(words.strip())
            elif key == "columns" and column_lines:
                column_lines[-1] += f" {words.strip()}"
            elif key:
                header.entries[key] += f" {words.strip()}"
            else:
                header.about = f"{header.about} {words.strip()}".strip()
        header.columns = dict(header._column(line) for line in column_lines)
        return header

    def entry(self, key: str) -> str:
        if not (value := self.entries.get(key, "")):
            raise ValueError(f"sql/{self.query}.sql: its header has no line '-- {key}: …'")
        return value

    def _column(self, line: str) -> tuple[str, Column]:
        found = COLUMN.fullmatch(line)
        if not found or found["type"] not in TYPES:
            raise ValueError(
                f"sql/{self.query}.sql: a column's line is '<name> <type> [not null]: <what it is>', with a type "
                f"of {', '.join(TYPES)}; not {line!r}"
            )
        if found["name"] == "account" and found["required"]:
            return "account", account(found["description"])
        return found["name"], Column(TYPES[found["type"]], found["description"], bool(found["required"]))
