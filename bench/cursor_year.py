"""A year of Cursor events for `bench` and the tests: a provider that limits requests per minute, on a simulated
clock.

Time passes only by simulated travel and sleep, so twenty minutes at the provider's rate take no time.
"""

import json
import os
from collections import deque
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx

from ai_usage.catalog import TABLES
from ai_usage.ingest.day_replacement import DAYS_AT_ONCE
from ai_usage.ingest.http.retry import Patience
from ai_usage.partitions import Span
from ai_usage.providers.cursor.client import DAYS_A_REQUEST, EVENTS, RATES, CursorAdmin
from ai_usage.providers.cursor.resource import team_pace
from ai_usage.providers.cursor.rows import event_rows
from ai_usage.providers.cursor.tables import CURSOR_USAGE_EVENTS
from ai_usage.warehouse.duckdb.engine import DuckDBWarehouse

EVENTS_A_DAY = 3_300  # 1.2 million a year
SHORT, LONG = 90, 365  # days
NOW = datetime(2026, 11, 20, 12, 30, tzinfo=UTC)
DAY_MS = 86_400_000
URL, KEY = "https://cursor.test", "crsr_bench"

HANDSHAKE, TRAVEL = 0.35, 0.05  # seconds, the first on a new connection
KEPT_ALIVE = 5.0  # seconds that an idle connection lasts
WORK = 0.1  # seconds an answer takes


@dataclass
class Clock:
    """Seconds that pass by sleeping only."""

    now: float = 0.0
    slept: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def cents(n: int) -> Decimal:
    """What a day's n-th event is charged."""
    return Decimal(n % 1000 * 1_234_567 + 1).scaleb(-7)


TAILS = [
    f'"userEmail":"person{n % 97}@example.com","model":"gpt-5.5","kind":"Usage-based","maxMode":false,'
    f'"requestsCosts":{n % 30 / 10},"isTokenBasedCall":true,"isChargeable":true,"isHeadless":false,'
    f'"tokenUsage":{{"inputTokens":{n * 17},"outputTokens":{n * 3},"cacheWriteTokens":0,"cacheReadTokens":{n * 91},'
    f'"totalCents":{cents(n):f}}},"chargedCents":{cents(n):f},"cursorTokenFee":0.25,'
    f'"conversationId":"00000000-0000-4000-8000-{n // 6:012d}"}}'
    for n in range(1000)
]


@dataclass
class BusyTeam:
    """Answers for events as the contract has them, newest first; the sixty-first request within any
    minute is refused. Usable as an `httpx.MockTransport`'s handler.
    """

    clock: Clock
    events_a_day: int = EVENTS_A_DAY
    answered: int = 0
    refused: int = 0
    refuse_at: int | None = None  # as if another tool had used the minute up when so many are answered
    _minute: deque[float] = field(default_factory=deque, init=False)
    _last: float = field(default=-KEPT_ALIVE, init=False)

    def count(self, day: date) -> int:
        """Uneven: working days of all sizes, quiet weekends, no events at Christmas."""
        if (day.month, day.day) in {(12, 25), (12, 26)}:
            return 0
        share = Decimal("0.25") if day.weekday() > 4 else Decimal("1.3")
        return int(self.events_a_day * share * (450 + day.toordinal() * 37 % 101) / 500)

    def fewest(self, days: list[date]) -> int:
        """The least number of requests: a page holds a thousand, a window thirty days."""
        windows = [days[n : n + 30] for n in range(0, len(days), 30)]
        return sum(max(1, -(-sum(map(self.count, window)) // 1000)) for window in windows)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.clock.now += TRAVEL + (HANDSHAKE if self.clock() - self._last >= KEPT_ALIVE else 0)
        answer = self._answer(request)
        self.clock.now += WORK
        self._last = self.clock()
        return answer

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if request.url.path != EVENTS or not self._may_pass():
            status = 429 if request.url.path == EVENTS else 404
            return httpx.Response(status, headers={"retry-after": "60"}, json={"message": "Rate limit exceeded"})
        asked = json.loads(request.content)
        start, end, page, size = (asked[name] for name in ("startDate", "endDate", "page", "pageSize"))
        if end - start >= 30 * DAY_MS or size > 1000:
            return httpx.Response(400, json={"message": "Date range cannot exceed 30 days, nor a page 1000 events"})
        days = [_day(ms) for ms in range(start, end, DAY_MS)]
        total = sum(map(self.count, days))
        events = ",".join(self._page(days, (page - 1) * size, size))
        head = {"numPages": -(-total // size), "currentPage": page, "pageSize": size}
        body = f'{{"totalUsageEventsCount":{total},"pagination":{json.dumps(head)},"usageEvents":[{events}]}}'
        return httpx.Response(200, content=body.encode())

    def _page(self, days: list[date], skip: int, room: int) -> Iterator[str]:
        """A day's first event is on its first millisecond, its last on its last."""
        for day in reversed(days):
            count = self.count(day)
            first, begin, gaps = count - 1 - skip, _ms(day), max(1, count - 1)
            for n in range(first, max(-1, first - room), -1):
                yield f'{{"timestamp":"{begin + n * (DAY_MS - 1) // gaps}",{TAILS[n % 1000]}'
            room -= min(room, max(0, count - skip))
            skip = max(0, skip - count)

    def _may_pass(self) -> bool:
        at, sent = self.clock(), self._minute
        while sent and at - sent[0] >= 60:
            sent.popleft()
        if len(sent) >= 60 or self.answered == self.refuse_at:
            self.refused, self.refuse_at = self.refused + 1, None
            return False
        sent.append(at)
        self.answered += 1
        return True


def paced(team: BusyTeam, patience: Patience | None = None) -> CursorAdmin:
    """A client as a run opens it, but for the clock."""
    pace = replace(team_pace(URL, KEY), clock=team.clock, sleep=team.clock.sleep)
    transport = httpx.MockTransport(team)
    return CursorAdmin.open(
        base_url=URL, key=KEY, now=lambda: NOW, pace=pace, patience=patience, transport=transport, is_simulated=True
    )


def days_up_to_now(count: int) -> Span:
    last = NOW.date() - timedelta(days=1)
    return Span(last - timedelta(days=count - 1), last)


class Backfill:
    """So many days of events into the ledger and on to core, as the assets do it."""

    def __init__(self, days: int) -> None:
        folder = Path(os.environ["AI_USAGE_DATA_DIR"])
        self.warehouse = DuckDBWarehouse(folder / "a.duckdb", folder / "b.duckdb", TABLES, lambda: datetime.now(UTC))
        self.span, self.team = days_up_to_now(days), BusyTeam(Clock())

    def work(self) -> int:
        rows = 0
        with closing(paced(self.team, Patience(attempts=1))) as admin:
            for days in self.span.cut(at_most=DAYS_A_REQUEST):
                self.warehouse.append("cursor_usage_events", admin.usage_events(days))
        with self.warehouse.connected():
            for days in self.span.cut(at_most=DAYS_AT_ONCE):
                records = self.warehouse.newest("cursor_usage_events", days)
                built = event_rows(records)
                self.warehouse.replace_days(CURSOR_USAGE_EVENTS, records.days, built)
                rows += built.height
        return rows

    def figures(self) -> dict[str, Any]:
        requests, minutes = self.team.answered + self.team.refused, self.team.clock() / 60
        permitted = requests / RATES[EVENTS]
        return {
            "days": len(self.span.days),
            "events": sum(map(self.team.count, self.span.days)),
            "requests": requests,
            "fewest_requests": self.team.fewest(self.span.days),
            "refused": self.team.refused,
            "virtual_minutes": round(minutes, 2),
            "permitted_minutes": round(permitted, 2),
            "ratio": round(minutes / permitted, 3),
        }


def _day(ms: int) -> date:
    return datetime.fromtimestamp(ms // 1000, UTC).date()


def _ms(day: date) -> int:
    return int(datetime.combine(day, time(), UTC).timestamp()) * 1000
