"""Reads many records at once; where that fails, one by one."""

from collections.abc import Callable, Sequence
from datetime import date
from typing import TypeVar

import msgspec

from ai_usage.money import Rates
from ai_usage.warehouse.reading.field_types import Refused, Unfit
from ai_usage.warehouse.reading.held_values import fit
from ai_usage.warehouse.reading.json_values import decoder
from ai_usage.warehouse.reading.mending import mended

T = TypeVar("T")
CHUNK = 256  # records that are decoded together while a bad one is looked for


def read_all(
    texts: Sequence[str], of: type[T], days: Callable[[], Sequence[date | None]], rates: Rates
) -> tuple[list[T], dict[int, Unfit]]:
    """The records that can be used, in order, and by position why the others cannot."""
    values, rejected = _decoded(texts, of)
    are_all_fit: Callable[[Sequence[T]], bool] = getattr(of, "are_all_fit", lambda _: False)
    if hasattr(of, "unfit") and not are_all_fit(values):
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
        values: list[T] = decoder(list[of]).decode(f"[{','.join(texts)}]")  # type: ignore[valid-type]
    except msgspec.MsgspecError:
        return None
    return values if len(values) == len(texts) and fit(values, of) else None
