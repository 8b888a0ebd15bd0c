"""Cursor records without an address, or that cannot be used: what counts, and which days are blocked."""

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from ai_usage.marts import gate
from ai_usage.marts.gate import blocked_days
from ai_usage.partitions import Span
from ai_usage.providers.cursor.provider import CURSOR as CURSOR_PROVIDER
from ai_usage.providers.cursor.rows import usage_rows
from ai_usage.warehouse.ledger import Answer
from ai_usage_tests.platform import Platform
from ai_usage_tests.providers.cursor.by_hand import build, event, events, snapshot
from ai_usage_tests.pulled_records import pulled_records

CYCLE = datetime(2026, 10, 3, tzinfo=UTC)
EVENTS = "ai_usage_analytics.cursor_usage_events"


def test_the_events_of_a_removed_person_are_counted_under_their_last_address(platform: Platform) -> None:
    """Case 4: no `userEmail`, and not in /teams/members."""
    day = date(2026, 10, 3)
    at = CYCLE + timedelta(hours=3)
    platform.warehouse.append(
        "cursor_daily_usage",
        [
            Answer(
                "cursor", day, [json.dumps({"userId": 7, "day": str(day), "email": "Gone@x.com"}).encode()], 1, {}, {}
            )
        ],
    )
    events(platform, day, event(at, 5, "bot@x.com", serviceAccountId="sa_1"))
    build(platform, "cursor_usage_stats", "cursor_usage_events", over=Span(day, day))
    events(
        platform,
        day,
        event(at, 100, None, userId=7),
        event(at, 10, None, serviceAccountId="sa_1"),
        event(at, 1, None, userId=8),
        event(at, 1, None),
    )
    build(platform, "cursor_usage_events", over=Span(day, day))
    assert platform.sql(f"select user_email, sum(charged_usd) from {EVENTS} group by 1 order by 1 nulls last") == [
        ("bot@x.com", Decimal("0.1")),
        ("gone@x.com", Decimal(1)),
        (None, Decimal("0.02")),
    ]
    assert platform.rejections() == []
    assert blocked_days(platform.warehouse, Span(day, day), CURSOR_PROVIDER.gate) == {}


def test_an_address_that_comes_with_the_same_run_is_known_at_once(platform: Platform) -> None:
    """Case 4, with no earlier pull: the tables that name the people are built after the events."""
    day, next_day = date(2026, 10, 3), date(2026, 10, 4)
    used = {"userId": 7, "day": str(next_day), "email": "Gone@x.com"}
    texts = [json.dumps(used).encode()]
    usage = [Answer("cursor", day, [], 1, {}, {}), Answer("cursor", next_day, texts, 1, {}, {})]
    platform.warehouse.append("cursor_daily_usage", usage)
    snapshot(platform, "cursor_members", {"id": "user_8", "email": "eight@x.com"})
    at = CYCLE + timedelta(hours=3)
    events(platform, day, event(at, 100, None, userId=7), event(at, 10, None, userId="user_8"), event(at, 1, None))
    events(platform, next_day)
    build(platform, "cursor_usage_events", "cursor_usage_stats", "dim_cursor_member", over=Span(day, next_day))
    assert platform.sql(f"select user_email, charged_usd from {EVENTS} order by charged_usd desc") == [
        ("gone@x.com", Decimal(1)),
        ("eight@x.com", Decimal("0.1")),
        (None, Decimal("0.01")),
    ]


def test_an_event_that_cannot_be_used_blocks_its_day_of_cursor_alone(platform: Platform) -> None:
    days = [date(2026, 10, 3), date(2026, 10, 4)]
    at = CYCLE + timedelta(hours=3)
    events(platform, days[0], event(at, 5), event(at, 5, chargedCents="NaN"))
    events(platform, days[1], event(at + timedelta(days=1), 7))
    texts = [json.dumps({"userId": 7, "day": "x", "email": "a@x.com"}).encode(), b'{"day": "2026-10-03"}']
    usage = [Answer("cursor", days[0], texts, 1, {}, {}), Answer("cursor", days[1], [], 1, {}, {})]
    platform.warehouse.append("cursor_daily_usage", usage)
    over = Span(*days)
    build(platform, "cursor_usage_stats", "cursor_usage_events", over=over)
    assert platform.rejections() == [
        (days[0], "chargedCents", "NaN is not an amount of money"),
        (days[0], "userId", "is missing, and so is an address"),
    ]
    assert blocked_days(platform.warehouse, over, CURSOR_PROVIDER.gate) == {days[0]: [gate.READABLE]}
    assert platform.sql(f"select activity_date, charged_usd from {EVENTS} order by 1") == [
        (days[0], Decimal("0.05")),
        (days[1], Decimal("0.07")),
    ]


FIXTURES = Path(__file__).parents[2] / "fixtures"


def test_a_recorded_day_of_october_2025_has_text_ids_and_no_empty_texts() -> None:
    """Case 8: `userId` as text, an empty text for a missing one, a count that is null, absent or `3.0`."""
    whole = json.loads((FIXTURES / "cursor/daily_usage_data_recorded_shape.json").read_text())["data"]
    odd = [{**whole[0], "agentRequests": None}, {**whole[0], "agentRequests": 3.0}, dict(whole[0])]
    del odd[2]["agentRequests"]
    rows = usage_rows(pulled_records(*(json.dumps(record) for record in [*whole, *odd])), [])
    assert rows["cursor_user_id"].to_list()[:2] == [
        "user_EXAMPLE0000000000000000001",
        "user_EXAMPLE0000000000000000002",
    ]
    assert rows["most_used_model"].to_list()[:3] == ["claude-opus-5-5", None, None]
    assert rows["agent_requests"].to_list() == [3, 0, 0, 0, None, 3, None]
