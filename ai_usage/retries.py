"""Logs retries, in place of the retry library's own log lines."""

import logging
import re
from pathlib import Path
from time import monotonic

from stamina.instrumentation import RetryDetails, set_on_retry_hooks

from ai_usage.errors import AiUsageError

LOG = logging.getLogger(__name__)
QUIET = 300.0  # seconds between two lines about a file that another process has: two runs take turns at each step

_logged_at: list[float] = []  # when such a line was written last


def _tell(details: RetryDetails) -> None:
    if isinstance(details.caused_by, AiUsageError):
        LOG.warning("%s Trying again in %.1f s (retry %d).", details.caused_by, details.wait_for, details.retry_num)
    elif not _logged_at or monotonic() - _logged_at[-1] > QUIET:
        _logged_at[:] = [monotonic()]
        LOG.warning(
            "Another process%s is using the warehouse: this one waits for its turn.", holder(str(details.caused_by))
        )


def holder(text: str) -> str:
    """The process that has a file, as far as DuckDB's error names it, in parentheses."""
    found = re.search(r"Conflicting lock is held in (?P<program>.*?) \(PID (?P<pid>\d+)\)", text)
    return f" ({Path(found['program']).name}, PID {found['pid']})" if found else ""


set_on_retry_hooks([_tell])
