"""Turns BigQuery's error answers into the errors that all providers share."""

import time
from collections.abc import Callable
from typing import TypeVar

import stamina
from google.api_core import exceptions
from google.auth.exceptions import GoogleAuthError, TransportError

import ai_usage.retries  # noqa: F401 - logs each retry
from ai_usage.ingest.http.client import Client
from ai_usage.ingest.http.errors import (
    KINDS,
    ApiDown,
    ApiError,
    BadRequest,
    OutOfTime,
    RateLimited,
    Refused,
    Unreachable,
    unchained,
)
from ai_usage.ingest.http.retry import RETRIED, Patience, worth_waiting_for
from ai_usage.providers.google.cloud_connection import refused
from ai_usage.providers.google.endpoints import BILLING
from ai_usage.warehouse.bigquery.errors import RETRIED as RETRIED_REASONS
from ai_usage.warehouse.bigquery.errors import plain

T = TypeVar("T")


def tried(ask: Callable[[], T], http: Client, patience: Patience) -> T:
    """The answer of `ask`. Retries while it can help, then raises an `ApiError`."""
    with unchained(), http.allowed.asking() as until:
        for attempt in stamina.retry_context(
            on=worth_waiting_for(patience, until),
            attempts=patience.attempts,
            timeout=patience.seconds,
            wait_initial=patience.first_wait,
            wait_max=patience.longest_wait,
            wait_jitter=patience.jitter,
        ):
            with attempt:
                if time.monotonic() >= until:
                    raise OutOfTime(
                        f"{BILLING.name}: Google has been asked for {http.limits.pull_seconds / 3600:g} hours in this "
                        "run (AI_USAGE_PULL_HOURS)."
                    )
                return _once(ask)
    raise AssertionError("unreachable: retry_context returns or raises")


def _once(ask: Callable[[], T]) -> T:
    try:
        return ask()
    except TransportError as error:
        raise Unreachable(f"{BILLING.name}: no answer from Google's sign-in ({type(error).__name__}).") from None
    except GoogleAuthError as error:
        raise refused(error) from None
    except exceptions.GoogleAPICallError as error:
        raise refusal(error) from None
    except TimeoutError:
        raise Unreachable(f"{BILLING.name}: the query was not done in time.") from None


def refusal(error: exceptions.GoogleAPICallError) -> ApiError:
    """The error for a refusal: BigQuery's own words, and what to do."""
    status, words = int(error.code or 0), plain(error)
    reasons = {str(one.get("reason")) for one in error.errors if isinstance(one, dict)}
    if "bytesBilledLimitExceeded" in reasons or "bytes billed" in words:
        return BadRequest(
            f"{BILLING.name}: the query would read more than BIGQUERY_MAX_BYTES_BILLED allows: {words}. Nothing was "
            "charged. Set a larger number, or ask for later days: it reads all partitions from its first day on.",
            status=status,
            explanation=words,
        )
    may_retry = status in RETRIED or bool(reasons & RETRIED_REASONS)
    kind = RateLimited if may_retry and status == 403 else KINDS.get(status, ApiDown if status >= 500 else BadRequest)
    advice = BILLING.advice.get(status) or BILLING.advice.get(status // 100 * 100, "")
    return _made(kind, status, words, advice, may_retry=may_retry)


def _made(kind: type[Refused], status: int, words: str, advice: str, *, may_retry: bool) -> Refused:
    return kind(
        f"{BILLING.name} answered {status}: {words.rstrip('.')}. {advice}".rstrip(),
        status=status,
        explanation=words,
        may_retry=may_retry,
    )
