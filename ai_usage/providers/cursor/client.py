"""The Cursor Admin API: HTTP in, the provider's own records out. It makes no tables and converts no money.

Source: Cursor's Admin API documentation. The key is the user name of Basic authentication.
Times are epoch milliseconds and `endDate` is inclusive: windows end at …999 ms, or an event on the boundary would come
twice.

Records are the provider's own bytes, with one exception: a commit's message is private, and becomes null as soon as it
is read, before anything is compared or kept.
"""

from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import httpx

from ai_usage.ingest.days import Answers, by_day
from ai_usage.ingest.http.api import Api
from ai_usage.ingest.http.bodies import Limits
from ai_usage.ingest.http.client import http_client, refuse_unsendable
from ai_usage.ingest.http.errors import IncompleteAnswer, NotModified
from ai_usage.ingest.http.paging import Page, Query, steady_pages
from ai_usage.ingest.http.rate_limit import Pace
from ai_usage.ingest.http.refusals import ApiWords
from ai_usage.ingest.http.retry import Patience
from ai_usage.ingest.optional import is_key_accepted
from ai_usage.partitions import ONE_DAY, Span
from ai_usage.providers.cursor.pages import (
    by_number,
    commit_day,
    differ,
    event_day,
    groups_page,
    items_of,
    miss_records,
    page_of,
    pages_of_daily_usage,
    row_day,
    without_message,
)
from ai_usage.settings import CURSOR_URL
from ai_usage.warehouse.ledger import Answer
from ai_usage.warehouse.table import DEFAULT_ACCOUNT

SOURCE = "cursor"
DAYS_A_REQUEST = 30  # Cursor refuses longer spans
ROWS_A_PAGE = 1000
COMMITS_A_PAGE = 500  # the documentation allows 1000; the live API has refused more than 500
SETTLING = timedelta(hours=1)  # usage is aggregated hourly: what is younger still moves
MEMBERS = "/teams/members"
EVENTS = "/teams/filtered-usage-events"
COMMITS = "/analytics/ai-code/commits"
RATES = {EVENTS: 60}  # requests a minute and team
RATE = 20  # of every other endpoint

CURSOR = ApiWords(
    name="Cursor",
    advice={
        403: "The key is known, but its scope or the team's plan does not include this.",
        404: "The team does not have that endpoint.",
        429: "The team's request rate is used up; another tool may share it. Try again later.",
        500: "Cursor is in trouble: see its status page and run this again later.",
    },
)
REFUSED_KEY = "{variable} is wrong or revoked: a team admin makes one in the dashboard (admin:*)."


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
        variable: str = "CURSOR_ADMIN_API_KEY",
        now: Callable[[], datetime],
        pace: Callable[[httpx.Request], None] | None = None,
        is_simulated: bool = False,
        patience: Patience | None = None,
        transport: httpx.BaseTransport | None = None,
        limits: Limits | None = None,
    ) -> "CursorAdmin":
        """A client that keeps to Cursor's rates, unless another pace is given. Errors name the variable, which holds
        the key.
        """
        refuse_unsendable(variable, key.strip())
        basic = b64encode(f"{key.strip()}:".encode()).decode()
        http = http_client(base_url, {"authorization": f"Basic {basic}"}, transport, limits)
        http.event_hooks["request"] = [pace or Pace(RATES, RATE)]
        words = CURSOR.at(base_url, usual=CURSOR_URL).advising(401, REFUSED_KEY.format(variable=variable))
        return cls(Api(words, http, patience or Patience()), now, is_simulated)

    def close(self) -> None:
        self.api.http.close()

    @property
    def requests(self) -> int:
        """Requests sent so far, retries included."""
        return self.api.requests

    def is_key_accepted(self) -> bool:
        """Whether the provider accepts the key at all: every Admin key may list the team's members."""
        return is_key_accepted(self.api, (MEMBERS, {}, {}))

    def members(self) -> Answer:
        """All members and former members of the team."""
        page = self.api.get(MEMBERS, {}, read=page_of("teamMembers"))
        return self._answer(None, page.items, [page], MEMBERS, {})

    def groups(self) -> Answer:
        """Billing groups. The last one is the group of members without a group."""
        path = "/teams/groups"
        page = self.api.get(path, {}, read=groups_page)
        return self._answer(None, page.items, [page], path, {})

    def spend(self) -> Answer:
        """The billing cycle's spend so far by member: cumulative, its start in the envelope."""
        path = "/teams/spend"
        query: Query = {"sortBy": "user", "sortDirection": "asc", "pageSize": ROWS_A_PAGE}
        pages = steady_pages(
            f"Cursor {path}",
            lambda: self._numbered(path, query, "teamMemberSpend", lambda beside: beside["totalPages"]),
            moved=lambda pages: differ(page.beside.get("totalMembers") for page in pages),
        )
        return self._answer(None, items_of(pages), pages, path, query)

    def daily_usage(self, span: Span) -> Answers:
        """Every member's day, idle ones included (the paged form); one answer a day. At most thirty days.

        Cursor may answer with more days than were asked for: those rows are left to their own days' pull. An answer
        without page numbers, as in 2025, is whole, unless it holds as many members as a full page.
        """
        path = "/teams/daily-usage-data"
        query = {**_window(span, self.now() + ONE_DAY), "pageSize": ROWS_A_PAGE}
        pages = steady_pages(
            f"Cursor {path} of {span}",
            lambda: self._numbered(path, query, "data", pages_of_daily_usage),
            moved=lambda pages: differ((page.beside.get("pagination") or {}).get("totalUsers") for page in pages),
        )
        if not pages[0].beside.get("pagination") and len(pages[0].items) >= ROWS_A_PAGE * len(span.days):
            raise IncompleteAnswer(f"Cursor {path} of {span} is a full page and names no next one: none is kept.")
        return self._by_day(path, query, span, pages, row_day, names_strangers=False)

    def usage_events(self, span: Span) -> Answers:
        """Every event, one answer per day. Events of the last hour are left for the next pull."""
        query, pages = self._events(span, self.now() - SETTLING)
        return self._by_day(EVENTS, query, span, pages, event_day)

    def usage_events_today(self) -> Answer:
        """The events of the current day so far; in its first hour, also those of the day before, which has not settled
        yet.
        """
        now = self.now()
        query, pages = self._events(Span((now - SETTLING).date(), now.date()), now)
        return self._answer(None, items_of(pages), pages, EVENTS, query)

    def _events(self, span: Span, close: datetime) -> tuple[Query, list[Page]]:
        query = {**_window(span, close), "pageSize": ROWS_A_PAGE}
        pages = steady_pages(
            f"Cursor {EVENTS} of {span}",
            lambda: self._numbered(EVENTS, query, "usageEvents", lambda beside: beside["pagination"]["numPages"]),
            moved=lambda pages: miss_records("totalUsageEventsCount", pages),
        )
        return query, pages

    def ai_commits(self, span: Span, held: Sequence[Answer] = ()) -> Answers:
        """Every commit without its message, one answer a day. At most thirty days.

        A commit belongs to the day it was made on, or, if that was not asked for, to the day Cursor received it.
        `held` has the earlier answers for these days; they are returned again if Cursor reports them unchanged.
        """
        query: Query = {"startDate": str(span.first), "endDate": str(span.last), "pageSize": COMMITS_A_PAGE}
        if [answer.day for answer in held] == span.days and self._is_unchanged(COMMITS, query, held):
            return Answers(held)
        pages = steady_pages(
            f"Cursor {COMMITS} of {span}",
            lambda: self._commits(query),
            moved=lambda pages: miss_records("totalCount", pages),
        )
        etags = [page.etag for page in pages]
        answers = self._by_day(COMMITS, query, span, pages, lambda record: commit_day(record, span))
        if all(etags):
            answers[:] = [replace(each, envelope={**each.envelope, "etags": etags}) for each in answers]
        return answers

    def _commits(self, query: Query) -> list[Page]:
        following = by_number(
            lambda beside: -(-int(beside["totalCount"]) // int(beside.get("pageSize", COMMITS_A_PAGE)))
        )
        pages = self.api.pages(COMMITS, {**query, "page": 1}, following=following, items="items")
        return [replace(page, items=[without_message(record) for record in page.items]) for page in pages]

    def _is_unchanged(self, path: str, query: Query, held: Sequence[Answer]) -> bool:
        """Whether the held answers to this request are still current, by the ETags of all its pages."""
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
        parted = by_day(f"Cursor {path}", span, items_of(pages), day_of)
        return Answers(
            (self._answer(day, records, pages, path, query) for day, records in parted.records.items()),
            [each for each in parted.left_out if names_strangers or each.day in span],
        )

    def _answer(
        self, day: date | None, records: Sequence[bytes], pages: Sequence[Page], path: str, query: Mapping[str, Any]
    ) -> Answer:
        cursors = {"pagination", "totalUsageEventsCount", "totalCount", "page", "pageSize"}
        beside = {name: value for page in pages for name, value in page.beside.items() if name not in cursors}
        self.api.refuse_deep(path, records)
        return Answer(SOURCE, day, records, len(pages), {"path": path, **query}, beside, self.is_simulated)


def _window(span: Span, close: datetime) -> dict[str, int]:
    """First to last millisecond of the span, but none after `close`."""
    first = datetime.combine(span.first, time(), UTC)
    end = datetime.combine(span.last + ONE_DAY, time(), UTC)
    return {"startDate": _ms(first), "endDate": max(_ms(first), _ms(min(end, close)) - 1)}


def _ms(instant: datetime) -> int:
    return int(instant.timestamp()) * 1000
