"""What BigQuery's errors mean: which are worth another attempt, and one sentence for each that a person can mend."""

import re
from urllib.parse import urlsplit

import requests
from google.api_core import exceptions
from google.auth.exceptions import GoogleAuthError, TransportError

from ai_usage.errors import WarehouseBusy, WarehouseError
from ai_usage.places import COMMAND

RETRIED = {"rateLimitExceeded", "jobRateLimitExceeded", "backendError", "internalError", "jobBackendError"}
CONFLICT = "Could not serialize access"  # of two statements that change one table, one is refused
LOST = "writer lease lost"  # as the fence in each statement reports it


class LeaseLost(WarehouseBusy):
    """Another run writes since this one paused for longer than its lease. Nothing was written."""


class Unavailable(WarehouseError):
    """BigQuery or the way to it failed; the same request may succeed later."""


def is_transient(error: Exception) -> bool:
    """Whether the same request may succeed a little later."""
    if isinstance(error, requests.ConnectionError | requests.Timeout | TransportError):
        return True
    if isinstance(error, exceptions.GoogleAPICallError):
        reasons = _reasons(error)
        if "quotaExceeded" in reasons:
            return False
        return bool(reasons & RETRIED) or CONFLICT in plain(error) or error.code in {429, 500, 502, 503, 504}
    return False


def explained(error: Exception) -> WarehouseError | None:
    """The error as a sentence; None for one that is a defect of a statement."""
    message = plain(error)
    if LOST in str(error):
        return LeaseLost(
            "Another run has taken the warehouse over, because this one wrote nothing for too long: this step was not "
            "written. Run it again."
        )
    if isinstance(error, GoogleAuthError) and not isinstance(error, TransportError):
        return WarehouseError(
            f"Google refuses the credentials: {str(error).rstrip('.')}. Set GOOGLE_APPLICATION_CREDENTIALS to the key "
            "file of a service account, or log in with gcloud auth application-default login."
        )
    return _refusal(error, message) if isinstance(error, exceptions.GoogleAPICallError) else None


def plain(error: Exception) -> str:
    """What went wrong, without the address that was asked and its parameters."""
    if isinstance(error, requests.RequestException):
        place = urlsplit(str(error.request.url)).netloc if error.request is not None else "it"
        return (
            f"no answer from {place} in time"
            if isinstance(error, requests.Timeout)
            else f"the connection to {place} failed"
        )
    return re.sub(r"^(GET|POST|PUT|PATCH|DELETE) \S+: ", "", str(getattr(error, "message", error)))


def _refusal(error: exceptions.GoogleAPICallError, message: str) -> WarehouseError | None:
    reasons = _reasons(error)
    if "quotaExceeded" in reasons:
        return WarehouseError(
            f"A BigQuery quota is used up: {message}. What was written before is kept. Run it again when the quota is "
            "renewed, or request a higher one in the Google Cloud console."
        )
    if "bytesBilledLimitExceeded" in reasons or "bytes billed" in message:
        return WarehouseError(f"BIGQUERY_MAX_BYTES_BILLED is too low for a query: {message}. Nothing was charged.")
    if isinstance(error, exceptions.Forbidden | exceptions.Unauthorized):
        return WarehouseError(f"BigQuery denies access: {message}. {COMMAND} bigquery-setup lists its rights.")
    if isinstance(error, exceptions.NotFound):
        return WarehouseError(f"BigQuery has no such project, dataset or table: {message}")
    return None


def _reasons(error: exceptions.GoogleAPICallError) -> set[str]:
    return {str(one.get("reason")) for one in error.errors if isinstance(one, dict)}
