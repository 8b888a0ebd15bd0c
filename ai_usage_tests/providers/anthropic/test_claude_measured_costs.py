"""Costs that analytics measure per key, from the provider's answers to the keys' expenses."""

import json
from decimal import Decimal
from typing import Any

from ai_usage.warehouse.ledger import Answer
from ai_usage_tests.mock_claude import DAY, DEFAULT, TEAM, Line, Row
from ai_usage_tests.platform import Platform, whatever_makes

SHARES, EXPENSES = "ai_usage_analytics.claude_cost_shares", "ai_usage_analytics.claude_expenses"
OPUS = "claude-opus-4-5-20251101"
A, B = "apikey_a", "apikey_b"


def measured(key: str, cents: str, workspace_id: str | None = TEAM) -> Row:
    """A record of `analytics/cost`: this key's cost of the day's output."""
    group = {"product": "messages_api", "workspace_id": workspace_id, "api_key_id": key, "actor_type": "api_actor"}
    group |= {"model": OPUS, "cost_type": "tokens", "token_type": "output_tokens"}
    cost = {"amount": cents, "list_amount": cents, "currency": "USD", "requests": 1}
    return {"starting_at": f"{DAY}T00:00:00Z", "group": group, "cost": cost}


def used(line: Row, key: str, tokens: int, **more: Any) -> Row:
    """A line of the usage report, for another key and another number of tokens."""
    return {**line, "api_key_id": key, "output_tokens": tokens, **more}


def built(platform: Platform, lines: list[Line], *records: Row) -> None:
    """Builds the day: analytics are in the ledger, everything else is pulled."""
    texts = [json.dumps(record).encode() for record in records]
    refreshed = {"data_refreshed_at": "2026-11-20T06:00:00Z"}
    platform.warehouse.append("claude_analytics_cost", [Answer("anthropic", DAY, texts, 1, {}, refreshed)])
    only = whatever_makes("marts/api_usage_expenses", "marts/claude_expenses", "core/claude_daily_cost")
    outcome = platform.run({DAY: lines}, only=only)
    assert outcome.failed == {}
    assert "blocked_by" not in outcome.noted("marts/claude_expenses", DAY)


def test_each_key_of_a_day_with_two_tiers_has_its_measured_total(platform: Platform) -> None:
    """Case 21: lines in `standard` and `flex`; analytics measure each key's total, which differs from the tokens."""
    platform.claude.lines[DAY] = lambda rows: [rows[0], {**rows[1], "service_tier": "flex"}]
    platform.claude.usage[DAY] = lambda rows: [
        used(rows[0], A, 600_000),
        used(rows[0], B, 600_000),
        used(rows[0], A, 100_000, service_tier="flex"),
        used(rows[0], B, 700_000, service_tier="flex"),
    ]
    built(platform, [Line("3000"), Line("1000")], measured(A, "2800"), measured(B, "1200"))
    assert dict(platform.sql(f"select api_key_id, sum(cost_usd) from {SHARES} group by 1")) == {A: 28, B: 12}
    assert dict(platform.sql(f"select service_tier, sum(cost_usd) from {SHARES} group by 1")) == {
        "standard": 30,
        "flex": 10,
    }
    expenses = "select api_key_id, sum(cost_usd) from ai_usage_analytics.api_usage_expenses group by 1"
    assert dict(platform.sql(expenses)) == {A: 28, B: 12}


def test_analytics_of_the_console_without_a_workspace_are_counted_once(platform: Platform) -> None:
    """Case 23: 9.40 USD were charged, one of them in the default workspace, which analytics report as null."""
    built(platform, [Line("840"), Line("100", DEFAULT)], measured(A, "840"), measured(B, "100", None))
    assert platform.sql(f"select is_in_cost_report, sum(cost_usd) from {EXPENSES} group by 1") == [
        (True, Decimal("9.4"))
    ]
    assert dict(platform.sql(f"select api_key_id, sum(cost_usd) from {SHARES} group by 1")) == {A: Decimal("8.4"), B: 1}
