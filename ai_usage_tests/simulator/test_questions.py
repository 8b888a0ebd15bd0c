"""Which keys are accepted, and which queries are refused."""

from decimal import Decimal
from typing import Any

import pytest

from ai_usage.simulator import ADMIN_KEY, ANALYTICS_KEY, LIMITED_KEY, WORKSPACE_KEY
from ai_usage_tests.simulator.conftest import ClaudeClient

SPAN: dict[str, Any] = {"starting_at": "2026-10-01T00:00:00Z", "ending_at": "2026-11-10T00:00:00Z"}
MONTH: dict[str, Any] = {"starting_at": "2026-10-01T00:00:00Z", "ending_at": "2026-11-01T00:00:00Z"}
DAY: dict[str, Any] = {"starting_at": "2026-11-01T00:00:00Z", "ending_at": "2026-11-02T00:00:00Z"}
USAGE = "usage_report/messages"
CODE = "usage_report/claude_code"
COST = "analytics/cost"
ADMIN = {"x-api-key": ADMIN_KEY, "anthropic-version": "2023-06-01"}


@pytest.mark.parametrize(
    ("key", "admin", "analytics"),
    [
        (ADMIN_KEY, 200, 200),
        (ANALYTICS_KEY, 403, 200),
        (LIMITED_KEY, 200, 403),
        (WORKSPACE_KEY, 403, 403),
        ("sk-ant-admin01-someone-elses", 401, 401),
        (None, 401, 401),
    ],
)
def test_each_key_opens_only_its_own_endpoints(
    claude: ClaudeClient, key: str | None, admin: int, analytics: int
) -> None:
    for bearer in (False, True):
        headers = {"authorization": f"Bearer {key}"} if bearer and key else {}
        sent = None if bearer else key
        assert claude.get("me", key=sent, headers=headers).status_code == admin
        assert claude.get(COST, key=sent, headers=headers, **DAY).status_code == analytics


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_refusals_have_the_providers_format(claude: ClaudeClient, status: int) -> None:
    path, key = (
        ("nowhere" if status == 404 else "users"),
        {401: "x", 403: WORKSPACE_KEY}.get(status, ADMIN_KEY),
    )
    answer = claude.get(path, key=key, limit=0 if status == 400 else None)
    refusal = answer.json()
    assert answer.status_code == status
    assert refusal.keys() == {"type", "error", "request_id"}
    assert refusal["error"].keys() == {"type", "message"}
    assert refusal["request_id"] == answer.headers["request-id"]


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("cost_report", {}),
        ("cost_report", {"starting_at": "2026-11-01"}),
        ("cost_report", {"starting_at": "2026-11-01T00:00:00"}),
        ("cost_report", {"starting_at": "2026-13-01T00:00:00Z"}),
        ("cost_report", {"starting_at": "2026-11-01T00:00:00Z", "ending_at": "2026-11-01T23:59:59Z"}),
        ("cost_report", {"starting_at": "2026-11-01T00:00:00Z", "ending_at": "2026-11-01T00:00:00Z"}),
        ("cost_report", SPAN | {"limit": 32}),
        ("cost_report", SPAN | {"limit": 0}),
        ("cost_report", SPAN | {"bucket_width": "1h"}),
        ("cost_report", SPAN | {"group_by": ["api_key_id"]}),
        ("cost_report", SPAN | {"group_by": ["model"]}),
        ("cost_report", SPAN | {"group_by[]": ["workspace_id"], "group_bye": "x"}),
        ("cost_report", SPAN | {"page": "page_Z2FyYmFnZQ=="}),
        (USAGE, SPAN | {"group_by": ["product"]}),
        (USAGE, SPAN | {"group_by": ["speed"]}),
        (USAGE, SPAN | {"bucket_width": "1h", "limit": 169}),
        (USAGE, SPAN | {"bucket_width": "1m", "limit": 1441}),
        (USAGE, SPAN | {"bucket_width": "1d", "limit": 32}),
        (USAGE, {"ending_at": "2026-11-01T00:00:00Z"}),
        (USAGE, SPAN | {"speeds": ["fast"]}),
        (USAGE, SPAN | {"inference_geos": ["eu"]}),
        (USAGE, SPAN | {"service_tiers": ["fastest"]}),
        (USAGE, SPAN | {"context_windows": ["0-200k"]}),
        (CODE, {}),
        (CODE, {"starting_at": "2026-11-01T00:00:00Z"}),
        (CODE, {"starting_at": "2026-11-01", "ending_at": "2026-11-02"}),
        (CODE, {"starting_at": "2026-11-01", "limit": 1001}),
        (COST, MONTH | {"bucket_width": "1d"}),
        (COST, MONTH | {"limit": 1001}),
        (COST, SPAN | {"time_bucket_width": "1d"}),
        (COST, {"starting_at": "2026-11-01T00:00:00Z", "time_bucket_width": "1d"}),
        (COST, {"starting_at": "2025-12-31T00:00:00Z", "ending_at": "2026-01-02T00:00:00Z"}),
        (COST, MONTH | {"group_by": ["actor", "model", "product", "speed", "api_key_id", "workspace_id"]}),
        (COST, MONTH | {"headers": {"anthropic-beta": "something-else"}}),
        (COST, MONTH | {"order_by": "time"}),
        (COST, MONTH | {"order_by": "requests"}),
        (COST, MONTH | {"group_by": ["key"]}),
        (COST, {"starting_at": "2025-11-18T00:00:00Z", "ending_at": "2025-11-19T00:00:00Z"}),
        (COST, MONTH | {"time_bucket_width": "1m"}),
        ("analytics/usage", MONTH | {"group_by": ["cost_type"]}),
        ("me", {"headers": {"anthropic-version": ""}}),
        ("api_keys", {"status": "lost"}),
        ("users", {"limit": 1001}),
        ("users", {"after_id": "user_unknown"}),
        ("workspaces", {"include_archived": "yes"}),
    ],
)
def test_a_wrong_query_is_refused_without_a_retry(claude: ClaudeClient, path: str, query: dict[str, Any]) -> None:
    answer = claude.get(path, **query)
    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "invalid_request_error"
    assert answer.headers["x-should-retry"] == "false"


def test_a_page_has_seven_days_by_default(claude: ClaudeClient) -> None:
    assert len(claude.get("cost_report", **SPAN).json()["data"]) == 7
    assert len(claude.get(USAGE, **SPAN).json()["data"]) == 7
    assert len(claude.get(USAGE, bucket_width="1h", **DAY).json()["data"]) == 24
    assert len(claude.get(CODE, starting_at="2026-11-18").json()["data"]) == 20
    assert len(claude.get(COST, group_by=["model", "api_key_id"], **DAY).json()["data"]) == 20
    assert len(claude.get("users").json()["data"]) == 20


@pytest.mark.parametrize(
    ("path", "query", "changed"),
    [
        ("cost_report", SPAN, {"limit": 5}),
        ("cost_report", SPAN, {"group_by": ["description"]}),
        (USAGE, SPAN, {"starting_at": "2026-10-02T00:00:00Z"}),
        (CODE, {"starting_at": "2026-11-18"}, {"starting_at": "2026-11-17"}),
        (COST, MONTH | {"group_by": ["api_key_id"]}, {"group_by": ["model"]}),
    ],
)
def test_a_page_token_fits_its_own_query_alone(
    claude: ClaudeClient, path: str, query: dict[str, Any], changed: dict[str, Any]
) -> None:
    token = claude.get(path, **query).json()["next_page"]
    assert claude.get(path, page=token, **query).status_code == 200
    assert claude.get(path, page=token, **(query | changed)).status_code == 400


def test_pages_join_to_the_whole(claude: ClaudeClient) -> None:
    assert claude.pages("cost_report", limit=3, **MONTH) == claude.pages("cost_report", limit=31, **MONTH)
    groups = {"group_by": ["actor", "model"], "time_bucket_width": "1d"}
    assert claude.pages(COST, limit=333, **groups, **MONTH) == claude.pages(COST, limit=1000, **groups, **MONTH)


def test_id_lists_can_be_paged_in_both_directions(claude: ClaudeClient) -> None:
    first = claude.get("users", limit=30).json()
    second = claude.get("users", limit=30, after_id=first["last_id"]).json()
    assert first["has_more"]
    assert claude.get("users", limit=30, before_id=second["first_id"]).json()["data"] == first["data"]


def test_hidden_workspaces_are_listed_on_request(claude: ClaudeClient) -> None:
    def names(**query: Any) -> list[str]:
        return [space["name"] for space in claude.get("workspaces", **query).json()["data"]]

    assert len(names()) == 4
    assert set(names(include_archived="true")) - set(names()) == {"Old experiments"}
    assert set(names(include_default="true")) - set(names()) == {"Default"}


def test_the_default_workspace_is_null_in_the_old_reports_and_named_in_analytics(claude: ClaudeClient) -> None:
    default = claude.simulator.organization.default_workspace.id
    [cost] = claude.pages("cost_report", group_by=["workspace_id"], **DAY)
    rows = claude.pages(COST, group_by=["workspace_id"], **DAY)
    assert {line["workspace_id"] for line in cost["results"]} >= {None}
    assert {row["group"]["workspace_id"] for row in rows} >= {default}
    assert default not in {line["workspace_id"] for line in cost["results"]}


def test_former_members_are_known_only_by_id(claude: ClaudeClient) -> None:
    around = {"starting_at": "2026-09-15T00:00:00Z", "ending_at": "2026-10-10T00:00:00Z"}
    rows = claude.pages(COST, group_by=["actor"], **around)
    gone = [row["group"]["actor"] for row in rows if row["group"]["actor"].get("deleted")]
    assert [(actor["email_address"], actor["name"]) for actor in gone] == [(None, None)]
    users = [user["id"] for user in claude.get("users", limit=1000).json()["data"]]
    assert gone[0]["user_id"] not in users


def test_nothing_can_be_written(claude: ClaudeClient) -> None:
    answer = claude.http.post("/v1/organizations/me", headers=ADMIN)
    assert (answer.status_code, answer.json()["type"]) == (404, "error")


def test_older_models_have_no_geography(claude: ClaudeClient) -> None:
    [used] = claude.pages(USAGE, group_by=["model", "inference_geo"], **DAY)
    unknown = {line["model"] for line in used["results"] if line["inference_geo"] == "not_available"}
    assert unknown == {"claude-haiku-4-5-20251001"}


SIX = ["api_key_id", "workspace_id", "model", "service_tier", "context_window", "inference_geo"]


@pytest.mark.parametrize("path", [USAGE, COST, "analytics/usage"])
def test_a_sixth_dimension_is_refused_with_the_live_apis_message(claude: ClaudeClient, path: str) -> None:
    """Case 1: the live API takes five."""
    assert claude.get(path, group_by=SIX[:5], **DAY).status_code == 200
    answer = claude.get(path, group_by=SIX, **DAY)
    assert (answer.status_code, answer.headers["x-should-retry"]) == (400, "false")
    assert answer.json()["error"] == {
        "type": "invalid_request_error",
        "message": "Cannot specify more than 5 group_by[] dimensions.",
    }


def test_cost_and_token_type_are_outside_the_five(claude: ClaudeClient) -> None:
    groups = [*SIX[:5], "cost_type", "token_type"]
    assert claude.get(COST, group_by=groups, **DAY).status_code == 200


@pytest.mark.parametrize("path", [USAGE, COST, "analytics/usage"])
@pytest.mark.parametrize("asked", [["model"], ["api_key_id", "service_tier"]])
def test_a_dimension_that_was_not_asked_for_is_null_in_every_line(
    claude: ClaudeClient, path: str, asked: list[str]
) -> None:
    [*items] = claude.pages(path, group_by=asked, limit=31, **DAY)
    lines = [line for item in items for line in item.get("results", [item.get("group")])]
    assert lines
    others = set(SIX) - set(asked)
    assert {line[name] for line in lines for name in others} == {None}
    assert any(line[asked[0]] for line in lines)


def test_speed_is_there_with_its_header_alone(claude: ClaudeClient) -> None:
    speed = {"headers": {"anthropic-beta": "fast-mode-2026-02-01"}}
    for query, speeds in ((DAY, None), (DAY | speed, {None}), (DAY | speed | {"group_by": ["speed"]}, {"standard"})):
        lines = claude.get(USAGE, **query).json()["data"][0]["results"]
        assert lines
        assert ({line["speed"] for line in lines} if speeds else any("speed" in line for line in lines)) == (
            speeds or False
        )


def test_analytics_come_largest_first_and_a_group_is_not_cut_at_a_pages_end(claude: ClaudeClient) -> None:
    """`limit` counts groups: the rows into which cost and token types split a group come with it."""
    rows = claude.pages(COST, group_by=["model"], limit=2, **DAY)
    cents = [Decimal(row["cost"]["amount"]) for row in rows]
    assert cents == sorted(cents, reverse=True)
    page = claude.get(COST, group_by=["model", "cost_type", "token_type"], limit=2, **DAY).json()
    assert len({row["group"]["model"] for row in page["data"]}) == 2 < len(page["data"])
    tokens = [row["usage"]["total_tokens"] for row in claude.pages("analytics/usage", group_by=["model"], **DAY)]
    assert tokens == sorted(tokens, reverse=True)
