"""Every answer has the fields, types and nulls of the contract's samples."""

import json
from pathlib import Path
from typing import Any

import pytest

from ai_usage_tests.simulator.conftest import ClaudeClient
from ai_usage_tests.simulator.shapes import Shape

SAMPLES = Path(__file__).parents[1] / "fixtures" / "anthropic"
DAYS = {"starting_at": "2026-11-01T00:00:00Z", "ending_at": "2026-11-21T00:00:00Z"}
COST_GROUPS = {"group_by": ["workspace_id", "description"]}
USAGE_GROUPS = {"group_by": ["api_key_id", "workspace_id", "model", "service_tier", "context_window"]}
PEOPLE_GROUPS = ["product", "workspace_id", "api_key_id", "actor", "model"]
RENAMED = {"headers": {"anthropic-version": "2026-10-21"}}

# Null per the contract's tables, though not in a sample.
COST_NULLS = {
    "description",
    "cost_type",
    "context_window",
    "model",
    "service_tier",
    "token_type",
    "inference_geo",
}
USAGE_NULLS = {"account_id", "api_key_id", "workspace_id", *COST_NULLS}
KEY_NULLS = {"created_by", "principal", "expires_at"}
GROUP_NULLS = {
    "api_key_id",
    "actor",
    "product",
    "workspace_id",
    "model",
    "email_address",
    "name",
    "requests",
} | COST_NULLS

CALLS: list[tuple[str, dict[str, Any], str, set[str]]] = [
    ("me", {}, "organization_me", set()),
    ("cost_report", DAYS | COST_GROUPS | {"limit": 31}, "cost_report_page*", set()),
    ("cost_report", DAYS, "cost_report_page*", COST_NULLS),
    ("usage_report/messages", DAYS | USAGE_GROUPS | {"limit": 31}, "usage_report_messages_page*", {"inference_geo"}),
    ("usage_report/messages", DAYS, "usage_report_messages_page*", USAGE_NULLS),
    (
        "usage_report/claude_code",
        {"starting_at": "2026-11-18", "limit": 1000},
        "usage_report_claude_code_*",
        set(),
    ),
    ("workspaces", {"include_archived": "true", "include_default": "true"}, "workspaces_page*", set()),
    ("api_keys", {"limit": 1000}, "api_keys_v20230601", KEY_NULLS),
    ("api_keys", {"limit": 1000} | RENAMED, "api_keys_v20261021", KEY_NULLS),
    ("users", {"limit": 1000}, "users", set()),
    ("analytics/cost", DAYS | {"group_by": [*PEOPLE_GROUPS, "cost_type", "token_type"]}, "cost_page*", GROUP_NULLS),
    ("analytics/cost", DAYS | {"group_by": PEOPLE_GROUPS, "time_bucket_width": "1d"}, "cost_page*", GROUP_NULLS),
    ("analytics/usage", DAYS | {"group_by": PEOPLE_GROUPS, "time_bucket_width": "1d"}, "usage", GROUP_NULLS),
]
ACTORS = [  # the contract's table has more of them than its samples
    {
        "type": "user_actor",
        "user_id": "user_1",
        "email_address": "a@example.com",
        "name": "A",
        "deleted": False,
    },
    {"type": "api_actor", "api_key_id": "apikey_1"},
    {"type": "service_account_actor", "service_account_id": "svac_1"},
]
SERVICE_ACCOUNT = {"type": "service_account", "id": "svac_1"}


@pytest.mark.parametrize(("path", "query", "samples", "nullable"), CALLS)
def test_an_answer_has_the_shape_of_the_samples(
    claude: ClaudeClient, path: str, query: dict[str, Any], samples: str, nullable: set[str]
) -> None:
    pattern = f"analytics_unified_{samples}.json" if path.startswith("analytics") else f"{samples}.json"
    shape = learned(pattern, path)
    limit = {"limit": 1000} if path.startswith("analytics") else {}
    answer = claude.get(path, **(query | limit)).json()
    assert answer.get("data", [answer])
    assert list(shape.misfits(answer, nullable | {"next_page"})) == []


def test_the_comparison_notices_what_is_wrong() -> None:
    shape = learned("users.json", "users")
    right = json.loads((SAMPLES / "users.json").read_text())
    user = right["data"][0]
    for wrong in (user | {"name": None}, user | {"role": 1}, user | {"more": 1}, {"id": user["id"]}):
        assert list(shape.misfits(right | {"data": [wrong]}, set()))


def learned(pattern: str, path: str) -> Shape:
    shape = Shape()
    for file in sorted(SAMPLES.glob(pattern)):
        sample = json.loads(file.read_text())
        shape.learn(sample)
        if path.startswith("analytics"):
            row = sample["data"][0]
            for actor in ACTORS:
                shape.learn(sample | {"data": [row | {"group": row["group"] | {"actor": actor}}]})
        if path == "api_keys":
            key = sample["data"][0]
            shape.learn(sample | {"data": [key | {"created_by": SERVICE_ACCOUNT}]})
    assert shape.kinds
    return shape
