"""People's claude.ai usage, from the simulator into core: each available day, to the last count, and no other."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime

import dagster as dg
import pytest

from ai_usage.ingest.http.retry import Patience
from ai_usage.partitions import Span
from ai_usage.providers.anthropic import pulls
from ai_usage.providers.anthropic.audit_log.folder import Uploads
from ai_usage.providers.anthropic.client import ClaudeAdmin
from ai_usage.settings import settings
from ai_usage.simulator import ADMIN_KEY, ANALYTICS_KEY, Simulator
from ai_usage_tests.outcome import Outcome
from ai_usage_tests.platform import Platform

PULL, BUILT = "raw/claude_enterprise_users", "core/claude_usage_stats"
ALONE = dg.AssetSelection.assets(PULL.split("/"), BUILT.split("/"))
EARLY = datetime(2026, 11, 20, 6, tzinfo=UTC)  # before yesterday is ready
WEEK = Span(date(2026, 11, 13), date(2026, 11, 19))


@pytest.fixture
def stand_in() -> Iterator[Simulator]:
    with Simulator(now=EARLY) as simulator:
        yield simulator


def run(platform: Platform, stand_in: Simulator, span: Span = WEEK, analytics_key: str = ANALYTICS_KEY) -> Outcome:
    stand_in.requests.clear()
    opened = ClaudeAdmin.open(
        base_url=stand_in.anthropic_url,
        admin_key=ADMIN_KEY,
        analytics_key=analytics_key,
        analytics_requests_a_minute=None,
        patience=Patience(attempts=1),
    )
    with closing(opened) as admin:
        return platform.materialize(ALONE, span, admin, uploads=Uploads(settings().uploads_dir, settings().now))


def test_each_ready_day_has_the_counts_of_the_provider(platform: Platform, stand_in: Simulator) -> None:
    outcome = run(platform, stand_in)
    assert outcome.result.success
    assert outcome.checks_not_passed() == set()
    assert set(outcome.evaluations["schema_drift", "claude_enterprise_users"]) == {None}
    assert len(stand_in.requests) == 7
    assert outcome.noted(PULL, WEEK.days[0])["requests_in_run"] == 7
    final = [day for day in WEEK.days if day <= date(2026, 11, 16)]  # figures of later days are provisional
    built = platform.sql(
        f"""select activity_date, user_id, conversation_count, message_count, project_count, file_upload_count
        from ai_usage_analytics.claude_usage_stats where activity_date <= '{final[-1]}'
        and user_email is not null and source = 'enterprise_api'"""
    )
    truth = {
        (day, one.person.id, one.conversations, one.messages, one.projects, one.files)
        for day in final
        for one in stand_in.people_day(day)
    }
    assert set(built) == truth
    assert len(built) == len(truth) > 50


def test_a_day_that_is_not_ready_is_not_yet_left_as_it_was_and_taken_later(
    platform: Platform, stand_in: Simulator
) -> None:
    outcome = run(platform, stand_in)
    yesterday = WEEK.last
    assert outcome.noted(PULL, yesterday)["skipped"] == (
        "not yet: 2026-11-19 was asked for, the latest available day is 2026-11-18"
    )
    assert "skipped" not in outcome.noted(PULL, WEEK.days[-2])
    assert platform.warehouse.pulled_days("claude_enterprise_users") == WEEK.days[:-1]
    assert "no source was asked" in outcome.noted(BUILT, yesterday)["skipped"]
    assert outcome.not_passed("pull_is_recent") == set()  # only the provider is a day behind
    late = Simulator(now=datetime(2026, 11, 20, 10, tzinfo=UTC))
    with late:
        again = run(platform, late)
    assert "skipped" not in again.noted(PULL, yesterday)
    assert platform.warehouse.pulled_days("claude_enterprise_users") == WEEK.days


def test_figures_that_moved_are_a_new_version_and_the_rest_is_none(platform: Platform, stand_in: Simulator) -> None:
    run(platform, stand_in)
    with Simulator(now=datetime(2026, 11, 21, 12, tzinfo=UTC)) as later:
        outcome = run(platform, later)
    news = [day for day in WEEK.days if outcome.noted(PULL, day)["is_new_version"]]
    assert news == [date(2026, 11, day) for day in (17, 18, 19)]


def test_no_day_before_the_first_of_the_provider_is_requested(
    platform: Platform, stand_in: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulls, "ANALYTICS_FIRST_DAY", WEEK.days[4])
    outcome = run(platform, stand_in)
    assert platform.warehouse.pulled_days("claude_enterprise_users") == WEEK.days[4:-1]
    assert len(stand_in.requests) == 3
    assert outcome.noted(PULL, WEEK.first)["skipped"] == "the provider has nothing before 2026-11-17"


def test_without_an_analytics_key_nothing_is_asked(platform: Platform, stand_in: Simulator) -> None:
    outcome = run(platform, stand_in, analytics_key="")
    assert outcome.result.success
    assert stand_in.requests == []
    assert "ANTHROPIC_ANALYTICS_API_KEY is not set" in outcome.noted(PULL, WEEK.last)["skipped"]


def test_a_refused_analytics_key_fails_and_one_that_may_not_is_skipped(platform: Platform, stand_in: Simulator) -> None:
    outcome = run(platform, stand_in, analytics_key="sk-ant-wrong")
    assert "answered 401" in outcome.failed["raw__claude_enterprise_users"]
    outcome = run(platform, stand_in, analytics_key=ADMIN_KEY)
    assert outcome.result.success
    assert "it needs an Analytics key (scope read:analytics)" in outcome.noted(PULL, WEEK.last)["skipped"]
