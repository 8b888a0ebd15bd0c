"""Instants in the forms that providers send: RFC 3339 text, a bare day, epoch milliseconds as a number or text, or
seconds where a contract has them.
"""

from datetime import UTC, date, datetime
from functools import lru_cache

DAY_MS = 86_400_000
EPOCH = date(1970, 1, 1).toordinal()
EARLIEST = date(2020, 1, 1)  # no provider sold AI before: an earlier instant is a zero, or seconds read as milliseconds


def day_of_instant(value: object) -> date | None:
    """The UTC day of an instant; None if it cannot be read, so that only this record is rejected, not its answer. Text
    without a time zone is UTC, which providers use everywhere.
    """
    try:
        if isinstance(value, str):
            day = _day_of_text(value)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            day = _day_after_epoch(int(value // DAY_MS))
        else:
            return None
    except (ValueError, OverflowError):
        return None
    return day if day >= EARLIEST else None


def day_of_seconds(value: object) -> date | None:
    """The UTC day of an instant in seconds since 1970, as a number or as text of one; None for anything else."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number and not (isinstance(value, str) and value.isascii() and value.isdigit()):
        return None
    try:
        return day_of_instant(int(value) * 1000)  # type: ignore[call-overload]
    except (ValueError, OverflowError):
        return None


def _day_of_text(value: str) -> date:
    if value.isdigit():  # never a compact date: `fromisoformat` would read some milliseconds as one
        return _day_after_epoch(int(value) // DAY_MS)
    try:
        at = datetime.fromisoformat(value.strip())
    except ValueError:
        return _day_after_epoch(int(float(value) // DAY_MS))
    return (at.astimezone(UTC) if at.tzinfo else at).date()


@lru_cache(maxsize=1024)
def _day_after_epoch(days: int) -> date:
    return date.fromordinal(EPOCH + days)
