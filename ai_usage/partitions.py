"""UTC days: the partitions of all daily assets, and spans of days."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import dagster as dg

from ai_usage.errors import SettingError
from ai_usage.settings import Settings, settings

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, order=True)
class Span:
    """Consecutive UTC days, both ends included."""

    first: date
    last: date

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise ValueError(f"{self} ends before it begins")

    @property
    def days(self) -> list[date]:
        return [self.first + timedelta(days=n) for n in range((self.last - self.first).days + 1)]

    def __contains__(self, day: date) -> bool:
        return self.first <= day <= self.last

    def cut(self, *, at_most: int) -> Iterator["Span"]:
        """The fewest spans of at most so many days that cover this one, oldest first."""
        first = self.first
        while first <= self.last:
            last = min(first + timedelta(days=at_most - 1), self.last)
            yield Span(first, last)
            first = last + ONE_DAY

    def months(self) -> Iterator["Span"]:
        """The calendar months of it, oldest first; the first and the last one may be parts."""
        first = self.first
        while first <= self.last:
            following = (first.replace(day=1) + timedelta(days=31)).replace(day=1)
            yield Span(first, min(following - ONE_DAY, self.last))
            first = following

    def __str__(self) -> str:
        return f"{self.first}…{self.last}" if self.first != self.last else str(self.first)


def midnight(day: date) -> str:
    """The instant a UTC day begins, as providers expect it."""
    return f"{day.isoformat()}T00:00:00Z"


def runs_of_days(days: Sequence[date]) -> Iterator[Span]:
    """The consecutive runs among some days."""
    ordered = sorted(set(days))
    first = 0
    for n in range(1, len(ordered) + 1):
        if n == len(ordered) or ordered[n] - ordered[n - 1] != ONE_DAY:
            yield Span(ordered[first], ordered[n - 1])
            first = n


def days_since_start(of: Settings) -> dg.DailyPartitionsDefinition:
    """One partition a UTC day, from the start date to yesterday as the settings' clock has it."""
    pretended = (of.fixed_now.date() - datetime.now(UTC).date()).days if of.fixed_now else 0
    return dg.DailyPartitionsDefinition(start_date=of.start_date.isoformat(), timezone="UTC", end_offset=pretended)


DAYS = days_since_start(settings())


def span_of_run(context: dg.AssetExecutionContext) -> Span:
    """The days this run is to materialize."""
    if not (context.has_partition_key or context.has_partition_key_range):
        raise SettingError(
            "This run names no day. Pick a partition or a range of them; a job takes a range in the tags "
            "dagster/asset_partition_range_start and dagster/asset_partition_range_end."
        )
    keys = context.partition_key_range
    return Span(date.fromisoformat(keys.start), date.fromisoformat(keys.end))
