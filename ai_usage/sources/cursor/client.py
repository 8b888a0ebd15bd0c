"""The Cursor Admin API: HTTP in, the vendor's own records out. Knows of no table and no dollar.

Source: Cursor's Admin API documentation. The key is the user name of Basic authentication.
Times are epoch milliseconds and `endDate` is inclusive: windows end at …999 ms, or an event on the boundary would come
twice.

Records are the vendor's own bytes, with one exception: a commit's message is nobody's business here, and gives way to
null as soon as it is read, before anything is compared or kept.
"""

from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any, TypeVar

import httpx
import msgspec

from ai_usage.partitions import ONE_DAY, Span
from ai_usage.sources.http import (
    Api,
    Following,
    IncompleteAnswer,
    NotModified,
    Page,
    Patience,
    Query,
    UnexpectedAnswer,
    Vendor,
    http_client,
    refuse_unsendable,
)
from ai_usage.sources.pace import Pace
from ai_usage.warehouse.ledger import Answer

SOURCE = "cursor"
DAYS_A_REQUEST = 30  # the vendor refuses longer spans
ROWS_A_PAGE = 1000
SETTLING = timedelta(hours=1)  # usage is aggregated hourly: what is younger still moves
READS_AT_MOST = 3
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
    """Read-only calls over a team's Admin key."""

    api: Api
    now: Callable[[], datetime]
    is_simulated: bool = False

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
    ) -> "CursorAdmin":
        """A client that keeps to the vendor's rates, unless another pace is given."""
        refuse_unsendable("CURSOR_ADMIN_API_KEY", key.strip())
        basic = b64encode(f"{key.strip()}:".encode()).decode()
        http = http_client(base_url, {"authorization": f"Basic {basic}"}, transport)
        http.event_hooks["request"] = [pace or Pace(RATES, RATE)]
        return cls(Api(CURSOR, http, patience or Patience()), now, is_simulated)

    def close(self) -> None:
        self.api.http.close()

    @property
    def requests(self) -> int:
        """Requests sent so far, retries included."""
        return self.api.requests

    def members(self) -> Answer:
        """Everybody who is or was in the team."""
        path = "/teams/members"
        page = self.api.get(path, {}, read=_items("teamMembers"))
        return self._answer(None, page.items, [page], path, {})

    def groups(self) -> Answer:
        """Billing groups, with the people in none of them as a group of its own, the last."""
        path = "/teams/groups"
        page = self.api.get(path, {}, read=_groups)
        return self._answer(None, page.items, [page], path, {})

    def spend(self) -> Answer:
        """The billing cycle's spend so far by member: cumulative, its start in the envelope."""
        path = "/teams/spend"
        query: Query = {"sortBy": "user", "sortDirection": "asc", "pageSize": ROWS_A_PAGE}
        pages = self._numbered(path, query, "teamMemberSpend", lambda beside: beside["totalPages"])
        return self._answer(None, _joined(pages), pages, path, query)

    def daily_usage(self, span: Span) -> list[Answer]:
        """Every member's day, idle ones included (the paged form); one answer a day. At most thirty days.

        The vendor may answer with more days than were asked: those rows are left to their own days' pull.
        """
        path = "/teams/daily-usage-data"
        query = {**_window(span, self.now() + ONE_DAY), "pageSize": ROWS_A_PAGE}
        pages = self._numbered(path, query, "data", lambda beside: beside["pagination"]["totalPages"])
        own = [Page([r for r in page.items if _row_day(path, r) in span], page.beside) for page in pages]
        if any(page.items for page in own):
            pages = own
        return self._by_day(path, query, span, pages, lambda record: _row_day(path, record))

    def usage_events(self, span: Span) -> list[Answer]:
        """Every event, one answer a day. What is younger than an hour is left for the next pull."""
        query, pages = self._events(span, self.now() - SETTLING)
        return self._by_day(EVENTS, query, span, pages, lambda record: _day(_read(EVENTS, record, _Event).ms))

    def usage_events_today(self) -> Answer:
        """The events of the day that is not over yet, as far as there are any; in its first hour, of the day before
        too, which has not settled either.
        """
        now = self.now()
        query, pages = self._events(Span((now - SETTLING).date(), now.date()), now)
        return self._answer(None, _joined(pages), pages, EVENTS, query)

    def _events(self, span: Span, close: datetime) -> tuple[Query, list[Page]]:
        query = {**_window(span, close), "pageSize": ROWS_A_PAGE}
        return query, self._unmoved(
            EVENTS,
            "totalUsageEventsCount",
            lambda: self._numbered(EVENTS, query, "usageEvents", lambda beside: beside["pagination"]["numPages"]),
        )

    def ai_commits(self, span: Span, held: Sequence[Answer] = ()) -> list[Answer]:
        """Every commit without its message, one answer a day. At most thirty days.

        A commit belongs to the day it was made on, or, if that was not asked about, to the day the vendor heard of it.
        `held` is what was answered of these days before; what the vendor says is unchanged since is answered again.
        """
        query: Query = {"startDate": str(span.first), "endDate": str(span.last), "pageSize": ROWS_A_PAGE}
        if [answer.day for answer in held] == span.days and self._is_unchanged(COMMITS, query, held):
            return list(held)
        pages = self._unmoved(COMMITS, "totalCount", lambda: self._commits(query))
        etags = [page.etag for page in pages]
        answers = self._by_day(COMMITS, query, span, pages, lambda record: _commit_day(record, span))
        return [replace(a, envelope={**a.envelope, "etags": etags}) for a in answers] if all(etags) else answers

    def _commits(self, query: Query) -> list[Page]:
        following = by_number(lambda beside: -(-beside["totalCount"] // beside["pageSize"]))
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

    def _unmoved(self, path: str, total: str, read: Callable[[], list[Page]]) -> list[Page]:
        """All pages; if the count moves while they are read, all are read again."""
        for _ in range(READS_AT_MOST):
            pages = read()
            if {page.beside[total] for page in pages} == {sum(len(page.items) for page in pages)}:
                return pages
        raise IncompleteAnswer(f"Cursor {path} moved during each of {READS_AT_MOST} reads: nothing of it is kept.")

    def _numbered(
        self, path: str, query: Query, items: str, pages_of: Callable[[Mapping[str, Any]], int]
    ) -> list[Page]:
        return self.api.pages(path, {**query, "page": 1}, following=by_number(pages_of), items=items, by_post=True)

    def _by_day(
        self, path: str, query: Query, span: Span, pages: Sequence[Page], day_of: Callable[[bytes], date]
    ) -> list[Answer]:
        """Records of the span's days; one of another day is an `IncompleteAnswer`."""
        records: dict[date, list[bytes]] = {day: [] for day in span.days}
        for record in _joined(pages):
            day = day_of(record)
            if day not in records:
                raise IncompleteAnswer(f"Cursor {path} of {span} came with a record of {day}: nothing of it is kept.")
            records[day].append(record)
        return [self._answer(day, said, pages, path, query) for day, said in records.items()]

    def _answer(
        self, day: date | None, records: Sequence[bytes], pages: Sequence[Page], path: str, query: Mapping[str, Any]
    ) -> Answer:
        cursors = {"pagination", "totalUsageEventsCount", "totalCount", "page", "pageSize"}
        beside = {name: value for page in pages for name, value in page.beside.items() if name not in cursors}
        return Answer(SOURCE, day, records, len(pages), {"path": path, **query}, beside, self.is_simulated)


class _Row(msgspec.Struct):
    ms: int = msgspec.field(name="date")
    day: date | None = None  # absent in older answers


class _Event(msgspec.Struct):
    timestamp: str

    @property
    def ms(self) -> int:
        return int(self.timestamp)


Instant = Annotated[datetime, msgspec.Meta(tz=True)]


class _Commit(msgspec.Struct, rename="camel"):
    created_at: Instant  # when the vendor heard of it
    commit_ts: Instant | None = None


def by_number(pages_of: Callable[[Mapping[str, Any]], int]) -> Following:
    """Pages counted from 1: the next one, until there have been as many as the answer says."""
    page = 1

    def following(got: Page) -> Query | None:
        nonlocal page
        try:
            last = pages_of(got.beside)
        except (KeyError, TypeError, ZeroDivisionError) as error:
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


def _row_day(path: str, record: bytes) -> date:
    row = _read(path, record, _Row)
    return row.day or _day(row.ms)


def _commit_day(record: bytes, span: Span) -> date:
    commit = _read(COMMITS, record, _Commit)
    known = [at.astimezone(UTC).date() for at in (commit.commit_ts, commit.created_at) if at]
    return next((day for day in known if day in span), known[0])


def _without_message(record: bytes) -> bytes:
    fields = _read(COMMITS, record, dict[str, msgspec.Raw])
    if "message" in fields:
        fields["message"] = msgspec.Raw(b"null")
    return msgspec.json.encode(fields)


def _ms(instant: datetime) -> int:
    return int(instant.timestamp()) * 1000


def _day(ms: int) -> date:
    return datetime.fromtimestamp(ms // 1000, UTC).date()


def _read(path: str, record: bytes, of: type[T]) -> T:
    try:
        return msgspec.json.decode(record, type=of)
    except msgspec.ValidationError as error:
        raise UnexpectedAnswer(f"Cursor {path}: a record is not what the API promises ({error}).") from error
