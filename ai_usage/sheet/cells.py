"""Reads the cells that people write. Nothing is guessed: an ambiguous cell is refused."""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from ai_usage.accounts import NAME as ACCOUNT_NAME
from ai_usage.money import currency_name, nine_decimals

Cell = str | int | bool | Decimal | None

FIRST_SERIAL = date(1899, 12, 30)  # a date cell is the number of days since
EARLIEST, LATEST = date(2015, 1, 1), date(2100, 1, 1)
LONGEST = timedelta(days=366)  # of an invoice's days
LARGEST = 10**12  # of an amount, in any currency: below it
ISO_DAY = re.compile(r"\d{4}[-/]\d{1,2}[-/]\d{1,2}([T ]\d{1,2}:\d{2}[\d:.,+Zz -]*)?")  # with or without a time
EMAIL = re.compile(r"[^@\s,;<>]+@[^@\s,;<>]+\.[^@\s,;<>]+")
AMOUNT = re.compile(r"-?([0-9]+|[0-9]{1,3}(,[0-9]{3})+)(\.[0-9]+)?")
# Three digits after one sign may be thousands or thousandths: that cannot be known. After a comma in dollars it can.
THOUSANDS_OR_NOT = re.compile(r"-?(?!0)[0-9]{1,3}[.,][0-9]{3}")
IN_DOLLARS = re.compile(
    r"(?P<minus>-?)\s*(?P<before>usd|us\$|\$)?\s*(?P<number>-?[0-9].*?)\s*(?P<after>usd|us\$|\$)?", re.IGNORECASE
)
CURRENCY_BESIDE = re.compile(
    r"-?([A-Za-z]{3}|[^\w\s.,()%'-]) ?-?[0-9][0-9.,' ]*|-?[0-9][0-9.,' ]*?([A-Za-z]{3}|[^\w\s.,()%'-])"
)
# Characters that are not seen: zero-width spaces and joiners, soft hyphens, marks of direction, control characters.
UNSEEN = ("Cf", "Cc")
BLANKS = "\u115f\u1160\u2800\u3164\uffa0"  # letters and signs that are drawn as a space
MINUS = "\u2212"  # the sign that typesetting has for it
JOINERS = "\u200c\u200d"  # which some scripts write words with
NAMED_DAYS = ("%b %d %Y", "%B %d %Y", "%d %b %Y", "%d %B %Y")
NAMED_MONTHS = ("%b %Y", "%B %Y")
AMBIGUOUS_DAY = re.compile(r"\d{1,2}[./-]\d{1,2}[./-]\d{2,4}")
NO_PERIOD = "is no period: write a month, such as 2026-01, or two days, such as 2026-01-03/2026-02-03"
SPELLINGS: dict[str, str] = {}  # what people write, lower-case → the provider's key; the registry of providers fills it


class BadCell(ValueError):
    """A cell that cannot be used. Has the reason, and never quotes the cell."""


@dataclass(frozen=True)
class Column:
    """One column of a tab, and the function that reads its cells; it raises `BadCell`."""

    name: str
    read: Callable[[Cell], Any]
    required: bool = True

    def of(self, cell: Cell) -> Any:
        if cell is None or (isinstance(cell, str) and not clean(cell)):
            if self.required:
                raise BadCell("is empty")
            return None
        return self.read(cell)


def clean(written: str) -> str:
    """Words as they are seen: each run of spaces of any kind is one space, none is around them, and characters without
    a width are left out, so that no two texts that look alike differ.
    """
    if written.isascii() and written.isprintable():
        return " ".join(written.split())
    seen = "".join(
        " " if _is_space(character) else character
        for n, character in enumerate(written)
        if _is_space(character) or unicodedata.category(character) not in UNSEEN or _joins_letters(written, n)
    )
    return unicodedata.normalize("NFC", " ".join(seen.split()))


def _is_space(character: str) -> bool:
    return character.isspace() or character in BLANKS


def _joins_letters(written: str, at: int) -> bool:
    around = written[at - 1 : at] + written[at + 1 : at + 2]
    return written[at] in JOINERS and len(around) == 2 and not any(one.isascii() or one.isspace() for one in around)


def text(cell: Cell) -> str:
    """Words as they are seen; a number as it is shown."""
    if isinstance(cell, bool):
        raise BadCell("is a tick box, not text")
    return f"{cell.normalize():f}" if isinstance(cell, Decimal) else clean(str(cell))


def identifier(cell: Cell) -> str:
    """An id: no character in it that is not seen, and no space but the space bar's."""
    if isinstance(cell, str):
        cell = "".join(one for one in cell if one == " " or not (_is_space(one) or one in JOINERS))
    return text(cell)


def email(cell: Cell) -> str:
    address = identifier(cell).lower()
    if not EMAIL.fullmatch(address):
        raise BadCell("is not one e-mail address")
    return address


def provider(cell: Cell) -> str:
    """The key of the provider that is meant, by any of its names."""
    named = SPELLINGS.get(text(cell).lower())
    if named is None:
        *others, last = dict.fromkeys(SPELLINGS.values())
        raise BadCell(f"is no provider: write {', '.join(others)} or {last}")
    return named


def account(cell: Cell) -> str:
    """The name of an account, as AI_USAGE_ACCOUNTS has it."""
    name = identifier(cell).lower()
    if not ACCOUNT_NAME.fullmatch(name):
        raise BadCell("is no name of an account: write 1 to 40 of a-z, 0-9, _ and -")
    return name


def choice(*among: str) -> Callable[[Cell], str]:
    def read(cell: Cell) -> str:
        value = re.sub(r"[\s-]+", "_", text(cell).lower())
        if value not in among:
            raise BadCell(f"is none of {', '.join(among)}")
        return value

    return read


def day(cell: Cell) -> date:
    """A real date cell, an ISO date, or one with the month's name. `03/04/2026` is two dates, and refused."""
    if isinstance(cell, str):
        return _sane(_written_day(clean(cell)))
    return _sane(_serial(cell))


def month(cell: Cell) -> str:
    """`YYYY-MM`, of that or of any date in it."""
    if isinstance(cell, str):
        written = clean(cell)
        if re.fullmatch(r"\d{4}[-/]\d{1,2}", written):
            return _sane(_parsed(f"{written}-1".replace("/", "-"), "%Y-%m-%d")).strftime("%Y-%m")
        for form in NAMED_MONTHS:
            if found := _try(_plain(written), form):
                return _sane(found).strftime("%Y-%m")
        if not ISO_DAY.fullmatch(written) and _named_day(written) is None and not AMBIGUOUS_DAY.fullmatch(written):
            raise BadCell("is no month: write 2026-01")
    return day(cell).strftime("%Y-%m")


def period(cell: Cell) -> str:
    """The days that an invoice is for: a month, as `month` reads it, or two days with `/` between them, the second
    exclusive: `2026-10-03/2026-11-03`. Two days that are a month are that month.
    """
    written = clean(cell) if isinstance(cell, str) else ""
    if re.fullmatch(r"\d{4}/\d{1,2}", written) or written.count("/") != 1:
        try:
            return month(cell)
        except BadCell as error:
            why = str(error)
            raise BadCell(NO_PERIOD if why.startswith("is no") else why) from error
    first, _, end = written.partition("/")
    if not (_may_be_a_day(first) and _may_be_a_day(end)):
        raise BadCell(NO_PERIOD)
    return _days_between(day(first.strip()), day(end.strip()))


def _may_be_a_day(written: str) -> bool:
    return len(re.findall(r"\w+", written)) > 2


def _days_between(begins: date, ends: date) -> str:
    if ends <= begins:
        raise BadCell("ends before it begins: its second day is exclusive, the day after the last")
    if ends - begins > LONGEST:
        raise BadCell("is longer than a year")
    following = (begins + timedelta(days=31)).replace(day=1)
    if begins.day == 1 and ends == following:
        return f"{begins:%Y-%m}"
    if begins.day == 1 and (ends + timedelta(days=1)).day == 1:
        raise BadCell(
            "can be two periods, with its second day or without it: the second day is exclusive; of a whole month "
            "write 2026-01"
        )
    return f"{begins}/{ends}"


def period_days(written: str) -> tuple[date, date]:
    """The first day of a `period`, and the day after its last one."""
    first, _, end = written.partition("/")
    if end:
        return date.fromisoformat(first), date.fromisoformat(end)
    begins = date.fromisoformat(f"{first}-01")
    return begins, (begins + timedelta(days=31)).replace(day=1)


def currency(cell: Cell) -> str:
    """Three letters, as ISO 4217 has them."""
    name = currency_name(text(cell))
    if not re.fullmatch(r"[A-Z]{3}", name):
        raise BadCell("is no currency: write three letters, such as USD or EUR")
    return name


def plain_amount(cell: Cell) -> Decimal:
    """A number in the currency that stands beside it."""
    written = clean(cell).replace(MINUS, "-") if isinstance(cell, str) else ""
    found = IN_DOLLARS.fullmatch(written)
    if (found and (found["before"] or found["after"])) or CURRENCY_BESIDE.fullmatch(written):
        raise BadCell("has a currency: write the number alone, and the currency into its own column")
    try:
        return amount(cell)
    except BadCell as error:
        raise BadCell(str(error).replace(" in US dollars", "").replace(" in dollars", "")) from error


def amount(cell: Cell) -> Decimal:
    """Dollars: a number, or text such as `$1,234.50`. Another currency, a comma for a point, and text such as `5.000`
    or `1,234`, which is one number or a thousand times that, are refused.
    """
    value = _number(cell)
    if not -LARGEST < value < LARGEST:
        raise BadCell("is more than any amount")
    return nine_decimals(value)


def price(cell: Cell) -> Decimal:
    """Dollars, not negative."""
    value = amount(cell)
    if value < 0:
        raise BadCell("is negative")
    return value


def count(cell: Cell) -> int:
    value = _number(cell, is_count=True)
    if value != value.to_integral_value() or not 0 <= value < 10**12:
        raise BadCell("is not a whole number from 0")
    return int(value)


def shape(cell: Cell) -> str:
    """The shape of a cell without its content: letters become a, digits 9."""
    if cell is None:
        return "empty"
    if isinstance(cell, bool):
        return "tick box"
    kind = "text" if isinstance(cell, str) else "number"
    shown = re.sub(r"[^\W\d_]", "a", re.sub(r"\d", "9", str(cell)))
    return f"{kind} {shown[:40]}" + ("…" if len(shown) > 40 else "")


def _number(cell: Cell, *, is_count: bool = False) -> Decimal:
    if isinstance(cell, bool):
        raise BadCell("is a tick box, not a number")
    if not isinstance(cell, str):
        return Decimal(cell or 0)
    found = IN_DOLLARS.fullmatch(clean(cell).replace(MINUS, "-"))
    number = found and f"{found['minus']}{found['number']}"
    if not found or not number or not AMOUNT.fullmatch(number):
        raise BadCell(_why_no_number(clean(cell)))
    has_groups = "," in number and bool(is_count or found["before"] or found["after"])
    if THOUSANDS_OR_NOT.fullmatch(number) and not has_groups:
        raise BadCell(
            "can be two numbers, with thousands or with decimals: write 1234.50, without a thousands separator"
        )
    return Decimal(number.replace(",", ""))


def _why_no_number(written: str) -> str:
    if "%" in written:
        return "is a percentage, not an amount: write 1234.50"
    if re.search(r"[^\W\d_]|[^\x00-\x7f]", re.sub("usd", "", written, flags=re.IGNORECASE)) and re.search(
        r"\d", written
    ):
        return "is not a plain number in US dollars: another currency, a unit or an exponent; write 1234.50"
    if re.fullmatch(r"\(.*\)", written):
        return "is in parentheses: write -1234.50 if it is negative"
    return "is no number in dollars: write 1234.50"


def _serial(cell: Cell) -> date:
    if isinstance(cell, bool) or cell is None:
        raise BadCell("is no date")
    if not 0 < Decimal(cell) < 10**6:
        raise BadCell("is a number, and no date")
    return FIRST_SERIAL + timedelta(days=int(cell))


def _written_day(written: str) -> date:
    if ISO_DAY.fullmatch(written):
        return _parsed(re.split(r"[T ]", written)[0].replace("/", "-"), "%Y-%m-%d")
    if AMBIGUOUS_DAY.fullmatch(written):
        raise BadCell("can be two dates, by day or by month first: write 2026-01-31")
    if found := _named_day(written):
        return found
    raise BadCell("is no date: write 2026-01-31")


def _named_day(written: str) -> date | None:
    plain = _plain(written)
    return next((found for form in NAMED_DAYS if (found := _try(plain, form))), None)


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
