"""A Claude record that cannot be used blocks its day, or nothing; the other days and providers continue."""

import json
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from ai_usage.check import WARN
from ai_usage.marts.gate import blocked_days
from ai_usage.partitions import Span
from ai_usage.providers.anthropic.provider import ANTHROPIC
from ai_usage.providers.anthropic.rows.claude_code import code_rows
from ai_usage.providers.anthropic.rows.lists import Organization
from ai_usage.providers.anthropic.rows.usage_and_cost import usage_rows as claude_usage
from ai_usage.settings import settings
from ai_usage_tests.mock_claude import DAY, DAYS
from ai_usage_tests.outcome import Outcome
from ai_usage_tests.platform import Platform, of_bill
from ai_usage_tests.pulled_records import pulled_records

OF_MARTS = {"allocation_loses_nothing", "expenses_equal_costs", "spend_has_no_anomaly", "reported_spend_stands"}
READABLE = "records_are_readable"
GRAIN = "grain_is_unique"
NEXT = DAY + timedelta(days=1)


def failed(outcome: Outcome) -> set[tuple[str, date | None]]:
    """The failed checks and their days, except freshness and the effect of a blocked day on the marts."""
    return {
        (check, day)
        for (check, _), evaluations in outcome.evaluations.items()
        if check in outcome.checks_not_passed()
        for day, evaluation in evaluations.items()
        if not evaluation.passed and check not in OF_MARTS
    }


def test_a_line_in_euros_is_named_by_day_and_currency(good: Platform) -> None:
    """Case 10: one line in EUR and no rate."""
    good.claude.lines[NEXT] = lambda rows: [{**rows[0], "currency": "EUR"}, *rows[1:]]
    before = good.dollars()
    outcome = good.run(span=Span(DAY, DAYS[-1]), only=of_bill())
    assert {day for _, day in failed(outcome)} == {NEXT}
    assert outcome.noted("marts/claude_total_expenses", NEXT)["blocked_by"] == [READABLE]
    assert "EUR has no rate to USD on" in outcome.why(READABLE, NEXT)
    assert good.dollars() == before, "the day keeps its last good version"


@pytest.mark.usefixtures("settings_are_read_again")
def test_a_rate_makes_dollars_of_euros(good: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Case 10: the same with a rate; lines and the console's figure are compared in the billed currency."""
    rates = tmp_path / "rates.toml"
    rates.write_text('[[rate]]\ncurrency = "EUR"\nvalid_from = 2026-01-01\nusd_per_unit = "1.0842173"\n')
    monkeypatch.setenv("AI_USAGE_CURRENCY_RATES", str(rates))
    settings.cache_clear()
    for bends in (good.claude.lines, good.claude.totals):
        bends[NEXT] = lambda rows: [{**row, "currency": "EUR"} for row in rows]
    before = good.dollars()
    outcome = good.run(span=Span(DAY, DAYS[-1]), only=of_bill())
    assert failed(outcome) == set()
    assert good.dollars()[NEXT] != before[NEXT]
    assert abs(good.dollars()[NEXT] - before[NEXT] * Decimal("1.0842173")) < Decimal("1e-6")
    assert good.sql(
        f"select distinct currency from ai_usage_analytics.claude_costs where activity_date = '{NEXT}'"
    ) == [("EUR",)]


def test_a_record_of_claude_code_that_cannot_be_used_blocks_nothing(good: Platform) -> None:
    good.claude.code[NEXT] = lambda rows: [*rows, {**rows[0], "actor": "person"}]
    outcome = good.run(span=Span(DAY, DAYS[-1]), only=of_bill())
    assert failed(outcome) == {(READABLE, NEXT)}
    evaluation = outcome.evaluation(READABLE, NEXT, "claude_code_usage_stats")
    assert evaluation.severity == WARN
    assert "claude_code_usage: actor: a text of 6 characters is not an object" in (evaluation.description or "")
    assert set(good.dollars()) == set(DAYS)


def test_pages_of_claude_code_that_overlap_fail_the_grain_check(good: Platform) -> None:
    """Case 17: one record of Claude Code twice."""
    good.claude.code[NEXT] = lambda rows: [*rows, rows[0]]
    outcome = good.run(span=Span(DAY, DAYS[-1]), only=of_bill())
    assert failed(outcome) == {(GRAIN, NEXT)}
    assert outcome.not_passed(GRAIN, "claude_code_usage_stats") == {NEXT}
    assert "claude_code_usage_stats has 2 rows of account default, organization_id org-1" in outcome.why(
        GRAIN, NEXT, "claude_code_usage_stats"
    )


def test_a_usage_line_twice_fails_the_grain_check_and_blocks_its_day(good: Platform) -> None:
    """Case 17: a usage line twice."""
    before = good.dollars()
    good.claude.usage[NEXT] = lambda rows: [*rows, rows[0]]
    outcome = good.run(span=Span(DAY, DAYS[-1]), only=of_bill())
    assert (GRAIN, NEXT) in failed(outcome)
    assert {day for _, day in failed(outcome)} == {NEXT}
    assert blocked_days(good.warehouse, Span(DAY, DAYS[-1]), ANTHROPIC.gate) == {NEXT: [GRAIN]}
    assert "claude_usage_tokens has 2 rows of" in outcome.why(GRAIN, NEXT, "claude_daily_cost")
    assert good.dollars() == before


def test_zeros_that_claude_leaves_out_are_zeros() -> None:
    """Case 6: a Claude Code record without a zero count; a usage line without `cache_creation` or `server_tool_use`."""
    of = Organization("org", {})
    line = {"uncached_input_tokens": 5, "cache_read_input_tokens": 0, "output_tokens": 1, "server_tool_use": None}
    [row] = claude_usage(pulled_records(json.dumps(line)), of).to_dicts()
    assert (row["cache_creation_5m_tokens"], row["web_search_requests"], row["uncached_input_tokens"]) == (0, 0, 5)
    record = {"actor": {"type": "user_actor", "email_address": "a@x.com"}, "core_metrics": {"num_sessions": 2}}
    [row] = code_rows(pulled_records(json.dumps(record)), of).to_dicts()
    assert (row["num_sessions"], row["commits_by_claude_code"], row["lines_added"], row["input_tokens"]) == (2, 0, 0, 0)
