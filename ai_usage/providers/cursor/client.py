"""The Cursor Admin API: HTTP in, the vendor's own records out. Knows of no table and no dollar.

Source: Cursor's Admin API documentation. The key is the user name of Basic authentication.
Times are epoch milliseconds and `endDate` is inclusive: windows end at …999 ms, or an event on the boundary would come
twice.

Records are the vendor's own bytes, with one exception: a commit's message is nobody's business here, and gives way to
null as soon as it is read, before anything is compared or kept.
"""

from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, TypeVar

import httpx
import msgspec

from ai_usage.ingest.days import Answers, by_day
from ai_usage.ingest.http.api import Api
from ai_usage.ingest.http.bodies import Limits
from ai_usage.ingest.http.client import http_client, refuse_unsendable
from ai_usage.ingest.http.errors import IncompleteAnswer, NotModified
from ai_usage.ingest.http.paging import Following, Page, Query, steady_pages
from ai_usage.ingest.http.rate_limit import Pace
from ai_usage.ingest.http.refusals import Vendor
from ai_usage.ingest.http.retry import Patience
from ai_usage.ingest.instants import day_of_instant
from ai_usage.ingest.optional import is_key_accepted
from ai_usage.partitions import ONE_DAY, Span
from ai_usage.warehouse.ledger import Answer
from ai_usage.warehouse.table import DEFAULT_ACCOUNT

SOURCE = "cursor"
DAYS_A_REQUEST = 30  # the vendor refuses longer spans
ROWS_A_PAGE = 1000
COMMITS_A_PAGE = 500  # the documentation allows 1000; the live API has refused more than 500
SETTLING = timedelta(hours=1)  # usage is aggregated hourly: what is younger still moves
MEMBERS = "/teams/members"
EVENTS = "/teams/filtered-usage-events"
COMMITS = "/analytics/ai-code/commits"
RATES = {EVENTS: 60}  # requests a minute and team
RATE = 20  # of every other endpoint

CURSOR = Vendor(
    name="Cursor",
    advice={
        401: "CURSOR_ADMIN_API_KEY is wrong or revoked: a team admin makes one in the dashboard (admin:*).",
        403: "The key is known, but its scope or the team's plan does not include this.",
        404: "The team does not have that endpoint, or CURSOR_ADMIN_BASE_URL is wrong.",
        429: "The team's request rate is used up; another tool may share it. Try again later.",
        500: "The vendor is in trouble: see its status page and run this again later.",
    },
)

T = TypeVar("T")


@dataclass(frozen=True)
class CursorAdmin:
    """Read-only calls for one account, a team, over its Admin key."""

    api: Api
    now: Callable[[], datetime]
    is_simulated: bool = False
    account: str = DEFAULT_ACCOUNT

    @classmethod
    def open(
        cls,
        *,
        base_url: str,
        key: str,
        now: Callable[[], datetime],
        pace: Callable[[httpx.Request], None] | None = None,
        is_simulated: bool = False,
        patience: Patience | None = None,
        transport: httpx.BaseTransport | None = None,
        limits: Limits | None = None,
    ) -> "CursorAdmin":
        """A client that keeps to the vendor's rates, unless another pace is given."""
        refuse_unsendable("CURSOR_ADMIN_API_KEY", key.strip())
        basic = b64encode(f"{key.strip()}:".encode()).decode()
        http = http_client(base_url, {"authorization": f"Basic {basic}"}, transport, limits)
        http.event_hooks["request"] = [pace or Pace(RATES, RATE)]
        return cls(Api(CURSOR, http, patience or Patience()), now, is_simulated)

    def close(self) -> None:
        self.api.http.close()

    @property
    def requests(self) -> int:
        """Requests sent so far, retries included."""
        return self.api.requests

    def is_key_accepted(self) -> bool:
        """Whether the vendor knows the key at all: it lists the team's members to every Admin key."""
        return is_key_accepted(self.api, (MEMBERS, {}, {}))

    def members(self) -> Answer:
        """Everybody who is or was in the team."""
        page = self.api.get(MEMBERS, {}, read=_items("teamMembers"))
        return self._answer(None, page.items, [page], MEMBERS, {})

    def groups(self) -> Answer:
        """Billing groups, with the people in none of them as a group of its own, the last."""
        path = "/teams/groups"
        page = self.api.get(path, {}, read=_groups)
        return self._answer(None, page.items, [page], path, {})

    def spend(self) -> Answer:
        """The billing cycle's spend so far by member: cumulative, its start in the envelope."""
        path = "/teams/spend"
        query: Query = {"sortBy": "user", "sortDirection": "asc", "pageSize": ROWS_A_PAGE}
        pages = steady_pages(
            f"Cursor {path}",
            lambda: self._numbered(path, query, "teamMemberSpend", lambda beside: beside["totalPages"]),
            moved=lambda pages: _differ(page.beside.get("totalMembers") for page in pages),
        )
        return self._answer(None, _joined(pages), pages, path, query)

    def daily_usage(self, span: Span) -> Answers:
        """Every member's day, idle ones included (the paged form); one answer a day. At most thirty days.

        The vendor may answer with more days than were asked: those rows are left to their own days' pull. An answer
        that says nothing of pages, as answers of 2025 did, is whole, unless it holds as many members as a full page.
        """
        path = "/teams/daily-usage-data"
        query = {**_window(span, self.now() + ONE_DAY), "pageSize": ROWS_A_PAGE}
        pages = steady_pages(
            f"Cursor {path} of {span}",
            lambda: self._numbered(path, query, "data", _pages_of_daily_usage),
            moved=lambda pages: _differ((page.beside.get("pagination") or {}).get("totalUsers") for page in pages),
        )
        if not pages[0].beside.get("pagination") and len(pages[0].items) >= ROWS_A_PAGE * len(span.days):
            raise IncompleteAnswer(f"Cursor {path} of {span} is a full page and names no next one: none is kept.")
        return self._by_day(path, query, span, pages, _row_day, names_strangers=False)

    def usage_events(self, span: Span) -> Answers:
        """Every event, one answer a day. What is younger than an hour is left for the next pull."""
        query, pages = self._events(span, self.now() - SETTLING)
        return self._by_day(EVENTS, query, span, pages, _event_day)

    def usage_events_today(self) -> Answer:
        """The events of the day that is not over yet, as far as there are any; in its first hour, of the day before
        too, which has not settled either.
        """
        now = self.now()
        query, pages = self._events(Span((now - SETTLING).date(), now.date()), now)
        return self._answer(None, _joined(pages), pages, EVENTS, query)

    def _events(self, span: Span, close: datetime) -> tuple[Query, list[Page]]:
        query = {**_window(span, close), "pageSize": ROWS_A_PAGE}
        pages = steady_pages(
            f"Cursor {EVENTS} of {span}",
            lambda: self._numbered(EVENTS, query, "usageEvents", lambda beside: beside["pagination"]["numPages"]),
            moved=lambda pages: _miss("totalUsageEventsCount", pages),
        )
        return query, pages

    def ai_commits(self, span: Span, held: Sequence[Answer] = ()) -> Answers:
        """Every commit without its message, one answer a day. At most thirty days.

        A commit belongs to the day it was made on, or, if that was not asked about, to the day the vendor heard of it.
        `held` is what was answered of these days before; what the vendor says is unchanged since is answered again.
        """
        query: Query = {"startDate": str(span.first), "endDate": str(span.last), "pageSize": COMMITS_A_PAGE}
        if [answer.day for answer in held] == span.days and self._is_unchanged(COMMITS, query, held):
            return Answers(held)
        pages = steady_pages(
            f"Cursor {COMMITS} of {span}",
            lambda: self._commits(query),
            moved=lambda pages: _miss("totalCount", pages),
        )
        etags = [page.etag for page in pages]
        answers = self._by_day(COMMITS, query, span, pages, lambda record: _commit_day(record, span))
        if all(etags):
            answers[:] = [replace(each, envelope={**each.envelope, "etags": etags}) for each in answers]
        return answers

    def _commits(self, query: Query) -> list[Page]:
        following = by_number(
            lambda beside: -(-int(beside["totalCount"]) // int(beside.get("pageSize", COMMITS_A_PAGE)))
        )
        pages = self.api.pages(COMMITS, {**query, "page": 1}, following=following, items="items")
        return [replace(page, items=[_without_message(record) for record in page.items]) for page in pages]

    def _is_unchanged(self, path: str, query: Query, held: Sequence[Answer]) -> bool:
        """Whether answers to this very request are still what the vendor would say, by the ETags of all its pages."""
        etags = held[0].envelope.get("etags")
        asked = {"path": path, **query}
        if not etags or any(a.request != asked or a.envelope.get("etags") != etags for a in held):
            return False
        for page, etag in enumerate(etags, 1):
            try:
                self.api.get(path, {**query, "page": page}, read=bytes, headers={"if-none-match": etag})
            except NotModified:
                continue
            return False
        return True

    def _numbered(
        self, path: str, query: Query, items: str, pages_of: Callable[[Mapping[str, Any]], int]
    ) -> list[Page]:
        return self.api.pages(path, {**query, "page": 1}, following=by_number(pages_of), items=items, by_post=True)

    def _by_day(
        self,
        path: str,
        query: Query,
        span: Span,
        pages: Sequence[Page],
        day_of: Callable[[bytes], date | None],
        *,
        names_strangers: bool = True,
    ) -> Answers:
        """Records of the span's days, as `by_day` parts them."""
        parted = by_day(f"Cursor {path}", span, _joined(pages), day_of)
        return Answers(
            (self._answer(day, said, pages, path, query) for day, said in parted.records.items()),
            [each for each in parted.left_out if names_strangers or each.day in span],
        )

    def _answer(
        self, day: date | None, records: Sequence[bytes], pages: Sequence[Page], path: str, query: Mapping[str, Any]
    ) -> Answer:
        cursors = {"pagination", "totalUsageEventsCount", "totalCount", "page", "pageSize"}
        beside = {name: value for page in pages for name, value in page.beside.items() if name not in cursors}
        self.api.refuse_deep(path, records)
        return Answer(SOURCE, day, records, len(pages), {"path": path, **query}, beside, self.is_simulated)


class _Row(msgspec.Struct):
    day: Any = None  # absent in older answers
    date: Any = None  # milliseconds; not midnight, but the time of day the request began with


class _Event(msgspec.Struct):
    timestamp: Any = None


class _Commit(msgspec.Struct, rename="camel"):
    created_at: Any = None  # when the vendor heard of it
    commit_ts: Any = None


def by_number(pages_of: Callable[[Mapping[str, Any]], int]) -> Following:
    """Pages counted from 1: the next one, until there have been as many as the answer says."""
    page = 1

    def following(got: Page) -> Query | None:
        nonlocal page
        try:
            last = int(pages_of(got.beside))
        except (KeyError, TypeError, ValueError, ZeroDivisionError) as error:
            raise ValueError(f"does not say how many pages there are ({error})") from error
        page += 1
        return {"page": page} if page <= last else None

    return following


def _items(name: str) -> Callable[[bytes], Page]:
    return lambda body: Page.read(body, items=name)


def _groups(body: bytes) -> Page:
    page = Page.read(body, items="groups")
    rest = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    beside = {name: value for name, value in page.beside.items() if name != "unassignedGroup"}
    unassigned = bytes(rest.get("unassignedGroup", b"null"))
    return Page([*page.items, *([unassigned] if unassigned != b"null" else [])], beside)


def _joined(pages: Sequence[Page]) -> list[bytes]:
    return [item for page in pages for item in page.items]


def _window(span: Span, close: datetime) -> dict[str, int]:
    """First to last millisecond of the span, but none after `close`."""
    first = datetime.combine(span.first, time(), UTC)
    end = datetime.combine(span.last + ONE_DAY, time(), UTC)
    return {"startDate": _ms(first), "endDate": max(_ms(first), _ms(min(end, close)) - 1)}


def _row_day(record: bytes) -> date | None:
    row = _read(record, _Row)
    return (day_of_instant(row.day) or day_of_instant(row.date)) if row else None


_event_of = msgspec.json.Decoder(_Event).decode  # a year has millions of events


def _event_day(record: bytes) -> date | None:
    try:
        return day_of_instant(_event_of(record).timestamp)
    except msgspec.ValidationError:
        return None


def _commit_day(record: bytes, span: Span) -> date | None:
    commit = _read(record, _Commit)
    instants = (commit.commit_ts, commit.created_at) if commit else ()
    known = [day for at in instants if (day := day_of_instant(at))]
    return next((day for day in known if day in span), known[0] if known else None)


def _without_message(record: bytes) -> bytes:
    """The record without its message. What is no object has none, and nothing of it can be trusted to hold no secret:
    it gives way to null, a record that nothing can be read from.
    """
    fields = _read(record, dict[str, msgspec.Raw])
    if fields is None:
        return b"null"
    if "message" in fields:
        fields["message"] = msgspec.Raw(b"null")
    return msgspec.json.encode(fields)


def _pages_of_daily_usage(beside: Mapping[str, Any]) -> int:
    found: int = beside["pagination"]["totalPages"] if beside.get("pagination") else 1
    return found


def _differ(said: Iterable[object]) -> bool:
    """Whether pages say different things of what they are pages of."""
    return len({repr(each) for each in said}) > 1


def _miss(total: str, pages: Sequence[Page]) -> bool:
    """Whether pages hold another number of records than each of them says there are."""
    return {page.beside.get(total) for page in pages} != {sum(len(page.items) for page in pages)}


def _ms(instant: datetime) -> int:
    return int(instant.timestamp()) * 1000


def _read(record: bytes, of: type[T]) -> T | None:
    """A record as far as it is needed here; None if it is none."""
    try:
        return msgspec.json.decode(record, type=of)
    except msgspec.ValidationError:
        return None
