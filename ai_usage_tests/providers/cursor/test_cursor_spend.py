"""Cumulative spend becomes daily: by difference within a cycle and member, without values between snapshots."""

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import dagster as dg
import pytest

from ai_usage.partitions import Span
from ai_usage.providers.cursor.assets import based_on
from ai_usage.providers.cursor.spend import growths, snapshots, spend_rows
from ai_usage.warehouse.ledger import Answer
from ai_usage_tests.platform import Platform

CYCLE, ROLL = datetime(2026, 10, 3, tzinfo=UTC), datetime(2026, 11, 3, tzinfo=UTC)
SPEND_DAILY = dg.AssetSelection.assets(dg.AssetKey(["core", "cursor_spend_daily"])).without_checks()


def member(user: str, cents: float, overall: float | None = None) -> dict[str, Any]:
    return {
        "userId": f"user_{user}",
        "name": user,
        "email": f" {user}@Example.com",
        "role": "member",
        "spendCents": cents,
        "overallSpendCents": cents if overall is None else overall,
        "fastPremiumRequests": 0,
        "hardLimitOverrideDollars": 0,
    }


def snapshot(platform: Platform, at: datetime, *members: dict[str, Any], cycle: datetime | None = None) -> None:
    """The provider's figures at an instant."""
    platform.warehouse.now = lambda: at
    start = cycle or (ROLL if at >= ROLL else CYCLE)
    envelope = {"subscriptionCycleStart": int(start.timestamp() * 1000)}
    records = [json.dumps(line).encode() for line in members]
    platform.warehouse.append("cursor_spend", [Answer("cursor", None, records, 1, {}, envelope)])


def morning(day: int, month: int = 10) -> datetime:
    return datetime(2026, month, day, 6, tzinfo=UTC)


def daily(platform: Platform) -> dict[tuple[date, str], tuple[Decimal, Decimal, int]]:
    rows = spend_rows(list(growths(snapshots(platform.warehouse.history("cursor_spend")))))
    return {
        (row["activity_date"], row["user_id"]): (row["spend_usd"], row["overall_spend_usd"], row["days_between"])
        for row in rows.to_dicts()
    }


def test_a_mornings_growth_is_the_day_befores_and_exact(platform: Platform) -> None:
    snapshot(platform, morning(10), member("a", 100.125487, 200))
    snapshot(platform, morning(11), member("a", 150.5, 260))
    assert daily(platform)[date(2026, 10, 10), "user_a"] == (Decimal("0.503745130"), Decimal("0.6"), 1)


def test_the_first_snapshot_of_a_cycle_covers_all_its_days_together(platform: Platform) -> None:
    snapshot(platform, morning(5), member("a", 300))
    assert daily(platform) == {(date(2026, 10, 4), "user_a"): (Decimal(3), Decimal(3), 2)}


def test_a_new_cycle_begins_at_zero_and_shows_the_days_not_covered(platform: Platform) -> None:
    snapshot(platform, morning(2, 11), member("a", 900))
    snapshot(platform, morning(3, 11), member("a", 20))
    found = list(growths(snapshots(platform.warehouse.history("cursor_spend"))))
    assert daily(platform)[date(2026, 11, 3), "user_a"][0] == Decimal("0.2")
    assert found[1].tail_unseen == timedelta(hours=18)
    assert "the cycle before ended 18:00:00 after its last snapshot" in based_on(found[1:])


def test_a_missed_snapshot_leaves_its_days_together_and_shows_how_many(platform: Platform) -> None:
    snapshot(platform, morning(10), member("a", 100))
    snapshot(platform, morning(13), member("a", 400))
    assert daily(platform)[date(2026, 10, 11), "user_a"] == (Decimal(3), Decimal(3), 3)
    found = list(growths(snapshots(platform.warehouse.history("cursor_spend"))))
    assert "3 days together: no snapshot in between" in based_on(found[1:])


def test_snapshots_of_one_day_are_one_row(platform: Platform) -> None:
    for hour, cents in ((7, 100), (9, 130), (15, 180)):
        snapshot(platform, morning(10).replace(hour=hour), member("a", cents))
    snapshot(platform, morning(11).replace(hour=8), member("a", 200))
    rows = daily(platform)
    assert rows[date(2026, 10, 10), "user_a"][0] == Decimal("1.00")  # from 07:00, by three differences
    assert sum(spend for spend, _, _ in rows.values()) == Decimal(2)


def test_an_unchanged_figure_is_a_day_without_spend(platform: Platform) -> None:
    snapshot(platform, morning(10), member("a", 100))
    snapshot(platform, morning(11), member("a", 100))
    assert daily(platform)[date(2026, 10, 10), "user_a"][0] == 0


def test_members_come_go_and_are_paid_back(platform: Platform) -> None:
    snapshot(platform, morning(10), member("a", 100), member("b", 50))
    snapshot(platform, morning(11), member("a", 90), member("c", 7))
    rows = daily(platform)
    assert rows[date(2026, 10, 10), "user_a"][0] == Decimal("-0.1")
    assert rows[date(2026, 10, 10), "user_c"][0] == Decimal("0.07")
    assert (date(2026, 10, 10), "user_b") not in rows


def test_numbers_and_user_ids_stay_apart(platform: Platform) -> None:
    snapshot(platform, morning(10), member("a", 100), {**member("a", 5), "userId": 77})
    assert {user for _, user in daily(platform)} == {"user_a", "77"}


@pytest.mark.parametrize("envelope", [{}, {"subscriptionCycleStart": None}, {"subscriptionCycleStart": -1}])
def test_a_figure_without_its_cycle_means_nothing_and_costs_no_other(
    platform: Platform, envelope: dict[str, object]
) -> None:
    snapshot(platform, morning(10), member("a", 100))
    records = [json.dumps(member("a", 1)).encode()]
    platform.warehouse.append("cursor_spend", [Answer("cursor", None, records, 1, {}, envelope)])
    assert len(snapshots(platform.warehouse.history("cursor_spend"))) == 1


def test_a_member_whose_record_is_unreadable_is_not_charged_twice(platform: Platform) -> None:
    snapshot(platform, morning(10), member("a", 100), member("b", 10))
    snapshot(platform, morning(11), {**member("a", 1), "spendCents": "NaN"}, member("b", 30))
    snapshot(platform, morning(12), member("a", 400), member("b", 30))
    rows = daily(platform)
    assert sum(spend for (_, user), (spend, *_) in rows.items() if user == "user_a") == 4
    assert rows[date(2026, 10, 10), "user_b"][0] == Decimal("0.2")
    assert rows[date(2026, 10, 11), "user_a"][0] == 3


def test_spend_rows_may_have_included_spend_in_place_of_older_fields(platform: Platform) -> None:
    """Case 24: rows with `includedSpendCents` and without older fields."""
    bare = {"userId": 102, "email": "Two@Example.com"}
    snapshot(
        platform,
        morning(10),
        {**bare, "spendCents": 100, "includedSpendCents": 20},
        {**bare, "userId": "user_3", "overallSpendCents": 70, "includedSpendCents": 20},
        {**bare, "userId": "user_4", "spendCents": 5},
    )
    found = spend_rows(list(growths(snapshots(platform.warehouse.history("cursor_spend")))))
    assert found.select("user_id", "spend_usd", "overall_spend_usd").rows() == [
        ("102", Decimal("1.00"), Decimal("1.20")),
        ("user_3", Decimal("0.50"), Decimal("0.70")),
        ("user_4", Decimal("0.05"), None),
    ]


def test_the_days_of_a_run_are_built_alone_and_again_alike(platform: Platform) -> None:
    for day in range(6, 16):
        snapshot(platform, morning(day), member("a", day * 100))
    whole, part = Span(date(2026, 10, 1), date(2026, 10, 20)), Span(date(2026, 10, 9), date(2026, 10, 11))
    asked = [Answer("cursor", day, [], 1, {}, {}) for day in whole.days]
    platform.warehouse.append("cursor_usage_events", asked)
    assert platform.materialize(SPEND_DAILY, part, None).result.success
    built = platform.dollars("cursor_spend_daily", "spend_usd")
    assert built == {day: Decimal(1) for day in part.days}
    outcome = platform.materialize(SPEND_DAILY, whole, None)
    first = platform.dollars("cursor_spend_daily", "spend_usd")
    assert sum(first.values()) == 15
    assert outcome.noted("core/cursor_spend_daily", date(2026, 10, 18)) == {
        "spend_usd": "unknown",
        "based_on": "no snapshot",
    }
    platform.materialize(SPEND_DAILY, part, None)
    assert platform.dollars("cursor_spend_daily", "spend_usd") == first
