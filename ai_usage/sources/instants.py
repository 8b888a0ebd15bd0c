"""Instants in whatever form vendors send them: RFC 3339 text, a bare day, epoch milliseconds as a number or as text."""

from datetime import UTC, date, datetime

EARLIEST = date(2020, 1, 1)  # no vendor sold AI before: such an instant is a zero, or seconds for milliseconds


def day_of_instant(said: object) -> date | None:
    """The UTC day of an instant; None for what is none, so that an odd record costs itself and not its answer. Text
    without a time zone is taken for UTC, which vendors use everywhere.
    """
    try:
        day = _day(said)
    except (ValueError, OverflowError, OSError):
        return None
    return day if day is not None and day >= EARLIEST else None


def _day(said: object) -> date | None:
    if isinstance(said, str):
        return _day_of_text(said.strip())
    if isinstance(said, int | float) and not isinstance(said, bool):
        return datetime.fromtimestamp(said // 1000, UTC).date()
    return None


def _day_of_text(said: str) -> date:
    if said.isdigit():  # never a compact date: `fromisoformat` would read some milliseconds as one
        return datetime.fromtimestamp(int(said) // 1000, UTC).date()
    try:
        at = datetime.fromisoformat(said)
    except ValueError:
        return datetime.fromtimestamp(float(said) // 1000, UTC).date()
    return (at.astimezone(UTC) if at.tzinfo else at).date()
