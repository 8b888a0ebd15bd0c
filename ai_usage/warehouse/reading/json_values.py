"""JSON values as text: decoders, numbers, and the kind of value in words."""

from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any

import msgspec


@cache
def decoder(of: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(of)


def number_of(text: str) -> Decimal | None:
    """The number of a JSON number, or of a text of digits alone."""
    inside = text.strip('"')
    if text.startswith('"') and not (inside.isascii() and inside.isdigit()):
        return None
    try:
        number = Decimal(inside)
    except InvalidOperation:
        return None
    return number if number.is_finite() and number.adjusted() < 400 else None


def value_shape(text: str) -> str:
    """The kind of a JSON value, without its content."""
    try:
        value = msgspec.json.decode(text)
    except msgspec.ValidationError:  # a number that no float holds
        return "number"
    if isinstance(value, str | dict | list):
        what = {str: "text of {} characters", dict: "object of {} fields", list: "list of {}"}[type(value)]
        return what.format(len(value))
    if isinstance(value, bool) or value is None:
        return "null" if value is None else "true or false"
    return "negative number" if value < 0 else "number"


def with_article(shape: str) -> str:
    return shape if shape in ("null", "true or false") else f"an {shape}" if shape.startswith("o") else f"a {shape}"


def quoted(text: str) -> str | None:
    """A number, or a word such as `NaN` in its place, which is no private data; None for anything else."""
    inside = text.strip('"')
    is_odd = inside.lstrip("+-").lower() in ("nan", "snan", "inf", "infinity")
    return inside if is_odd or (len(text) <= 40 and not text.startswith('"') and number_of(text) is not None) else None
