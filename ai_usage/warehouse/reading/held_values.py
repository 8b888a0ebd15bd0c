"""Values that decode and are still too large or too early for the warehouse: amounts, times."""

import types
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from functools import cache
from operator import attrgetter
from typing import Annotated, Any, Union, get_args, get_origin

import msgspec

from ai_usage.warehouse.reading.field_types import LAST_MS, Milliseconds, unannotated

AMOUNT_LIMIT = Decimal("1e29")  # no quantity or amount is as large: NUMERIC(38, 9) holds less
EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)


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
    # A Decimal that is no number refuses to be compared.
    Decimal: lambda amounts: max(amounts) < AMOUNT_LIMIT and min(amounts) > -AMOUNT_LIMIT,
    datetime: lambda instants: min(instants) > EARLIEST and max(instants) < LATEST,
    Milliseconds: _ms_are_held,
}
_STRUCT, _LIST = object(), object()


@cache
def _kind(of: Any) -> tuple[Any, Any]:
    """What of a type has to be looked at beyond its decoding: the first of its options that has something."""
    if get_origin(of) is Annotated:
        return (
            (Milliseconds, None)
            if any(isinstance(m, Milliseconds) for m in of.__metadata__)
            else _kind(unannotated(of))
        )
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
