"""Schema drift: fields and values that a provider sends beyond its contract.

A record's struct is lenient; its strict twin refuses what the struct does not name. Almost every record fits the twin,
at the cost of one decode; only the others are examined.
"""

import types
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Annotated, Any, Literal, Self, Union, get_args, get_origin

import msgspec

from ai_usage.warehouse.reading.field_types import Refused
from ai_usage.warehouse.reading.held_values import fit
from ai_usage.warehouse.reading.mending import mended


class Known(frozenset[str]):
    """Annotates a string field with the values its contract names: an open set, others are kept and reported."""

    def __new__(cls, *values: str) -> Self:
        return super().__new__(cls, values)


def drift(records: Iterable[str], of: type[msgspec.Struct], *, are_rejections_known: bool = False) -> Counter[str]:
    """The unknown fields and values in words → the number of records with them. If `are_rejections_known`, another
    check names the records that cannot be used.
    """
    strict = msgspec.json.Decoder(_strict(of))
    found: Counter[str] = Counter()
    for record in records:
        try:
            if fit([strict.decode(record)], _strict(of)):
                continue
        except msgspec.MsgspecError:
            pass  # looked into below
        found.update({*_unknown(_parsed(record), of, ""), *_misfits(record, of, are_rejections_known)})
    return found


def _parsed(record: str) -> Any:
    try:
        return msgspec.json.decode(record)
    except msgspec.MsgspecError:  # damaged, or with a number that no float holds: `_misfits` names it
        return None


def _misfits(record: str, of: type[msgspec.Struct], are_rejections_known: bool) -> Iterator[str]:  # noqa: FBT001
    """The unknown parts of a record, and the parts that cannot be read."""
    try:
        _, notes = mended(record, of)
    except Refused as refused:
        if not are_rejections_known:
            yield f"{refused.unfit.field}: {refused.unfit.reason}; the record cannot be used"
    else:
        for note in notes:
            yield f"{note.field}: {note.reason}" + ("" if ", read as " in note.reason else ", read as unknown")


@cache
def _strict(of: Any) -> Any:
    """The same type, refusing unknown fields and values."""
    if get_origin(of) is Annotated:
        known = [note for note in of.__metadata__ if isinstance(note, Known)]
        if known:
            return Literal[tuple(sorted(known[0]))]
        inner = _strict(of.__origin__)
        return of if inner == of.__origin__ else inner
    if isinstance(of, type) and issubclass(of, msgspec.Struct):
        fields = msgspec.structs.fields(of)
        return msgspec.defstruct(
            of.__name__,
            [(f.name, _strict(f.type)) if f.required else (f.name, _strict(f.type), None) for f in fields],
            rename={f.name: f.encode_name for f in fields},  # which need not be an identifier: "@type"
            forbid_unknown_fields=True,
            kw_only=True,
        )
    if get_origin(of) in (Union, types.UnionType):
        return Union[tuple(_strict(arg) for arg in get_args(of))]  # noqa: UP007 - built at run time
    if get_origin(of) is list:
        return list[_strict(get_args(of)[0])]  # type: ignore[misc]
    return of


def _unknown(value: Any, of: Any, path: str) -> Iterator[str]:
    if get_origin(of) is Annotated:
        known = [note for note in of.__metadata__ if isinstance(note, Known)]
        if known and isinstance(value, str) and value not in known[0]:
            yield f"unknown value {path} = {value!r}"
        yield from _unknown(value, of.__origin__, path)
    elif isinstance(of, type) and issubclass(of, msgspec.Struct) and isinstance(value, dict):
        fields = {f.encode_name: f.type for f in msgspec.structs.fields(of)}
        for name, inner in value.items():
            below = f"{path}.{name}" if path else name
            if name in fields:
                yield from _unknown(inner, fields[name], below)
            else:
                yield f"unknown field {below}"
    elif get_origin(of) in (Union, types.UnionType) and value is not None:
        for arg in get_args(of):
            yield from _unknown(value, arg, path)
    elif get_origin(of) is list and isinstance(value, list):
        for inner in value:
            yield from _unknown(inner, get_args(of)[0], f"{path}[]")
