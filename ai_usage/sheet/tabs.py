"""The tabs: their columns, the requirements for a row, and the rejection of a row that fails them.

A bad row is rejected, with its tab, row number, column, the look of the cell and the reason; the other rows are used.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Any

from ai_usage.money import USD
from ai_usage.sheet import cells
from ai_usage.sheet.cells import BadCell, Cell, Column, shape

Row = dict[str, Any]  # column → value, and `row_number`


@dataclass(frozen=True)
class Rejection:
    """A rejected row, or a whole tab, if its header cannot be used."""

    tab: str
    row_number: int  # as people see it: the first row is 1
    column_name: str
    value_shape: str
    reason: str


@dataclass(frozen=True)
class Tab:
    """A tab's columns. Rows with equal `key` must be equal in all columns, else they are ambiguous."""

    name: str
    columns: Sequence[Column]
    key: Sequence[str]
    rule: Callable[[Row], tuple[str, str] | None] = lambda _: None  # a column and what is wrong with the whole row
    is_optional: bool = False
    one_at_a_time: Sequence[str] = ()  # rows with equal values here are valid one after the other, by their dates

    @property
    def pull(self) -> str:
        return f"sheet_{self.name}"


@dataclass
class TabRows:
    good: list[Row] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)
    has_header: bool = True  # False: there are rows, but what their cells mean is unknown


def _an_owner(row: Row) -> tuple[str, str] | None:
    return None if row["user_email"] or row["team_name"] else ("user_email", "names neither a person nor a team")


def _a_period(row: Row) -> tuple[str, str] | None:
    is_right = row["period_end"] > row["period_start"]
    return None if is_right else ("period_end", "is not after period_start: it is exclusive, the day after the last")


def _a_scope(row: Row) -> tuple[str, str] | None:
    if row["scope"] == "total":
        return None
    if not row["scope_name"]:
        return "scope_name", f"is empty: which {row['scope'].replace('_', ' ')}?"
    if row["scope"] == "provider":
        try:
            row["scope_name"] = cells.provider(row["scope_name"])
        except BadCell as error:
            return "scope_name", str(error)
    return None


def _an_invoice_line(row: Row) -> tuple[str, str] | None:
    row["currency"] = row["currency"] or USD  # a line pasted with it and without it is one line
    is_credit = row["covers"] == "credits"
    return ("amount", "is positive: a credit is a negative amount") if is_credit and row["amount"] > 0 else None


def _a_validity(row: Row) -> tuple[str, str] | None:
    first, end = row["valid_from"], row["valid_to"]
    return ("valid_to", "is not after valid_from: it is exclusive") if first and end and end <= first else None


def _a_validity_and_a_leave(row: Row) -> tuple[str, str] | None:
    first, end = row["leave_from"], row["leave_to"]
    wrong = ("leave_to", "is not after leave_from: it is exclusive") if first and end and end <= first else None
    return _a_validity(row) or wrong


def _somebody_else(row: Row) -> tuple[str, str] | None:
    return ("alias_email", "is the address it stands for") if row["alias_email"] == row["user_email"] else None


API_KEY_MAPPING = Tab(
    "api_key_mapping",
    [
        Column("api_key_id", cells.identifier),
        Column("api_key_name", cells.text, required=False),
        Column("user_email", cells.email, required=False),
        Column("team_name", cells.text, required=False),
        Column("description", cells.text, required=False),
        Column("valid_from", cells.day, required=False),
        Column("provider", cells.provider, required=False),
    ],
    key=["api_key_id"],
    rule=_an_owner,
)
CLAUDE_AI_USAGE = Tab(
    "claude_ai_usage",
    [
        Column("user_email", cells.email),
        Column("activity_date", cells.day),
        *(
            Column(name, cells.count, required=False)
            for name in ("conversation_count", "message_count", "project_count", "file_upload_count")
        ),
    ],
    key=["user_email", "activity_date"],
)
CONSOLE_FIGURES = Tab(
    "console_figures",
    [
        Column("provider", cells.provider),
        Column("account", cells.account, required=False),
        Column("period_start", cells.day),
        Column("period_end", cells.day),
        Column("workspace_id", cells.identifier, required=False),
        Column("amount_usd", cells.amount),
        Column("source", cells.text, required=False),
        Column("note", cells.text, required=False),
        Column("covers", cells.choice("usage", "usage_and_seats"), required=False),
    ],
    key=["provider", "account", "period_start", "period_end", "workspace_id", "covers"],
    rule=_a_period,
)
BUDGETS = Tab(
    "budgets",
    [
        Column("month", cells.month),
        Column("scope", cells.choice("total", "provider", "team", "cost_center")),
        Column("scope_name", cells.text, required=False),
        Column("amount_usd", cells.price),
    ],
    key=["month", "scope", "scope_name"],
    rule=_a_scope,
)
SEATS = Tab(
    "seats",
    [
        Column("provider", cells.provider),
        Column("plan", cells.text),
        Column("seat_price_usd", cells.price),
        Column("seats", cells.count),
        Column("valid_from", cells.day, required=False),
        Column("valid_to", cells.day, required=False),
    ],
    key=["provider", "plan", "valid_from"],
    rule=_a_validity,
    one_at_a_time=["provider", "plan"],
)
PERSON_ALIASES = Tab(
    "person_aliases",
    [Column("alias_email", cells.email), Column("user_email", cells.email)],
    key=["alias_email"],
    rule=_somebody_else,
    is_optional=True,
)
PEOPLE = Tab(
    "people",
    [
        Column("user_email", cells.email),
        Column("name", cells.text, required=False),
        Column("team_name", cells.text, required=False),
        Column("cost_center", cells.text, required=False),
        Column("manager_email", cells.email, required=False),
        *(Column(name, cells.day, required=False) for name in ("valid_from", "valid_to", "leave_from", "leave_to")),
    ],
    key=["user_email", "valid_from"],
    rule=_a_validity_and_a_leave,
    is_optional=True,
)
INVOICES = Tab(
    "invoices",
    [
        Column("provider", cells.provider),
        Column("account", cells.account, required=False),
        Column("invoice_id", cells.identifier),
        Column("period", cells.period),
        Column("amount", cells.plain_amount),
        Column("currency", cells.currency, required=False),
        Column("covers", cells.choice("usage", "seats", "tax", "credits")),
        Column("line", cells.text, required=False),
        Column("note", cells.text, required=False),
    ],
    key=["provider", "account", "invoice_id", "period", "covers", "line"],
    rule=_an_invoice_line,
    is_optional=True,
)
TABS = {
    tab.name: tab
    for tab in (
        API_KEY_MAPPING,
        PEOPLE,
        CLAUDE_AI_USAGE,
        CONSOLE_FIGURES,
        BUDGETS,
        SEATS,
        PERSON_ALIASES,
        INVOICES,
    )
}


def read_tab(tab: Tab, records: Sequence[str | bytes]) -> TabRows:
    """Rows of a tab as it stands, one JSON list a row, the header among them. Blank rows do not count, and
    unknown columns are ignored.
    """
    found = TabRows()
    lines = [json.loads(record, parse_float=Decimal, parse_constant=str) for record in records]
    filled = [(n, line) for n, line in enumerate(lines, 1) if any(not _is_blank(cell) for cell in line)]
    if not filled:
        return found
    header_row, header = filled[0]
    places = _places(tab, header, header_row, found)
    if places is None:
        found.has_header = False
        return found
    for n, line in filled[1:]:
        row = _read_row(tab, n, line, places, found)
        if row is not None:
            found.good.append(row)
    _leave_out_contradictions(tab, found)
    if tab.one_at_a_time:
        _end_where_the_next_begins(tab, found)
    return found


def _places(tab: Tab, header: Sequence[Cell], row_number: int, found: TabRows) -> Mapping[str, int] | None:
    """The position of each column; None if a required one is missing or there twice."""
    names = [re.sub(r"[\s-]+", "_", cells.clean(str(name or "")).lower()) for name in header]
    places: dict[str, int] = {}
    for column in tab.columns:
        at = [n for n, name in enumerate(names) if name == column.name]
        if len(at) == 1:
            places[column.name] = at[0]
        elif at or column.required:
            reason = "is twice in the header" if at else "is missing in the header: no row of this tab can be used"
            found.rejections.append(Rejection(tab.name, row_number, column.name, "header", reason))
    is_whole = all(column.name in places for column in tab.columns if column.required)
    return places if is_whole else None


def _read_row(tab: Tab, n: int, line: Sequence[Cell], places: Mapping[str, int], found: TabRows) -> Row | None:
    row: Row = {"row_number": n}
    wrong: list[Rejection] = []
    for column in tab.columns:
        at = places.get(column.name, len(line))
        cell = line[at] if at < len(line) else None
        try:
            row[column.name] = column.of(cell)
        except BadCell as error:
            wrong.append(Rejection(tab.name, n, column.name, shape(cell), str(error)))
    if not wrong and (broken := tab.rule(row)):
        name, reason = broken
        at = places.get(name, len(line))
        wrong.append(Rejection(tab.name, n, name, shape(line[at] if at < len(line) else None), reason))
    found.rejections.extend(wrong)
    return None if wrong else row


def _leave_out_contradictions(tab: Tab, found: TabRows) -> None:
    """Keeps one of several equal rows; rejects rows that contradict each other."""
    by_key: dict[tuple[Any, ...], list[Row]] = {}
    for row in found.good:
        by_key.setdefault(tuple(row[name] for name in tab.key), []).append(row)
    found.good = []
    for rows in by_key.values():
        contents = {tuple((name, row[name]) for name in _compared_columns(tab)) for row in rows}
        if len(contents) == 1:
            found.good.append(rows[0])
            continue
        numbers = [row["row_number"] for row in rows]
        for row in rows:
            others = ", ".join(str(n) for n in numbers if n != row["row_number"])
            reason = f"contradicts row {others}: which one is meant is not known"
            found.rejections.append(Rejection(tab.name, row["row_number"], tab.key[0], "row", reason))
    found.rejections.sort(key=lambda rejection: rejection.row_number)


def _end_where_the_next_begins(tab: Tab, found: TabRows) -> None:
    """A row without an end is valid until the next one about the same thing begins. If a row ends later than that, both
    are ambiguous and rejected.
    """
    by_thing: dict[tuple[Any, ...], list[Row]] = {}
    for row in sorted(found.good, key=lambda row: row["valid_from"] or date.min):
        by_thing.setdefault(tuple(row[name] for name in tab.one_at_a_time), []).append(row)
    overlapping: dict[int, int] = {}
    for rows in by_thing.values():
        for one, following in pairwise(rows):
            one["valid_to"] = one["valid_to"] or following["valid_from"]
            if one["valid_to"] > following["valid_from"]:
                overlapping[one["row_number"]] = following["row_number"]
                overlapping[following["row_number"]] = one["row_number"]
    for row_number, other in sorted(overlapping.items()):
        reason = f"overlaps with row {other} about the same {tab.one_at_a_time[-1]}: give each its days"
        found.rejections.append(Rejection(tab.name, row_number, "valid_to", "row", reason))
    found.good = [row for row in found.good if row["row_number"] not in overlapping]
    found.rejections.sort(key=lambda rejection: rejection.row_number)


def _compared_columns(tab: Tab) -> list[str]:
    """The columns that can contradict each other: remarks cannot."""
    return [
        column.name for column in tab.columns if column.name not in {"description", "note", "source", "api_key_name"}
    ]


def holding_on(rows: Sequence[Row], day: date) -> Row:
    """The dated row about one thing that is valid on a day; else the last one before the day, else the first."""
    first = date.min

    def nearness(row: Row) -> tuple[bool, bool, date]:
        begins, ends = row["valid_from"] or first, row["valid_to"] or date.max
        return begins <= day < ends, begins <= day, begins if begins <= day else first + (date.max - begins)

    return max(rows, key=nearness)


def days_of(rows: Sequence[Row]) -> dict[date, list[Row]]:
    """Rows of claude_ai_usage by day."""
    found: dict[date, list[Row]] = {}
    for row in rows:
        found.setdefault(row["activity_date"], []).append(row)
    return found


def _is_blank(cell: Cell) -> bool:
    return cell is None or (isinstance(cell, str) and not cells.clean(cell))
