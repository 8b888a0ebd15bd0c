"""HTTP for every vendor: time-outs, retries, paging that cannot lie, and errors that say what to do.

Knows of no vendor: what is particular to one (its headers, its error bodies, its advice) is handed in. How much may be
taken of an answer is in `bodies`, how long it may take in `deadlines`.

    VendorError              no text of one holds a secret
    ├── Unreachable          no answer: name, connection, time-out, reset     tried again
    ├── DamagedAnswer        an answer cut short, or broken JSON              tried again
    ├── NotTheApi            a page of a proxy, or one to log in at
    ├── OutOfTime            the source has been asked for too long in this run
    ├── UnexpectedAnswer     JSON of another shape than the API promises
    ├── IncompleteAnswer     pages or days that contradict each other
    │   └── TooLarge         more than may be taken
    └── Refused              the vendor said no
        ├── NotModified 304                                                   only where the question was "unless …"
        ├── BadRequest       KeyRefused 401   NotPermitted 403   NotFound 404
        ├── RateLimited 429                                                   tried again
        └── VendorDown 5xx                                                    tried again
"""

import re
import time
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from itertools import pairwise
from threading import Lock
from typing import Any, ClassVar, TypeVar

import httpx
import msgspec
import stamina

import ai_usage.retries  # noqa: F401 - tells of each retry
from ai_usage.errors import AiUsageError, SettingError
from ai_usage.ingest.bodies import (
    FEW_BYTES,
    Limits,
    Room,
    TooMuch,
    Undecodable,
    are_too_deep,
    body_of,
    refuse_bad_utf8,
)
from ai_usage.ingest.deadlines import TimeAllowed, exchange, hold_to_deadlines
from ai_usage.secrecy import keep_secret, without_secrets
from ai_usage.settings import LOOPBACK, settings

T = TypeVar("T")
Item = TypeVar("Item")

Query = Mapping[str, str | int | Sequence[str]]

SAID = 1000  # characters of a vendor's own explanation
WORDS = 80  # characters of a foreign page that are quoted
MARKUP = re.compile(r"<(script|style)\b.*?(</\1>|$)|<!--.*?(-->|$)|<[^>]*(>|$)", re.DOTALL | re.IGNORECASE)
READS_AT_MOST = 3  # of pages that contradict each other, because the vendor's data moved while they were read


class VendorError(AiUsageError):
    """A vendor's answer that cannot be used. Whatever the sentence quotes, it is one line and holds no secret."""

    def __init__(self, sentence: str = "") -> None:
        plain = without_secrets(sentence)
        super().__init__("".join(letter if letter.isprintable() else " " for letter in plain))


class Unreachable(VendorError):
    """No answer came."""


class DamagedAnswer(VendorError):
    """An answer that ends early or is broken JSON."""


class NotTheApi(VendorError):
    """Something else answered in the API's place: a proxy, a login page."""


class OutOfTime(VendorError):
    """The source has been asked for as long as a run may."""


class UnexpectedAnswer(VendorError):
    """An answer whose JSON has another shape than the API promises."""


class IncompleteAnswer(VendorError):
    """Pages or days that contradict each other: using them would lose money without a word."""


class TooLarge(IncompleteAnswer):
    """An answer of more than may be taken. One of fewer days may be small enough."""


class Refused(VendorError):
    """The vendor answered with an error status: with the kind's usual one, unless it is given."""

    usual_status: ClassVar[int] = 400
    status: int
    said: str  # the vendor's own words
    parameters: frozenset[str]  # the names of what the request's query asked, without brackets
    retry_after: float | None  # seconds
    may_retry: bool

    def __init__(
        self,
        sentence: str = "",
        *,
        status: int | None = None,
        said: str = "",
        parameters: Iterable[str] = (),
        retry_after: float | None = None,
        may_retry: bool = False,
    ) -> None:
        super().__init__(sentence)
        self.status = self.usual_status if status is None else status
        self.said = said
        self.parameters = frozenset(parameters)
        self.retry_after = retry_after
        self.may_retry = may_retry


class NotModified(Refused):
    """304: what was asked about in an `if-none-match` is as it was. News, to whoever sent one, not a failure."""

    usual_status = 304


class BadRequest(Refused):
    """Any other 3xx or 4xx: our request is wrong as it stands."""


class KeyRefused(Refused):
    """401: the vendor does not know the key."""

    usual_status = 401


class NotPermitted(Refused):
    """403: the key is known and may not read this."""

    usual_status = 403


class NotFound(Refused):
    """404: there is no such endpoint for this organization."""

    usual_status = 404


class RateLimited(Refused):
    """429: too many requests, or a spend cap."""

    usual_status = 429


class VendorDown(Refused):
    """5xx: the vendor's own trouble."""

    usual_status = 500


KINDS = {kind.usual_status: kind for kind in (NotModified, KeyRefused, NotPermitted, NotFound, RateLimited)}
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
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            said = _ErrorBody()
        if not isinstance(said.error, str):
            kinds = ", ".join(filter(None, (said.error.type, _code(said.error.details))))
            return f"{said.error.message} ({kinds})" if kinds else said.error.message
        if said.message:
            return f"{said.message} ({said.error or said.code})"
        plain = without_secrets(body[:1000].decode(errors="replace"))  # before a key is cut short
        return " ".join(plain[:200].split()) or "no explanation"

    def request_id(self, response: httpx.Response) -> str:
        """What the vendor's support asks for: in a header, or in an error's body."""
        for name in ("request-id", "x-request-id"):
            if name in response.headers:
                return response.headers[name]
        try:
            return msgspec.json.decode(response.content, type=_ErrorBody).request_id
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
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
    beside_bytes: int = 0

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
        beside_bytes = sum(map(len, fields.values()))
        if beside_bytes > FEW_BYTES:
            raise msgspec.ValidationError(f"{beside_bytes:,} bytes stand beside its {items!r}")
        beside = {name: msgspec.json.decode(value) for name, value in fields.items()}
        return cls([bytes(item) for item in inside], beside, beside_bytes=beside_bytes)


Send = Callable[[], httpx.Response]
Following = Callable[[Page], Query | None]  # what the next page's query adds; None after the last


class Client(httpx.Client):
    """An httpx client whose every answer is read to its end within its limits, of time and of size."""

    limits: Limits
    allowed: TimeAllowed  # for all that a source is asked; clients of one source may share it

    def send(self, request: httpx.Request, *, stream: bool = False, **more: Any) -> httpx.Response:
        """The answer with its body, decompressed."""
        with exchange(self.limits.answer_seconds):
            try:
                response = super().send(request, stream=True, **more)
            except (OverflowError, UnicodeError) as error:  # of a port or host that cannot be, such as a proxy's
                raise httpx.ConnectError(str(error)) from None
            try:
                response._content = body_of(response, self.limits)  # noqa: SLF001 - what `read` would set
            finally:
                response.close()
        return response


class _Unusable(httpx.BaseTransport):
    """In place of a network that cannot be used as it is configured: says so to whoever asks, who can go on."""

    def __init__(self, why: str) -> None:
        self.why = why

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        raise SettingError(self.why)


def http_client(
    base_url: str,
    headers: Mapping[str, str],
    transport: httpx.BaseTransport | None = None,
    limits: Limits | None = None,
) -> Client:
    """A client that names itself, waits within reason and follows no redirect with a key in hand. From now on no error
    names what its headers say. Without `limits` those of the settings hold.

    A proxy that the environment names is for the world outside: it cannot reach our loopback.
    """
    for name, value in headers.items():
        refuse_unsendable(f"The {name} header", value)
    keep_secret(*_keys_of(headers))
    is_local = httpx.URL(base_url).host in LOOPBACK
    options: dict[str, Any] = {
        "base_url": base_url,
        "headers": {"user-agent": user_agent(), **headers},
        "timeout": httpx.Timeout(60.0, connect=10.0),
        "limits": httpx.Limits(max_connections=8),
    }
    try:
        client = Client(**options, transport=transport, trust_env=transport is None and not is_local)
    except (ValueError, httpx.InvalidURL, ImportError, OSError) as error:
        why = _unusable_environment(error)
        client = Client(**options, transport=_Unusable(why), trust_env=False)
    client.limits = limits or Limits.of(settings())
    client.allowed = TimeAllowed(client.limits.pull_seconds)
    hold_to_deadlines(client)
    return client


def _keys_of(headers: Mapping[str, str]) -> Iterator[str]:
    """What of the headers nobody else may know, as it is sent and as it was before."""
    for name in ("x-api-key", "authorization"):
        scheme, _, key = headers.get(name, "").rpartition(" ")
        yield key
        if scheme == "Basic":
            try:
                yield b64decode(key).decode(errors="replace").strip(":")
            except NotBase64:
                continue


def _unusable_environment(error: Exception) -> str:
    """What httpx takes from the environment, without a word of it: a proxy's URL may hold a password."""
    if isinstance(error, OSError):
        return "SSL_CERT_FILE or SSL_CERT_DIR does not lead to certificates that can be read."
    return (
        "A proxy that the environment names (HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY) cannot be used: "
        "write it as http://host:port; SOCKS is not supported."
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
    http: Client
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
            with unchained(), self.http.allowed.asking() as until:
                for attempt in stamina.retry_context(
                    on=_worth_waiting_for(patience, until),
                    attempts=1 if self._is_down else patience.attempts,
                    timeout=patience.seconds,
                    wait_initial=patience.first_wait,
                    wait_max=patience.longest_wait,
                    wait_jitter=patience.jitter,
                ):
                    with attempt:
                        answer = self._once(path, read, send, until)
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
        cap: int | None = None,
        by_post: bool = False,
    ) -> list[Page]:
        """Every page to the last; `by_post` sends the query as a JSON body. A cursor that comes twice, a promise of
        more after an empty page, or more pages than `cap` (else the limits say) is an `IncompleteAnswer`: to stop
        quietly would lose what follows.
        """
        cap = cap or self.http.limits.pages
        room = Room(self.http.limits)

        def read(response: httpx.Response) -> Page:
            page = Page.of(response, items=items)
            room.take(len(response.content), len(page.items), page.beside_bytes)
            return page

        got: list[Page] = []
        seen: set[str] = set()
        more: Query | None = {}
        while more is not None:
            if len(got) == cap:
                raise self._incomplete(path, f"has more than {cap} pages (AI_USAGE_ANSWER_PAGES)")
            asked = {**query, **more}
            get = partial(self.http.get, path, params=asked, headers=headers)
            send = partial(self.http.post, path, json=asked) if by_post else get
            page = self._tried(path, read, send)
            got.append(page)
            with unchained():
                try:
                    more = following(page)
                except ValueError as error:
                    raise self._incomplete(path, str(error)) from None
            if more is not None and not page.items:
                raise self._incomplete(path, "promises more after an empty page")
            if more is not None and repr(more) in seen:
                raise self._incomplete(path, "sent the same cursor twice")
            seen.add(repr(more))
        return got

    def refuse_deep(self, path: str, records: Sequence[bytes]) -> Sequence[bytes]:
        """The records, or an `UnexpectedAnswer` if one of them is nested so deep that whoever reads it later fails."""
        depth = self.http.limits.depth
        if are_too_deep(records, depth):
            raise self._unexpected(path, f"a record is nested deeper than {depth} levels (AI_USAGE_JSON_DEPTH)")
        return records

    def _once(self, path: str, read: Callable[[httpx.Response], T], send: Send, until: float) -> T:
        if time.monotonic() >= until:
            raise self._out_of_time(path)
        with self._counting:
            self.requests += 1
        try:
            response = send()
        except TooMuch as error:
            raise self._too_large(path, error) from None
        except (httpx.RemoteProtocolError, httpx.DecodingError, Undecodable) as error:
            raise DamagedAnswer(f"{self.vendor.name} {path}: the answer broke off ({error}).") from None
        except httpx.TransportError as error:
            if time.monotonic() >= until:
                raise self._out_of_time(path) from None
            raise Unreachable(
                f"{self.vendor.name} {path}: no answer from {self.http.base_url.host} "
                f"({type(error).__name__}: {error}). Check the network, a proxy, and the base URL."
            ) from None
        if response.status_code != httpx.codes.OK:
            raise self._refusal(path, response)
        return self._understood(path, read, response)

    def _understood(self, path: str, read: Callable[[httpx.Response], T], response: httpx.Response) -> T:
        try:
            refuse_bad_utf8(response.content)
            return read(response)
        except TooMuch as error:
            raise self._too_large(path, error) from None
        except RecursionError:
            raise self._unexpected(path, "it is nested too deep", response) from None
        except msgspec.ValidationError as error:
            raise self._unexpected(path, str(error), response) from None
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            kind = response.headers.get("content-type", "")
            if is_a_page(kind, response.content):
                said = first_words(response.status_code, kind, response.content)
                raise NotTheApi(f"{self.vendor.name} {path}: {said}") from None
            raise DamagedAnswer(f"{self.vendor.name} {path}: the answer is cut short or no JSON ({error}).") from None

    def _unexpected(self, path: str, why: str, response: httpx.Response | None = None) -> UnexpectedAnswer:
        named = f"; request id {self.vendor.request_id(response)}" if response else ""
        return UnexpectedAnswer(
            f"{self.vendor.name} {path}: the answer is not what the API promises ({why}){named}. Nothing of it is kept."
        )

    def _too_large(self, path: str, why: TooMuch) -> TooLarge:
        return TooLarge(f"{self.vendor.name} {path}: the answer {why}: nothing of this answer is kept.")

    def _out_of_time(self, path: str) -> OutOfTime:
        hours = self.http.limits.pull_seconds / 3600
        return OutOfTime(
            f"{self.vendor.name} {path}: not asked to the end, because {self.vendor.name} has been asked for {hours:g} "
            "hours in this run (AI_USAGE_PULL_HOURS). What was pulled before is kept; the other days are asked for "
            "again by the next run."
        )

    def _refusal(self, path: str, response: httpx.Response) -> Refused:
        status = response.status_code
        kind = KINDS.get(status) or (VendorDown if status >= httpx.codes.INTERNAL_SERVER_ERROR else BadRequest)
        advice = self.vendor.advice.get(status) or self.vendor.advice.get(status // 100 * 100, "")
        said = without_secrets(self.vendor.message(response.content))[:SAID]
        return kind(
            f"{self.vendor.name} {path} answered {status}: {said}; "
            f"request id {self.vendor.request_id(response)}. {advice}".rstrip(),
            status=status,
            said=said,
            parameters=(name.removesuffix("[]") for name in response.request.url.params),
            retry_after=retry_after(response.headers.get("retry-after")),
            may_retry=status in RETRIED and response.headers.get("x-should-retry") != "false",
        )

    def _incomplete(self, path: str, why: str) -> IncompleteAnswer:
        return IncompleteAnswer(f"{self.vendor.name} {path} {why}: nothing of this answer is kept.")


@contextmanager
def unchained() -> Iterator[None]:
    """A `VendorError` leaves without the error behind it: Dagster stores the text of that one too, and nobody has taken
    the secrets out of it.
    """
    try:
        yield
    except VendorError as error:
        error.__cause__ = error.__context__ = None
        raise


def is_a_page(content_type: str, body: bytes) -> bool:
    """Whether a body was not meant to be JSON: it is called something else, or begins as no JSON does."""
    kind, start = content_type.lower(), body[:100].lstrip(b"\xef\xbb\xbf \t\r\n")
    return bool(start) and ("html" in kind or ("json" not in kind and start[:1] not in (b"{", b"[")))


def first_words(status: int, content_type: str, body: bytes) -> str:
    """What came in the API's place, in a sentence."""
    kind = content_type.partition(";")[0].strip()[:WORDS] or "a body without a content type"
    text = MARKUP.sub(" ", body[:2000].decode(errors="replace"))
    words = " ".join(without_secrets(text).split())[:WORDS].rstrip()
    quoted = f" that begins with “{words}”" if words else ""
    return (
        f"the answer is {kind} with status {status}{quoted}, not JSON. A proxy or a login page answered in place of "
        "the API: check the network's proxy and the base URL."
    )


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


def _worth_waiting_for(patience: Patience, until: float) -> Callable[[Exception], bool | float]:
    """Decides, asked once a failure: whether to try again, and how long to wait where the vendor says so, which may be
    longer than our own back-off but never shorter.
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
