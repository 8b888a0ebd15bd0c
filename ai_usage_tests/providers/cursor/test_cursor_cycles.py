"""The check of Cursor's billing cycles, open and past, against small snapshots and events."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from ai_usage.check import NotEvaluated, Result
from ai_usage.partitions import Span
from ai_usage.providers.cursor.checks.billing_cycle import _open_cycle, _past_cycles
from ai_usage_tests.platform import Platform, platform_in
from ai_usage_tests.providers.cursor.by_hand import build, event, events, snapshot

PAST = "events_equal_past_cycles"


CYCLE = datetime(2026, 10, 3, tzinfo=UTC)
MEMBERS = ({"userId": "user_a", "email": "a@example.com"}, {"userId": "user_b", "email": "b@example.com"})


def test_two_snapshots_of_one_instant_still_have_a_result(platform: Platform) -> None:
    """Case 25: two snapshots of `/teams/spend` with one `pulled_at`, of a fixed clock."""
    platform.warehouse.now = lambda: datetime(2026, 10, 5, 6, tzinfo=UTC)
    start = int(CYCLE.timestamp() * 1000)
    for cents in (100, 150):
        snapshot(platform, "cursor_spend", {**MEMBERS[0], "spendCents": cents}, subscriptionCycleStart=start)
        today = event(datetime(2026, 10, 5, 1, tzinfo=UTC), cents)
        snapshot(platform, "cursor_usage_events_today", today, period={"startDate": start + 2 * 86_400_000})
    events(platform, date(2026, 10, 3))
    events(platform, date(2026, 10, 4))
    evaluation = _open_cycle(platform.warehouse)
    assert isinstance(evaluation, Result)
    assert evaluation.passed, evaluation.why
    assert "1.5" in evaluation.why


@pytest.fixture(scope="module")
def past_cycle(tmp_path_factory: pytest.TempPathFactory) -> Platform:
    """A cycle of two days that is over, with its last snapshot, and the first snapshot of the next cycle."""
    platform = platform_in(tmp_path_factory.mktemp("past_cycle"))
    at = {"now": datetime(2026, 10, 4, 23, tzinfo=UTC)}
    platform.warehouse.now = lambda: at["now"]
    start, following = (int(day.timestamp() * 1000) for day in (CYCLE, CYCLE + timedelta(days=30)))
    snapshot(
        platform,
        "cursor_spend",
        {**MEMBERS[0], "spendCents": 300, "includedSpendCents": 7},
        {**MEMBERS[1], "spendCents": 20, "includedSpendCents": 0},
        subscriptionCycleStart=start,
    )
    at["now"] = datetime(2026, 11, 3, 6, tzinfo=UTC)
    snapshot(platform, "cursor_spend", {**MEMBERS[0], "spendCents": 0}, subscriptionCycleStart=following)
    morning = CYCLE + timedelta(hours=9)
    events(
        platform,
        date(2026, 10, 3),
        event(morning, 100),
        event(morning, 100),
        event(morning, 100),
        event(morning, 20, "b@example.com"),
    )
    events(platform, date(2026, 10, 4))
    build(platform, "cursor_usage_events", over=Span(date(2026, 10, 3), date(2026, 10, 4)))
    return platform


EVENTS = "ai_usage_analytics.cursor_usage_events"


def test_a_past_open_cycle_at_its_last_snapshot(past_cycle: Platform) -> None:
    """Case 24: rows with `includedSpendCents` and without older fields: the cycle check still has a result."""
    evaluation = _past_cycles(past_cycle.warehouse)
    assert isinstance(evaluation, Result)
    assert evaluation.passed, evaluation.why
    assert evaluation.why == "The cycles since 2026-10-03 reconcile."


def test_a_past_cycle_without_all_of_its_days_is_not_compared(past_cycle: Platform, tmp_path: Path) -> None:
    """The result was "never pulled", though the spend was pulled."""
    harmed = past_cycle.copy(tmp_path)
    harmed.sql(
        "delete from ai_usage_raw.pulls where pull = 'cursor_usage_events' and activity_date = date '2026-10-04'"
    )
    found = _past_cycles(harmed.warehouse)
    assert isinstance(found, NotEvaluated)
    assert found.why.startswith("No past billing cycle has a snapshot of raw/cursor_spend and all of its days")


def test_an_event_of_a_past_cycle_twice_and_another_lost_is_seen(past_cycle: Platform, tmp_path: Path) -> None:
    """Case 16: a page that shifted while it was read: the count is right, the people are not."""
    harmed = past_cycle.copy(tmp_path)
    harmed.sql(f"insert into {EVENTS} from {EVENTS} where user_email = 'a@example.com' limit 1")
    harmed.sql(f"delete from {EVENTS} where user_email = 'b@example.com'")
    assert harmed.check(PAST).not_passed(PAST) == {None}
    evaluation = _past_cycles(harmed.warehouse)
    assert isinstance(evaluation, Result)
    assert not evaluation.passed
    assert "cycle since 2026-10-03" in evaluation.why
    assert {row["user_email"]: row["difference_usd"] for row in evaluation.rows} == {
        "a@example.com": Decimal(-1),
        "b@example.com": Decimal("0.2"),
    }


def test_events_without_a_person_explain_what_members_lack(past_cycle: Platform, tmp_path: Path) -> None:
    harmed = past_cycle.copy(tmp_path)
    harmed.sql(f"update {EVENTS} set user_email = null where user_email = 'b@example.com'")
    evaluation = _past_cycles(harmed.warehouse)
    assert isinstance(evaluation, Result)
    assert evaluation.passed
