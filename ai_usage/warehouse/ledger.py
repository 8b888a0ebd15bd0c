"""The raw ledger's words: an answer to be appended, and the records of the versions that count. Touches no database."""

import hashlib
import json
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import Any, TypeVar

import msgspec
import polars as pl

from ai_usage.errors import AiUsageError

T = TypeVar("T")


class UnreadableRecord(AiUsageError):
    """A record in raw that is not what its vendor's contract promises."""


@dataclass(frozen=True)
class Answer:
    """What a vendor said of one day, or of one snapshot (`day` is None): its records as the bytes it sent."""

    source: str
    day: date | None
    records: Sequence[bytes]
    pages: int
    request: Mapping[str, Any]
    envelope: Mapping[str, Any] = field(default_factory=dict)
    is_simulated: bool = False
    is_ordered: bool = False  # whether the order of the records says something: rows of a sheet are known by number

    @cached_property
    def content_hash(self) -> str:
        """Equal for equal records; where vendors promise no order, in any."""
        records = self.records if self.is_ordered else sorted(self.records)
        return hashlib.sha256(b"\0".join(records)).hexdigest()  # no JSON text holds a NUL

    @property
    def request_json(self) -> str:
        return json.dumps(self.request, sort_keys=True)

    @property
    def envelope_json(self) -> str:
        return json.dumps(self.envelope, sort_keys=True)


@dataclass(frozen=True)
class Version:
    """What the ledger holds of a day or snapshot after a pull."""

    day: date | None
    pull_id: str
    pulled_at: datetime
    records: int
    is_new: bool


def new_pull_id() -> str:
    """Sorts after every id this machine made before, and never meets another machine's."""
    return f"{time.time_ns():020d}-{secrets.token_hex(4)}"


@dataclass(frozen=True)
class Records:
    """The newest versions of some days, or of a snapshot. `versions` tells what was pulled, empty days included;
    `lines` has a row per record: activity_date, pull_id, ingestion_timestamp, record.
    """

    pull: str
    versions: pl.DataFrame  # activity_date, pull_id, pulled_at, records, envelope
    lines: pl.DataFrame

    @property
    def days(self) -> list[date]:
        """The days ever pulled, in order."""
        return sorted(d for d in self.versions["activity_date"].to_list() if d is not None)

    def decode(self, of: type[T]) -> list[T]:
        """Every record as a typed object, in order; `UnreadableRecord` quotes the first that does not fit."""
        texts = self.lines["record"].to_list()
        try:
            return msgspec.json.decode(f"[{','.join(texts)}]", type=list[of])  # type: ignore[valid-type]
        except msgspec.MsgspecError:
            self._explain(texts, of)
            raise

    def _explain(self, texts: list[str], of: type[T]) -> None:
        decoder: msgspec.json.Decoder[T] = msgspec.json.Decoder(of)
        for text, day in zip(texts, self.lines["activity_date"], strict=True):
            try:
                decoder.decode(text)
            except msgspec.MsgspecError as error:
                raise UnreadableRecord(
                    f"ai_usage_raw.{self.pull}, {day or 'snapshot'}: {error}. The record is kept in raw; "
                    f"the vendor changed its format or sent a damaged answer: {text[:300]}"
                ) from error

    def stamps(self) -> dict[str, pl.Series]:
        """The columns every core table ends with."""
        return {name: self.lines[name] for name in ("pull_id", "ingestion_timestamp")}
