"""Fields and values outside a provider's contract are named, one by one; those of the contract are not."""

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from ai_usage.ingest.drift import drift
from ai_usage.providers.anthropic.records.analytics import AnalyticsCost, AnalyticsUsage
from ai_usage.providers.anthropic.records.claude_code import CodeRecord
from ai_usage.providers.anthropic.records.enterprise_users import EnterpriseUser
from ai_usage.providers.anthropic.records.lists import ApiKey, Organization, User, Workspace
from ai_usage.providers.anthropic.records.usage_and_cost import CostLine, UsageLine
from ai_usage.providers.cursor.records import UsageEvent
from ai_usage_tests.ingest import recorded

SAMPLES: list[tuple[str, type[msgspec.Struct], Callable[[str], list[str]]]] = [
    ("cost_report_page1", CostLine, recorded.lines),
    ("cost_report_page2", CostLine, recorded.lines),
    ("usage_report_messages_page1", UsageLine, recorded.lines),
    ("usage_report_messages_page2", UsageLine, recorded.lines),
    ("usage_report_claude_code_page1", CodeRecord, recorded.items),
    ("usage_report_claude_code_page2", CodeRecord, recorded.items),
    ("workspaces_page1", Workspace, recorded.items),
    ("workspaces_page2_after_id", Workspace, recorded.items),
    ("api_keys_v20230601", ApiKey, recorded.items),
    ("api_keys_v20261021", ApiKey, recorded.items),
    ("users", User, recorded.items),
    ("analytics_unified_cost_page1", AnalyticsCost, recorded.items),
    ("analytics_unified_cost_page2", AnalyticsCost, recorded.items),
    ("analytics_unified_usage", AnalyticsUsage, recorded.items),
    ("analytics_users_page1", EnterpriseUser, recorded.items),
    ("analytics_users_page2", EnterpriseUser, recorded.items),
    ("organization_me", Organization, lambda name: [recorded.body(name).decode()]),
]
CODE = recorded.items("usage_report_claude_code_page1")[0]


def changed(change: Callable[[dict[str, Any]], object]) -> list[str]:
    record = json.loads(CODE)
    change(record)
    return [CODE, json.dumps(record), json.dumps(record)]


@pytest.mark.parametrize(("name", "of", "read"), SAMPLES, ids=[name for name, _, _ in SAMPLES])
def test_recorded_answers_drift_by_nothing(
    name: str, of: type[msgspec.Struct], read: Callable[[str], list[str]]
) -> None:
    assert read(name)
    assert not drift(read(name), of)


CHANGES: dict[str, tuple[Callable[[dict[str, Any]], object], list[str]]] = {
    "a new field": (lambda r: r.update(mood="good"), ["unknown field mood"]),
    "a new nested field": (
        lambda r: r["core_metrics"]["lines_of_code"].update(moved=1),
        ["unknown field core_metrics.lines_of_code.moved"],
    ),
    "a new field in a list": (
        lambda r: [m["tokens"].update(thinking=1) for m in r["model_breakdown"]],
        ["unknown field model_breakdown[].tokens.thinking"],
    ),
    "a new tool": (
        lambda r: r["tool_actions"].update(new_tool={"accepted": 1}),
        ["unknown field tool_actions.new_tool"],
    ),
    "a new value": (lambda r: r.update(customer_type="guest"), ["unknown value customer_type = 'guest'"]),
    "a new nullable value": (
        lambda r: r.update(subscription_type="max"),
        ["unknown value subscription_type = 'max'"],
    ),
    "a new nested value": (
        lambda r: r["actor"].update(type="ghost"),
        ["unknown value actor.type = 'ghost'"],
    ),
    "two at once": (
        lambda r: r.update(mood="good", customer_type="guest"),
        ["unknown field mood", "unknown value customer_type = 'guest'"],
    ),
    "a renamed field": (
        lambda r: r.update(terminal=r.pop("terminal_type")),
        ["unknown field terminal"],
    ),
    "a renamed amount": (
        lambda r: [m["estimated_cost"].update(sum=m["estimated_cost"].pop("amount")) for m in r["model_breakdown"]],
        [
            "unknown field model_breakdown[].estimated_cost.sum",
            "model_breakdown[].estimated_cost.amount: is missing; the record cannot be used",
        ],
    ),
    "another type": (
        lambda r: r["core_metrics"].update(num_sessions="many"),
        ["core_metrics.num_sessions: a text of 4 characters is not a count, read as unknown"],
    ),
    "another type that can be read": (
        lambda r: r["core_metrics"].update(num_sessions=3.0),
        ["core_metrics.num_sessions: a number, read as a whole number"],
    ),
    "less than nothing": (
        lambda r: r["core_metrics"].update(num_sessions=-1),
        ["core_metrics.num_sessions: -1 is not a count, read as unknown"],
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_each_deviation_is_named_and_counted_by_record(name: str) -> None:
    change, words = CHANGES[name]
    assert drift(changed(change), CodeRecord) == dict.fromkeys(words, 2)


def test_an_absent_field_is_no_drift() -> None:
    assert not drift(changed(lambda r: [r.pop(n) for n in ("is_remote", "tool_actions")]), CodeRecord)
    assert not drift(changed(lambda r: r["core_metrics"].pop("num_sessions")), CodeRecord)


def test_a_quantity_that_no_table_holds_is_drift_although_its_type_is_right() -> None:
    event = {"timestamp": "1793494800123", "isChargeable": True, "chargedCents": 1, "requestsCosts": 1e40}
    assert drift([json.dumps(event)], UsageEvent) == {
        "requestsCosts: 1e+40 is too large for a quantity, read as unknown": 1
    }


def test_a_new_figure_in_any_block_of_a_persons_day_is_seen() -> None:
    row = json.loads(recorded.items("analytics_users_page1")[0])
    blocks = [name for name, block in row.items() if isinstance(block, dict)]
    assert len(blocks) == 8
    assert drift([json.dumps({**row, name: {**row[name], "novel_count": 1}}) for name in blocks], EnterpriseUser) == {
        f"unknown field {name}.novel_count": 1 for name in blocks
    }


def test_a_value_inside_a_nullable_struct_is_seen() -> None:
    [row] = recorded.items("analytics_unified_usage")
    odd = row.replace('"user_actor"', '"ghost_actor"')
    assert drift([odd], AnalyticsUsage) == {"unknown value group.actor.type = 'ghost_actor'": 1}
