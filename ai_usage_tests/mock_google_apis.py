"""Stand-ins for Cloud Monitoring, Cloud Logging and the Procurement API without a network. They enforce the contract's
limits: one metric per filter, pages of at most 1,000 entries, 404 for an unknown metric, 403 without a permission.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from ai_usage.ingest.http.client import http_client
from ai_usage.ingest.http.refusals import ApiWords
from ai_usage.ingest.http.retry import Patience
from ai_usage.providers.google.client import Addresses, GoogleCloud
from ai_usage.providers.google.cloud_connection import Connection
from ai_usage.providers.google.code_assist.client import LOGGING, CodeAssistLog
from ai_usage.providers.google.licenses.client import PROCUREMENT, Procurement
from ai_usage.providers.google.metrics.asked_metrics import METRICS
from ai_usage.providers.google.metrics.client import MONITORING, Monitoring
from ai_usage.providers.google.rest_api import RestApi
from ai_usage.settings import GOOGLE_LOGGING_URL, GOOGLE_MONITORING_URL, GOOGLE_PROCUREMENT_URL

Row = dict[str, Any]
PROJECT = "example-project"
BILLING_ACCOUNT = "AAAAAA-BBBBBB-CCCCCC"
KNOWN_TYPES = frozenset(metric.type for metric in METRICS)


def api_of(words: ApiWords, base_url: str, answer: Callable[[httpx.Request], httpx.Response]) -> RestApi:
    """An API with this function's answers, without retries."""
    return RestApi(words, http_client(base_url, {}, httpx.MockTransport(answer)), Patience(attempts=1))


def refusal(status: int, message: str, name: str) -> httpx.Response:
    return httpx.Response(status, json={"error": {"code": status, "message": message, "status": name}})


def denied(permission: str) -> httpx.Response:
    return refusal(403, f"Permission {permission} denied (or the resource may not exist).", "PERMISSION_DENIED")


def point(day: str, after: str, count: int | str) -> Row:
    interval = {"startTime": f"{day}T00:00:00Z", "endTime": f"{after}T00:00:00Z"}
    return {"interval": interval, "value": {"int64Value": str(count)}}


def series(type_: str, *points: Row, labels: Row | None = None, resource: Row | None = None) -> Row:
    """One time series, as Google sends it: the newest point first."""
    of = {"type": "generativelanguage.googleapis.com/Location", "labels": resource or {}}
    metric = {"type": type_, "labels": labels or {}}
    return {"metric": metric, "resource": of, "metricKind": "DELTA", "valueType": "INT64", "points": list(points)}


def within(of: Row, start: str, end: str) -> Row:
    """The series with the points of intervals that end after the start and by the end."""
    return {**of, "points": [each for each in of["points"] if start < each["interval"]["endTime"] <= end]}


@dataclass
class MockMonitoring:
    """`found` has each project's series; access to any other project is refused."""

    found: Mapping[str, list[Row]]
    unknown: frozenset[str] = frozenset()  # metrics that no project has
    a_page: int | None = None  # series per page
    asked: list[httpx.Request] = field(default_factory=list)

    def client(self, *projects: str) -> Monitoring:
        return Monitoring(api_of(MONITORING, GOOGLE_MONITORING_URL, self.answer), projects or tuple(self.found))

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        query = request.url.params
        path = re.fullmatch(r"/v3/(?:projects/)?([^/]+(?:/\d+)?)/timeSeries", request.url.path)
        if path is None or request.method != "GET":
            return refusal(404, "Not found", "NOT_FOUND")
        if path[1] not in self.found:
            return denied("monitoring.timeSeries.list")
        types = re.findall(r'metric\.type="([^"]+)"', query["filter"])
        if len(types) != 1 or int(query["pageSize"]) > 100_000:
            return refusal(400, "The filter must name one metric type.", "INVALID_ARGUMENT")
        if types[0] in self.unknown or types[0] not in KNOWN_TYPES:
            return refusal(404, f'Cannot find metric(s) that match type = "{types[0]}".', "NOT_FOUND")
        service = re.search(r'resource\.labels\.service="([^"]+)"', query["filter"])
        matching = [
            within(each, query["interval.startTime"], query["interval.endTime"])
            for each in self.found[path[1]]
            if each["metric"]["type"] == types[0]
            and (service is None or each["resource"]["labels"].get("service") == service[1])
        ]
        matching = [each for each in matching if each["points"]]
        start, size = int(query.get("pageToken", "0")), self.a_page or len(matching)
        page = matching[start : start + size]
        more = {"nextPageToken": str(start + size)} if start + size < len(matching) else {}
        return httpx.Response(200, json={"timeSeries": page, "unit": "1", **more} if page else {})


@dataclass
class MockLogging:
    """`found` has each project's entries; access to any other project is refused."""

    found: Mapping[str, list[Row]]
    a_page: int | None = None
    asked: list[Row] = field(default_factory=list)

    def client(self, *projects: str) -> CodeAssistLog:
        return CodeAssistLog(api_of(LOGGING, GOOGLE_LOGGING_URL, self.answer), projects or tuple(self.found))

    def answer(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        self.asked.append(body)
        if request.method != "POST" or request.url.path != "/v2/entries:list":
            return refusal(404, "Not found", "NOT_FOUND")
        if body["pageSize"] > 1000 or len(body["resourceNames"]) > 100:
            return refusal(400, "page_size must be at most 1000.", "INVALID_ARGUMENT")
        projects = [name.removeprefix("projects/") for name in body["resourceNames"]]
        if not set(projects) <= self.found.keys():
            return denied("logging.logEntries.list")
        first, after = re.findall(r'timestamp[>=<]+"([^"]+)"', body["filter"])
        entries = [each for of in projects for each in self.found[of] if first <= each["timestamp"] < after]
        start, size = int(body.get("pageToken", "0")), self.a_page or len(entries)
        page = entries[start : start + size]
        more = {"nextPageToken": str(start + size)} if start + size < len(entries) else {}
        return httpx.Response(200, json={"entries": page, **more} if page else more)


@dataclass
class MockProcurement:
    """`orders` by name with their pool, None for a marketplace order without one, and their users."""

    orders: Mapping[str, tuple[Row | None, list[Row]]]
    may_read: bool = True
    a_page: int = 1000
    asked: list[httpx.Request] = field(default_factory=list)

    def client(self, billing_account: str = BILLING_ACCOUNT) -> Procurement:
        return Procurement(api_of(PROCUREMENT, GOOGLE_PROCUREMENT_URL, self.answer), billing_account)

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        path, query = request.url.path.removeprefix("/v1/"), request.url.params
        if not self.may_read:
            return denied("consumerprocurement.orders.list")
        base = f"billingAccounts/{BILLING_ACCOUNT}/orders"
        if path == base:
            listed = [{"name": f"{base}/{order}", "displayName": f"Plan {order}"} for order in self.orders]
            return self.page("orders", listed, query, at_most=200)
        order, _, what = path.removeprefix(f"{base}/").partition("/")
        pool, users = self.orders.get(order, (None, []))
        if pool is None:
            return refusal(404, "Requested entity was not found.", "NOT_FOUND")
        if what == "licensePool":
            return httpx.Response(200, json=pool)
        return self.page("licensedUsers", users, query, at_most=1000)

    def page(self, items: str, found: list[Row], query: httpx.QueryParams, *, at_most: int) -> httpx.Response:
        start, size = int(query.get("pageToken", "0")), min(int(query["pageSize"]), self.a_page)
        if int(query["pageSize"]) > at_most:
            return refusal(400, "page_size is too large.", "INVALID_ARGUMENT")
        page = found[start : start + size]
        more = {"nextPageToken": str(start + size)} if start + size < len(found) else {}
        return httpx.Response(200, json={**({items: page} if page else {}), **more})


@dataclass
class MockUsage:
    """One account's three APIs. An API without data is not called."""

    monitoring: MockMonitoring | None = None
    logging: MockLogging | None = None
    procurement: MockProcurement | None = None

    def cloud(self, *projects: str, account: str = "default", **more: Any) -> GoogleCloud:
        """The account with these projects, or with those that may be read."""
        known = tuple(self.monitoring.found if self.monitoring else ()) or tuple(
            self.logging.found if self.logging else ()
        )
        connection = Connection(
            patience=Patience(attempts=1, first_wait=0, jitter=0), transport=httpx.MockTransport(self.answer)
        )
        at = "http://127.0.0.1:1"
        where = Addresses(monitoring=f"{at}/monitoring", logging=f"{at}/logging", procurement=f"{at}/procurement")
        return GoogleCloud(
            **{
                "projects": projects or known,
                "billing_account": BILLING_ACCOUNT if self.procurement else "",
                "addresses": where,
                "connection": connection,
                "account": account,
                **more,
            }
        )

    def answer(self, request: httpx.Request) -> httpx.Response:
        _, prefix, path = request.url.path.split("/", 2)
        mock = {"monitoring": self.monitoring, "logging": self.logging, "procurement": self.procurement}[prefix]
        if mock is None:
            return denied(f"{prefix}.read")
        url = request.url.copy_with(raw_path=request.url.raw_path.removeprefix(f"/{prefix}".encode()))
        if not path.startswith("v"):
            return refusal(404, "Not found", "NOT_FOUND")
        return mock.answer(httpx.Request(request.method, url, headers=request.headers, content=request.content))
