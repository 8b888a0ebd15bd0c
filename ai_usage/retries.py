"""Says aloud that something is tried again, in place of the retry library's own log lines."""

import logging

from stamina.instrumentation import RetryDetails, set_on_retry_hooks

from ai_usage.errors import AiUsageError

LOG = logging.getLogger(__name__)


def _tell(details: RetryDetails) -> None:
    """Every retry of a vendor; of a file that another process has, one in sixty: that is twice a minute."""
    if not isinstance(details.caused_by, AiUsageError) and details.retry_num % 60 != 1:
        return
    LOG.warning("%s Trying again in %.1f s (retry %d).", details.caused_by, details.wait_for, details.retry_num)


set_on_retry_hooks([_tell])
