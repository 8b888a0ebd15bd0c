"""Instants in whatever form vendors send them: RFC 3339 text, a bare day, epoch milliseconds as a number or as text."""

from datetime import UTC, date, datetime


def day_of_instant(said: object) -> date | None:
    """The UTC day of an instant; None for what is none, so that an odd record costs itself and not its answer. Text
    without a time zone is taken for UTC, which vendors use everywhere.
    """
    try:
        if isinstance(said, str):
            return _day_of_text(said.strip())
        if isinstance(said, int | float) and not isinstance(said, bool):
            return datetime.fromtimestamp(said // 1000, UTC).date()
    except (ValueError, OverflowError, OSError):
        pass  # no instant: what the caller is told
    return None


def _day_of_text(said: str) -> date:
    if said.isdigit():  # never a compact date: `fromisoformat` would read some milliseconds as one
        return datetime.fromtimestamp(int(said) // 1000, UTC).date()
    try:
        at = datetime.fromisoformat(said)
    except ValueError:
        return datetime.fromtimestamp(float(said) // 1000, UTC).date()
    return (at.astimezone(UTC) if at.tzinfo else at).date()
