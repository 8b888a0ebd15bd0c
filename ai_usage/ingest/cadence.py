"""When a source is pulled: when a day is complete there, how many days are pulled again, and which days are due now.

What is due comes from the ledger, not from a clock's ticks: a day that was missed for any reason stays due until it is
pulled.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import dagster as dg

from ai_usage.partitions import ONE_DAY, Span, runs_of_days
from ai_usage.settings import Settings

MORNING = time(6)  # where the company is
WEEK = timedelta(days=7)
RUNS_AT_MOST = 5  # of one look; days further apart are taken in one run

Looks = Mapping[date | None, datetime]  # when each day, or the snapshot, was last asked about
NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Cadence:
    """A source's availability, and our schedule for it."""

    name: str
    daily: tuple[str, ...] = ()
    snapshots: tuple[str, ...] = ()
    asked_by: tuple[str, ...]  # the pulls that show whether a day was asked about
    settles: timedelta  # after a day's end, until the provider has all of it
    at: time | None = None  # of the company's day; None: as soon as a day is settled
    window: int = 0  # days asked again every day
    long_window: int = 0  # days that are pulled again at least once a week
    warns: timedelta  # an age at which the newest pull is late
    is_configured: Callable[[Settings], bool]
    key_variable: str  # what configures it
    is_certain: bool = True  # whether a pull always leaves a trace in the ledger: not if the key may lack access
    accounts: Callable[[Settings], Sequence[str]] = lambda _: ()  # a day is due for each of them; empty: for any

    @property
    def job(self) -> str:
        return f"pull_{self.name}"

    @property
    def keys(self) -> list[dg.AssetKey]:
        return [dg.AssetKey(["raw", pull]) for pull in (*self.daily, *self.snapshots)]

    def last_pass(self, now: datetime, zone: str) -> datetime:
        """The newest instant up to now at which the source was due."""
        if self.at is None:
            return datetime.combine((now - self.settles).date(), time(), UTC) + self.settles
        here = now.astimezone(ZoneInfo(zone))
        today = here.replace(hour=self.at.hour, minute=self.at.minute, second=0, microsecond=0)
        return (today if today <= here else today - ONE_DAY).astimezone(UTC)

    def newest_settled(self, at: datetime) -> date:
        """The newest UTC day that is complete at the source at an instant."""
        return (at - self.settles).date() - ONE_DAY

    def due(self, looks: Looks, now: datetime, *, start: date, zone: str) -> list[Span]:
        """The days that are due: the window, once per pass; the long window, once a week; and days never pulled."""
        return self.due_of_any([looks], now, start=start, zone=zone)

    def due_of_any(self, looks: Sequence[Looks], now: datetime, *, start: date, zone: str) -> list[Span]:
        """The days that are due for any of several accounts, each with its own looks."""
        days = sorted(set().union(*(self._days_due(of, now, start=start, zone=zone) for of in looks)))
        spans = list(runs_of_days(days)) if days else []
        return spans if len(spans) <= RUNS_AT_MOST else [Span(spans[0].first, spans[-1].last)]

    def _days_due(self, looks: Looks, now: datetime, *, start: date, zone: str) -> set[date]:
        last_pass = self.last_pass(now, zone)
        last = self.newest_settled(last_pass)
        known = sorted(day for day in looks if day is not None)

        def back(days: int, not_before: date) -> list[date]:
            first = max(start, not_before, last - timedelta(days=days - 1))
            return Span(first, last).days if first <= last else []

        days = {day for day in back(self.window, start) if looks.get(day, NEVER) < last_pass}
        if known:
            days |= {day for day in back((last - known[0]).days + 1, known[0]) if day not in looks}
            long = back(self.long_window, known[0])
            if any(looks[day] < last_pass - WEEK for day in long if day in looks):
                days |= set(long)
        return days
