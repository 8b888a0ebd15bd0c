"""Cursor's time: epoch milliseconds, UTC days, billing cycles, and the hour by which usage becomes visible."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta

CYCLE_DAY = 3  # of the month, at midnight
DAY_MS, HOUR_MS = 86_400_000, 3_600_000
ONE_DAY = timedelta(days=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def epoch_ms(at: datetime) -> int:
    return (at - EPOCH) // timedelta(milliseconds=1)


def at_ms(ms: int) -> datetime:
    return EPOCH + timedelta(milliseconds=ms)


def settled(now: datetime) -> int:
    """Usage is reported by the hour: what happened before this instant is visible."""
    return epoch_ms(now) // HOUR_MS * HOUR_MS


def cycle(day: date) -> tuple[date, date]:
    """The first day of a day's billing cycle, and that of the next cycle."""
    first = day.replace(day=CYCLE_DAY)
    if day < first:
        first = (first - timedelta(days=10)).replace(day=CYCLE_DAY)
    return first, (first + timedelta(days=35)).replace(day=CYCLE_DAY)


def days_between(first: date, last: date) -> Iterator[date]:
    return (first + timedelta(days=n) for n in range((last - first).days + 1))


def iso(ms: int) -> str:
    return at_ms(ms).strftime("%Y-%m-%dT%H:%M:%S.") + f"{ms % 1000:03d}Z"
