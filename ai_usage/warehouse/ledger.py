"""The raw ledger's words: an answer to be appended, and the records of the versions that count. Touches no database."""

import hashlib
import json
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any, Generic, TypeVar

import polars as pl

from ai_usage.errors import AiUsageError
from ai_usage.money import NO_RATES, Rates
from ai_usage.warehouse.reading.batches import read_all
from ai_usage.warehouse.reading.field_types import Unfit
from ai_usage.warehouse.table import ACCOUNT_STAMPS, DEFAULT_ACCOUNT

T = TypeVar("T")
EPOCH = date(1970, 1, 1)
AN_INSTANT = timedelta(microseconds=1)
CLOCKS_DIFFER = timedelta(hours=1)  # by less than this an instant ahead of now is not of the future


class UnreadableRecord(AiUsageError):
    """What the ledger has of a pull cannot be used as a whole, for example its envelope."""


@dataclass(frozen=True)
class Answer:
    """What a provider sent of one account's day, or as a snapshot (`day` is None): its records as the bytes it sent."""

    source: str
    day: date | None
    records: Sequence[bytes]
    pages: int
    request: Mapping[str, Any]
    envelope: Mapping[str, Any] = field(default_factory=dict)
    is_simulated: bool = False
    is_ordered: bool = False  # whether the order of the records matters: rows of a sheet are known by number
    asked_at: datetime | None = None  # when the request began; None: when it is written
    account: str = DEFAULT_ACCOUNT  # that was asked

    @cached_property
    def content_hash(self) -> str:
        """Equal for equal records; where providers promise no order, in any."""
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
    """What the ledger holds of an account's day or snapshot after a pull."""

    day: date | None
    pull_id: str
    pulled_at: datetime
    records: int
    is_new: bool
    is_newest: bool = True  # false where the answer to a later question was written before


@dataclass(frozen=True)
class Look:
    """The newest version of a day or snapshot: its place in the order of versions, and when it was asked for."""

    pulled_at: datetime
    asked_at: datetime


@dataclass(frozen=True)
class Place:
    """A version's place in the order of versions, `pulled_at`, and whether it is the newest one."""

    pulled_at: datetime
    is_newest: bool


def place(asked_at: datetime, newest: Look | None, *, now: datetime, is_same: bool = False) -> Place:
    """The place of an answer among the versions, by the time of its request. An answer that arrives after that to a
    later request is an older version, unless it is equal. No version of the future hides it: a clock was wrong then,
    and it follows that one.
    """
    if newest is None or newest.pulled_at < asked_at:
        return Place(asked_at, is_newest=True)
    if asked_at < newest.asked_at <= now and not is_same:
        return Place(asked_at, is_newest=False)
    return Place(newest.pulled_at + AN_INSTANT, is_newest=True)


def new_pull_id() -> str:
    """Sorts after every id this machine made before, and never meets another machine's."""
    return f"{time.time_ns():020d}-{secrets.token_hex(4)}"


def pull_ids_until_now() -> str:
    """Sorts after every id made until now, and before those that a clock ahead of this machine's made."""
    return f"{time.time_ns() + int(CLOCKS_DIFFER.total_seconds()) * 10**9:020d}"


@dataclass(frozen=True)
class Rejection:
    """A record of a pull that could not be used: where it is in the ledger, which field, and why. Never its content."""

    pull: str
    account: str
    pull_id: str
    activity_date: date | None
    position: int
    field: str
    reason: str
    value_shape: str
    ingestion_timestamp: datetime


@dataclass(frozen=True)
class Readable(Generic[T]):
    """The records of a pull that can be used, as typed objects, in order; `lines` has a row for each of them."""

    values: list[T]
    lines: pl.DataFrame

    def stamps(self) -> dict[str, pl.Series]:
        """The columns that every core table of a provider's records ends with."""
        return {name: self.lines[name] for name in ACCOUNT_STAMPS}

    @property
    def days(self) -> pl.Series:
        return self.lines["activity_date"]


@dataclass(frozen=True)
class Records:
    """The newest versions of some days, or of a snapshot, of each account. `versions` lists what was pulled, empty days
    included; `lines` has a row per record: account, activity_date, pull_id, ingestion_timestamp, record.
    """

    pull: str
    versions: pl.DataFrame  # account, activity_date, pull_id, pulled_at, records, envelope
    lines: pl.DataFrame
    _rejected: dict[type, list[Rejection]] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def days(self) -> list[date]:
        """The days ever pulled of any account, in order, each once."""
        return sorted({d for d in self.versions["activity_date"].to_list() if d is not None})

    @property
    def accounts(self) -> list[str]:
        """The accounts of which anything was pulled, in order."""
        return sorted(set(self.versions["account"].to_list()))

    def of_account(self, account: str) -> "Records":
        """The part of one account."""
        if self.accounts == [account]:
            return self
        of_it = pl.col("account") == account
        return Records(self.pull, self.versions.filter(of_it), self.lines.filter(of_it))

    def by_account(self) -> "dict[str, Records]":
        """Account → its part."""
        return {account: self.of_account(account) for account in self.accounts}

    def read(self, of: type[T], rates: Rates = NO_RATES) -> Readable[T]:
        """The records as typed objects, without those that cannot be used: these are then among `rejections`."""
        texts = self.lines["record"].to_list()
        values, unfit = read_all(texts, of, self._day_of_each, rates)
        self._rejected[of] = self._rejections(unfit) if unfit else []
        if not unfit:
            return Readable(values, self.lines)
        is_good = pl.Series([n not in unfit for n in range(len(texts))], dtype=pl.Boolean)
        return Readable(values, self.lines.filter(is_good))

    def decode(self, of: type[T]) -> list[T]:
        """The records that can be used, without the lines that they are from."""
        return self.read(of).values

    @property
    def rejections(self) -> list[Rejection]:
        """Of what was read so far."""
        return [rejection for found in self._rejected.values() for rejection in found]

    def _day_of_each(self) -> list[date | None]:
        """Few days, many lines: each day is made once, which is twice as fast as `to_list`."""
        ordinals = self.lines["activity_date"].to_physical().to_list()
        days: dict[int | None, date | None] = {n: EPOCH + timedelta(days=n) for n in {*ordinals} if n is not None}
        return [days.get(n) for n in ordinals]

    def _rejections(self, unfit: Mapping[int, Unfit]) -> list[Rejection]:
        version = ["pull_id", "activity_date"]
        position = pl.int_range(pl.len()).over(version).alias("position")
        lines = self.lines.select("account", *version, "ingestion_timestamp", position)
        return [
            Rejection(self.pull, account, pull_id, day, position, why.field, why.reason, why.value_shape, at)
            for n, why in sorted(unfit.items())
            for account, pull_id, day, at, position in [lines.row(n)]
        ]
