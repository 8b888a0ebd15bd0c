"""A stand-in for OpenAI without a network. It reports the days that a test sets and enforces the contract's limits: 180
and 31 buckets, page tokens that belong to their query, keys of both kinds.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import httpx

from ai_usage.ingest.http.retry import Patience
from ai_usage.providers.openai.client import OpenAIAdmin

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
KEY, CODEX_KEY = "sk-admin-mock-0001", "codex-mock-key-0001"
WORKSPACE = "ws-mock"
MOST = {"costs": 180, "usage": 31}
Row = dict[str, Any]
Query = httpx.QueryParams


def seconds(day: date) -> int:
    return int(datetime.combine(day, time(), UTC).timestamp())


def day_of(second: int) -> date:
    return datetime.fromtimestamp(second, UTC).date()


def cost(value: object, line_item: str = "gpt-mock-1, input", key: str | None = "key_1", **more: Any) -> Row:
    """One result of the cost report."""
    row = {"object": "organization.costs.result", "amount": {"value": value, "currency": "usd"}}
    return {**row, "line_item": line_item, "project_id": "proj_1", "api_key_id": key, "user_id": None, **more}


def tokens(**more: Any) -> Row:
    """One result of the usage of completions."""
    counts = {"input_tokens": 1000, "output_tokens": 300, "num_model_requests": 5, "input_cached_tokens": 400}
    of = {"project_id": "proj_1", "user_id": "user-1", "api_key_id": "key_1", "model": "gpt-mock-1", "batch": False}
    return {"object": "organization.usage.completions.result", **counts, **of, "service_tier": "default", **more}


def project(id_: str, **more: Any) -> Row:
    row = {"id": id_, "object": "organization.project", "created_at": 1767225600, "name": id_.title()}
    return {**row, "status": "active", **more}


def project_key(id_: str, email: str | None = "Dev@example.com", **more: Any) -> Row:
    """A user's key, or without an address a service account's."""
    user = {"type": "user", "user": {"id": "user-1", "email": email, "name": "Dev", "role": "owner"}}
    service = {"type": "service_account", "service_account": {"id": "svc_1", "name": "bot", "role": "member"}}
    row = {"object": "organization.project.api_key", "id": id_, "name": f"name of {id_}", "redacted_value": "sk-a...z9"}
    access = {"created_at": 1767225600, "last_used_at": None, "owner_project_access": "active"}
    return {**row, **access, "owner": user if email else service, **more}


@dataclass
class MockOpenAI:
    """`costs` and `usage` have each day's results; the totals are their sums, unless `totals` has another. `buckets`
    changes the list of buckets of a path; `answers` maps a path to another answer, each used once.
    """

    costs: dict[date, list[Row]] = field(default_factory=dict)
    totals: dict[date, list[Row]] = field(default_factory=dict)
    usage: dict[str, dict[date, list[Row]]] = field(default_factory=dict)
    codex: dict[date, list[Row]] = field(default_factory=dict)
    lists: dict[str, list[Row]] = field(default_factory=lambda: {"projects": [project("proj_1")]})
    refused_groups: set[str] = field(default_factory=set)
    buckets: dict[str, Callable[[list[Row]], list[Row]]] = field(default_factory=dict)
    answers: dict[str, list[httpx.Response]] = field(default_factory=dict)
    a_page: int | None = None  # buckets, rows or items per page
    asked: list[httpx.Request] = field(default_factory=list)

    def admin(self, key: str = KEY, *, attempts: int = 1, **more: Any) -> OpenAIAdmin:
        return self._client("https://openai.test/v1", key, attempts, **more)

    def codex_admin(self, key: str = CODEX_KEY, **more: Any) -> OpenAIAdmin:
        return self._client("https://chatgpt.test/v1/analytics/codex", key, 1, workspace=WORKSPACE, **more)

    def _client(self, base_url: str, key: str, attempts: int, **more: Any) -> OpenAIAdmin:
        return OpenAIAdmin.open(
            base_url=base_url,
            key=key,
            now=lambda: NOW,
            patience=Patience(attempts=attempts, first_wait=0, jitter=0),
            transport=httpx.MockTransport(self.answer),
            **more,
        )

    def paths(self) -> list[str]:
        return [request.url.path.removeprefix("/v1") for request in self.asked]

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        path, query = request.url.path.removeprefix("/v1"), request.url.params
        if instead := self.answers.get(path):
            return instead.pop(0)
        of_codex = path.startswith("/analytics/codex")
        if request.headers["authorization"] != f"Bearer {CODEX_KEY if of_codex else KEY}":
            return refusal(401, "Incorrect API key provided.", code="invalid_api_key")
        if of_codex:
            return self._codex(query)
        kind = path.removeprefix("/organization/")
        if kind == "costs" or kind.startswith("usage/"):
            return self._report(path, kind, query)
        return self._list(kind, query)

    def _report(self, path: str, kind: str, query: Query) -> httpx.Response:
        first, end = day_of(int(query["start_time"])), day_of(int(query["end_time"]))
        grouping = query.get_list("group_by[]")
        if int(query["limit"]) > MOST[kind.partition("/")[0]] or query["bucket_width"] != "1d":
            return refusal(400, "limit is too large", param="limit")
        if not self.refused_groups.isdisjoint(grouping):
            return refusal(400, "Not available for the organization.", param="group_by")
        days = [first + timedelta(days=n) for n in range((end - first).days)]
        buckets = [self._bucket(kind, day, grouping) for day in days]
        buckets = self.buckets.get(path, _as_it_is)(buckets)
        return self._page(buckets, query, int(query["limit"]))

    def _bucket(self, kind: str, day: date, grouping: list[str]) -> Row:
        if kind == "costs":
            found = self.costs.get(day, []) if grouping else self.totals.get(day, self._total(day))
        else:
            found = self.usage.get(kind.removeprefix("usage/"), {}).get(day, [])
        of_day = {"start_time": seconds(day), "end_time": seconds(day + timedelta(days=1))}
        return {"object": "bucket", **of_day, "results": [_grouped(row, grouping) for row in found]}

    def _total(self, day: date) -> list[Row]:
        amounts = [Decimal(str(row["amount"]["value"])) for row in self.costs.get(day, []) if row.get("amount")]
        return [cost(str(sum(amounts, Decimal(0))))] if self.costs.get(day) else []

    def _codex(self, query: Query) -> httpx.Response:
        first, end = day_of(int(query["start_time"])), day_of(int(query["end_time"]))
        rows = [
            {"start_time": seconds(day), "end_time": seconds(day) + 86400, **row}
            for day, found in self.codex.items()
            for row in found
            if first <= day < end
        ]
        return self._page(rows, query, int(query["limit"]))

    def _page(self, items: list[Row], query: Query, limit: int) -> httpx.Response:
        """A token has its query, and the position of the next page."""
        asked = str(query.remove("page"))
        start = 0
        if token := query.get("page"):
            of, _, at = token.rpartition("@")
            if of != asked:
                return refusal(400, "The page token belongs to another query.", param="page")
            start = int(at)
        end = start + min(limit, self.a_page or limit)
        more = end < len(items)
        body = {"object": "page", "data": items[start:end], "has_more": more}
        return _json({**body, "next_page": f"{asked}@{end}" if more else None})

    def _list(self, kind: str, query: Query) -> httpx.Response:
        items = self.lists.get(kind, [])
        if kind == "projects" and query.get("include_archived") != "true":
            items = [item for item in items if item["status"] != "archived"]
        if kind.endswith("/api_keys") and query.get("owner_project_access") != "any":
            items = [item for item in items if item["owner_project_access"] == "active"]
        ids = [item["id"] for item in items]
        start = ids.index(query["after"]) + 1 if "after" in query else 0
        end = start + min(int(query["limit"]), self.a_page or 100)
        return _json({"object": "list", "data": items[start:end], "has_more": end < len(items)})


def refusal(status: int, message: str, **more: Any) -> httpx.Response:
    """An error in OpenAI's wording."""
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": None, **more}
    return httpx.Response(status, json={"error": error}, headers={"x-request-id": "req_mock"})


def _grouped(row: Row, grouping: list[str]) -> Row:
    """A dimension that was not requested is null."""
    dimensions = ("project_id", "line_item", "api_key_id", "user_id", "model", "batch", "service_tier")
    return {name: None if name in dimensions and name not in grouping else value for name, value in row.items()}


def _as_it_is(buckets: list[Row]) -> list[Row]:
    return buckets


def _json(body: Row) -> httpx.Response:
    return httpx.Response(200, content=json.dumps(body).encode(), headers={"content-type": "application/json"})
