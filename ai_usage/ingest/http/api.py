"""One provider's API: requests with retries, all pages, and errors that name what to do.

Independent of providers: their headers, error bodies and advice are parameters.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from functools import partial
from threading import Lock
from typing import TypeVar

import httpx
import msgspec
import stamina

import ai_usage.retries  # noqa: F401 - logs each retry
from ai_usage.ingest.http.bodies import Room, TooMuch, Undecodable, are_too_deep, refuse_bad_utf8
from ai_usage.ingest.http.client import Client
from ai_usage.ingest.http.errors import (
    KINDS,
    ApiDown,
    BadRequest,
    DamagedAnswer,
    IncompleteAnswer,
    NotTheApi,
    OutOfTime,
    Refused,
    TooLarge,
    UnexpectedAnswer,
    Unreachable,
    unchained,
)
from ai_usage.ingest.http.paging import Following, Page, Query
from ai_usage.ingest.http.refusals import ApiWords, first_words, is_a_page
from ai_usage.ingest.http.retry import RETRIED, Patience, retry_after, worth_waiting_for
from ai_usage.secrecy import without_secrets

T = TypeVar("T")
Item = TypeVar("Item")
EXPLANATION = 1000  # characters of a provider's own explanation
Send = Callable[[], httpx.Response]


@dataclass
class Api:
    """One provider's API over one client. Safe to share between threads. After a request that failed at all its
    attempts, the next ones are sent only once each until one is answered, so that in an outage a run of many reports
    ends in minutes.
    """

    words: ApiWords
    http: Client
    patience: Patience = field(default_factory=Patience)
    requests: int = field(default=0, init=False)  # sent so far, retries included
    has_answered: bool = field(default=False, init=False)  # so the provider accepts the key
    _counting: Lock = field(default_factory=Lock, init=False, repr=False)
    _is_down: bool = field(default=False, init=False)

    def get(
        self, path: str, query: Query, *, read: Callable[[bytes], T], headers: Mapping[str, str] | None = None
    ) -> T:
        """The answer, parsed by `read`. Retries while it can help, then raises an `ApiError`."""
        send = partial(self.http.get, path, params=dict(query), headers=headers)
        return self._tried(path, lambda response: read(response.content), send)

    def _tried(self, path: str, read: Callable[[httpx.Response], T], send: Send) -> T:
        patience = self.patience
        try:
            with unchained(), self.http.allowed.asking() as until:
                for attempt in stamina.retry_context(
                    on=worth_waiting_for(patience, until),
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
        except (ApiDown, Unreachable):
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
        more after an empty page, or more pages than `cap` (or the limits, without one) is an `IncompleteAnswer`:
        stopping there would lose what follows.
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
        """The records, or an `UnexpectedAnswer` if one of them is nested too deep for later readers."""
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
            raise DamagedAnswer(f"{self.words.name} {path}: the answer broke off ({error}).") from None
        except httpx.TransportError as error:
            if time.monotonic() >= until:
                raise self._out_of_time(path) from None
            raise Unreachable(
                f"{self.words.name} {path}: no answer from {self.http.base_url.host} "
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
                page = first_words(response.status_code, kind, response.content)
                raise NotTheApi(f"{self.words.name} {path}: {page}") from None
            raise DamagedAnswer(f"{self.words.name} {path}: the answer is cut short or no JSON ({error}).") from None

    def _unexpected(self, path: str, why: str, response: httpx.Response | None = None) -> UnexpectedAnswer:
        named = f"; request id {self.words.request_id(response)}" if response else ""
        return UnexpectedAnswer(
            f"{self.words.name} {path}: the answer is not what the API promises ({why}){named}. Nothing of it is kept."
        )

    def _too_large(self, path: str, why: TooMuch) -> TooLarge:
        return TooLarge(f"{self.words.name} {path}: the answer {why}: nothing of this answer is kept.")

    def _out_of_time(self, path: str) -> OutOfTime:
        hours = self.http.limits.pull_seconds / 3600
        return OutOfTime(
            f"{self.words.name} {path}: not asked to the end, because {self.words.name} has been asked for {hours:g} "
            "hours in this run (AI_USAGE_PULL_HOURS). What was pulled before is kept; the other days are asked for "
            "again by the next run."
        )

    def _refusal(self, path: str, response: httpx.Response) -> Refused:
        status = response.status_code
        kind = KINDS.get(status) or (ApiDown if status >= httpx.codes.INTERNAL_SERVER_ERROR else BadRequest)
        advice = self.words.advice.get(status) or self.words.advice.get(status // 100 * 100, "")
        explanation = without_secrets(self.words.message(response.content))[:EXPLANATION]
        return kind(
            f"{self.words.name} {path} answered {status}: {explanation}; "
            f"request id {self.words.request_id(response)}. {advice}".rstrip(),
            status=status,
            explanation=explanation,
            parameters=(name.removesuffix("[]") for name in response.request.url.params),
            retry_after=retry_after(response.headers.get("retry-after")),
            may_retry=status in RETRIED and response.headers.get("x-should-retry") != "false",
        )

    def _incomplete(self, path: str, why: str) -> IncompleteAnswer:
        return IncompleteAnswer(f"{self.words.name} {path} {why}: nothing of this answer is kept.")


def overlapped(ask: Callable[[Item], T], items: Iterable[Item], *, at_once: int) -> list[T]:
    """The answers in the items' order, with up to `at_once` requests at a time. The first error ends it."""
    pool = ThreadPoolExecutor(max_workers=at_once)
    try:
        futures = [pool.submit(ask, item) for item in items]
        for future in wait(futures, return_when=FIRST_EXCEPTION).done:
            future.result()
        return [future.result() for future in futures]
    finally:
        pool.shutdown(cancel_futures=True)
