"""Columns as compact text for a page: names by dictionary, whole numbers as bytes, everything deflated.

Nothing is rounded: a decimal becomes an integer with its scale, and a column with a sum beyond a browser's exact
numbers becomes two of them. Equal columns of several cards are stored once.
"""

import base64
import hashlib
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import polars as pl

EXACT = 2**53  # a browser adds whole numbers exactly up to here
LIMB = 10**9
SCALE = 9  # NUMERIC's decimal places


@dataclass
class Packer:
    """Collects the columns of one page. `words` is applied to every text before it is kept."""

    words: Callable[[str], str] = str
    _kept: dict[str, int] = field(default_factory=dict, init=False)
    _headers: list[dict[str, Any]] = field(default_factory=list, init=False)
    _content: bytearray = field(default_factory=bytearray, init=False)

    def labels(self, column: pl.Series) -> int:
        """Keep a column of names, days or marks as a sorted dictionary and a code a row, 0 for null; returns where."""
        known = column.drop_nulls().unique()
        name_of = {value: self.words(value) if isinstance(value, str) else plain(value) for value in known.to_list()}
        names = sorted(set(name_of.values()))
        code_of = {name: code for code, name in enumerate(names, start=1)}
        codes = column.replace_strict(
            known, [code_of[name_of[value]] for value in known.to_list()], default=0, return_dtype=pl.Int64
        )
        return self._keep({"kind": "labels", "rows": len(codes), "names": names}, _planes(codes))

    def amounts(self, column: pl.Series) -> int:
        """Keep a column of numbers; returns where."""
        if column.dtype.is_float():
            values = column.cast(pl.Float64).fill_null(float("nan")).rechunk()
            return self._keep({"kind": "floats"}, bytes(values.to_arrow().buffers()[1]))
        if column.dtype.is_temporal():  # the newest of several is shown too
            return self._whole(column.cast(pl.Datetime).dt.epoch("s").to_list(), 0, is_time=True)
        whole, scale = _whole(column)
        if sum(abs(value) for value in whole if value is not None) < EXACT:
            return self._whole(whole, scale)
        high = self._whole([None if value is None else value // LIMB for value in whole], 0)
        low = self._whole([None if value is None else value % LIMB for value in whole], 0)
        return self._keep({"kind": "limbs", "scale": scale, "limb": LIMB, "high": high, "low": low}, b"")

    def packed(self) -> dict[str, Any]:
        """What the page unpacks: a header a column, and the bytes of all in one base64 text."""
        squeezed = zlib.compressobj(9, zlib.DEFLATED, -15)
        content = squeezed.compress(bytes(self._content)) + squeezed.flush()
        return {"columns": self._headers, "content": base64.b64encode(content).decode()}

    def _whole(self, values: list[int | None], scale: int, *, is_time: bool = False) -> int:
        least = min((value for value in values if value is not None), default=0)
        moved = pl.Series([0 if value is None else value - least + 1 for value in values], dtype=pl.Int64)
        header = {"kind": "whole", "rows": len(values), "scale": scale, "least": least, "isTime": is_time}
        return self._keep(header, _planes(moved))

    def _keep(self, header: dict[str, Any], content: bytes) -> int:
        name = hashlib.sha256(repr(header).encode() + content).hexdigest()
        if name not in self._kept:
            self._kept[name] = len(self._headers)
            self._headers.append({**header, "at": len(self._content), "length": len(content)})
            self._content += content
        return self._kept[name]


def plain(value: Any) -> str | int:
    """How a value is written; a whole number stays one, so that 9 stands before 10."""
    match value:
        case bool():
            return "yes" if value else "no"
        case int():
            return value
        case datetime():
            return value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        case date():
            return value.isoformat()
        case Decimal():
            return f"{value.normalize():f}"
    return str(value)


def _whole(column: pl.Series) -> tuple[list[int | None], int]:
    """Values as integers, and the power of ten that they are too great by: the smallest that loses nothing."""
    if not column.dtype.is_decimal():
        return column.cast(pl.Int64).to_list(), 0
    whole = [None if value is None else int(value.scaleb(SCALE)) for value in column.to_list()]
    scale = SCALE
    while scale and all(value is None or value % 10 == 0 for value in whole):
        whole, scale = [None if value is None else value // 10 for value in whole], scale - 1
    return whole, scale


def _planes(values: pl.Series) -> bytes:
    """Whole numbers from 0 on, first the lowest byte of each, then the next: alike bytes beside one another deflate."""
    planes = b""
    while True:
        planes += bytes((values % 256).cast(pl.UInt8).to_arrow().buffers()[1] or b"")[: len(values)]
        values = values // 256
        if not (values.max() or 0):
            return planes
