"""Says aloud that something is tried again: one log line a retry, in place of the retry library's own."""

import logging

from stamina.instrumentation import RetryDetails, set_on_retry_hooks

LOG = logging.getLogger(__name__)


def _tell(details: RetryDetails) -> None:
    LOG.warning("%s Trying again in %.1f s (retry %d).", details.caused_by, details.wait_for, details.retry_num)


set_on_retry_hooks([_tell])
