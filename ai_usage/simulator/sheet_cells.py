"""What a cell can hold, and how the Sheets API sends it; which cells a range in A1 notation means.

Knows of no HTTP and of no particular sheet.
"""

import re
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

DAY_ZERO = date(1899, 12, 30)
FORMATTED, UNFORMATTED, FORMULA = RENDERS = ("FORMATTED_VALUE", "UNFORMATTED_VALUE", "FORMULA")
SERIAL, DATE_TEXT = DATE_RENDERS = ("SERIAL_NUMBER", "FORMATTED_STRING")

QUOTED = re.compile(r"'((?:[^']|'')+)'(?:!(.*))?", re.DOTALL)
PLAIN = re.compile(r"([^'!]+)!(.*)", re.DOTALL)
A1 = re.compile(r"\$?([A-Z]{1,3})?\$?([1-9]\d*)?(:\$?([A-Z]{1,3})?\$?([1-9]\d*)?)?", re.IGNORECASE)
BARE_TITLE = re.compile(r"[A-Za-z_]\w*")  # any other is sent in quotes


class Shown(NamedTuple):
    """A number or a date with a format of its own."""

    value: int | Decimal | date
    text: str


class Formula(NamedTuple):
    """A formula, what it comes to, and how that is shown."""

    entered: str
    value: int | Decimal
    text: str


Value = str | bool | int | Decimal | date | Shown | Formula | None


class Box(NamedTuple):
    """Rows and columns of a tab, counted from 0, the ends exclusive."""

    top: int
    left: int
    bottom: int
    right: int


class RangeError(ValueError):
    """No range, which needs no words, or none of this grid."""


def parse_range(text: str) -> tuple[str | None, str | None]:
    """The tab's title and the cells; without a title it may be either."""
    if found := QUOTED.fullmatch(text):
        return found[1].replace("''", "'"), found[2]
    if found := PLAIN.fullmatch(text):
        return found[1], found[2]
    return None, text


def box(cells: str | None, rows: int, columns: int) -> Box:
    """The cells meant, of a grid of so many; all of them where none are named."""
    if cells is None:
        return Box(0, 0, rows, columns)
    found = A1.fullmatch(cells)
    if not found or not any(found.group(1, 2)) or (found[3] and not any(found.group(4, 5))):
        raise RangeError
    if found[3] is None and not all(found.group(1, 2)):
        raise RangeError
    left, top = column_number(found[1] or "A") - 1, int(found[2] or 1) - 1
    last_column, last_row = (found[4], found[5]) if found[3] else (found[1], found[2])
    right, bottom = column_number(last_column) if last_column else columns, int(last_row) if last_row else rows
    top, bottom, left, right = min(top, bottom - 1), max(top + 1, bottom), min(left, right - 1), max(left + 1, right)
    if top >= rows or left >= columns:
        raise RangeError(f"Range ({cells}) exceeds grid limits. Max rows: {rows}, max columns: {columns}")
    return Box(top, left, min(bottom, rows), min(right, columns))


def a1(title: str, of: Box) -> str:
    """The range as the API sends it."""
    name = title if BARE_TITLE.fullmatch(title) else "'" + title.replace("'", "''") + "'"
    first, last = f"{column_letters(of.left + 1)}{of.top + 1}", f"{column_letters(of.right)}{of.bottom}"
    return f"{name}!{first}" if first == last else f"{name}!{first}:{last}"


def column_number(letters: str) -> int:
    """A is 1."""
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - ord("A") + 1
    return number


def column_letters(number: int) -> str:
    letters = ""
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def values(rows: Sequence[Sequence[Value]], of: Box, render: str, dates: str) -> list[list[Any]]:
    """The cells of a box, without the empty ones at the end of a row, nor the empty rows at the end."""
    kept = [
        _trimmed([rendered(cell, render, dates) for cell in row[of.left : of.right]], "")
        for row in rows[of.top : of.bottom]
    ]
    return _trimmed(kept, [])


def by_columns(rows: list[list[Any]]) -> list[list[Any]]:
    """The same with rows for columns, ragged again."""
    width = max(map(len, rows), default=0)
    return [_trimmed([row[n] if n < len(row) else "" for row in rows], "") for n in range(width)]


def rendered(cell: Value, render: str, dates: str = SERIAL) -> str | bool | int | float:
    """A cell as the API sends it; an empty one is an empty text."""
    if isinstance(cell, Formula) and render == FORMULA:
        return cell.entered
    value = cell.value if isinstance(cell, Shown | Formula) else cell
    if value is None or isinstance(value, str):
        return value or ""
    if render == FORMATTED or (isinstance(value, date) and dates == DATE_TEXT):
        return cell.text if isinstance(cell, Shown | Formula) else _usual(value)
    if isinstance(value, date):
        return (value - DAY_ZERO).days
    if isinstance(value, bool | int):
        return value
    return int(value) if value == int(value) else float(value)


def _usual(value: bool | int | Decimal | date) -> str:
    return str(value).upper() if isinstance(value, bool) else str(value)


def _trimmed(items: list[Any], empty: Any) -> list[Any]:
    end = len(items)
    while end and items[end - 1] == empty:
        end -= 1
    return items[:end]
