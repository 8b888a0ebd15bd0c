"""Answers without data: error bodies of an API, or pages of a proxy."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import httpx
import msgspec

from ai_usage.secrecy import without_secrets

WORDS = 80  # characters of a foreign page that are quoted
MARKUP = re.compile(r"<(script|style)\b.*?(</\1>|$)|<!--.*?(-->|$)|<[^>]*(>|$)", re.DOTALL | re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class ApiWords:
    """The name of an API in errors, and the advice for each status."""

    name: str
    advice: Mapping[int, str]  # status → what the reader can do about it

    def advising(self, status: int, advice: str) -> "ApiWords":
        """The same with other advice on a status, such as the name of the variable that holds a wrong key."""
        return replace(self, advice={**self.advice, status: advice})

    def at(self, base_url: str, *, usual: str) -> "ApiWords":
        """The same for an API that is asked at another address than the usual one, which may be the wrong one."""
        if base_url.rstrip("/") == usual:
            return self
        where = without_secrets(base_url)
        return self.advising(404, f"{self.advice.get(404, '')} Or the base URL {where} is wrong.".lstrip())

    def message(self, body: bytes) -> str:
        """The provider's own words in an error body: {"error": {"type", "message", "param"}} or {"error" or "code",
        "message"}.
        """
        try:
            sent = msgspec.json.decode(body, type=_ErrorBody)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            sent = _ErrorBody()
        if not isinstance(sent.error, str):
            named = sent.error.param and f"parameter {sent.error.param}"
            kinds = ", ".join(filter(None, (sent.error.type, _code(sent.error.details), named)))
            return f"{sent.error.message} ({kinds})" if kinds else sent.error.message
        if sent.message:
            return f"{sent.message} ({sent.error or sent.code})"
        plain = without_secrets(body[:1000].decode(errors="replace"))  # before a key is cut short
        return " ".join(plain[:200].split()) or "no explanation"

    def request_id(self, response: httpx.Response) -> str:
        """The request's id, which the provider's support asks for: from a header, or from an error's body."""
        for name in ("request-id", "x-request-id"):
            if name in response.headers:
                return response.headers[name]
        try:
            return msgspec.json.decode(response.content, type=_ErrorBody).request_id
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return "none"


class _ErrorDetail(msgspec.Struct):
    message: str
    type: str | None = None
    param: str | None = None  # the parameter that is to blame
    details: Any = None


class _ErrorBody(msgspec.Struct):
    error: _ErrorDetail | str = ""
    message: str = ""
    code: str = "error"
    request_id: str = "none"


def _code(details: Any) -> str:
    """A code in an error's details that is more specific than its type, such as `organization_not_eligible`."""
    found = details.get("error_code") or details.get("code") if isinstance(details, dict) else None
    return found if isinstance(found, str) else ""


def is_a_page(content_type: str, body: bytes) -> bool:
    """Whether a body is not JSON: by its content type, or by its first character."""
    kind, start = content_type.lower(), body[:100].lstrip(b"\xef\xbb\xbf \t\r\n")
    return bool(start) and ("html" in kind or ("json" not in kind and start[:1] not in (b"{", b"[")))


def first_words(status: int, content_type: str, body: bytes) -> str:
    """One sentence about what answered in the API's place."""
    kind = content_type.partition(";")[0].strip()[:WORDS] or "a body without a content type"
    text = MARKUP.sub(" ", body[:2000].decode(errors="replace"))
    words = " ".join(without_secrets(text).split())[:WORDS].rstrip()
    quoted = f" that begins with “{words}”" if words else ""
    return (
        f"the answer is {kind} with status {status}{quoted}, not JSON. A proxy or a login page answered in place of "
        "the API: check the network's proxy and the base URL."
    )
