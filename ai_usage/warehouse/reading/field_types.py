"""The types of records' fields: what a field carries, and the report of one that cannot be read."""

import types
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from functools import cache
from typing import Annotated, Any, Protocol, Union, get_args, get_origin

import msgspec

from ai_usage.money import Rates

MOST = 10**15  # that anything is counted to in a day: sums of such counts still are 64-bit integers
LAST_MS = 253_402_300_799_999  # the end of the year 9999


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
Dollars = Annotated[Decimal, Carries.MONEY]
Id = Annotated[str, Carries.IDENTITY]  # a number is read as text, a little slower
AnyId = Annotated[str | int, Carries.IDENTITY]  # where a provider's ids are numbers as often as texts
Address = Annotated[str, Carries.ADDRESS]
Instant = Annotated[datetime, msgspec.Meta(tz=True)]
InstantOfDay = Annotated[datetime, msgspec.Meta(tz=True), Carries.DAY]
Millis = Annotated[int, msgspec.Meta(ge=0, le=LAST_MS)]
Seconds = Annotated[int, msgspec.Meta(ge=0, le=LAST_MS // 1000)]  # since 1970
MillisOfDay = Annotated[str | int, Milliseconds(), Carries.DAY]


@dataclass(frozen=True)
class Unfit:
    """A field that could not be read: its name, what is wrong with it, and what kind of value it was. Never its
    content, which may be private.
    """

    field: str
    reason: str
    value_shape: str = ""


class SelfChecking(Protocol):
    """A struct that can refuse itself for what no single field shows. It may have a static method `are_all_fit`,
    which quickly finds that many records all are.
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


def unannotated(of: Any) -> Any:
    """A type without its annotations."""
    return of.__origin__ if get_origin(of) is Annotated else of


@cache
def options_of(of: Any) -> tuple[Any, ...]:
    """The types a value may have."""
    bare = unannotated(of)
    if get_origin(bare) in (Union, types.UnionType):
        return tuple(option for arg in get_args(bare) for option in options_of(arg))
    return (bare,)


@cache
def carried_by(of: Any) -> Carries | None:
    """What a field carries; None if a record is of use without it."""
    if get_origin(of) is Annotated:
        return next((note for note in of.__metadata__ if isinstance(note, Carries)), None) or carried_by(
            unannotated(of)
        )
    if get_origin(of) in (Union, types.UnionType):
        return next((found for arg in get_args(of) if (found := carried_by(arg))), None)
    return None


@cache
def noun_of(of: Any) -> str:
    """What a value of this type is called."""
    options = [option for option in options_of(of) if option is not type(None)]
    for option in options:
        if get_origin(option) is list:
            return "a list"
        if get_origin(option) is dict or (isinstance(option, type) and issubclass(option, msgspec.Struct)):
            return "an object"
    if carried := carried_by(of):
        return carried.value
    nouns = {int: "a count", bool: "true or false", Decimal: "a quantity", datetime: "a time"}
    return next((nouns[option] for option in options if option in nouns), "a text")


def address_of(sent: str | None) -> str | None:
    """A person's address as all tables have it; None for an empty one."""
    return (sent or "").strip().lower() or None
