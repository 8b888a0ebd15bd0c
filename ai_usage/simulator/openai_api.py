"""OpenAI's Admin API, and the Codex analytics of ChatGPT, over HTTP: who may ask, and how a refusal reads.

`openai_reports`, `openai_lists` and `openai_codex` make the contents of the answers.
"""

from collections.abc import Callable, Collection
from datetime import datetime
from functools import partial
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ai_usage.simulator.openai_codex import OpenAiCodex
from ai_usage.simulator.openai_codex_days import CodexDays
from ai_usage.simulator.openai_days import OpenAiDays
from ai_usage.simulator.openai_lists import OpenAiLists
from ai_usage.simulator.openai_parameters import (
    COST_FILTERS,
    COST_GROUPS,
    COST_LIMITS,
    USAGE_GROUPS,
    WIDTHS,
    Asked,
    OpenAiRefusalError,
    asked_of,
    filters_of,
    listed,
)
from ai_usage.simulator.openai_reports import ENCODER, OpenAiReports, Span, span
from ai_usage.simulator.queries import Query, RefusalError

OPENAI_PREFIX, CODEX_PREFIX = "/openai", "/codex"
OPENAI_BASE, CODEX_BASE = f"{OPENAI_PREFIX}/v1", f"{CODEX_PREFIX}/v1/analytics/codex"
OPENAI_KEY = "sk-admin-simulated"
CODEX_KEY = "sk-chatgpt-simulated-codex"
PROJECT_KEY = "sk-proj-simulated"  # opens nothing here: a key for asking models

ERRORS = {  # status → type, code, message
    400: ("invalid_request_error", None, "Invalid request."),
    401: ("invalid_request_error", "invalid_api_key", "Incorrect API key provided."),
    403: ("invalid_request_error", None, "You have insufficient permissions for this operation."),
    404: ("invalid_request_error", None, "Not found."),
    429: ("requests", "rate_limit_exceeded", "Rate limit reached."),
    500: ("server_error", None, "The server had an error while processing your request."),
    503: ("server_error", None, "The engine is currently overloaded, please try again later."),
}
LACKS = {status: ERRORS[status][2] for status in (400, 401, 403, 404)}
NOT_GROUPED = "Example: this combination of group_by is not available for the organization."
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]

Work = Callable[[Query, str], Any]  # the second is the id within the path, if there is one


class OpenAiApi:
    """Routes over one company's days, read at the simulator's clock. No rate is limited: none is documented.

    `refuses` and `usage_refuses` are dimensions by which the organization may not group its costs, or its usage.
    """

    def __init__(
        self,
        days: OpenAiDays,
        codex: CodexDays,
        clock: Callable[[], datetime],
        *,
        key_suffix: str = "",
        refuses: Collection[str] = (),
        usage_refuses: Collection[str] = (),
        offers_decisions: bool = False,
    ) -> None:
        self.clock, self.key_suffix = clock, key_suffix
        self.refuses, self.usage_refuses = frozenset(refuses), frozenset(usage_refuses)
        self.endpoints = [name for name in USAGE_GROUPS if offers_decisions or name != "decisions"]
        self.reports = OpenAiReports(days, offers_decisions=offers_decisions)
        self.lists = OpenAiLists(days.company, clock)
        self.codex = OpenAiCodex(codex, clock)

    def routes(self) -> list[Route]:
        lists = self.lists
        served: dict[str, Work] = {
            "/costs": self.costs,
            **{f"/usage/{name}": partial(self.usage, name) for name in self.endpoints},
            "/projects": lists.projects,
            "/users": lists.users,
            "/admin_api_keys": lists.admin_keys,
            "/projects/{id}/api_keys": lists.api_keys,
            "/projects/{id}/service_accounts": lists.service_accounts,
            "/projects/{id}/users": lists.project_users,
        }
        key, codex_key = OPENAI_KEY + self.key_suffix, CODEX_KEY + self.key_suffix
        usage = self._endpoint(codex_key, self.codex.usage)
        return [
            *(
                Route(f"{OPENAI_BASE}/organization{path}", self._endpoint(key, work), methods=["GET"])
                for path, work in served.items()
            ),
            Route(CODEX_BASE + "/workspaces/{id}/usage", usage, methods=["GET"]),
            Route(OPENAI_PREFIX + "/{rest:path}", self._endpoint(key, self.nothing), methods=METHODS),
            Route(CODEX_PREFIX + "/{rest:path}", self._endpoint(codex_key, self.nothing), methods=METHODS),
        ]

    def error(self, status: int, message: str | None = None, param: str | None = None) -> Response:
        """The response for a refusal or failure, in the provider's format."""
        kind, code, usual = ERRORS.get(status, ERRORS[500])
        body = {"error": {"message": message or usual, "type": kind, "param": param, "code": code}}
        return Response(msgspec.json.encode(body), status, media_type="application/json")

    def _endpoint(self, key: str, work: Work) -> Callable[[Request], Any]:
        async def endpoint(request: Request) -> Response:
            try:
                self._admit(request, key)
                query = Query(request.url.path, request.query_params.multi_items())
                answer = work(query, request.path_params.get("id", ""))
                query.refuse_unread()
            except RefusalError as refusal:
                named = str(refusal).partition(":")[0].removesuffix("[]") if refusal.status == 400 else None
                param = refusal.param if isinstance(refusal, OpenAiRefusalError) else named
                return self.error(refusal.status, str(refusal) or None, param)
            return Response(ENCODER.encode(answer), media_type="application/json")

        return endpoint

    def _admit(self, request: Request, key: str) -> None:
        scheme, _, sent = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and sent == PROJECT_KEY + self.key_suffix:
            raise RefusalError("", 403)
        if scheme.lower() != "bearer" or sent != key:
            raise RefusalError("", 401)

    def costs(self, query: Query, _: str) -> Any:
        by = frozenset(listed(query, "group_by", COST_GROUPS))
        if by & self.refuses or {"user_id", "project_id"} <= by:
            raise OpenAiRefusalError(NOT_GROUPED, "group_by")
        chosen = {dimension: listed(query, name) for name, dimension in COST_FILTERS.items()}
        if "user_id" in by and chosen["project_id"]:
            raise OpenAiRefusalError(NOT_GROUPED, "group_by")
        filters = frozenset((dimension, frozenset(values)) for dimension, values in chosen.items() if values)
        asked = asked_of(query, self.clock(), ("1d",), COST_LIMITS)
        return self._page(query, asked, lambda over: self.reports.cost_bucket(over, by, filters))

    def usage(self, endpoint: str, query: Query, _: str) -> Any:
        groups = USAGE_GROUPS[endpoint]
        by = frozenset(listed(query, "group_by", groups))
        if by & self.usage_refuses:
            raise OpenAiRefusalError(NOT_GROUPED, "group_by")
        filters = filters_of(query, groups)
        asked = asked_of(query, self.clock(), WIDTHS)
        return self._page(query, asked, lambda over: self.reports.usage_bucket(over, endpoint, by, filters))

    def nothing(self, query: Query, path_id: str) -> Any:
        raise RefusalError("", 404)

    def _page(self, query: Query, asked: Asked, render: Callable[[Span], msgspec.Raw]) -> Any:
        query.refuse_unread()
        now, last = self.clock(), min(asked.offset + asked.limit, asked.buckets)
        starts = [asked.first + n * asked.width for n in range(asked.offset, last)]
        following = query.next_page(last, asked.buckets)
        return {
            "object": "page",
            "data": [render(span(start, start + asked.width, now)) for start in starts],
            "has_more": following is not None,
            "next_page": following,
        }
