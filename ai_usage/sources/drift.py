"""What a vendor sends beyond what its contract names: fields and values nobody has taught us yet.

A record's struct is lenient; its strict twin refuses what the struct does not name. Almost every record fits
the twin, which costs a decode; only those that do not are looked into.
"""

import types
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Annotated, Any, Literal, Self, Union, get_args, get_origin

import msgspec


class Known(frozenset[str]):
    """Annotates a string field with the values its contract names: an open set, others are kept and told."""

    def __new__(cls, *values: str) -> Self:
        return super().__new__(cls, values)


def drift(records: Iterable[str], of: type[msgspec.Struct]) -> Counter[str]:
    """What the struct does not know, in words, and in how many records."""
    strict, lenient = msgspec.json.Decoder(_strict(of)), msgspec.json.Decoder(of)
    found: Counter[str] = Counter()
    for record in records:
        try:
            strict.decode(record)
        except msgspec.ValidationError as error:
            unknown = set(_unknown(msgspec.json.decode(record), of, ""))
            found.update(unknown | _misfit(record, lenient) or {f"does not fit: {error}"})
    return found


def _misfit(record: str, lenient: msgspec.json.Decoder[msgspec.Struct]) -> set[str]:
    """A renamed field is both: an unknown one and a missing one."""
    try:
        lenient.decode(record)
    except msgspec.ValidationError as error:
        return {f"does not fit: {error}"}
    return set()


@cache
def _strict(of: Any) -> Any:
    """The same type, refusing unknown fields and values."""
    if get_origin(of) is Annotated:
        known = [note for note in of.__metadata__ if isinstance(note, Known)]
        return Literal[tuple(sorted(known[0]))] if known else of
    if isinstance(of, type) and issubclass(of, msgspec.Struct):
        fields = [
            (f.encode_name, _strict(f.type)) if f.required else (f.encode_name, _strict(f.type), None)
            for f in msgspec.structs.fields(of)
        ]
        return msgspec.defstruct(of.__name__, fields, forbid_unknown_fields=True, kw_only=True)
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
