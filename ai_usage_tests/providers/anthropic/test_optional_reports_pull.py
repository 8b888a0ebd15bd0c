"""Pulls from providers that refuse a report, lack a bucket or shift their pages, and the data that are lost."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime
from typing import Any

import dagster as dg
import pytest

from ai_usage.ingest.http.retry import Patience
from ai_usage.partitions import ONE_DAY, Span
from ai_usage.providers.anthropic import pulls as claude_pulls
from ai_usage.providers.anthropic.client import ClaudeAdmin
from ai_usage.providers.anthropic.tables import DAILY_PULLS, OPTIONAL_PULLS, PULLS_WHERE_NEEDED, SNAPSHOT_PULLS
from ai_usage.providers.cursor import pulls as cursor_pulls
from ai_usage.providers.cursor.client import CursorAdmin
from ai_usage.simulator import ADMIN_KEY, ANALYTICS_KEY, CURSOR_KEY, Simulator
from ai_usage_tests.outcome import Outcome
from ai_usage_tests.platform import Platform

NOW = datetime(2026, 11, 16, 9, tzinfo=UTC)  # the sixth day at 09:00
FIVE = Span(date(2026, 11, 11), date(2026, 11, 15))
FIRST = Span(FIVE.first, FIVE.first)
ASKED = [pull for pull in DAILY_PULLS if pull not in PULLS_WHERE_NEEDED]
REQUIRED = set(ASKED) - set(OPTIONAL_PULLS)
ONCE = Patience(attempts=1)


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator(now=NOW) as running:
        yield running


@pytest.fixture
def stand_in(simulator: Simulator) -> Iterator[Simulator]:
    yield simulator
    simulator.faults.clear()
    simulator.requests.clear()


def claude(platform: Platform, stand_in: Simulator, span: Span = FIRST, *pulls: str, key: str = ADMIN_KEY) -> Outcome:
    admin = ClaudeAdmin.open(
        base_url=stand_in.anthropic_url,
        admin_key=key,
        analytics_key=ANALYTICS_KEY if key == ADMIN_KEY else key,
        analytics_requests_a_minute=None,
        patience=ONCE,
        now=lambda: NOW,
    )
    return _run(platform, span, pulls or (*ASKED, *SNAPSHOT_PULLS), admin, None)


def cursor(platform: Platform, stand_in: Simulator, span: Span, *pulls: str, key: str = CURSOR_KEY) -> Outcome:
    admin = CursorAdmin.open(base_url=stand_in.cursor_url, key=key, now=lambda: NOW, pace=lambda _: None, patience=ONCE)
    return _run(platform, span, pulls, None, admin)


def _run(platform: Platform, span: Span, pulls: tuple[str, ...], admin: Any, cursor_admin: Any) -> Outcome:
    assets = dg.AssetSelection.assets(*(["raw", pull] for pull in pulls)).without_checks()
    with closing(admin or cursor_admin):
        return platform.materialize(assets, span, admin, cursor_admin=cursor_admin)


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_a_report_outside_the_plan_is_skipped_and_everything_else_arrives(
    platform: Platform, stand_in: Simulator, status: int
) -> None:
    """Case 3, for each optional report at once; HIPAA readiness is the 400."""
    stand_in.faults.plan("not_included", path="/analytics/", status=status, times=None)
    stand_in.faults.plan("not_included", path="claude_code", status=status, times=None)
    if status == 401:  # otherwise the Analytics key itself would be refused, whatever the plan
        stand_in.faults.clear()
        stand_in.faults.plan("not_included", path="analytics/cost", status=status, times=None)
        stand_in.faults.plan("not_included", path="claude_code", status=status, times=None)
    outcome = claude(platform, stand_in)
    assert outcome.result.success
    notes = outcome.noted_anywhere("skipped")
    skipped = {"claude_code_usage", "claude_analytics_cost"} if status == 401 else set(OPTIONAL_PULLS) & set(ASKED)
    assert notes.keys() == {f"raw/{pull}" for pull in skipped}
    for pull in skipped:
        assert claude_pulls.REPORTS[pull].needs in notes[f"raw/{pull}"]
        assert f"answered {status}: " in notes[f"raw/{pull}"]
        assert platform.warehouse.pulled_days(pull) == []
    for pull in set(ASKED) - skipped:
        assert platform.warehouse.pulled_days(pull) == FIRST.days


def test_a_400_that_is_our_own_fault_fails_its_report_alone(platform: Platform, stand_in: Simulator) -> None:
    """Case 3's other 400: a refused grouping must not be hidden as a plan that lacks the report."""
    words = "Cannot specify more than 5 group_by[] dimensions."
    stand_in.faults.plan("status", status=400, message=words, path="analytics/cost", times=None)
    outcome = claude(platform, stand_in)
    assert outcome.failed.keys() == {"raw__claude_analytics_cost"}
    assert words in outcome.failed["raw__claude_analytics_cost"]
    for pull in set(ASKED) - {"claude_analytics_cost"}:
        assert platform.warehouse.pulled_days(pull) == FIRST.days


def test_a_key_that_nothing_opens_to_fails_every_pull_and_skips_none(platform: Platform, stand_in: Simulator) -> None:
    """Case 3: 401 for everything."""
    outcome = claude(platform, stand_in, key="sk-ant-admin01-revoked")
    asked = {"cost_report_and_totals" if "cost_" in pull[:13] else pull[7:] for pull in (*ASKED, *SNAPSHOT_PULLS)}
    assert outcome.failed.keys() == {f"raw__claude_{pull}" for pull in asked}
    assert outcome.noted_anywhere("skipped") == {}
    outcome = cursor(platform, stand_in, FIRST, *cursor_pulls.REPORTS, key="crsr_revoked")
    of_today = "cursor_usage_events_today"  # it waits for the spend, and is not requested
    assert outcome.failed.keys() == {f"raw__{pull}" for pull in cursor_pulls.REPORTS if pull != of_today}
    assert outcome.noted_anywhere("skipped") == {}


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_commits_and_billing_groups_outside_the_teams_plan_are_skipped(
    platform: Platform, stand_in: Simulator, status: int
) -> None:
    """Case 12: 401 "must be a member of an enterprise team" does not mean a wrong key."""
    optional = {"cursor_ai_commits", "cursor_groups"}
    stand_in.faults.plan("not_included", path="ai-code", status=status, times=None)
    stand_in.faults.plan("not_included", path="/teams/groups", status=status, times=None)
    outcome = cursor(platform, stand_in, FIRST, *cursor_pulls.REPORTS)
    assert outcome.result.success
    notes = outcome.noted_anywhere("skipped")
    assert notes.keys() == {f"raw/{pull}" for pull in optional}
    assert all("it needs an Enterprise team" in why and f"answered {status}: " in why for why in notes.values())
    pulled = {pull for (pull,) in platform.sql("select distinct pull from ai_usage_raw.pulls")}
    assert pulled == set(cursor_pulls.REPORTS) - optional


COSTS = ("claude_cost_report", "claude_cost_totals", "claude_messages_usage")


def test_the_newest_days_bucket_is_not_yet_and_the_other_days_are_kept(platform: Platform, stand_in: Simulator) -> None:
    """Case 11: four of five requested days have a bucket; the fifth is requested again later."""
    stand_in.faults.plan("missing_bucket", path="cost_report", times=None)
    stand_in.faults.plan("missing_bucket", path="usage_report/messages", times=None)
    outcome = claude(platform, stand_in, FIVE, *COSTS)
    assert outcome.result.success
    for pull in COSTS:
        assert platform.warehouse.pulled_days(pull) == FIVE.days[:4]
        assert outcome.noted(f"raw/{pull}", FIVE.last)["skipped"] == (
            "not yet: 2026-11-15 was asked for, the latest available day is 2026-11-14"
        )
        assert "skipped" not in outcome.noted(f"raw/{pull}", FIVE.days[3])
    stand_in.faults.clear()
    claude(platform, stand_in, Span(FIVE.last, FIVE.last), *COSTS)
    for pull in COSTS:
        assert platform.warehouse.pulled_days(pull) == FIVE.days


def test_a_missing_bucket_costs_its_day_alone_and_is_noted(platform: Platform, stand_in: Simulator) -> None:
    hole = FIVE.days[2]
    stand_in.faults.plan("missing_bucket", path="cost_report", day=hole, times=None)
    outcome = claude(platform, stand_in, FIVE, "claude_cost_report", "claude_cost_totals")
    for pull in ("claude_cost_report", "claude_cost_totals"):
        assert platform.warehouse.pulled_days(pull) == [day for day in FIVE.days if day != hole]
        note = outcome.noted(f"raw/{pull}", hole)["skipped"]
        assert note.startswith(
            "not pulled: Claude /v1/organizations/cost_report of 2026-11-11…2026-11-15 came without it"
        )


def test_a_day_of_which_one_of_both_reports_lacks_a_bucket_is_not_compared(
    platform: Platform, stand_in: Simulator
) -> None:
    stand_in.faults.plan("missing_bucket", path="cost_report")  # only for the lines
    outcome = claude(platform, stand_in, FIVE, "claude_cost_report", "claude_cost_totals")
    assert outcome.result.success
    assert platform.warehouse.pulled_days("claude_cost_report") == FIVE.days[:4]
    assert platform.warehouse.pulled_days("claude_cost_totals") == FIVE.days
    assert len(stand_in.requests) == 2


def test_an_answer_that_cannot_be_used_costs_its_own_days_and_fails_in_the_end(
    platform: Platform, stand_in: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cursor_pulls, "DAYS_A_REQUEST", 1)
    stand_in.faults.plan("cut_json", path="usage-events")
    outcome = cursor(platform, stand_in, Span(FIVE.first, FIVE.first + ONE_DAY), "cursor_usage_events")
    assert "cut short" in outcome.failed["raw__cursor_usage_events"]
    assert platform.warehouse.pulled_days("cursor_usage_events") == [FIVE.first + ONE_DAY]


def test_shifted_pages_of_a_day_are_read_again_in_the_pull(
    platform: Platform, stand_in: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Case 16."""
    stand_in.faults.plan("overlapping_page", path="usage-events")
    assert cursor(platform, stand_in, FIVE, "cursor_usage_events").result.success
    counted = dict(platform.sql("select activity_date, count(*) from ai_usage_raw.cursor_usage_events group by 1"))
    assert counted == {day: len(stand_in.cursor_day(day).events) for day in FIVE.days}
