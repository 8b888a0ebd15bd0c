"""The records of the ledger's versions that count, as typed objects, and those of them that cannot be used. Touches no
database.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Generic, TypeVar

import polars as pl

from ai_usage.money import NO_RATES, Rates
from ai_usage.warehouse.reading.batches import read_all
from ai_usage.warehouse.reading.field_types import Unfit
from ai_usage.warehouse.table import ACCOUNT_STAMPS

T = TypeVar("T")
EPOCH = date(1970, 1, 1)


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
