"""Reports outside a plan or scope, wrong keys, and requests that we must correct."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from ai_usage.ingest.http.api import Api
from ai_usage.ingest.http.client import http_client
from ai_usage.ingest.http.errors import Refused
from ai_usage.ingest.http.paging import Query
from ai_usage.ingest.http.retry import Patience
from ai_usage.ingest.optional import is_key_accepted, is_not_included
from ai_usage.providers.anthropic.endpoints import CLAUDE
from ai_usage.simulator.claude_api import LACKS as CLAUDE_LACKS
from ai_usage.simulator.cursor_api import LACKS as CURSOR_LACKS
from ai_usage_tests.ingest import recorded

QUERY: Query = {"starting_at": "2026-11-01T00:00:00Z", "group_by[]": ["model", "speed"], "limit": 31, "page": 1}


def api(answer: Callable[[httpx.Request], httpx.Response]) -> Api:
    client = http_client("https://mock.test", {"x-api-key": "sk-mock"}, httpx.MockTransport(answer))
    return Api(CLAUDE, client, Patience(attempts=1))


def refusal(status: int, message: str, **more: Any) -> Refused:
    error = {"type": "error", "error": {"type": "invalid_request_error", "message": message, **more}}
    return refused(status, json.dumps(error).encode())


def refused(status: int, body: bytes) -> Refused:
    with pytest.raises(Refused) as caught:
        api(lambda _: httpx.Response(status, content=body)).get("/report", QUERY, read=bytes)
    return caught.value


def never() -> bool:
    raise AssertionError("the key need not be tried")


@pytest.mark.parametrize("status", [403, 404])
def test_a_known_key_that_may_not_or_an_endpoint_that_is_not_there_is_outside_the_plan(status: int) -> None:
    assert is_not_included(refusal(status, "no"), never)


@pytest.mark.parametrize("message", ["invalid x-api-key", CURSOR_LACKS[401], ""])
def test_a_401_is_the_plans_if_the_key_is_accepted_elsewhere_and_else_the_keys(message: str) -> None:
    """Case 12: the message proves nothing; another answer to the same key does."""
    assert is_not_included(refusal(401, message), lambda: True)
    assert not is_not_included(refusal(401, message), lambda: False)


@pytest.mark.parametrize(
    "message",
    [
        CLAUDE_LACKS[400],
        CURSOR_LACKS[400],
        *CURSOR_LACKS.values(),
        "Claude Code analytics is not enabled for this organization.",
        "This organization is not eligible for usage analytics.",
        "The Claude Code usage report is only available to organizations on the Team or Enterprise plan",
        "Usage analytics requires an Enterprise plan.",
        "Your plan does not include this report.",
        "Please upgrade your plan to use this date range.",
    ],
)
def test_a_400_that_names_plan_or_scope_is_skipped(message: str) -> None:
    """Case 3."""
    assert is_not_included(refusal(400, message), never) == (message != "Not found")


def test_the_sdks_code_for_such_an_organization_is_enough() -> None:
    assert is_not_included(refusal(400, "Bad request", details={"error_code": "organization_not_eligible"}), never)
    assert not is_not_included(refusal(400, "Bad request", details=["organization"]), never)


@pytest.mark.parametrize("name", ["analytics_error_400_hipaa", "analytics_error_400_hipaa_child"])
def test_hipaa_readiness_is_a_skip(name: str) -> None:
    assert is_not_included(refused(400, recorded.body(name)), never)


@pytest.mark.parametrize(
    "message",
    [
        "Cannot specify more than 5 group_by[] dimensions.",
        "Invalid date range: ending date must be after starting date",
        "Data is available up to 2026-11-18.",
        "Data is not available before 2026-01-01.",
        "foo: Extra inputs are not permitted",
        "group_by[]: speed is not enabled for this organization",
        "starting_at must be on the hour and requires a scope",
        "limit: not available for this bucket width",
        "page[] is not included in this plan",
        "speed needs the header anthropic-beta, which is not enabled for your organization",
        "anthropic-version 2023-06-01 is not available on this endpoint",
        "This organization has been disabled.",
        "no",
        "",
    ],
)
def test_a_400_that_may_be_our_own_fault_is_never_hidden(message: str) -> None:
    assert not is_not_included(refusal(400, message), lambda: True)


@pytest.mark.parametrize("name", ["error_400", "analytics_error_400_date_not_ready"])
def test_the_recorded_400_of_a_request_is_never_hidden(name: str) -> None:
    assert not is_not_included(refused(400, recorded.body(name)), lambda: True)


@pytest.mark.parametrize("status", [301, 402, 409, 413, 418, 429, 500, 503, 529])
def test_no_other_status_is_a_plans(status: int) -> None:
    assert not is_not_included(refusal(status, CLAUDE_LACKS[400]), lambda: True)


PLAIN: list[tuple[str, Query, dict[str, str]]] = [("/first", {}, {}), ("/second", {}, {})]


@pytest.mark.parametrize(
    ("statuses", "is_accepted"),
    [
        ([200, 401], True),
        ([401, 200], True),
        ([401, 403], True),
        ([401, 400], True),
        ([404, 200], True),
        ([401, 401], False),
        ([401, 404], False),
        ([500, 401], False),
        ([429, 401], False),
    ],
)
def test_a_key_is_accepted_if_anything_but_the_key_is_wrong(statuses: list[int], *, is_accepted: bool) -> None:
    left = iter(statuses)
    assert is_key_accepted(api(lambda _: httpx.Response(next(left))), *PLAIN) == is_accepted


def test_a_key_that_was_answered_before_is_not_tried_again() -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        return httpx.Response(200)

    client = api(answer)
    client.get("/report", {}, read=bytes)
    assert is_key_accepted(client, *PLAIN)
    assert asked == ["/report"]


def test_an_unreachable_provider_has_accepted_no_key() -> None:
    def broken(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no route")

    assert not is_key_accepted(api(broken), *PLAIN)
