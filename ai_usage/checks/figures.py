"""Compares the providers' cost lines with their consoles: each figure of the sheet, in total, by account and by
workspace.

A figure of an invoice includes seats if its column `covers` has that value, or if only usage and seats together match.

A figure with days that were never pulled cannot be compared. A figure that was right when it was written down may
differ after a restatement. Both are warnings.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import groupby
from typing import Any

import polars as pl

from ai_usage.check import Check, Finding, NotEvaluated, Row, SnapshotCheck, failed, passed, some, warned
from ai_usage.partitions import ONE_DAY, Span
from ai_usage.places import COMMAND
from ai_usage.providers.registry import BY_KEY, PROVIDERS
from ai_usage.settings import settings
from ai_usage.sheet.newest import read_newest
from ai_usage.sheet.pulls import SOURCE as SHEET
from ai_usage.sheet.tabs import CONSOLE_FIGURES
from ai_usage.warehouse.port import Warehouse

NAME = "console_figures_match"
A_LINE = Decimal("1e-6")  # the rounding of one line, by which marts and ledger may differ


@dataclass(frozen=True)
class Compared:
    """One figure, with the outcome: equal, not comparable with a reason, or different."""

    row: Row
    why: str = ""
    is_error: bool = False
    is_unknown: bool = False  # not comparable, as its days are not known yet

    @property
    def has_seats(self) -> bool:
        return bool(self.row["covers"] == "usage_and_seats")

    @property
    def shown(self) -> dict[str, Any]:
        """The figure as a row of the result's table."""
        names = ("provider", "account", "period_start", "period_end", "workspace_id", "workspace_name", "lines_usd")
        more = ("figure_usd", "seats_usd", "covers", "difference_usd", "tolerance_usd", "days_missing")
        return {name: self.row[name] for name in (*names, *more)} | {"why": self.why}


def _figures_match(warehouse: Warehouse) -> Finding | None:
    if (read := read_newest(warehouse, CONSOLE_FIGURES)) is None:
        return None
    rows = warehouse.query(f"checks/{NAME}").to_dicts()
    if read[1].good and not rows:
        return failed(
            f"The sheet has {len(read[1].good)} figures of consoles, and core/console_figures none: build it."
        )
    return evaluate_figures([_compared(warehouse, row) for row in rows])


def evaluate_figures(figures: list[Compared]) -> Finding:
    """All figures in one result: what differs first, then what cannot be compared."""
    wrong = [one for one in figures if one.is_error]
    unclear = [one for one in figures if one.why and not one.is_error]
    matching = len(figures) - len(wrong) - len(unclear)
    shown = [one.shown for one in (*wrong, *unclear)]
    seated = [one for one in figures if one.has_seats and not one.why]
    seats = f" With seats: {some(map(_with_seats, seated), at_most=3, between='; ')}." if seated else ""
    match = f"Figures that match: {matching}" if wrong else f"{matching} of {len(figures)} figures match"
    rest = f" {match}.{seats}" if matching else ""
    if unclear:
        rest += f" Not comparable: {some(_grouped(unclear), between='; ')}."
    if wrong:
        wrong.sort(key=lambda one: -abs(one.row["difference_usd"]))
        named = some((f"{figure_name(one.row)} {one.why}" for one in wrong), at_most=3, between="; ")
        return failed(f"{len(wrong)} of {len(figures)} figures differ: {named}.{rest}", shown)
    if any(not one.is_unknown for one in unclear):
        return warned(rest.strip(), shown)
    if unclear:
        return passed(rest.strip()) if matching else NotEvaluated(rest.strip())
    if not figures:
        return NotEvaluated("The sheet has no figure of a console to compare with.")
    return passed(f"{len(figures)} figures match, each to a cent or a hundredth of a percent.{seats}")


def _with_seats(one: Compared) -> str:
    row = one.row
    return f"{figure_name(row)}, {usd(row['lines_usd'])} USD of usage and {usd(row['seats_usd'])} of seats"


def figure_name(row: Row) -> str:
    """The scope and the period of a figure; both days included."""
    workspace = f", workspace {row['workspace_name'] or row['workspace_id']}" if row["workspace_id"] else ""
    return f"{_whole(row)} {_period(row)}{workspace}"


def _whole(row: Row) -> str:
    """The provider, or the account that the figure names."""
    return f"{row['provider']} account {row['account']}" if row["account"] else str(row["provider"])


def _period(row: Row) -> str:
    return str(Span(row["period_start"], row["period_end"] - ONE_DAY))


def _grouped(figures: list[Compared]) -> Iterator[str]:
    """The figures that cannot be compared, one sentence per period."""

    def same(one: Compared) -> tuple[str, str, str]:
        return _whole(one.row), _period(one.row), one.why

    for (of_whom, period, why), group in groupby(sorted(figures, key=same), same):
        names = [one.row["workspace_name"] or one.row["workspace_id"] for one in group]
        of = [name for name in names if name]
        spaces = f"in {len(of)} workspaces" if len(of) > 1 else f"in workspace {of[0]}" if of else ""
        whole = "as a whole" if len(of) < len(names) and of else ""
        which = " and ".join(part for part in (whole, spaces) if part)
        yield f"{of_whom} {period}{f', {which}' if which else ''}: {why}"


def _compared(warehouse: Warehouse, row: Row) -> Compared:
    if why := _not_comparable(row):
        today = settings().now().date()
        is_early = row["days_missing"] == row["days"] or not _never_pulled(row, today)
        return Compared(row, why, is_unknown=why == _missing(row, today) and is_early)
    if abs(row["difference_usd"]) <= row["tolerance_usd"]:
        return Compared(row)
    seats = row["seats_usd"] if row["covers"] == "usage_and_seats" else Decimal()
    beside = row["seats_usd"] if row["stated_covers"] is None else Decimal()
    amounts = (
        f"the lines add up to {usd(row['lines_usd'])} USD{f' and the seats to {usd(seats)}' if seats else ''}, "
        f"the figure is {usd(row['figure_usd'])}: "
        f"{usd(row['difference_usd'], sign='+')} USD, and {usd(row['tolerance_usd'])} is permitted"
        f"{f' (seats of {usd(beside)} USD are not in it)' if beside else ''}"
    )
    then, now = (_lines_known(warehouse, row, at) for at in (row["first_seen_at"], None))
    is_as_known = now is not None and abs(now - row["lines_usd"]) <= A_LINE
    if is_as_known and then is not None:
        for included in (seats, seats + beside):
            if abs(then + included - row["figure_usd"]) <= row["tolerance_usd"]:
                return Compared(
                    row, f"restated since the sheet has it: {amounts}; then they came to {usd(then + included)}"
                )
    return Compared(row, amounts, is_error=True)


def _not_comparable(row: Row) -> str:
    if row["provider"] not in BY_KEY:
        return "nothing is pulled from there"
    if row["workspace_id"] and not BY_KEY[row["provider"]].has_sub_accounts:
        return f"{BY_KEY[row['provider']].name} has no workspaces"
    if not row["is_account_known"]:
        return "no bill of this account was ever pulled"
    if row["days_missing"]:
        return _missing(row, settings().now().date())
    if row["stated_covers"] == "usage_and_seats" and not row["seats_usd"]:
        return "it covers seats, and no seat of its days has a price (tab seats)"
    return ""


def _missing(row: Row, today: date) -> str:
    never, to_come = _never_pulled(row, today), _to_come(row, today)
    parts = [
        f"{never} of its {row['days']} days were never pulled ({COMMAND} backfill)" if never else "",
        f"{min(to_come, row['days_missing'])} of its {row['days']} days are not over" if to_come else "",
    ]
    return " and ".join(part for part in parts if part)


def _to_come(row: Row, today: date) -> int:
    return max(int((row["period_end"] - max(today, row["period_start"])).days), 0)


def _never_pulled(row: Row, today: date) -> int:
    return max(int(row["days_missing"]) - _to_come(row, today), 0)


def usd(amount: Decimal, *, sign: str = "") -> str:
    """Rounded to the cent; a smaller amount keeps its first significant digits."""
    return f"{amount:{sign},.2f}" if abs(amount) >= 1 else f"{amount.quantize(Decimal('1e-4')):{sign},f}"


def _lines_known(warehouse: Warehouse, row: Row, at: datetime | None) -> Decimal | None:
    """The sum of the ledger's cost lines in the period, now or as of an instant; None if a record is rejected."""
    span = Span(row["period_start"], row["period_end"] - ONE_DAY)
    bill = BY_KEY[row["provider"]].bill
    records = warehouse.newest(bill.pull, span, as_of=at)
    records = records.of_account(row["line_account"]) if row["line_account"] else records
    lines = bill.lines(records)
    if records.rejections:
        return None
    if row["workspace_id"]:
        its_own = pl.col("workspace_id") == row["line_workspace_id"]
        lines = lines.filter(its_own | pl.col("workspace_id").is_null() if row["is_default"] else its_own)
    return Decimal(lines["amount_usd"].sum())


console_figures_match = SnapshotCheck(
    name=NAME,
    asset="marts/month_close",
    title="cost lines that differ from the console's figures, in total, by account and by workspace",
    description="The sum of a provider's cost lines, in total, by account and by workspace, equals the console "
    "figure in the sheet, within 0.01 USD or 0.01 %.",
    severity="failed",
    sources=(SHEET,),
    pulls=(CONSOLE_FIGURES.pull,),
    also_reads=(
        "core/console_figures",
        *dict.fromkeys(mart for provider in PROVIDERS for mart in provider.expense_marts),
        "marts/provider_days",
        "marts/ai_spend",
    ),
    sql=f"checks/{NAME}",
    evaluate=_figures_match,
)

CHECKS: list[Check] = [console_figures_match]
