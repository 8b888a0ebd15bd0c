"""Cursor's client against the built-in vendor, which was written from the contract alone."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import pytest

from ai_usage.partitions import ONE_DAY, Span
from ai_usage.simulator import CURSOR_KEY, Simulator
from ai_usage.sources.cursor.client import RATE, RATES, CursorAdmin, by_number
from ai_usage.sources.cursor.tables import DAILY_PULLS, SNAPSHOT_PULLS
from ai_usage.sources.drift import drift
from ai_usage.sources.http import IncompleteAnswer, KeyRefused, Page, Patience
from ai_usage.sources.pace import Pace
from ai_usage.warehouse.ledger import Answer

NOW = datetime(2026, 11, 20, 12, 30, tzinfo=UTC)
TODAY = NOW.date()
WEEK = Span(date(2026, 11, 9), date(2026, 11, 15))


@pytest.fixture(scope="module")
def vendor() -> Iterator[Simulator]:
    with Simulator(now=NOW) as simulator:
        yield simulator


def opened(vendor: Simulator, key: str = CURSOR_KEY, **more: Any) -> CursorAdmin:
    patience = Patience(attempts=3, seconds=5, first_wait=0, jitter=0)
    return CursorAdmin.open(base_url=vendor.cursor_url, key=key, now=lambda: NOW, patience=patience, **more)


@pytest.fixture
def admin(vendor: Simulator) -> Iterator[CursorAdmin]:
    vendor.faults.clear()
    vendor.requests.clear()
    with closing(opened(vendor, pace=lambda _: None)) as client:
        yield client


def decoded(answers: list[Answer]) -> dict[date | None, list[dict[str, Any]]]:
    return {a.day: [msgspec.json.decode(r) for r in a.records] for a in answers}


def test_each_usage_row_lies_on_its_day_and_idle_members_have_one(admin: CursorAdmin) -> None:
    days = decoded(admin.daily_usage(WEEK))
    assert list(days) == WEEK.days
    assert all(row["day"] == str(day) for day, rows in days.items() for row in rows)
    assert any(not row["isActive"] for rows in days.values() for row in rows)
    assert any(row["date"] % 86_400_000 for rows in days.values() for row in rows)


def test_a_range_of_events_takes_the_fewest_pages_and_loses_none(vendor: Simulator, admin: CursorAdmin) -> None:
    days = decoded(admin.usage_events(WEEK))
    truth = {day: len(vendor.cursor_day(day).events) for day in WEEK.days}
    assert {day: len(events) for day, events in days.items()} == truth
    assert len(vendor.requests) == -(-sum(truth.values()) // 1000)


def test_adjacent_windows_neither_share_nor_lose_an_event(admin: CursorAdmin) -> None:
    whole = {a.day: sorted(a.records) for a in admin.usage_events(WEEK)}
    apart = {a.day: sorted(a.records) for day in WEEK.days for a in admin.usage_events(Span(day, day))}
    assert apart == whole
    times = [
        int(event["timestamp"]) % 86_400_000
        for events in decoded(admin.usage_events(WEEK)).values()
        for event in events
    ]
    assert {0, 86_399_999} <= set(times)  # there are events on the boundaries themselves


def test_equal_events_are_kept_as_often_as_they_happened(admin: CursorAdmin) -> None:
    answers = admin.usage_events(WEEK)
    assert any(len(set(a.records)) < len(a.records) for a in answers)


def test_what_is_younger_than_an_hour_is_left_for_the_next_pull(vendor: Simulator, admin: CursorAdmin) -> None:
    [today] = admin.usage_events(Span(TODAY, TODAY))
    close = int((NOW - timedelta(hours=1)).timestamp() * 1000)
    assert today.request["endDate"] == close - 1
    assert all(int(msgspec.json.decode(r)["timestamp"]) < close for r in today.records)


def test_a_count_that_moves_while_pages_are_read_has_them_read_again(admin: CursorAdmin) -> None:
    honest, pages = type(admin.api).pages, []

    def moving(api: Any, *args: Any, **more: Any) -> list[Page]:
        got = honest(api, *args, **more)
        pages.append(got)
        if len(pages) < 2:
            return [Page(got[0].items[1:], got[0].beside), *got[1:]]
        return got

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(admin.api), "pages", moving)
        answers = admin.usage_events(WEEK)
    assert sum(len(a.records) for a in answers) == pages[1][0].beside["totalUsageEventsCount"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(admin.api), "pages", lambda *a, **m: [Page(p.items[1:], p.beside) for p in honest(*a, **m)])
        with pytest.raises(IncompleteAnswer, match="moved during each of 3 reads"):
            admin.usage_events(WEEK)


def test_snapshots_hold_everybody(vendor: Simulator, admin: CursorAdmin) -> None:
    members, spend, groups = (decoded([a])[None] for a in (admin.members(), admin.spend(), admin.groups()))
    assert any(member["isRemoved"] for member in members)
    assert {row["email"] for row in spend} <= {member["email"] for member in members}
    assert groups[-1]["name"] == "Unassigned"
    assert "subscriptionCycleStart" in admin.spend().envelope


def test_nothing_that_cursor_sends_is_unknown(admin: CursorAdmin) -> None:
    daily = {"cursor_daily_usage": admin.daily_usage, "cursor_usage_events": admin.usage_events}
    for pull, ask in daily.items():
        assert not drift((r.decode() for a in ask(WEEK) for r in a.records), DAILY_PULLS[pull])
    for pull, snapshot in (
        ("cursor_spend", admin.spend),
        ("cursor_members", admin.members),
        ("cursor_groups", admin.groups),
    ):
        assert not drift((r.decode() for r in snapshot().records), SNAPSHOT_PULLS[pull])


def test_money_is_kept_to_the_vendors_last_digit(admin: CursorAdmin) -> None:
    texts = [r.decode() for a in admin.usage_events(WEEK) for r in a.records]
    assert any("chargedCents" in text for text in texts)
    for text in texts[:50]:
        cents = text.split('"chargedCents":')[1].split(",")[0].strip(" }")
        assert str(msgspec.json.decode(text, type=DAILY_PULLS["cursor_usage_events"]).charged_cents) == cents


def test_a_refused_key_says_what_to_mend_and_not_what_it_was(vendor: Simulator) -> None:
    with closing(opened(vendor, key="crsr_nonsense")) as admin, pytest.raises(KeyRefused) as caught:
        admin.members()
    assert "Cursor /teams/members answered 401: Invalid API key (Unauthorized)" in str(caught.value)
    assert "CURSOR_ADMIN_API_KEY" in str(caught.value)
    assert "crsr_nonsense" not in str(caught.value)


def test_each_endpoint_is_asked_at_its_own_rate(vendor: Simulator) -> None:
    slept: list[float] = []
    with closing(opened(vendor, pace=Pace(RATES, RATE, clock=lambda: 0.0, sleep=slept.append))) as admin:
        for _ in range(20):
            admin.members()
        admin.groups()
        for _ in range(60):
            admin.usage_events(Span(TODAY + ONE_DAY, TODAY + ONE_DAY))
        assert not slept
        admin.members()
        assert slept == [60]


def test_an_answer_that_does_not_count_its_pages_is_none() -> None:
    with pytest.raises(ValueError, match="how many pages"):
        by_number(lambda beside: beside["totalPages"])(Page([], {}))


def test_a_span_over_midnight_is_whole_days(admin: CursorAdmin) -> None:
    answers = admin.daily_usage(Span(WEEK.first, WEEK.first + ONE_DAY))
    assert answers[0].request["startDate"] == 1762646400000 + 365 * 86_400_000
    assert answers[0].request["endDate"] == answers[0].request["startDate"] + 2 * 86_400_000 - 1
