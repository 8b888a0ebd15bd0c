"""Spend limits against usage: near from 80 %, reached at 100 %, and neither if one of the two is unknown."""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from ai_usage.marts.build_days import rebuild_whole
from ai_usage.marts.files import marts
from ai_usage.providers.cursor.spend import limit_rows, snapshots
from ai_usage.providers.cursor.tables import CURSOR_SPEND_LIMITS
from ai_usage.warehouse.ledger import Answer
from ai_usage_tests.marts.by_hand import pull, put
from ai_usage_tests.platform import Platform, platform_in

A = "ai_usage_analytics"
LIMITS = "limits_are_not_reached"
CYCLE = datetime(2026, 11, 3, tzinfo=UTC)


@pytest.fixture
def platform(tmp_path: Path) -> Platform:
    found = platform_in(tmp_path)
    put(found, "pulls", [pull("cursor_usage_events", date(2026, 11, 12), datetime(2026, 11, 13, 6, tzinfo=UTC))])
    return found


def know(platform: Platform, *members: dict[str, object]) -> dict[str, tuple[Decimal | None, Decimal | None, str]]:
    """Loads the limits of these members, as Cursor sends them, into core and mart. Returns person → limit, ratio and
    state.
    """
    record = [msgspec.json.encode({"userId": f"user_{n}", **member}) for n, member in enumerate(members)]
    envelope = {"subscriptionCycleStart": int(CYCLE.timestamp() * 1000)}
    platform.warehouse.append("cursor_spend", [Answer("cursor", None, record, 1, {}, envelope)])
    with platform.warehouse.connected():
        rows = limit_rows(snapshots(platform.warehouse.newest("cursor_spend", None), at="pulled_at"))
        platform.warehouse.replace_all(CURSOR_SPEND_LIMITS, rows)
    rebuild_whole(platform.warehouse, next(mart for mart in marts() if mart.table.name == "limit_use"))
    found = platform.sql(f"select user_email, limit_usd, used_ratio, state from {A}.limit_use")
    return {who: (limit, ratio, state) for who, limit, ratio, state in found}


def test_use_in_cents_is_compared_with_limits_in_dollars(platform: Platform) -> None:
    put(platform, "dim_person", [{"user_email": "ann@x.io", "team_name": "Data"}])
    found = know(
        platform,
        {"email": "Ann@x.io", "spendCents": 25000, "effectivePerUserLimitDollars": 250},
        {"email": "bob@x.io", "spendCents": 20000.5, "hardLimitOverrideDollars": 250},
        {"email": "cy@x.io", "spendCents": 19999, "hardLimitOverrideDollars": 0, "monthlyLimitDollars": 250},
        {"email": "di@x.io", "spendCents": 900, "monthlyLimitDollars": None, "hardLimitOverrideDollars": 0},
        {"email": "flo@x.io", "spendCents": 0, "effectivePerUserLimitDollars": 0},
    )
    limit = Decimal(250)
    assert found == {
        "ann@x.io": (limit, Decimal(1), "reached"),
        "bob@x.io": (limit, Decimal("0.8"), "near"),
        "cy@x.io": (limit, Decimal("0.8"), "near"),  # 0.79996, rounded to four decimals
        "di@x.io": (None, None, "unknown"),
        "flo@x.io": (Decimal(0), None, "included_only"),
    }
    teams = platform.sql(f"select user_email from {A}.limit_use where team_name = 'Data'")
    assert teams == [("ann@x.io",)]
    outcome = platform.check(LIMITS)
    assert outcome.not_passed(LIMITS) == {None}
    why = outcome.why(LIMITS, None, "limit_use")
    assert "Spend limit of ann@x.io at cursor: $250.00 of $250.00 used (100%) since 2026-11-03." in why
    assert "bob@x.io at cursor: $200.00 of $250.00 used (80%)" in why
    assert not [who for who in ("di@", "flo@") if who in why]


def test_a_limit_with_room_left_passes_and_without_limits_there_is_nothing_to_evaluate(platform: Platform) -> None:
    assert "No provider reported a spend limit." in platform.check(LIMITS).not_evaluated(LIMITS, "limit_use")[None]
    member = {"email": "ann@x.io", "spendCents": 19990, "effectivePerUserLimitDollars": 250}
    assert know(platform, member)["ann@x.io"] == (Decimal(250), Decimal("0.7996"), "within")
    assert platform.check(LIMITS).not_passed(LIMITS) == set()
    assert platform.check(LIMITS).evaluation(LIMITS, None, "limit_use").passed
