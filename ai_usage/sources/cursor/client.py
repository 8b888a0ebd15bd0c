"""The Cursor Admin API: HTTP in, the vendor's own records out. Knows of no table and no dollar.

Source: Cursor's Admin API documentation. The key is the user name of Basic authentication.
Times are epoch milliseconds and `endDate` is inclusive: windows end at …999 ms, or an event on the boundary would come
twice.
"""

from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, TypeVar

import httpx
import msgspec

from ai_usage.partitions import ONE_DAY, Span
from ai_usage.sources.http import (
    Api,
    Following,
    IncompleteAnswer,
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
RATES = {"/teams/filtered-usage-events": 60}  # requests a minute and team
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
        """Every member's day, idle ones included (the paged form); one answer a day. At most thirty days."""
        path = "/teams/daily-usage-data"
        query = {**_window(span, self.now() + ONE_DAY), "pageSize": ROWS_A_PAGE}
        pages = self._numbered(path, query, "data", lambda beside: beside["pagination"]["totalPages"])
        return self._by_day(path, query, span, pages, lambda record: _read(path, record, _Row).day)

    def usage_events(self, span: Span) -> list[Answer]:
        """Every event, one answer a day. What is younger than an hour is left for the next pull; if the count moves
        while pages are read, all are read again.
        """
        path = "/teams/filtered-usage-events"
        query = {**_window(span, self.now() - SETTLING), "pageSize": ROWS_A_PAGE}
        for _ in range(READS_AT_MOST):
            pages = self._numbered(path, query, "usageEvents", lambda beside: beside["pagination"]["numPages"])
            counts = {page.beside["totalUsageEventsCount"] for page in pages}
            if counts == {sum(len(page.items) for page in pages)}:
                return self._by_day(path, query, span, pages, lambda record: _day(_read(path, record, _Event).ms))
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
        cursors = {"pagination", "totalUsageEventsCount"}
        beside = {name: value for page in pages for name, value in page.beside.items() if name not in cursors}
        return Answer(SOURCE, day, records, len(pages), {"path": path, **query}, beside, self.is_simulated)


class _Row(msgspec.Struct):
    day: date


class _Event(msgspec.Struct):
    timestamp: str

    @property
    def ms(self) -> int:
        return int(self.timestamp)


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
    return Page([*page.items, *(bytes(rest[name]) for name in ("unassignedGroup",) if name in rest)], beside)


def _joined(pages: Sequence[Page]) -> list[bytes]:
    return [item for page in pages for item in page.items]


def _window(span: Span, close: datetime) -> dict[str, int]:
    """First to last millisecond of the span, but none after `close`."""
    first = datetime.combine(span.first, time(), UTC)
    end = datetime.combine(span.last + ONE_DAY, time(), UTC)
    return {"startDate": _ms(first), "endDate": max(_ms(first), _ms(min(end, close)) - 1)}


def _ms(instant: datetime) -> int:
    return int(instant.timestamp()) * 1000


def _day(ms: int) -> date:
    return datetime.fromtimestamp(ms // 1000, UTC).date()


def _read(path: str, record: bytes, of: type[T]) -> T:
    try:
        return msgspec.json.decode(record, type=of)
    except msgspec.ValidationError as error:
        raise UnexpectedAnswer(f"Cursor {path}: a record is not what the API promises ({error}).") from error
