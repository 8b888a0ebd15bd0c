"""When a request is tried again, and after how long."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from ai_usage.ingest.http.errors import DamagedAnswer, Refused, Unreachable

RETRIED = frozenset({429, 500, 502, 503, 504, 529})


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long a request is tried: a number of attempts, a time after which none begins, and growing waits."""

    attempts: int = 8
    seconds: float = 300.0
    first_wait: float = 0.5
    longest_wait: float = 60.0
    jitter: float = 1.0


def retry_after(header: str | None, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> float | None:
    """Seconds of a Retry-After header, which holds seconds or a date; None without one that asks for a wait."""
    if header is None:
        return None
    try:
        seconds = float(header)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(header) - now()).total_seconds()
        except (ValueError, TypeError):
            return None
    return seconds if seconds > 0 else None  # "nan" is not


def worth_waiting_for(patience: Patience, until: float) -> Callable[[Exception], bool | float]:
    """A function that decides, once for each failure, whether to try again. Where the provider asks for a wait, it
    returns that wait, which may be longer than our own back-off but never shorter.
    """
    give_up_at = min(time.monotonic() + patience.seconds, until)
    backing_off = patience.first_wait

    def decide(error: Exception) -> bool | float:
        nonlocal backing_off
        if isinstance(error, Refused):
            may_help, asked = error.may_retry, error.retry_after
        else:
            may_help, asked = isinstance(error, Unreachable | DamagedAnswer), None
        own = min(patience.longest_wait, backing_off)
        wait = min(patience.longest_wait, backing_off + patience.jitter) if asked is None else max(asked, own)
        backing_off *= 2
        if not may_help or time.monotonic() + wait > give_up_at:
            return False
        return True if asked is None else wait

    return decide
