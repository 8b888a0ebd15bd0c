"""HTTP for every vendor: time-outs, retries, paging that cannot lie, and errors that say what to do.

Knows of no vendor: what is particular to one (its headers, its error bodies, its advice) is handed in.

    VendorError
    ├── Unreachable          no answer: name, connection, time-out, reset     tried again
    ├── DamagedAnswer        an answer cut short, or not JSON                 tried again
    ├── UnexpectedAnswer     JSON of another shape than the API promises
    ├── IncompleteAnswer     pages or days that contradict each other
    └── Refused              the vendor said no
        ├── NotModified 304                                                   only where the question was "unless …"
        ├── BadRequest       KeyRefused 401   NotPermitted 403   NotFound 404
        ├── RateLimited 429                                                   tried again
        └── VendorDown 5xx                                                    tried again
"""

import time
from base64 import b64decode
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from itertools import pairwise
from threading import Lock
from typing import Any, TypeVar

import httpx
import msgspec
import stamina

import ai_usage.retries  # noqa: F401 - tells of each retry
from ai_usage.errors import AiUsageError, SettingError
from ai_usage.settings import LOOPBACK

T = TypeVar("T")
Item = TypeVar("Item")

Query = Mapping[str, str | int | Sequence[str]]

PAGE_CAP = 10_000  # pages of one answer; more is a cursor that runs in circles
READS_AT_MOST = 3  # of pages that contradict each other, because the vendor's data moved while they were read


class VendorError(AiUsageError):
    """A vendor's answer that cannot be used."""


class Unreachable(VendorError):
    """No answer came."""


class DamagedAnswer(VendorError):
    """An answer that ends early or is no JSON."""


class UnexpectedAnswer(VendorError):
    """An answer whose JSON has another shape than the API promises."""


class IncompleteAnswer(VendorError):
    """Pages or days that contradict each other: using them would lose money without a word."""


class Refused(VendorError):
    """The vendor answered with an error status."""

    status: int
    said: str  # the vendor's own words
    parameters: frozenset[str]  # the names of what the request's query asked, without brackets
    retry_after: float | None  # seconds
    may_retry: bool


class NotModified(Refused):
    """304: what was asked about in an `if-none-match` is as it was. News, to whoever sent one, not a failure."""


class BadRequest(Refused):
    """Any other 3xx or 4xx: our request is wrong as it stands."""


class KeyRefused(Refused):
    """401: the vendor does not know the key."""


class NotPermitted(Refused):
    """403: the key is known and may not read this."""


class NotFound(Refused):
    """404: there is no such endpoint for this organisation."""


class RateLimited(Refused):
    """429: too many requests, or a spend cap."""


class VendorDown(Refused):
    """5xx: the vendor's own trouble."""


KINDS: Mapping[int, type[Refused]] = {
    304: NotModified,
    401: KeyRefused,
    403: NotPermitted,
    404: NotFound,
    429: RateLimited,
}
RETRIED = frozenset({429, 500, 502, 503, 504, 529})


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long a request is tried: so many attempts, none begun after so many seconds, ever longer waits."""

    attempts: int = 8
    seconds: float = 300.0
    first_wait: float = 0.5
    longest_wait: float = 60.0
    jitter: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Vendor:
    """What the errors need to know of a vendor."""

    name: str
    advice: Mapping[int, str]  # status → what the reader can do about it

    def message(self, body: bytes) -> str:
        """The vendor's own words in an error body: {"error": {"type", "message"}} or {"error" or "code", "message"}."""
        try:
            said = msgspec.json.decode(body, type=_ErrorBody)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            said = _ErrorBody()
        if not isinstance(said.error, str):
            kinds = ", ".join(filter(None, (said.error.type, _code(said.error.details))))
            return f"{said.error.message} ({kinds})" if kinds else said.error.message
        if said.message:
            return f"{said.message} ({said.error or said.code})"
        return " ".join(body[:200].decode(errors="replace").split()) or "no explanation"

    def request_id(self, response: httpx.Response) -> str:
        """What the vendor's support asks for: in a header, or in an error's body."""
        for name in ("request-id", "x-request-id"):
            if name in response.headers:
                return response.headers[name]
        try:
            return msgspec.json.decode(response.content, type=_ErrorBody).request_id
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return "none"


class _ErrorDetail(msgspec.Struct):
    message: str
    type: str = ""
    details: Any = None


class _ErrorBody(msgspec.Struct):
    error: _ErrorDetail | str = ""
    message: str = ""
    code: str = "error"
    request_id: str = "none"


def _code(details: Any) -> str:
    """What an error's details say more closely than its type, such as `organization_not_eligible`."""
    found = details.get("error_code") or details.get("code") if isinstance(details, dict) else None
    return found if isinstance(found, str) else ""


@dataclass(frozen=True)
class Page:
    """One page: its items as the bytes the vendor sent, and what it says beside them, cursors included."""

    items: Sequence[bytes]
    beside: Mapping[str, Any]
    etag: str = ""  # where the vendor sends one

    @classmethod
    def of(cls, response: httpx.Response, *, items: str) -> "Page":
        """An answer as a page, its ETag with it."""
        return replace(cls.read(response.content, items=items), etag=response.headers.get("etag", ""))

    @classmethod
    def read(cls, body: bytes, *, items: str) -> "Page":
        """A JSON object, parted at its list `items`; `msgspec.ValidationError` if it has none."""
        fields = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
        if items not in fields:
            raise msgspec.ValidationError(f"there is no {items!r} in it")
        inside = msgspec.json.decode(fields.pop(items), type=list[msgspec.Raw])
        return cls(
            [bytes(item) for item in inside],
            {name: msgspec.json.decode(value) for name, value in fields.items()},
        )


Send = Callable[[], httpx.Response]
Following = Callable[[Page], Query | None]  # what the next page's query adds; None after the last


def http_client(
    base_url: str, headers: Mapping[str, str], transport: httpx.BaseTransport | None = None
) -> httpx.Client:
    """A client that names itself, waits within reason and follows no redirect with a key in hand.

    A proxy that the environment names is for the world outside: it cannot reach our loopback.
    """
    for name, value in headers.items():
        refuse_unsendable(f"The {name} header", value)
    is_local = httpx.URL(base_url).host in LOOPBACK
    return httpx.Client(
        base_url=base_url,
        headers={"user-agent": user_agent(), **headers},
        timeout=httpx.Timeout(60.0, connect=10.0),
        limits=httpx.Limits(max_connections=8),
        transport=transport,
        trust_env=transport is None and not is_local,
    )


def refuse_unsendable(what: str, value: str) -> None:
    """`SettingError` for what no header can carry; said here, because later errors would quote the key."""
    if not (value.isascii() and value.isprintable()):
        raise SettingError(
            f"{what} cannot be sent: the key has a character no key has, such as a line break or an ellipsis. "
            "Copy it again."
        )


def user_agent() -> str:
    """Who is asking, as vendors want to be told."""
    try:
        ours = version("ai_usage")
    except PackageNotFoundError:  # run from a checkout, not installed
        ours = "checkout"
    return f"ai_usage/{ours} python-httpx/{httpx.__version__}"


@dataclass
class Api:
    """One vendor's API over one client. Safe to share between threads. Whom patience did not help is asked once at a
    time from then on, until it answers: in an outage a run of many reports ends in minutes, not in hours.
    """

    vendor: Vendor
    http: httpx.Client
    patience: Patience = field(default_factory=Patience)
    requests: int = field(default=0, init=False)  # sent so far, retries included
    has_answered: bool = field(default=False, init=False)  # so the vendor accepts the key
    _counting: Lock = field(default_factory=Lock, init=False, repr=False)
    _is_down: bool = field(default=False, init=False)

    def get(
        self, path: str, query: Query, *, read: Callable[[bytes], T], headers: Mapping[str, str] | None = None
    ) -> T:
        """The answer as `read` understands its body; tried again while it can help, then a `VendorError`."""
        send = partial(self.http.get, path, params=dict(query), headers=headers)
        return self._tried(path, lambda response: read(response.content), send)

    def _tried(self, path: str, read: Callable[[httpx.Response], T], send: Send) -> T:
        patience = self.patience
        try:
            for attempt in stamina.retry_context(
                on=_worth_waiting_for(patience),
                attempts=1 if self._is_down else patience.attempts,
                timeout=patience.seconds,
                wait_initial=patience.first_wait,
                wait_max=patience.longest_wait,
                wait_jitter=patience.jitter,
            ):
                with attempt:
                    answer = self._once(path, read, send)
                    self._is_down, self.has_answered = False, True
                    return answer
        except (VendorDown, Unreachable):
            self._is_down = True
            raise
        raise AssertionError("unreachable: retry_context returns or raises")

    def pages(
        self,
        path: str,
        query: Query,
        *,
        following: Following,
        items: str = "data",
        headers: Mapping[str, str] | None = None,
        cap: int = PAGE_CAP,
        by_post: bool = False,
    ) -> list[Page]:
        """Every page to the last; `by_post` sends the query as a JSON body. A cursor that comes twice, a promise of
        more after an empty page, or more pages than `cap` is an `IncompleteAnswer`: to stop quietly would lose what
        follows.
        """
        got: list[Page] = []
        seen: set[str] = set()
        more: Query | None = {}
        while more is not None:
            if len(got) == cap:
                raise self._incomplete(path, f"has more than {cap} pages")
            asked = {**query, **more}
            get = partial(self.http.get, path, params=asked, headers=headers)
            send = partial(self.http.post, path, json=asked) if by_post else get
            page = self._tried(path, partial(Page.of, items=items), send)
            got.append(page)
            try:
                more = following(page)
            except ValueError as error:
                raise self._incomplete(path, str(error)) from error
            if more is not None and not page.items:
                raise self._incomplete(path, "promises more after an empty page")
            if more is not None and repr(more) in seen:
                raise self._incomplete(path, "sent the same cursor twice")
            seen.add(repr(more))
        return got

    def _once(self, path: str, read: Callable[[httpx.Response], T], send: Send) -> T:
        with self._counting:
            self.requests += 1
        try:
            response = send()
        except (httpx.RemoteProtocolError, httpx.DecodingError) as error:
            raise DamagedAnswer(f"{self.vendor.name} {path}: the answer broke off ({error}).") from error
        except httpx.TransportError as error:
            raise Unreachable(
                f"{self.vendor.name} {path}: no answer from {self.http.base_url.host} "
                f"({type(error).__name__}: {error}). Check the network, a proxy, and the base URL."
            ) from error
        if response.status_code != httpx.codes.OK:
            raise self._refusal(path, response)
        try:
            response.content.decode()  # msgspec checks only the text that it decodes
            return read(response)
        except msgspec.ValidationError as error:
            raise UnexpectedAnswer(
                f"{self.vendor.name} {path}: the answer is not what the API promises ({error}); "
                f"request id {self.vendor.request_id(response)}. Nothing of it is kept."
            ) from error
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise DamagedAnswer(f"{self.vendor.name} {path}: the answer is cut short or no JSON ({error}).") from error

    def _refusal(self, path: str, response: httpx.Response) -> Refused:
        status = response.status_code
        kind = KINDS.get(status) or (VendorDown if status >= httpx.codes.INTERNAL_SERVER_ERROR else BadRequest)
        advice = self.vendor.advice.get(status) or self.vendor.advice.get(status // 100 * 100, "")
        said = self.vendor.message(self._without_key(response.content))
        error = kind(
            f"{self.vendor.name} {path} answered {status}: {said}; "
            f"request id {self.vendor.request_id(response)}. {advice}".rstrip()
        )
        error.status = status
        error.said = said
        error.parameters = frozenset(name.removesuffix("[]") for name in response.request.url.params)
        error.retry_after = retry_after(response.headers.get("retry-after"))
        error.may_retry = status in RETRIED and response.headers.get("x-should-retry") != "false"
        return error

    def _without_key(self, body: bytes) -> bytes:
        """A vendor, or a proxy before it, may quote the key."""
        for name in ("x-api-key", "authorization"):
            scheme, _, key = self.http.headers.get(name, "").rpartition(" ")
            plain = b64decode(key).rstrip(b":") if scheme == "Basic" else b""
            for secret in (key.encode(), plain):
                body = body.replace(secret, b"(key)") if secret else body
        return body

    def _incomplete(self, path: str, why: str) -> IncompleteAnswer:
        return IncompleteAnswer(f"{self.vendor.name} {path} {why}: nothing of this answer is kept.")


def steady_pages(
    what: str,
    read: Callable[[], list[Page]],
    *,
    moved: Callable[[Sequence[Page]], bool] = lambda _: False,
    repeats: Callable[[Sequence[Page]], bool] | None = None,
) -> list[Page]:
    """All pages of one state of the vendor's data. Numbered pages shift when records arrive or leave while they are
    read: then one record stands on two pages, and another on none, though the count may be right.

    Pages that contradict each other are read again, READS_AT_MOST times in all: those that `moved` (a count or a time
    of refresh that differs from page to page), and those on which a record `repeats` (without another rule: an equal
    one stands on two neighboring pages). The same records in two readings are no accident of reading: the vendor does
    have that record twice, and a grain check judges it. Whatever never holds still is an `IncompleteAnswer`.
    """
    before: list[bytes] | None = None
    for _ in range(READS_AT_MOST):
        pages = read()
        if moved(pages):
            continue
        if not (repeats or neighbors_overlap)(pages):
            return pages
        now = sorted(item for page in pages for item in page.items)
        if now == before:
            return pages
        before = now
    raise IncompleteAnswer(f"{what} moved during each of {READS_AT_MOST} reads: nothing of this answer is kept.")


def neighbors_overlap(pages: Sequence[Page]) -> bool:
    """Whether an equal record stands on two neighboring pages."""
    return any(not set(one.items).isdisjoint(following.items) for one, following in pairwise(pages))


def retry_after(header: str | None, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> float | None:
    """Seconds of a Retry-After header, which holds seconds or a date; None without a usable one."""
    if header is None:
        return None
    try:
        return max(0.0, float(header))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(header) - now()).total_seconds())
    except (ValueError, TypeError):
        return None


def _worth_waiting_for(patience: Patience) -> Callable[[Exception], bool | float]:
    """Decides, asked once a failure: whether to try again, and how long to wait where the vendor says so."""
    give_up_at = time.monotonic() + patience.seconds
    backing_off = patience.first_wait

    def decide(error: Exception) -> bool | float:
        nonlocal backing_off
        if isinstance(error, Refused):
            may_help, asked = error.may_retry, error.retry_after
        else:
            may_help, asked = isinstance(error, Unreachable | DamagedAnswer), None
        wait_at_most = min(patience.longest_wait, backing_off + patience.jitter) if asked is None else asked
        backing_off *= 2
        if not may_help or time.monotonic() + wait_at_most > give_up_at:
            return False
        return True if asked is None else asked

    return decide


def overlapped(ask: Callable[[Item], T], items: Iterable[Item], *, at_once: int) -> list[T]:
    """The answers in the items' order, so many requests under way at once. The first error ends it."""
    pool = ThreadPoolExecutor(max_workers=at_once)
    try:
        futures = [pool.submit(ask, item) for item in items]
        for future in wait(futures, return_when=FIRST_EXCEPTION).done:
            future.result()
        return [future.result() for future in futures]
    finally:
        pool.shutdown(cancel_futures=True)
