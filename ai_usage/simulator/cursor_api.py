"""Cursor's Admin and AI Code Tracking APIs over HTTP: who may ask, how often, and how a refusal reads.

`cursor_usage` and `cursor_spend` make the contents of the answers.
"""

import binascii
import hashlib
from base64 import b64decode
from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ai_usage.simulator.cursor_days import CursorDays
from ai_usage.simulator.cursor_spend import CursorSpend
from ai_usage.simulator.cursor_usage import COMMITS_A_PAGE, CursorUsage
from ai_usage.simulator.queries import Body, Query, RefusalError
from ai_usage.simulator.quota import MINUTE, Quota

CURSOR_PREFIX = "/cursor"
CURSOR_KEY = "crsr_simulated"
CURSOR_KEY_WITHOUT_COMMITS = "crsr_simulated_no_commits"  # of a plan without AI Code Tracking

ERRORS = {
    400: ("Bad Request", "Invalid request"),
    401: ("Unauthorized", "Invalid API key"),
    403: ("Forbidden", "Insufficient permissions"),
    404: ("Not Found", "Not found"),
    500: ("Internal Server Error", "Something went wrong"),
}
LACKS = {  # the messages for what a team's plan or a key's scope does not include
    400: "This endpoint is not available for your team",
    401: "You must be a member of an enterprise team to access this endpoint",
    403: "This feature is not part of your plan",
    404: "Not found",
}
TOO_MANY = "Rate limit exceeded"
REQUESTS_A_MINUTE = {"/teams/filtered-usage-events": 60}
OTHERWISE = 20
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
NOT_MODIFIED = 304

Work = Callable[[Any], Any]


class CursorApi:
    """Routes over the days of one team, read at the simulator's clock; limited only with a clock for the limits."""

    def __init__(
        self,
        days: CursorDays,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float] | None = None,
        *,
        commits_a_page: int = COMMITS_A_PAGE,
        key_suffix: str = "",
    ) -> None:
        self.key_suffix = key_suffix
        self.usage, self.money = CursorUsage(days, clock, commits_a_page), CursorSpend(days, clock)
        self.quota = Quota(monotonic)

    def routes(self) -> list[Route]:
        served: dict[str, tuple[str, Work]] = {
            "/teams/members": ("GET", self.money.members),
            "/teams/groups": ("GET", self.money.groups),
            "/analytics/ai-code/commits": ("GET", self.usage.commits),
            "/teams/daily-usage-data": ("POST", self.usage.daily_usage),
            "/teams/filtered-usage-events": ("POST", self.usage.usage_events),
            "/teams/spend": ("POST", self.money.spend),
        }
        routes = [
            Route(CURSOR_PREFIX + path, self._endpoint(path, work), methods=[method])
            for path, (method, work) in served.items()
        ]
        return [*routes, Route(CURSOR_PREFIX + "/{rest:path}", self._nothing, methods=METHODS)]

    def error(self, status: int, path: str = "", message: str | None = None) -> Response:
        """Any refusal or failure; the team's and the analytics' endpoints answer 429 differently."""
        if status == 429:
            body = {"code": "error", "message": TOO_MANY}
            if "/analytics/" in path:
                body = {"error": "Too Many Requests", "message": f"{TOO_MANY}. Please try again later."}
        else:
            kind, usual = ERRORS.get(status, ERRORS[500])
            body = {"error": kind, "message": message or usual}
        return Response(_encode(body), status, media_type="application/json")

    def _endpoint(self, path: str, work: Work) -> Callable[[Request], Any]:
        is_tracking = path.startswith("/analytics/ai-code")

        async def endpoint(request: Request) -> Response:
            try:
                _admit(request, self.key_suffix, tracking=is_tracking)
                if not self.quota.take(path, REQUESTS_A_MINUTE.get(path, OTHERWISE)):
                    answer = self.error(429, path)
                    answer.headers["retry-after"] = str(MINUTE)
                    return answer
                asked: Query | Body = Query(path, request.query_params.multi_items())
                if request.method == "POST":
                    asked.refuse_unread()
                    asked = Body(await request.body())
                body = _encode(work(asked))
            except RefusalError as refusal:
                return self.error(refusal.status, path, str(refusal))
            if is_tracking:
                return self._unless_known(path, body, request.headers.get("if-none-match", ""))
            return Response(body, media_type="application/json")

        return endpoint

    async def _nothing(self, request: Request) -> Response:
        try:
            _admit(request, self.key_suffix, tracking=False)
        except RefusalError as refusal:
            return self.error(refusal.status)
        return self.error(404)

    def _unless_known(self, path: str, body: bytes, known: str) -> Response:
        tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
        headers = {"etag": tag, "cache-control": "max-age=900"}
        if tag not in [each.strip().removeprefix("W/") for each in known.split(",")]:
            return Response(body, 200, headers, "application/json")
        self.quota.give_back(path)  # what was not modified does not count
        return Response(b"", NOT_MODIFIED, headers)


def _admit(request: Request, suffix: str, *, tracking: bool) -> None:
    """Basic authentication with the key for a name and no password."""
    scheme, _, sent = request.headers.get("authorization", "").partition(" ")
    try:
        key = b64decode(sent, validate=True).decode() if scheme.lower() == "basic" else ""
    except (binascii.Error, UnicodeDecodeError):
        key = ""
    if key not in (f"{CURSOR_KEY}{suffix}:", f"{CURSOR_KEY_WITHOUT_COMMITS}{suffix}:"):
        raise RefusalError("", 401)
    if tracking and key != f"{CURSOR_KEY}{suffix}:":
        raise RefusalError(LACKS[401], 401)


def _encode(body: object) -> bytes:
    return msgspec.json.encode(body)
