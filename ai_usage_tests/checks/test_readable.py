"""A record that cannot be used blocks its day of its provider, or nothing, on the whole platform."""

import json
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from ai_usage.check import WARN
from ai_usage.checks.registry import CHECKS
from ai_usage.core import tables as core_tables
from ai_usage.marts import gate
from ai_usage.partitions import Span
from ai_usage.providers.anthropic import tables as claude_tables
from ai_usage.providers.anthropic.records.analytics import AnalyticsCost
from ai_usage.providers.anthropic.records.usage_and_cost import CostLine, UsageLine
from ai_usage.providers.cursor import records as cursor_records
from ai_usage.providers.cursor import tables as cursor_tables
from ai_usage.warehouse.ledger import Answer
from ai_usage.warehouse.table import ANALYTICS
from ai_usage_tests.mock_claude import DAY
from ai_usage_tests.outcome import Outcome
from ai_usage_tests.platform import Platform, of_bill
from ai_usage_tests.providers.cursor.by_hand import build, snapshot
from ai_usage_tests.pulled_records import pulled_records

OF_MARTS = {"allocation_loses_nothing", "expenses_equal_costs", "spend_has_no_anomaly", "reported_spend_stands"}
READABLE = "records_are_readable"
NEXT = DAY + timedelta(days=1)


def failed(outcome: Outcome) -> set[tuple[str, date | None]]:
    """The failed checks and their days, except freshness and the effect of a blocked day on the marts."""
    return {
        (check_name, day)
        for (check_name, _), evaluations in outcome.evaluations.items()
        if check_name in outcome.checks_not_passed()
        for day, evaluation in evaluations.items()
        if not evaluation.passed and check_name not in OF_MARTS
    }


def test_one_unreadable_line_blocks_its_day_and_no_other(platform: Platform) -> None:
    """Case 9: one cost line `"amount": "NaN"`."""
    outcome = platform.run({DAY: ["1000", "NaN"], NEXT: ["500"]}, only=of_bill())
    assert outcome.result.success
    assert platform.dollars() == {NEXT: Decimal(5)}
    assert platform.rejections() == [(DAY, "amount", "NaN is not an amount of money")]
    assert failed(outcome) == {(READABLE, DAY)}
    assert outcome.why(READABLE, DAY) == (
        f"{DAY}: 1 record cannot be used: claude_cost_report: amount: NaN is not an amount of money (1×)."
    )
    assert outcome.not_passed(READABLE, "claude_costs") == {DAY}
    assert outcome.noted("marts/claude_total_expenses", DAY)["blocked_by"] == [READABLE]


def test_a_day_is_complete_again_once_its_line_is_readable(platform: Platform) -> None:
    platform.run({DAY: ["1000", "NaN"]}, only=of_bill())
    outcome = platform.run({DAY: ["1000", "200"]}, only=of_bill())
    assert failed(outcome) == {("revisions_are_recorded", DAY)}, "of the version that could not be read"
    assert outcome.evaluation("revisions_are_recorded", DAY).severity == WARN
    assert platform.dollars() == {DAY: Decimal(12)}
    assert platform.rejections() == []


def test_every_fact_table_has_a_grain_check() -> None:
    facts = [
        table
        for of in (claude_tables, cursor_tables, core_tables)
        for table in of.CORE_TABLES
        if table.date_column and table.schema == ANALYTICS
    ]
    described = " ".join(check.description for check in CHECKS if check.name == gate.GRAIN)
    others = {"claude_costs": "cost_lines_are_unique", "cursor_usage_events": "no_event_counted_twice"}
    names = {check.name for check in CHECKS}
    for table in facts:
        if table.name in others:
            assert others[table.name] in names
        else:
            assert table.name in described, table.name
            assert table.key, table.name


def test_one_member_without_an_address_changes_nothing_for_the_others(platform: Platform) -> None:
    """Case 7: `email: null`, no `name`; for members of both providers, and for a person who is not a member."""
    snapshot(
        platform,
        "cursor_members",
        {"id": "user_1", "name": "One", "email": None},
        {"id": "user_2", "email": "two@x.com"},
        {"name": "No Id"},
    )
    texts = [
        b'{"id": "u1", "email": null}',
        b'{"id": "u2", "email": "Two@x.com", "name": "Two"}',
        b'{"email": "no id"}',
    ]
    platform.warehouse.append("claude_users", [Answer("anthropic", None, texts, 1, {}, {})])
    outcome = build(platform, "dim_cursor_member", "dim_person", over=Span(DAY, DAY))
    assert outcome.noted("core/dim_cursor_member", None)["dagster/row_count"] == 2
    assert platform.sql("select user_email, user_name from ai_usage_analytics.dim_person") == [("two@x.com", "Two")]
    assert sorted(platform.rejections()) == [
        (None, "id", "is missing"),
        (None, "id", "is missing, and so is an address"),
    ]
    outcome = platform.check(gate.READABLE)
    assert outcome.evaluation(gate.READABLE, None, "dim_cursor_member").severity == WARN
    assert not outcome.evaluation(gate.READABLE, None, "dim_cursor_member").passed


FIXTURES = Path(__file__).parent.parent / "fixtures"
LOADED_WHOLE = [
    ("cursor/daily_usage_data_recorded_shape", "data", cursor_records.DailyUsage, 4),
    ("cursor/daily_usage_data_sparse", "data", cursor_records.DailyUsage, 2),
    ("cursor/filtered_usage_events_sparse", "usageEvents", cursor_records.UsageEvent, 4),
    ("cursor/groups_sparse", "groups", cursor_records.Group, 1),
    ("cursor/spend_extra_fields", "teamMemberSpend", cursor_records.MemberSpend, 2),
    ("cursor/teams_members_older", "teamMembers", cursor_records.Member, 2),
    ("anthropic/cost_report_recorded_shape", "results", CostLine, 1),
    ("anthropic/usage_report_messages_recorded_shape", "results", UsageLine, 1),
    ("anthropic/analytics_unified_cost_enterprise", "data", AnalyticsCost, 8),
    ("anthropic/analytics_unified_cost_split_sparse", "data", AnalyticsCost, 2),
]


@pytest.mark.parametrize(("name", "items", "of", "count"), LOADED_WHOLE, ids=[name for name, *_ in LOADED_WHOLE])
def test_what_providers_once_sent_loads_whole(name: str, items: str, of: type, count: int) -> None:
    """Cases 5, 6, 8 and 24: answers of October 2025, sparse ones, older ones, ones with more fields."""
    whole = json.loads((FIXTURES / f"{name}.json").read_text(), parse_float=str)
    found = [r for bucket in whole["data"] for r in bucket["results"]] if items == "results" else whole[items]
    answered = pulled_records(*(json.dumps(record) for record in found))
    assert len(answered.read(of).values) == count
    assert not answered.rejections
