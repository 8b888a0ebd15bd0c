"""Limits in a pull: an answer that is too large is requested again for fewer days; what was pulled before the deadline
stays.
"""

from collections.abc import Callable
from datetime import timedelta

import dagster as dg
import httpx
import pytest

from ai_usage.ingest.http.bodies import Limits
from ai_usage.ingest.http.retry import Patience
from ai_usage.ingest.ledger_writes import InHalves
from ai_usage.partitions import Span
from ai_usage.providers.anthropic.client import ClaudeAdmin
from ai_usage_tests.mock_claude import DAY, MockClaude, ordinary
from ai_usage_tests.outcome import Outcome
from ai_usage_tests.platform import Platform

USAGE, COSTS = "raw/claude_messages_usage", "raw/claude_cost_report"
WEEK = Span(DAY, DAY + timedelta(days=6))
PAGE = 2_000  # bytes; a page of one day is smaller


def opened(answer: Callable[[httpx.Request], httpx.Response], limits: Limits) -> ClaudeAdmin:
    return ClaudeAdmin.open(
        base_url="https://mock.test",
        admin_key="sk-mock",
        patience=Patience(attempts=1),
        transport=httpx.MockTransport(answer),
        limits=limits,
    )


def pull(platform: Platform, asset: str, span: Span, admin: ClaudeAdmin) -> Outcome:
    alone = dg.AssetSelection.assets(asset.split("/")).required_multi_asset_neighbors().without_checks()
    return platform.materialize(alone, span, admin)


@pytest.fixture
def stand_in() -> MockClaude:
    return MockClaude({day: ordinary() for day in WEEK.days})


@pytest.mark.parametrize("asset", [USAGE, COSTS])
def test_an_answer_that_is_too_large_is_asked_for_by_fewer_days(
    platform: Platform, stand_in: MockClaude, asset: str
) -> None:
    outcome = pull(platform, asset, WEEK, opened(stand_in.answer, Limits(answer_bytes=2 * PAGE)))
    assert outcome.failed == {}
    pulled = [key.path[-1] for key in outcome.result.job_def.asset_layer.selected_asset_keys]
    assert {pull: platform.warehouse.pulled_days(pull) for pull in pulled} == dict.fromkeys(pulled, WEEK.days)
    begun = {day for _, day in stand_in.asked}
    assert {str(WEEK.first), str(WEEK.days[2]), str(WEEK.days[4])} <= begun  # seven days, then four, then two


def test_a_day_that_is_too_large_alone_costs_itself(platform: Platform, stand_in: MockClaude) -> None:
    large = WEEK.days[2]
    stand_in.usage[large] = lambda rows: rows * 20
    outcome = pull(platform, USAGE, WEEK, opened(stand_in.answer, Limits(page_bytes=PAGE)))
    assert platform.warehouse.pulled_days("claude_messages_usage") == [day for day in WEEK.days if day != large]
    [reason] = outcome.failed.values()
    assert "is larger than" in reason
    assert "AI_USAGE_PAGE_MEGABYTES" in reason


def test_what_was_pulled_before_the_time_was_up_stands_and_the_rest_is_asked_again(
    platform: Platform, stand_in: MockClaude
) -> None:
    long = Span(DAY - timedelta(days=34), WEEK.last)  # two windows of the provider's 31 days
    first_window = [day for day in long.days if day < long.first + timedelta(days=31)]

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.params.get("page") == str(first_window[-1]):
            admin.admin.http.allowed.seconds = -1  # as if this page had taken all of the time
        return stand_in.answer(request)

    admin = opened(answer, Limits(pull_seconds=3 * 3600))
    [reason] = pull(platform, USAGE, long, admin).failed.values()
    assert "has been asked for 3 hours in this run (AI_USAGE_PULL_HOURS). What was pulled before is kept" in reason
    assert platform.warehouse.pulled_days("claude_messages_usage") == first_window
    before = admin.requests
    assert pull(platform, COSTS, long, admin).failed  # nor is another report requested in the same run
    assert admin.requests == before
    assert pull(platform, USAGE, long, opened(stand_in.answer, Limits())).failed == {}
    assert platform.warehouse.pulled_days("claude_messages_usage") == long.days


def test_once_too_large_is_not_tried_again_with_as_many_days() -> None:
    spans = InHalves(Span(DAY, DAY + timedelta(days=59)).cut(at_most=30))
    asked = []
    for span in spans:
        asked.append(len(span.days))
        assert len(span.days) <= 8 or spans.halve(span)
    assert asked == [30, 15, 8, 7, 8, 7, 8, 7, 8, 7]
    assert not spans.halve(Span(DAY, DAY))
