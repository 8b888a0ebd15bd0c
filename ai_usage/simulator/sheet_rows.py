"""A tab in the making: its rows as they are written, and beside them what a right reader makes of each."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal

from ai_usage.simulator.sheet import Bad, Good
from ai_usage.simulator.sheet_cells import Formula, Shown, Value

EXTRA = "remarks"  # the last column of every tab, which is not asked for
HOSTILE = (
    '=HYPERLINK("http://evil.example","x")',
    "<script>alert(1)</script>",
    "'; drop table x; --",
)


class TabRows:
    """The rows of one tab, header first."""

    def __init__(self, title: str, columns: str) -> None:
        self.title, self.columns = title, columns.split()
        self.rows: list[list[Value]] = [[*self.columns, EXTRA]]
        self.good: list[Good] = []
        self.bad: list[Bad] = []

    def keep(self, cells: Sequence[Value], means: Mapping[str, object] | None = None) -> None:
        """A row to keep; `means` has what the messy cells mean, the others mean themselves."""
        plain = dict(zip(self.columns, map(meaning, cells), strict=False))
        values = dict.fromkeys(self.columns) | plain | dict(means or {})
        self.rows.append([*cells])
        self.good.append(Good(self.title, len(self.rows), values))

    def reject(self, cells: Sequence[Value], why: str) -> None:
        self.rows.append([*cells])
        self.bad.append(Bad(self.title, len(self.rows), why))

    def leave_blank(self) -> None:
        self.rows.append([])


def meaning(cell: Value) -> object:
    if isinstance(cell, Shown | Formula):
        return cell.value
    return (cell.strip() or None) if isinstance(cell, str) else cell


def shouted(email: str) -> str:
    return f"  {email.upper()} "


def day_cell(day: date) -> Shown:
    """A real date, as en_US shows it: only its value is safe to read."""
    return Shown(day, f"{day.month}/{day.day}/{day.year}")


def day_name(day: date) -> str:
    """`Sep 4, 2026`, as text."""
    return f"{day:%b} {day.day}, {day.year}"


def money_cell(usd: Decimal) -> Shown:
    return Shown(usd, f"{usd:,.2f}")
