"""The Claude Admin API, with its analytics, over HTTP: who may ask, and what a question must look like.

What the answers say is `claude_reports`' business.
"""

import itertools
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ai_usage.simulator.claude_analytics import CHARGE_DIMENSIONS, DIMENSIONS, ClaudeAnalytics, Grouping, Row
from ai_usage.simulator.claude_days import ClaudeDays, version
from ai_usage.simulator.claude_lists import RENAMED, ClaudeLists
from ai_usage.simulator.claude_people import ClaudePeople
from ai_usage.simulator.claude_reports import ClaudeReports, Filters, Span, encode, span
from ai_usage.simulator.people_days import PeopleDays
from ai_usage.simulator.queries import Query, RefusalError, rfc3339
from ai_usage.simulator.quota import MINUTE, Quota

PREFIX = "/anthropic"
ADMIN_KEY = "sk-ant-admin01-simulated"
# Of the Enterprise organization, which bills nothing by use: opens analytics alone, and as the only one who used
# claude.ai.
ANALYTICS_KEY = "sk-ant-simulated-analytics"
LIMITED_KEY = "sk-ant-admin01-simulated-limited"  # opens all but the analytics
WORKSPACE_KEY = "sk-ant-api03-simulated"  # opens nothing: a key for sending messages
OPENS = {
    ADMIN_KEY: {"admin", "analytics"},
    ANALYTICS_KEY: {"analytics", "engagement"},
    LIMITED_KEY: {"admin"},
    WORKSPACE_KEY: set[str](),
}

VERSIONS = ("2023-06-01", RENAMED)
ANALYTICS_BETA = "analytics-usage-cost-2026-08-24"
SPEED_BETA = "fast-mode-2026-02-01"

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

LACKS = {  # what is said of what an organization's plan or a key's scope does not include
    400: "This endpoint is not available to organizations with HIPAA readiness enabled.",
    401: "This key is not valid for this endpoint.",
    403: "Your organization does not have access to this endpoint.",
    404: "Not found",
}

ONE_DAY = timedelta(days=1)
WIDTHS = {"1d": ONE_DAY, "1h": timedelta(hours=1), "1m": timedelta(minutes=1)}
USAGE_LIMITS = {"1d": (7, 31), "1h": (24, 168), "1m": (60, 1440)}
SERVICE_TIERS = ("standard", "batch", "priority", "priority_on_demand", "flex", "flex_discount")
WINDOWS = ("0-200k", "200k-1M")
GEOS = ("global", "us", "not_available")
PRODUCTS = (
    "cc_security_autopatch chat chat_cowork_unified claude_code claude_console claude_design claude_in_chrome "
    "claude_tag cowork managed_agents_api message_batches_api messages_api office_agent other"
)
ACTOR_TYPES = ("api_actor", "federated_actor", "service_account_actor", "user_actor")

USAGE_GROUPS = (
    "account_id api_key_id context_window inference_geo model service_account_id service_tier speed workspace_id"
)
USAGE_FILTERS = {  # parameter → the dimension it filters, and its values where they are listed
    "account_ids": ("account_id", None),
    "api_key_ids": ("api_key_id", None),
    "workspace_ids": ("workspace_id", None),
    "models": ("model", None),
    "service_account_ids": ("service_account_id", None),
    "service_tiers": ("service_tier", SERVICE_TIERS),
    "context_window": ("context_window", WINDOWS),
    "inference_geos": ("inference_geo", GEOS),
}
ANALYTICS_FILTERS = {
    "actor_ids": ("actor_id", None),
    "actor_types": ("actor_type", ACTOR_TYPES),
    "api_key_ids": ("api_key_id", None),
    "workspace_ids": ("workspace_id", None),
    "models": ("model", None),
    "service_tiers": ("service_tier", SERVICE_TIERS),
    "organization_ids": ("organization_id", None),
    "products": ("product", PRODUCTS.split()),
    "context_windows": ("context_window", WINDOWS),
    "inference_geos": ("inference_geo", GEOS),
}
ANALYTICS_BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
MOST_GROUPS = 5
LONGEST_SPAN = timedelta(days=31)
LOOK_BACK = timedelta(days=365)
ANALYTICS_A_MINUTE = 60  # all of its endpoints, and all keys of the organisation, together

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]

Work = Callable[[Query, Request], Any]


class ClaudeApi:
    """Routes over one organisation's days, read at the simulator's clock; limited only when told how time passes."""

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
        }
        routes = [Route(base + path, self._endpoint(path, work), methods=["GET"]) for path, work in served.items()]
        return [*routes, Route(PREFIX + "/{rest:path}", self._endpoint("/", self.nothing), methods=METHODS)]

    def error(self, status: int, message: str | None = None) -> Response:
        """Any refusal or failure, in the vendor's own form."""
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
        door = "engagement" if path == "/analytics/users" else "analytics" if is_analytics else "admin"

        async def endpoint(request: Request) -> Response:
            try:
                _admit(request, door, self.key_suffix)
                if is_analytics and not self.quota.take("analytics", ANALYTICS_A_MINUTE):
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
        tells_speed = SPEED_BETA in _betas(request)
        if (speeds or "speed" in by) and not tells_speed:
            raise RefusalError(f"speed needs the header anthropic-beta: {SPEED_BETA}")
        filters = _filters(query, USAGE_FILTERS)
        if speeds == ("fast",):  # nothing here is ever fast
            filters |= {("model", frozenset[str | None]())}
        limit = query.limit(*USAGE_LIMITS[width])
        buckets = self._buckets(query, WIDTHS[width], only_complete=False)
        return self._bucket_page(
            query, limit, buckets, lambda over: self.reports.usage_bucket(over, by, filters, tells_speed)
        )

    def _buckets(self, query: Query, width: timedelta, *, only_complete: bool) -> tuple[datetime, int, timedelta]:
        """First bucket, how many, how wide; bounds snap down, and the future has none."""
        now = self.clock()
        start, end = query.instant("starting_at"), query.instant("ending_at")
        if start is None:
            raise RefusalError("starting_at: Field required")
        first = _snap(start, width)
        running = _snap(now, width) + width
        last = _snap(end, width) if end else running - (width if only_complete else timedelta())
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
        if ANALYTICS_BETA not in _betas(request):
            raise RefusalError(f"this endpoint needs the header anthropic-beta: {ANALYTICS_BETA}")
        by = query.all("group_by", groups)
        if len(set(by) - CHARGE_DIMENSIONS) > MOST_GROUPS:
            raise RefusalError(f"Cannot specify more than {MOST_GROUPS} group_by[] dimensions.")
        now = self.clock()
        gone = frozenset(person.id for person in self.organization.people if person.gone(now))
        grouping = Grouping(
            by, _filters(query, ANALYTICS_FILTERS), gone, leave_out_gone=query.flag("exclude_deleted_users")
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
        is_of_console = _key(request) != ANALYTICS_KEY + self.key_suffix
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
            "data_refreshed_at": rfc3339(_snap(now, timedelta(minutes=5))),
        }

    def _analytics_spans(self, query: Query, now: datetime) -> list[Span]:
        width = query.one("time_bucket_width", WIDTHS)
        start, end = query.instant("starting_at"), query.instant("ending_at")
        if start is None or (end is None and width):
            raise RefusalError(f"{'ending_at' if start else 'starting_at'}: Field required")
        if start < ANALYTICS_BEGIN or start < _snap(now - LOOK_BACK, ONE_DAY):
            raise RefusalError("starting_at: must be within the last 365 days and not before 2026-01-01")
        step = WIDTHS[width or "1h"]
        first, last = _snap(start, step), _snap(end or min(now, start + LONGEST_SPAN), step)
        if last <= first:
            raise RefusalError("Invalid date range: ending date must be after starting date")
        if last - first > (ONE_DAY if width == "1m" else LONGEST_SPAN):
            raise RefusalError("Invalid date range: too long")
        if width is None:
            return [span(first, last, now)]
        count = (min(last, _snap(now, step) + step) - first) // step
        return [span(first + n * step, first + (n + 1) * step, now) for n in range(count)]


def _key(request: Request) -> str:
    bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
    return request.headers.get("x-api-key") or bearer


def _admit(request: Request, door: str, suffix: str) -> None:
    """The key first, then the version header, then what the key opens."""
    sent = _key(request)
    if not sent:
        raise RefusalError("x-api-key header is required", 401)
    key = sent.removesuffix(suffix)
    if key not in OPENS or not sent.endswith(suffix):
        raise RefusalError("", 401)
    if request.headers.get("anthropic-version") not in VERSIONS:
        raise RefusalError("anthropic-version: header is required, one of " + ", ".join(VERSIONS))
    if door not in OPENS[key]:
        raise RefusalError("", 403)


def _betas(request: Request) -> set[str]:
    return {beta.strip() for beta in ",".join(request.headers.getlist("anthropic-beta")).split(",")}


def _filters(query: Query, known: Mapping[str, tuple[str, Sequence[str] | None]]) -> Filters:
    chosen = {dimension: query.all(name, values) for name, (dimension, values) in known.items()}
    return frozenset(
        (dimension, frozenset(value or None for value in values)) for dimension, values in chosen.items() if values
    )


def _snap(instant: datetime, width: timedelta) -> datetime:
    midnight = datetime.combine(instant.date(), time(), UTC)
    return midnight + (instant - midnight) // width * width
