"""Reads one record field by field, where it does not decode as a whole."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any, TypeVar, get_args, get_origin

import msgspec

from ai_usage.warehouse.reading.field_types import MOST, Refused, Unfit, carried_by, noun_of, options_of, unannotated
from ai_usage.warehouse.reading.held_values import fit
from ai_usage.warehouse.reading.json_values import decoder, number_of, quoted, value_shape, with_article

T = TypeVar("T")


def mended(text: str | bytes, of: type[T]) -> tuple[T, list[Unfit]]:
    """One record, with the fields that had to be read as something else; `Refused` if it cannot be used."""
    notes: list[Unfit] = []
    try:
        return _value(msgspec.Raw(text), of, "", notes), notes
    except msgspec.MsgspecError as error:
        raise Refused(Unfit("record", "is not JSON", "damaged text"), is_essential=True) from error


@dataclass(frozen=True)
class _Field:
    name: str
    sent_as: str
    type: Any
    is_required: bool
    is_optional: bool  # may be null
    is_essential: bool
    noun: str

    def unreadable(self) -> dict[str, Any]:
        """As an argument: unknown, or what stands for an absent one."""
        return {self.name: None} if self.is_optional else {}


@cache
def _fields(of: type[msgspec.Struct]) -> tuple[_Field, ...]:
    return tuple(
        _Field(
            f.name,
            f.encode_name,
            f.type,
            f.required,
            type(None) in options_of(f.type),
            f.required or carried_by(f.type) is not None,
            noun_of(f.type),
        )
        for f in msgspec.structs.fields(of)
    )


def _struct(raw: msgspec.Raw, of: type[msgspec.Struct], path: str, notes: list[Unfit]) -> Any:
    sent: dict[str, msgspec.Raw] = decoder(dict[str, msgspec.Raw]).decode(raw)
    built: dict[str, Any] = {}
    for of_field in _fields(of):
        at = f"{path}.{of_field.sent_as}" if path else of_field.sent_as
        if of_field.sent_as not in sent:
            if of_field.is_required:
                raise Refused(Unfit(at, "is missing", "absent"), is_essential=True)
            continue
        try:
            built[of_field.name] = _value(sent[of_field.sent_as], of_field.type, at, notes)
        except Refused as refused:
            if refused.is_essential or of_field.is_essential:
                raise Refused(refused.unfit, is_essential=True) from refused
            notes.append(refused.unfit)
            built |= of_field.unreadable()
    return of(**built)


def _value(raw: msgspec.Raw, of: Any, path: str, notes: list[Unfit]) -> Any:
    try:
        value = decoder(of).decode(raw)
    except msgspec.ValidationError:
        value = msgspec.UNSET
    if value is None or (value is not msgspec.UNSET and fit([value], of)):
        return value
    text, options = bytes(raw).strip().decode(), options_of(of)
    if text == '""' and type(None) in options:
        return None
    for option in options:
        if text.startswith("{") and isinstance(option, type) and issubclass(option, msgspec.Struct):
            return _struct(raw, option, path, notes)
        if text.startswith("[") and get_origin(option) is list:
            is_whole = carried_by(of) is not None
            return _items(raw, get_args(option)[0], f"{path}[]", notes, is_whole=is_whole)
    shape = value_shape(text)
    for read, reading in _readings(text, options):
        try:
            value = msgspec.convert(read, of)
        except msgspec.ValidationError:
            continue
        if fit([value], of):
            notes.append(Unfit(path, f"{with_article(shape)}, read as {reading}", shape))
            return value
    number = number_of(text)
    fault = "too large for" if number is not None and abs(number) > MOST else "not"
    reason = f"{quoted(text) or with_article(shape)} is {fault} {noun_of(of)}"
    raise Refused(Unfit(path or "record", reason, shape), is_essential=carried_by(of) is not None)


def _items(raw: msgspec.Raw, of: Any, path: str, notes: list[Unfit], *, is_whole: bool) -> list[Any]:
    """The items of a list. Unless the list is essential as a whole, one that is no item at all is left out."""
    items = []
    for one in decoder(list[msgspec.Raw]).decode(raw):
        try:
            items.append(_value(one, of, path, notes))
        except Refused as refused:
            if refused.is_essential or is_whole:
                raise
            notes.append(refused.unfit)
    return items


def _readings(text: str, options: Sequence[Any]) -> Iterable[tuple[Any, str]]:
    """What a value of another JSON type can be read as without a guess."""
    bare = {unannotated(option) for option in options}
    number = number_of(text)
    if number is None:
        return
    if int in bare and number == number.to_integral_value() and abs(number) <= MOST:
        yield int(number), "a whole number"
    if str in bare and not text.startswith('"'):
        is_whole = number == number.to_integral_value() and abs(number) < Decimal("1e20")
        yield str(int(number)) if is_whole else text, "text"
