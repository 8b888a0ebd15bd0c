"""Turns Google's error answers into our errors: what happened, and what to do."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from math import inf
from typing import Any

import msgspec
import requests
from google.auth.exceptions import GoogleAuthError

from ai_usage.ingest.http.bodies import refuse_bad_utf8
from ai_usage.ingest.http.errors import (
    ApiDown,
    ApiError,
    DamagedAnswer,
    KeyRefused,
    NotFound,
    NotPermitted,
    RateLimited,
    TooLarge,
    UnexpectedAnswer,
    Unreachable,
    unchained,
)
from ai_usage.secrecy import without_secrets

ADVICE = {
    400: "Is AI_USAGE_SHEET_ID the id in the sheet's address, between /d/ and /edit?",
    401: "GOOGLE_APPLICATION_CREDENTIALS no longer opens anything: make the service account a new key.",
    403: "Share the sheet with the service account's e-mail address as a viewer, and enable the Sheets and Drive APIs.",
    404: "There is no such sheet for this account: check AI_USAGE_SHEET_ID, and that the sheet is shared with it.",
    429: "The read quota of this minute is used up, perhaps by another tool with the same account.",
    500: "Google is in trouble: try again later.",
}
KINDS: Mapping[int, type[ApiError]] = {401: KeyRefused, 403: NotPermitted, 404: NotFound, 429: RateLimited}


class _Refusal(msgspec.Struct):
    class _Error(msgspec.Struct):
        message: str = ""

    error: _Error | str = ""


def refusal(answer: requests.Response) -> ApiError:
    """The error for an error status."""
    status = answer.status_code
    kind = KINDS.get(status, ApiDown if status >= 500 else ApiError)
    if status == 403 and b"usageLimits" in answer.content:  # how Drive words its quotas
        kind = RateLimited
    advice = ADVICE[429] if kind is RateLimited else ADVICE.get(status) or ADVICE.get(status // 100 * 100, "")
    return kind(f"Google answered {status}: {_reason(answer.content)}. {advice}".rstrip())


def _reason(body: bytes) -> str:
    """Google's own words, or the beginning of whatever else it sent."""
    try:
        error = msgspec.json.decode(body, type=_Refusal).error
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        error = body[:1000].decode(errors="replace")
    words = without_secrets(error if isinstance(error, str) else error.message)
    return " ".join(words.split())[:200].rstrip(".") or "no explanation"


@contextmanager
def in_plain_words() -> Iterator[None]:
    """Raises errors of requests and google-auth as ours: what happened, and what to do."""
    try:
        yield
    except GoogleAuthError as error:
        raise KeyRefused(f"Google refused the credentials ({type(error).__name__}). {ADVICE[401]}") from error
    except requests.exceptions.RequestException as error:
        raise Unreachable(f"No answer from Google ({type(error).__name__}). Check the network or a proxy.") from error


def may_help(error: Exception) -> bool:
    """Whether to try again."""
    return isinstance(error, RateLimited | ApiDown | Unreachable | DamagedAnswer)


def decoded(body: bytes, of: Any, *, at_most: float = inf) -> Any:
    """A body as a struct; an error of ours if it is larger, damaged or of another shape."""
    with unchained():
        if len(body) > at_most:
            raise TooLarge(f"Google's answer has {len(body):,} bytes, which is not what its API promises.")
        try:
            refuse_bad_utf8(body)
            return msgspec.json.decode(body, type=of)
        except (msgspec.ValidationError, RecursionError) as error:
            raise UnexpectedAnswer(f"Google's answer is not what its API promises ({error}).") from None
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise DamagedAnswer(f"Google's answer is cut short or no JSON ({error}).") from None
