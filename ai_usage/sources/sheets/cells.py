"""What people write into cells, and what it means. Nothing is guessed: a cell that can mean two things is refused."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from ai_usage.money import nine_decimals

Cell = str | int | bool | Decimal | None

FIRST_SERIAL = date(1899, 12, 30)  # a date cell is the number of days since
EARLIEST, LATEST = date(2015, 1, 1), date(2100, 1, 1)
EMAIL = re.compile(r"[^@\s,;<>]+@[^@\s,;<>]+\.[^@\s,;<>]+")
AMOUNT = re.compile(r"-?(\d+|\d{1,3}(,\d{3})+)(\.\d+)?")
DOLLARS = re.compile(r"\s*(usd|us\$|\$)\s*", re.IGNORECASE)
NAMED_DAYS = ("%b %d %Y", "%B %d %Y", "%d %b %Y", "%d %B %Y")
NAMED_MONTHS = ("%b %Y", "%B %Y")
PROVIDERS = {"claude": "anthropic", "anthropic": "anthropic", "cursor": "cursor", "openai": "openai"}
PROVIDERS |= {"google": "google", "gemini": "google"}


class BadCell(ValueError):
    """A cell that cannot be used; says why, and never quotes what is in it."""


@dataclass(frozen=True)
class Column:
    """One column of a tab: how its cells are read. `BadCell` where that cannot be."""

    name: str
    read: Callable[[Cell], Any]
    required: bool = True

    def of(self, cell: Cell) -> Any:
        if cell is None or (isinstance(cell, str) and not cell.strip()):
            if self.required:
                raise BadCell("is empty")
            return None
        return self.read(cell)


def text(cell: Cell) -> str:
    """Words as written, without space around them; a number as it is shown."""
    if isinstance(cell, bool):
        raise BadCell("is a tick box, not text")
    return f"{cell.normalize():f}" if isinstance(cell, Decimal) else str(cell).strip()


def email(cell: Cell) -> str:
    address = text(cell).lower()
    if not EMAIL.fullmatch(address):
        raise BadCell("is not one e-mail address")
    return address


def provider(cell: Cell) -> str:
    named = PROVIDERS.get(text(cell).lower())
    if named is None:
        raise BadCell("is no provider: write anthropic, cursor, openai or google")
    return named


def choice(*among: str) -> Callable[[Cell], str]:
    def read(cell: Cell) -> str:
        value = text(cell).lower()
        if value not in among:
            raise BadCell(f"is none of {', '.join(among)}")
        return value

    return read


def day(cell: Cell) -> date:
    """A real date cell, an ISO date, or one with the month's name. `03/04/2026` is two dates, and refused."""
    if isinstance(cell, str):
        return _sane(_written_day(cell.strip()))
    return _sane(_serial(cell))


def month(cell: Cell) -> str:
    """`YYYY-MM`, of that or of any date in it."""
    if isinstance(cell, str):
        written = cell.strip()
        if re.fullmatch(r"\d{4}-\d{1,2}", written):
            return _sane(_parsed(f"{written}-1", "%Y-%m-%d")).strftime("%Y-%m")
        for form in NAMED_MONTHS:
            if found := _try(_plain(written), form):
                return _sane(found).strftime("%Y-%m")
    return day(cell).strftime("%Y-%m")


def amount(cell: Cell) -> Decimal:
    """Dollars: a number, or text such as `$1,234.50`. Another currency, or a comma for a point, is refused."""
    value = _number(cell)
    try:
        return nine_decimals(value)
    except ValueError as error:
        raise BadCell("is more than any amount") from error


def price(cell: Cell) -> Decimal:
    """Dollars, none less than nothing."""
    value = amount(cell)
    if value < 0:
        raise BadCell("is negative")
    return value


def count(cell: Cell) -> int:
    value = _number(cell)
    if value != value.to_integral_value() or not 0 <= value < 10**12:
        raise BadCell("is not a whole number from 0")
    return int(value)


def shape(cell: Cell) -> str:
    """What a cell looks like, without saying what is in it: letters become a, digits 9."""
    if cell is None:
        return "empty"
    if isinstance(cell, bool):
        return "tick box"
    kind = "text" if isinstance(cell, str) else "number"
    shown = re.sub(r"[^\W\d_]", "a", re.sub(r"\d", "9", str(cell)))
    return f"{kind} {shown[:40]}" + ("…" if len(shown) > 40 else "")


def _number(cell: Cell) -> Decimal:
    if isinstance(cell, bool):
        raise BadCell("is a tick box, not a number")
    if not isinstance(cell, str):
        return Decimal(cell or 0)
    bare = DOLLARS.sub("", cell.strip())
    if not AMOUNT.fullmatch(bare):
        raise BadCell("is no number in dollars: write 1234.50")
    return Decimal(bare.replace(",", ""))


def _serial(cell: Cell) -> date:
    if isinstance(cell, bool) or cell is None:
        raise BadCell("is no date")
    if not 0 < Decimal(cell) < 10**6:
        raise BadCell("is a number, and no date")
    return FIRST_SERIAL + timedelta(days=int(cell))


def _written_day(written: str) -> date:
    if re.fullmatch(r"\d{4}[-/]\d{1,2}[-/]\d{1,2}([T ].*)?", written):
        return _parsed(re.split(r"[T ]", written)[0].replace("/", "-"), "%Y-%m-%d")
    if re.fullmatch(r"\d{1,2}[./-]\d{1,2}[./-]\d{2,4}", written):
        raise BadCell("can be two dates, by day or by month first: write 2026-01-31")
    for form in NAMED_DAYS:
        if found := _try(_plain(written), form):
            return found
    raise BadCell("is no date: write 2026-01-31")


def _plain(written: str) -> str:
    """`Sept. 4th, 2026` and `4-Sep-2026` as the forms have it."""
    bare = re.sub(r"(?<=\d)(st|nd|rd|th)\b", "", re.sub(r"[,.\-/]", " ", written), flags=re.IGNORECASE)
    return re.sub(r"\bsept\b", "sep", " ".join(bare.split()), flags=re.IGNORECASE)


def _try(written: str, form: str) -> date | None:
    try:
        return datetime.strptime(written, form).date()  # noqa: DTZ007 - a day has no zone
    except ValueError:
        return None


def _parsed(written: str, form: str) -> date:
    found = _try(written, form)
    if found is None:
        raise BadCell("is no date there is: write 2026-01-31")
    return found


def _sane(found: date) -> date:
    if not EARLIEST <= found < LATEST:
        raise BadCell(f"is a date outside {EARLIEST:%Y} to {LATEST:%Y}")
    return found
