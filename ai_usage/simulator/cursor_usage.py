"""What Cursor answers about use: events, daily rows and commits, page by page."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec

from ai_usage.simulator.cursor_calendar import DAY_MS, at_ms, days_between, settled
from ai_usage.simulator.cursor_days import CursorDays, within
from ai_usage.simulator.cursor_events import Event, cents_json, tenths_json
from ai_usage.simulator.cursor_team import Seat, ServiceAccount
from ai_usage.simulator.queries import DAY, Body, Query, RefusalError

MOST = 1000
COMMITS_A_PAGE = 500  # documented are 1000; the live endpoint has refused more than 500
HOSTING_TYPES = ("CLOUD", "SELF_HOSTED", "SELF_HOSTED_POOL", "SELF_HOSTED_MACHINE")
RELATIVE = re.compile(r"(\d{1,3})d")


class CursorUsage:
    """Answers over the days of one team, read at the simulator's clock."""

    def __init__(self, days: CursorDays, clock: Callable[[], datetime], commits_a_page: int = COMMITS_A_PAGE) -> None:
        self.days, self.clock, self.commits_a_page = days, clock, commits_a_page

    def daily_usage(self, body: Body) -> Any:
        start, end = body.span()
        is_paged = body.number("page") is not None
        if is_paged != (body.number("pageSize") is not None):
            raise RefusalError("page and pageSize go together")
        page, size = body.whole("page", 1), body.whole("pageSize", 100, MOST)
        body.refuse_unread()
        until = settled(self.clock())
        days = [at_ms(ms).date() for ms in range(start // DAY_MS * DAY_MS, end, DAY_MS)]
        period = {"startDate": start, "endDate": end}
        if not is_paged:
            return {"data": [r for day in days for r in self.days.rows(day, until) if r["isActive"]], "period": period}
        members = [s for s in self.days.team.seats if s.overlaps(at_ms(start), at_ms(end))]
        chosen = {seat.number for seat in members[(page - 1) * size : page * size]}
        pages = -(-len(members) // size)
        return {
            "data": [r for day in days for r in self.days.rows(day, until) if r["userId"] in chosen],
            "period": period,
            "pagination": {
                "page": page,
                "pageSize": size,
                "totalUsers": len(members),
                "totalPages": pages,
                "hasNextPage": page < pages,
                "hasPreviousPage": page > 1,
            },
        }

    def usage_events(self, body: Body) -> Any:
        start, end = body.span()
        page, size = body.whole("page", 1), body.whole("pageSize", 100, MOST)
        wanted = self._wanted(body)
        body.refuse_unread()
        total, found = self._event_page(start, end, (page - 1) * size, size, wanted)
        pages = -(-total // size)
        return {
            "totalUsageEventsCount": total,
            "pagination": {
                "numPages": pages,
                "currentPage": page,
                "pageSize": size,
                "hasNextPage": page < pages,
                "hasPreviousPage": page > 1,
            },
            "usageEvents": msgspec.Raw(f"[{','.join(map(_event_json, found))}]".encode()),
            "period": {"startDate": start, "endDate": end},
        }

    def _wanted(self, body: Body) -> Callable[[Event], bool] | None:
        """A predicate for the filters; None if there are none."""
        number, email = body.number("userId"), body.text("email")
        robot = body.text("serviceAccountId")
        elsewhere = [body.text("cloudAgentId"), body.text("automationId"), body.text("hostingType", HOSTING_TYPES)]
        if any(value is not None for value in elsewhere):
            return lambda _: False  # no one here works in the cloud
        if number is None and email is None and robot is None:
            return None
        everybody: list[Seat | ServiceAccount] = [*self.days.team.seats, *self.days.team.service_accounts]
        callers = {
            caller.id
            for caller in everybody
            if number is None or (isinstance(caller, Seat) and caller.number == number)
            if email is None or caller.email == email.lower()
            if robot is None or (isinstance(caller, ServiceAccount) and robot in (caller.id, "*"))
        }
        return lambda event: event.caller.id in callers

    def _event_page(
        self, start: int, end: int, offset: int, size: int, wanted: Callable[[Event], bool] | None
    ) -> tuple[int, list[Event]]:
        """How many events there are between the bounds, both inclusive, and those of one page, newest first."""
        end = min(end, settled(self.clock()) - 1)
        total, found = 0, list[Event]()
        for begin in range(end // DAY_MS * DAY_MS, start - DAY_MS, -DAY_MS):
            day, is_whole = at_ms(begin).date(), start <= begin and begin + DAY_MS - 1 <= end
            count = self.days.count(day)
            skip, room = max(0, offset - total), size - len(found)
            if is_whole and wanted is None and (count <= skip or not room):
                total += count  # not on this page: its number will do
                continue
            events = within(self.days.events(day), start, end)
            events = events if wanted is None else [event for event in events if wanted(event)]
            total += len(events)
            found += events[skip : skip + room]
        return total, found

    def commits(self, query: Query) -> Any:
        now = self.clock()
        first, last = _edge(query.one("startDate"), now, 7), _edge(query.one("endDate"), now, 0)
        if last < first:
            raise RefusalError("endDate must not be before startDate")
        if (last - first).days > 30:
            raise RefusalError("Date range cannot exceed 30 days")
        page, size = _count(query, "page", 1), _count(query, "pageSize", 100, self.commits_a_page)
        user = query.one("user")
        query.refuse_unread()
        until = settled(now)
        found = [
            commit
            for day in reversed(list(days_between(first, last)))
            for known_at, commit in self.days.commits(day)
            if known_at < until and user in (None, commit["userEmail"], commit["userId"])
        ]
        here = found[(page - 1) * size : page * size]
        return {"items": here, "totalCount": len(found), "page": page, "pageSize": size}


def _edge(text: str | None, now: datetime, usual: int) -> date:
    """A bound of the analytics: a date, an instant, or so many days ago."""
    ago = RELATIVE.fullmatch(text) if text else None
    if text is None or ago:
        return (now - timedelta(days=int(ago[1]) if ago else usual)).date()
    try:
        return date.fromisoformat(text) if DAY.fullmatch(text) else datetime.fromisoformat(text).astimezone(UTC).date()
    except ValueError as error:
        raise RefusalError(f"Invalid date: {text}") from error


def _count(query: Query, name: str, default: int, most: int = 999_999) -> int:
    text = query.one(name) or str(default)
    if not re.fullmatch(r"\d{1,6}", text) or not 1 <= int(text) <= most:
        raise RefusalError(f"{name}: expected a number from 1 to {most}")
    return int(text)


def _event_json(event: Event) -> str:
    """Written by hand: a thousand a page, and their cents must be exact."""
    parts = [
        f'{{"timestamp":"{event.timestamp}","userEmail":"{event.caller.email}","model":"{event.model}"',
        f'"kind":"{event.kind}","maxMode":{_bool(event.is_max)},"requestsCosts":{tenths_json(event.tenths)}',
        f'"isTokenBasedCall":{_bool(event.tokens is not None)},"isChargeable":{_bool(event.is_chargeable)}',
        f'"isHeadless":{_bool(event.is_headless)},"chargedCents":{cents_json(event.charged)}',
    ]
    if event.tokens is not None:
        sent, received, written, read = event.tokens
        discount = f',"discountPercentOff":{event.discount}' if event.discount else ""
        parts.append(
            f'"tokenUsage":{{"inputTokens":{sent},"outputTokens":{received},"cacheWriteTokens":{written},'
            f'"cacheReadTokens":{read},"totalCents":{cents_json(event.total)}{discount}}}'
        )
    if event.fee:
        parts.append(f'"cursorTokenFee":{cents_json(event.fee)}')
    if isinstance(event.caller, ServiceAccount):
        parts.append(f'"serviceAccountId":"{event.caller.id}","serviceAccountName":"{event.caller.name}"')
    if event.conversation_id is not None:
        parts.append(f'"conversationId":"{event.conversation_id}"')
    return ",".join(parts) + "}"


def _bool(value: bool) -> str:
    return "true" if value else "false"
