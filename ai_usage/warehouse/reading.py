"""How a vendor's record becomes a typed object, and what becomes of one that does not fit its type.

The struct of a record says which fields the record is useless without: those that carry money, identity or the day
(`Carries`). Where such a field cannot be read, the record is rejected, with the field and the reason. Any other field
that cannot be read is unknown (null) in an otherwise good record; `sources.drift` reports it. An id is opaque: a number
is read as its text. A count may be written as `3.0`.

The usual case costs one decode of all records. Only where that fails are records read one by one, and only those that
do not fit field by field. What a field means is the vendor's `records`' business.
"""

import types
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from enum import Enum
from functools import cache
from operator import attrgetter
from typing import Annotated, Any, Protocol, TypeVar, Union, get_args, get_origin

import msgspec

from ai_usage.money import Rates

T = TypeVar("T")

CHUNK = 256  # records that are decoded together while a bad one is looked for
MOST = 10**15  # that anything is counted to in a day: sums of such counts still are 64-bit integers
LIMIT = Decimal("1e29")  # no quantity or amount is as large: NUMERIC(38, 9) holds less
LAST_MS = 253_402_300_799_999  # the end of the year 9999
EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)


class Carries(Enum):
    """What makes a field essential, and what its value should be."""

    MONEY = "an amount of money"
    CURRENCY = "a currency"
    BILLED = "true or false"
    IDENTITY = "an id"
    ADDRESS = "an address"
    USAGE = "a count"  # of a bill's usage: it decides who pays
    DAY = "a time"


class Milliseconds:
    """Annotates milliseconds since 1970 that may be text."""


Count = Annotated[int, msgspec.Meta(ge=0, le=MOST)]
BilledCount = Annotated[int, msgspec.Meta(ge=0, le=MOST), Carries.USAGE]
Cents = Annotated[Decimal, Carries.MONEY]
Id = Annotated[str, Carries.IDENTITY]  # a number is read as text, a little slower
AnyId = Annotated[str | int, Carries.IDENTITY]  # where the vendor's ids are numbers as often as texts
Address = Annotated[str, Carries.ADDRESS]
Instant = Annotated[datetime, msgspec.Meta(tz=True)]
InstantOfDay = Annotated[datetime, msgspec.Meta(tz=True), Carries.DAY]
Millis = Annotated[int, msgspec.Meta(ge=0, le=LAST_MS)]
MillisOfDay = Annotated[str | int, Milliseconds(), Carries.DAY]


@dataclass(frozen=True)
class Unfit:
    """A field that could not be read: its name, what is wrong with it, and what kind of value it was. Never its
    content, which may be private.
    """

    field: str
    reason: str
    value_shape: str = ""


class Judged(Protocol):
    """A struct that can refuse itself for what no single field shows. It may have a static method `need_no_judging`,
    which quickly finds that none of many records does.
    """

    def unfit(self, day: date | None, rates: Rates) -> Unfit | None: ...


class Refused(Exception):
    """A value that is not of its type. `is_essential`: the record cannot be used without it."""

    unfit: Unfit
    is_essential: bool

    def __init__(self, unfit: Unfit, *, is_essential: bool) -> None:
        super().__init__(unfit.reason)
        self.unfit = unfit
        self.is_essential = is_essential


def read_all(
    texts: Sequence[str], of: type[T], days: Callable[[], Sequence[date | None]], rates: Rates
) -> tuple[list[T], dict[int, Unfit]]:
    """The records that can be used, in order, and by position why the others cannot."""
    values, rejected = _decoded(texts, of)
    need_none: Callable[[Sequence[T]], bool] = getattr(of, "need_no_judging", lambda _: False)
    if hasattr(of, "unfit") and not need_none(values):
        places = [n for n in range(len(texts)) if n not in rejected] if rejected else range(len(texts))
        all_days = days()
        refused = {
            place: unfit
            for place, value in zip(places, values, strict=True)
            if (unfit := value.unfit(all_days[place], rates))  # type: ignore[attr-defined]
        }
        if refused:
            values = [value for place, value in zip(places, values, strict=True) if place not in refused]
            rejected |= refused
    return values, rejected


def _decoded(texts: Sequence[str], of: type[T]) -> tuple[list[T], dict[int, Unfit]]:
    values = _together(texts, of)
    if values is not None:
        return values, {}
    values, rejected = [], {}
    for start in range(0, len(texts), CHUNK):
        some = texts[start : start + CHUNK]
        good = _together(some, of)
        if good is not None:
            values += good
            continue
        for place, text in enumerate(some, start):
            try:
                values.append(mended(text, of)[0])
            except Refused as refused:
                rejected[place] = refused.unfit
    return values, rejected


def _together(texts: Sequence[str], of: type[T]) -> list[T] | None:
    """All of them, or None if any does not fit."""
    try:
        values: list[T] = _decoder(list[of]).decode(f"[{','.join(texts)}]")  # type: ignore[valid-type]
    except msgspec.MsgspecError:
        return None
    return values if len(values) == len(texts) and fit(values, of) else None


def mended(text: str | bytes, of: type[T]) -> tuple[T, list[Unfit]]:
    """One record, with the fields that had to be read as something else; `Refused` if it cannot be used."""
    notes: list[Unfit] = []
    try:
        return _value(msgspec.Raw(text), of, "", notes), notes
    except msgspec.MsgspecError as error:
        raise Refused(Unfit("record", "is not JSON", "damaged text"), is_essential=True) from error


def fit(values: Sequence[Any], of: Any) -> bool:
    """Whether values of the right type are also ones that the warehouse holds: amounts, times."""
    if not values:
        return True
    kind, inner = _kind(of)
    if kind is _STRUCT:
        return all(fit([v for v in map(get, values) if v is not None], of_field) for get, of_field in _to_check(inner))
    if kind is _LIST:
        return fit([item for items in values for item in items], inner)
    try:
        return _HELD[kind](values) if kind else True
    except (InvalidOperation, ValueError):
        return False


def _ms_are_held(values: Sequence[str | int]) -> bool:
    ms = list(map(int, values))
    return min(ms) >= 0 and max(ms) <= LAST_MS


_HELD: dict[Any, Callable[[Sequence[Any]], bool]] = {
    Decimal: lambda amounts: max(amounts) < LIMIT and min(amounts) > -LIMIT,  # refuses to compare what is no number
    datetime: lambda instants: min(instants) > EARLIEST and max(instants) < LATEST,
    Milliseconds: _ms_are_held,
}
_STRUCT, _LIST = object(), object()


@cache
def _kind(of: Any) -> tuple[Any, Any]:
    """What of a type has to be looked at beyond its decoding: the first of its options that has something."""
    if get_origin(of) is Annotated:
        return (Milliseconds, None) if any(isinstance(m, Milliseconds) for m in of.__metadata__) else _kind(_bare(of))
    if get_origin(of) in (Union, types.UnionType):
        return next((found for arg in get_args(of) if (found := _kind(arg))[0]), (None, None))
    if get_origin(of) is list:
        item = get_args(of)[0]
        return (_LIST, item) if _kind(item)[0] else (None, None)
    if isinstance(of, type) and issubclass(of, msgspec.Struct):
        return (_STRUCT, of) if _to_check(of) else (None, None)
    return (of, None) if of in (Decimal, datetime) else (None, None)


@cache
def _to_check(of: type[msgspec.Struct]) -> tuple[tuple[Callable[[Any], Any], Any], ...]:
    return tuple((attrgetter(f.name), f.type) for f in msgspec.structs.fields(of) if _kind(f.type)[0])


@cache
def _decoder(of: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(of)


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
            type(None) in _options(f.type),
            f.required or _carried(f.type) is not None,
            _noun(f.type),
        )
        for f in msgspec.structs.fields(of)
    )


def _struct(raw: msgspec.Raw, of: type[msgspec.Struct], path: str, notes: list[Unfit]) -> Any:
    sent: dict[str, msgspec.Raw] = _decoder(dict[str, msgspec.Raw]).decode(raw)
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
        value = _decoder(of).decode(raw)
    except msgspec.ValidationError:
        value = msgspec.UNSET
    if value is None or (value is not msgspec.UNSET and fit([value], of)):
        return value
    text, options = bytes(raw).strip().decode(), _options(of)
    if text == '""' and type(None) in options:
        return None
    for option in options:
        if text.startswith("{") and isinstance(option, type) and issubclass(option, msgspec.Struct):
            return _struct(raw, option, path, notes)
        if text.startswith("[") and get_origin(option) is list:
            is_whole = _carried(of) is not None
            return _items(raw, get_args(option)[0], f"{path}[]", notes, is_whole=is_whole)
    shape = value_shape(text)
    for read, reading in _readings(text, options):
        try:
            value = msgspec.convert(read, of)
        except msgspec.ValidationError:
            continue
        if fit([value], of):
            notes.append(Unfit(path, f"{_article(shape)}, read as {reading}", shape))
            return value
    number = _number(text)
    fault = "too large for" if number is not None and abs(number) > MOST else "not"
    reason = f"{_quoted(text) or _article(shape)} is {fault} {_noun(of)}"
    raise Refused(Unfit(path or "record", reason, shape), is_essential=_carried(of) is not None)


def _items(raw: msgspec.Raw, of: Any, path: str, notes: list[Unfit], *, is_whole: bool) -> list[Any]:
    """The items of a list. Unless the list is essential as a whole, one that is no item at all is left out."""
    items = []
    for one in _decoder(list[msgspec.Raw]).decode(raw):
        try:
            items.append(_value(one, of, path, notes))
        except Refused as refused:
            if refused.is_essential or is_whole:
                raise
            notes.append(refused.unfit)
    return items


def _readings(text: str, options: Sequence[Any]) -> Iterable[tuple[Any, str]]:
    """What a value of another JSON type can be read as without a guess."""
    bare = {_bare(option) for option in options}
    number = _number(text)
    if number is None:
        return
    if int in bare and number == number.to_integral_value() and abs(number) <= MOST:
        yield int(number), "a whole number"
    if str in bare and not text.startswith('"'):
        is_whole = number == number.to_integral_value() and abs(number) < Decimal("1e20")
        yield str(int(number)) if is_whole else text, "text"


def _number(text: str) -> Decimal | None:
    """Of a JSON number, or of a text of digits alone."""
    inside = text.strip('"')
    if text.startswith('"') and not (inside.isascii() and inside.isdigit()):
        return None
    try:
        number = Decimal(inside)
    except InvalidOperation:
        return None
    return number if number.is_finite() and number.adjusted() < 400 else None


def _bare(of: Any) -> Any:
    return of.__origin__ if get_origin(of) is Annotated else of


@cache
def _options(of: Any) -> tuple[Any, ...]:
    """The types a value may have."""
    bare = _bare(of)
    if get_origin(bare) in (Union, types.UnionType):
        return tuple(option for arg in get_args(bare) for option in _options(arg))
    return (bare,)


@cache
def _carried(of: Any) -> Carries | None:
    """What a field carries; None if a record is of use without it."""
    if get_origin(of) is Annotated:
        return next((note for note in of.__metadata__ if isinstance(note, Carries)), None) or _carried(_bare(of))
    if get_origin(of) in (Union, types.UnionType):
        return next((carried for arg in get_args(of) if (carried := _carried(arg))), None)
    return None


@cache
def _noun(of: Any) -> str:
    """What a value of this type is called."""
    options = [option for option in _options(of) if option is not type(None)]
    for option in options:
        if get_origin(option) is list:
            return "a list"
        if get_origin(option) is dict or (isinstance(option, type) and issubclass(option, msgspec.Struct)):
            return "an object"
    if carried := _carried(of):
        return carried.value
    nouns = {int: "a count", bool: "true or false", Decimal: "a quantity", datetime: "a time"}
    return next((nouns[option] for option in options if option in nouns), "a text")


def value_shape(text: str) -> str:
    """What kind of JSON value a text is, without what stands in it."""
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


def _article(shape: str) -> str:
    return shape if shape in ("null", "true or false") else f"an {shape}" if shape.startswith("o") else f"a {shape}"


def _quoted(text: str) -> str | None:
    """A number, or the name of what is none, may be quoted: it is nobody's."""
    inside = text.strip('"')
    is_odd = inside.lstrip("+-").lower() in ("nan", "snan", "inf", "infinity")
    return inside if is_odd or (len(text) <= 40 and not text.startswith('"') and _number(text) is not None) else None


def address_of(sent: str | None) -> str | None:
    """A person's address as all tables have it; None for an empty one."""
    return (sent or "").strip().lower() or None
