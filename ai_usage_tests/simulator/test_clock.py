"""Visible data depend on the simulator's clock, in the same way for all answers."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from ai_usage.simulator import Simulator
from ai_usage_tests.simulator.conftest import ClaudeClient

DAY = date(2026, 11, 18)
MIDNIGHT = datetime(2026, 11, 18, tzinfo=UTC)
BOUNDS = {"starting_at": "2026-11-18T00:00:00Z", "ending_at": "2026-11-19T00:00:00Z"}


def cents(claude: ClaudeClient, after: timedelta) -> Decimal:
    """The day's cost at that time after midnight; grouped lines, total and analytics agree on it."""
    claude.clock.at = MIDNIGHT + after
    [lines] = claude.pages("cost_report", group_by=["workspace_id", "description"], **BOUNDS)
    [total] = claude.pages("cost_report", **BOUNDS)
    rows = claude.pages("analytics/cost", group_by=["product"], time_bucket_width="1d", **BOUNDS)
    sums = {
        sum((Decimal(line["amount"]) for line in lines["results"]), Decimal()),
        sum((Decimal(line["amount"]) for line in total["results"]), Decimal()),
        sum((Decimal(row["cost"]["amount"]) for row in rows), Decimal()),
        claude.simulator.day(DAY).total_cents,
    }
    assert len(sums) == 1
    return sums.pop()


def test_a_running_day_shows_its_elapsed_share(claude: ClaudeClient) -> None:
    morning, noon, end = (cents(claude, timedelta(hours=h)) for h in (6, 12, 24))
    assert 0 < morning < noon < end
    assert abs(noon / end - Decimal("0.5")) < Decimal("0.01")


def test_late_uses_arrive_thirty_hours_after_the_day(claude: ClaudeClient) -> None:
    late = cents(claude, timedelta(hours=24 + 29))
    lines = len(claude.simulator.day(DAY).uses)
    settled = cents(claude, timedelta(hours=24 + 30))
    assert late < settled
    assert lines < len(claude.simulator.day(DAY).uses)
    assert settled == cents(claude, timedelta(days=4))


def test_one_day_in_ten_is_restated_once_on_one_line(claude: ClaudeClient) -> None:
    restated = 0
    for day in (date(2026, 1, 5) + timedelta(days=n) for n in range(120)):
        shown = []
        for days_later in (5, 6, 200):
            claude.clock.at = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=days_later)
            shown.append(claude.simulator.day(day))
        then, now, long_after = shown
        changed = [line for line in then.cost_lines if then.cost_lines[line] != now.cost_lines[line]]
        restated += len(changed)
        assert len(changed) <= 1
        assert bool(changed) == (then.tokens != now.tokens)
        assert now.cost_lines == long_after.cost_lines
    assert 6 <= restated <= 25


def test_the_future_has_no_buckets(claude: ClaudeClient) -> None:
    through_next_week = {"starting_at": "2026-11-19T00:00:00Z", "ending_at": "2026-11-27T00:00:00Z"}
    days = [bucket["starting_at"][:10] for bucket in claude.pages("cost_report", **through_next_week)]
    assert days == ["2026-11-19", "2026-11-20"]
    assert claude.pages("cost_report", starting_at="2026-12-01T00:00:00Z", ending_at="2026-12-02T00:00:00Z") == []
    assert claude.pages("usage_report/claude_code", starting_at="2026-11-21") == []


def test_without_an_end_only_complete_days_are_reported(claude: ClaudeClient) -> None:
    days = claude.pages("cost_report", starting_at="2026-11-18T10:00:00Z")
    assert [bucket["starting_at"][:10] for bucket in days] == ["2026-11-18", "2026-11-19"]
    assert claude.get("cost_report", starting_at="2026-11-20T00:00:00Z").status_code == 400


def test_claude_code_lags_an_hour(claude: ClaudeClient) -> None:
    seen = []
    for hours in (0.9, 12, 24, 25):
        claude.clock.at = MIDNIGHT + timedelta(hours=hours)
        records = claude.pages("usage_report/claude_code", starting_at=str(DAY), limit=1000)
        seen.append(sum(part["tokens"]["output"] for r in records for part in r["model_breakdown"]))
    assert seen[0] == 0 < seen[1] < seen[2] < seen[3]


def test_new_year_is_idle_and_weekends_are_quiet(claude: ClaudeClient) -> None:
    [idle] = claude.pages("cost_report", starting_at="2026-01-01T00:00:00Z", ending_at="2026-01-02T00:00:00Z")
    assert idle["results"] == []
    total = {d: claude.simulator.day(date(2026, 11, d)).total_cents for d in (12, 15)}
    assert total[15] < total[12] / 2


@pytest.mark.usefixtures("_worlds_of_their_own")
def test_the_same_seed_is_the_same_company_another_seed_is_not() -> None:
    one, same, other = (Simulator(seed=seed, now=datetime(2026, 11, 20, tzinfo=UTC)) for seed in (1, 1, 2))
    assert one.day(DAY).cost_lines == same.day(DAY).cost_lines != other.day(DAY).cost_lines
    assert one.organization == same.organization != other.organization
    assert one.organization.name == "Simulated Org"
    assert (len(one.organization.people), len(one.organization.api_keys)) == (100, 51)
