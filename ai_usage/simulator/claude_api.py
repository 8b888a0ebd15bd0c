"""The Claude Admin API, with its analytics, over HTTP. What the answers contain is in `claude_reports`."""

import itertools
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ai_usage.simulator.claude_analytics import CHARGE_DIMENSIONS, DIMENSIONS, ClaudeAnalytics, Grouping, Row
from ai_usage.simulator.claude_days import ClaudeDays, version
from ai_usage.simulator.claude_keys import ANALYTICS_KEY, admit, key_of
from ai_usage.simulator.claude_limits import ClaudeLimits
from ai_usage.simulator.claude_lists import ClaudeLists
from ai_usage.simulator.claude_parameters import (
    ANALYTICS_BEGIN,
    ANALYTICS_BETA,
    ANALYTICS_FILTERS,
    LONGEST_SPAN,
    LOOK_BACK,
    MOST_GROUPS,
    ONE_DAY,
    SPEED_BETA,
    USAGE_FILTERS,
    USAGE_GROUPS,
    USAGE_LIMITS,
    WIDTHS,
    betas_of,
    filters_of,
    snap,
)
from ai_usage.simulator.claude_people import ClaudePeople
from ai_usage.simulator.claude_reports import ClaudeReports, Span, encode, span
from ai_usage.simulator.people_days import PeopleDays
from ai_usage.simulator.queries import Query, RefusalError, rfc3339
from ai_usage.simulator.quota import MINUTE, Quota

PREFIX = "/anthropic"
ERRORS = {
    400: ("invalid_request_error", "Bad request"),
    401: ("authentication_error", "invalid x-api-key"),
    403: ("permission_error", "This key may not read this resource."),
    404: ("not_found_error", "Not found"),
    429: ("rate_limit_error", "Rate limit exceeded"),
    500: ("api_error", "Internal server error"),
    504: ("timeout_error", "Timed out"),
    529: ("overloaded_error", "Overloaded"),
}
LACKS = {  # how the API refuses what an organization's plan or a key's scope does not include
    400: "This endpoint is not available to organizations with HIPAA readiness enabled.",
    401: "This key is not valid for this endpoint.",
    403: "Your organization does not have access to this endpoint.",
    404: "Not found",
}
ANALYTICS_A_MINUTE = 60  # all of its endpoints, and all keys of the organization, together
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
Work = Callable[[Query, Request], Any]


class ClaudeApi:
    """Routes over one organization's days, read at the simulator's clock. Without `monotonic` no rate is limited."""

    def __init__(
        self,
        days: ClaudeDays,
        people: PeopleDays,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float] | None = None,
        *,
        key_suffix: str = "",
    ) -> None:
        self.key_suffix = key_suffix
        self.organization = days.organization
        self.reports = ClaudeReports(days)
        self.analytics = ClaudeAnalytics(days)
        self.lists = ClaudeLists(days.organization, clock)
        self.limits = ClaudeLimits(days, clock)
        self.people = ClaudePeople(people, clock)
        self.clock = clock
        self.quota = Quota(monotonic)
        self._request_ids = itertools.count(1)

    def routes(self) -> list[Route]:
        base = f"{PREFIX}/v1/organizations"
        served: dict[str, Work] = {
            "/me": self.me,
            "/cost_report": self.cost_report,
            "/usage_report/messages": self.messages_usage,
            "/usage_report/claude_code": self.claude_code_usage,
            "/workspaces": self.lists.workspaces,
            "/api_keys": self.lists.api_keys,
            "/users": self.lists.users,
            "/analytics/cost": self.analytics_cost,
            "/analytics/usage": self.analytics_usage,
            "/analytics/users": self.people.users,
            "/spend_limits/effective": self.limits.effective,
        }
        routes = [Route(base + path, self._endpoint(path, work), methods=["GET"]) for path, work in served.items()]
        return [*routes, Route(PREFIX + "/{rest:path}", self._endpoint("/", self.nothing), methods=METHODS)]

    def error(self, status: int, message: str | None = None) -> Response:
        """The response for a refusal or failure, in the provider's format."""
        kind, usual = ERRORS.get(status, ("api_error", "Something went wrong"))
        request_id = self._request_id()
        body = {
            "type": "error",
            "error": {"type": kind, "message": message or usual},
            "request_id": request_id,
        }
        headers = {"request-id": request_id} | ({"x-should-retry": "false"} if status == 400 else {})
        return Response(encode(body), status, headers, "application/json")

    def _request_id(self) -> str:
        return f"req_01Simulated{next(self._request_ids):010d}"

    def _endpoint(self, path: str, work: Work) -> Callable[[Request], Any]:
        is_analytics = path.startswith("/analytics")
        is_of_limits = path.startswith("/spend_limits")
        door = "engagement" if path == "/analytics/users" else "analytics" if is_analytics else "admin"
        door = "limits" if is_of_limits else door
        counted = "limits" if is_of_limits else "analytics" if is_analytics else ""

        async def endpoint(request: Request) -> Response:
            try:
                admit(request, door, self.key_suffix)
                if counted and not self.quota.take(counted, ANALYTICS_A_MINUTE):
                    answer = self.error(429)
                    answer.headers["retry-after"] = str(MINUTE)
                    return answer
                query = Query(request.url.path, request.query_params.multi_items())
                answer = work(query, request)
                query.refuse_unread()
            except RefusalError as refusal:
                return self.error(refusal.status, str(refusal) or None)
            return Response(encode(answer), 200, {"request-id": self._request_id()}, "application/json")

        return endpoint

    def nothing(self, query: Query, request: Request) -> Any:
        raise RefusalError("", 404)

    def me(self, query: Query, request: Request) -> Any:
        return {"id": self.organization.id, "name": self.organization.name, "type": "organization"}

    def cost_report(self, query: Query, request: Request) -> Any:
        query.one("bucket_width", ("1d",))
        by = frozenset(query.all("group_by", ("workspace_id", "description")))
        limit = query.limit(7, 31)
        buckets = self._buckets(query, ONE_DAY, only_complete=True)
        return self._bucket_page(query, limit, buckets, lambda over: self.reports.cost_bucket(over, by))

    def messages_usage(self, query: Query, request: Request) -> Any:
        width = query.one("bucket_width", WIDTHS) or "1d"
        by = frozenset(query.all("group_by", USAGE_GROUPS.split()))
        if len(by) > MOST_GROUPS:
            raise RefusalError(f"Cannot specify more than {MOST_GROUPS} group_by[] dimensions.")
        speeds = query.all("speeds", ("standard", "fast"))
        has_speed = SPEED_BETA in betas_of(request)
        if (speeds or "speed" in by) and not has_speed:
            raise RefusalError(f"speed needs the header anthropic-beta: {SPEED_BETA}")
        filters = filters_of(query, USAGE_FILTERS)
        if speeds == ("fast",):  # nothing here is ever fast
            filters |= {("model", frozenset[str | None]())}
        limit = query.limit(*USAGE_LIMITS[width])
        buckets = self._buckets(query, WIDTHS[width], only_complete=False)
        return self._bucket_page(
            query, limit, buckets, lambda over: self.reports.usage_bucket(over, by, filters, has_speed)
        )

    def _buckets(self, query: Query, width: timedelta, *, only_complete: bool) -> tuple[datetime, int, timedelta]:
        """First bucket, how many, how wide; bounds snap down, and the future has none."""
        now = self.clock()
        start, end = query.instant("starting_at"), query.instant("ending_at")
        if start is None:
            raise RefusalError("starting_at: Field required")
        first = snap(start, width)
        running = snap(now, width) + width
        last = snap(end, width) if end else running - (width if only_complete else timedelta())
        if last <= first and (end or first <= now):
            raise RefusalError("Invalid date range: ending date must be after starting date")
        return first, max(0, (min(last, running) - first) // width), width

    def _bucket_page(
        self,
        query: Query,
        limit: int,
        buckets: tuple[datetime, int, timedelta],
        render: Callable[[Span], msgspec.Raw],
    ) -> Any:
        first, count, width = buckets
        offset = query.offset()
        query.refuse_unread()
        now = self.clock()
        starts = [first + n * width for n in range(offset, min(offset + limit, count))]
        return {
            "data": [render(span(start, start + width, now)) for start in starts],
            "has_more": offset + limit < count,
            "next_page": query.next_page(offset + limit, count),
        }

    def claude_code_usage(self, query: Query, request: Request) -> Any:
        day = query.day("starting_at")
        limit, offset = query.limit(20, 1000), query.offset()
        records = self.reports.claude_code(day, version(day, self.clock()))
        following = query.next_page(offset + limit, len(records))
        return {"data": records[offset : offset + limit], "has_more": bool(following), "next_page": following}

    def analytics_cost(self, query: Query, request: Request) -> Any:
        orders = ("amount", "list_amount", "time")
        return self._analytics(query, request, (*DIMENSIONS, *CHARGE_DIMENSIONS), orders, self.analytics.cost)

    def analytics_usage(self, query: Query, request: Request) -> Any:
        orders = ("total_tokens", "output_tokens", "requests", "time", "uncached_input_tokens")
        return self._analytics(query, request, (*DIMENSIONS,), orders, self.analytics.usage)

    def _analytics(
        self,
        query: Query,
        request: Request,
        groups: Sequence[str],
        orders: Sequence[str],
        render: Callable[[Span, Grouping], list[Row]],
    ) -> Any:
        if ANALYTICS_BETA not in betas_of(request):
            raise RefusalError(f"this endpoint needs the header anthropic-beta: {ANALYTICS_BETA}")
        by = query.all("group_by", groups)
        if len(set(by) - CHARGE_DIMENSIONS) > MOST_GROUPS:
            raise RefusalError(f"Cannot specify more than {MOST_GROUPS} group_by[] dimensions.")
        now = self.clock()
        gone = frozenset(person.id for person in self.organization.people if person.gone(now))
        grouping = Grouping(
            by, filters_of(query, ANALYTICS_FILTERS), gone, leave_out_gone=query.flag("exclude_deleted_users")
        )
        order_by = query.one("order_by", orders) or orders[0]
        is_descending = query.one("order", ("asc", "desc")) != "asc"
        if order_by == "time" and query.one("time_bucket_width") is None:
            raise RefusalError("order_by: time needs time_bucket_width")
        limit, offset = query.limit(20, 1000), query.offset()
        spans = self._analytics_spans(query, now)
        query.refuse_unread()
        if order_by == "time":
            spans = spans[::-1] if is_descending else spans
        entries: dict[tuple[Any, ...], list[Row]] = {}
        is_of_console = key_of(request) != ANALYTICS_KEY + self.key_suffix
        for over in spans if is_of_console else []:
            for row in render(over, grouping):
                entries.setdefault((over.start, *row.entry), []).append(row)
        found = list(entries.values())
        if order_by != "time":
            found.sort(key=lambda rows: sum(row.figures[order_by] for row in rows), reverse=is_descending)
        following = query.next_page(offset + limit, len(found))
        return {
            "data": [row.body for rows in found[offset : offset + limit] for row in rows],
            "has_more": following is not None,
            "next_page": following,
            "data_refreshed_at": rfc3339(snap(now, timedelta(minutes=5))),
        }

    def _analytics_spans(self, query: Query, now: datetime) -> list[Span]:
        width = query.one("time_bucket_width", WIDTHS)
        start, end = query.instant("starting_at"), query.instant("ending_at")
        if start is None or (end is None and width):
            raise RefusalError(f"{'ending_at' if start else 'starting_at'}: Field required")
        if start < ANALYTICS_BEGIN or start < snap(now - LOOK_BACK, ONE_DAY):
            raise RefusalError("starting_at: must be within the last 365 days and not before 2026-01-01")
        step = WIDTHS[width or "1h"]
        first, last = snap(start, step), snap(end or min(now, start + LONGEST_SPAN), step)
        if last <= first:
            raise RefusalError("Invalid date range: ending date must be after starting date")
        if last - first > (ONE_DAY if width == "1m" else LONGEST_SPAN):
            raise RefusalError("Invalid date range: too long")
        if width is None:
            return [span(first, last, now)]
        count = (min(last, snap(now, step) + step) - first) // step
        return [span(first + n * step, first + (n + 1) * step, now) for n in range(count)]
