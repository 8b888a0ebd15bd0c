"""Records made from the definitions of what providers send: a complete one of each type, and all variants that differ
in one field. The expected reading of each variant is computed here independently, from the same definitions.
"""

import copy
import json
import types
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Union, get_args, get_origin

import msgspec

from ai_usage.ingest.drift import Known
from ai_usage.warehouse.reading.field_types import Carries, Milliseconds

ABSENT = object()
UNKNOWN = object()  # not a value of the type
MOST = 10**15
TIME, MS = "2026-11-03T01:02:03Z", 1793494800123
OTHERS: dict[str, Any] = {  # other values that may occur in place of the expected type
    "absent": ABSENT,
    "null": None,
    "true": True,
    "a text": "novel value",
    "an empty text": "",
    "digits": "12",
    "a whole number": 7,
    "a whole float": 3.0,
    "a fraction": 12.5,
    "negative": -1,
    "huge": 1e30,
    "beyond 64 bits": 2**64,
    "NaN": "NaN",
    "a list": [],
    "a list of numbers": [1],
    "an object": {"novel": 1},
}


@dataclass(frozen=True)
class Field:
    """One field of a record at any depth: its path of keys as sent, and its type."""

    path: tuple[str, ...]  # `[]` is the first item of a list
    names: tuple[str, ...]  # the same path, with the struct's names
    type: Any
    default: Any

    @property
    def name(self) -> str:
        return ".".join(self.path).replace(".[]", "[]")

    @property
    def is_essential(self) -> bool:
        return self.default is msgspec.NODEFAULT or carried(self.type) is not None

    @property
    def is_optional(self) -> bool:
        return type(None) in options(self.type)


@dataclass(frozen=True)
class Variant:
    """A record with one deviating field; `reads_as` is the field's value, or UNKNOWN."""

    field: Field
    what: str
    record: dict[str, Any]
    reads_as: Any


def options(of: Any) -> tuple[Any, ...]:
    bare = of.__origin__ if get_origin(of) is Annotated else of
    if get_origin(bare) in (Union, types.UnionType):
        return tuple(option for arg in get_args(bare) for option in options(arg))
    return (bare,)


def notes(of: Any) -> list[Any]:
    """All annotations of a type or of one of its options."""
    own = list(of.__metadata__) if get_origin(of) is Annotated else []
    bare = of.__origin__ if get_origin(of) is Annotated else of
    inner = get_args(bare) if get_origin(bare) in (Union, types.UnionType) else ()
    return own + [note for arg in inner for note in notes(arg)]


def carried(of: Any) -> Carries | None:
    return next((note for note in notes(of) if isinstance(note, Carries)), None)


def struct_of(of: Any) -> type[msgspec.Struct] | None:
    return next((o for o in options(of) if isinstance(o, type) and issubclass(o, msgspec.Struct)), None)


def whole(of: type[msgspec.Struct]) -> dict[str, Any]:
    """A record that has every field."""
    return {f.encode_name: _good(f.type, f.encode_name) for f in msgspec.structs.fields(of)}


def _good(of: Any, name: str) -> Any:  # noqa: PLR0911 - a line a type
    if known := next((note for note in notes(of) if isinstance(note, Known)), None):
        return min(known)
    if any(isinstance(note, Milliseconds) for note in notes(of)):
        return str(MS)
    if struct := struct_of(of):
        return whole(struct)
    for option in options(of):
        if get_origin(option) is list:
            return [_good(get_args(option)[0], name)]
        if get_origin(option) is dict:
            return {"some": "thing"}
    if carried(of) is Carries.CURRENCY:
        return "USD"
    if str in options(of):
        return "dev@example.com" if carried(of) is Carries.ADDRESS else f"some {name}"
    if int in options(of):
        return MS if name == "date" else 5
    return {bool: True, Decimal: 1.5, datetime: TIME, type(None): None}[options(of)[0]]


def fields(of: type[msgspec.Struct], path: tuple[str, ...] = (), names: tuple[str, ...] = ()) -> Iterator[Field]:
    for f in msgspec.structs.fields(of):
        default = f.default if f.default_factory is msgspec.NODEFAULT else f.default_factory()
        here = Field((*path, f.encode_name), (*names, f.name), f.type, default)
        yield here
        if inner := struct_of(f.type):
            yield from fields(inner, here.path, here.names)
        for option in options(f.type):
            if get_origin(option) is list and (item := struct_of(get_args(option)[0])):
                yield from fields(item, (*here.path, "[]"), (*here.names, "[]"))


def variants(of: type[msgspec.Struct]) -> Iterator[Variant]:
    """Every field, absent, null, and of each other kind."""
    base = whole(of)
    for field in fields(of):
        for what, value in OTHERS.items():
            yield Variant(field, what, changed(base, field.path, value), _reads_as(field, value))


def changed(record: dict[str, Any], path: tuple[str, ...], value: Any) -> dict[str, Any]:
    other: dict[str, Any] = copy.deepcopy(record)
    holder: Any = other
    for key in path[:-1]:
        holder = holder[0] if key == "[]" else holder[key]
    if value is ABSENT:
        del holder[path[-1]]
    else:
        holder[path[-1]] = value
    return other


def _reads_as(field: Field, value: Any) -> Any:  # noqa: PLR0911 - a line a type
    """Written by hand: the value of a field of this type for this input; UNKNOWN if the input is no such value."""
    wanted = options(field.type)
    if value is ABSENT:
        return UNKNOWN if field.default is msgspec.NODEFAULT else field.default
    if value is None or (value == "" and field.is_optional and str not in wanted):
        return None if field.is_optional else UNKNOWN
    if isinstance(value, dict | list):
        return _container(field, value, wanted)
    if isinstance(value, bool):
        return value if bool in wanted else UNKNOWN
    if any(isinstance(note, Milliseconds) for note in notes(field.type)):
        is_time = str(value).removesuffix(".0").isdigit() and float(value) < 2e14
        return str(int(float(value))) if is_time else UNKNOWN
    if isinstance(value, str):
        return _text(value, wanted)
    return _number(value, wanted, field)


def _container(field: Field, value: Any, wanted: tuple[Any, ...]) -> Any:
    if isinstance(value, dict):
        if struct := struct_of(field.type):
            lacks = any(f.required for f in msgspec.structs.fields(struct))
            return UNKNOWN if lacks else struct()
        return value if any(get_origin(option) is dict for option in wanted) else UNKNOWN
    if not any(get_origin(option) is list for option in wanted):
        return UNKNOWN
    return [] if not value or carried(field.type) is None else UNKNOWN  # an invalid item is left out


def _text(value: str, wanted: tuple[Any, ...]) -> Any:
    if str in wanted:
        return value
    if value == "12" and int in wanted:
        return 12
    return Decimal(value) if value == "12" and Decimal in wanted else UNKNOWN


def _number(value: float, wanted: tuple[Any, ...], field: Field) -> Any:
    is_whole = float(value).is_integer()
    if str in wanted:
        large = json.dumps(value)
        return large if abs(value) > 1e20 or not is_whole else str(int(value))
    if int in wanted:
        is_count = is_whole and 0 <= value <= (MOST if field.path[-1] != "date" else 2e14)
        return int(value) if is_count else UNKNOWN
    if Decimal in wanted:
        return Decimal(json.dumps(value)) if abs(value) < 1e29 else UNKNOWN
    return UNKNOWN


def at(value: Any, names: tuple[str, ...]) -> Any:
    """The value of a struct's field."""
    for name in names:
        if value is None or (name == "[]" and not value):
            return None
        value = value[0] if name == "[]" else getattr(value, name)
    return value
