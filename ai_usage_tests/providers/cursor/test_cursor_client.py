"""Cursor's client against the simulator, which was written from the contract alone."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import MethodType
from typing import Any

import httpx
import msgspec
import pytest

from ai_usage.ingest.drift import drift
from ai_usage.ingest.http.errors import IncompleteAnswer, KeyRefused
from ai_usage.ingest.http.paging import Page
from ai_usage.ingest.http.rate_limit import Pace
from ai_usage.ingest.http.retry import Patience
from ai_usage.partitions import ONE_DAY, Span
from ai_usage.providers.cursor.client import RATE, RATES, CursorAdmin
from ai_usage.providers.cursor.pages import by_number
from ai_usage.providers.cursor.tables import DAILY_PULLS, SNAPSHOT_PULLS
from ai_usage.simulator import CURSOR_KEY, Simulator
from ai_usage.warehouse.ledger import Answer

NOW = datetime(2026, 11, 20, 12, 30, tzinfo=UTC)
TODAY = NOW.date()
FIXTURES = Path(__file__).parents[2] / "fixtures" / "cursor"
WEEK = Span(date(2026, 11, 9), date(2026, 11, 15))


@pytest.fixture(scope="module")
def stand_in() -> Iterator[Simulator]:
    with Simulator(now=NOW) as simulator:
        yield simulator


def opened(stand_in: Simulator, key: str = CURSOR_KEY, **more: Any) -> CursorAdmin:
    patience = Patience(attempts=3, seconds=5, first_wait=0, jitter=0)
    return CursorAdmin.open(base_url=stand_in.cursor_url, key=key, now=lambda: NOW, patience=patience, **more)


@pytest.fixture
def admin(stand_in: Simulator) -> Iterator[CursorAdmin]:
    stand_in.faults.clear()
    stand_in.requests.clear()
    with closing(opened(stand_in, pace=lambda _: None)) as client:
        yield client


def decoded(answers: list[Answer]) -> dict[date | None, list[dict[str, Any]]]:
    return {a.day: [msgspec.json.decode(r) for r in a.records] for a in answers}


def test_each_usage_row_lies_on_its_day_and_idle_members_have_one(admin: CursorAdmin) -> None:
    days = decoded(admin.daily_usage(WEEK))
    assert list(days) == WEEK.days
    assert all(row["day"] == str(day) for day, rows in days.items() for row in rows)
    assert any(not row["isActive"] for rows in days.values() for row in rows)
    assert any(row["date"] % 86_400_000 for rows in days.values() for row in rows)


def test_a_range_of_events_takes_the_fewest_pages_and_loses_none(stand_in: Simulator, admin: CursorAdmin) -> None:
    days = decoded(admin.usage_events(WEEK))
    truth = {day: len(stand_in.cursor_day(day).events) for day in WEEK.days}
    assert {day: len(events) for day, events in days.items()} == truth
    assert len(stand_in.requests) == -(-sum(truth.values()) // 1000)


def test_adjacent_windows_neither_share_nor_lose_an_event(admin: CursorAdmin) -> None:
    whole = {a.day: sorted(a.records) for a in admin.usage_events(WEEK)}
    apart = {a.day: sorted(a.records) for day in WEEK.days for a in admin.usage_events(Span(day, day))}
    assert apart == whole
    times = [
        int(event["timestamp"]) % 86_400_000
        for events in decoded(admin.usage_events(WEEK)).values()
        for event in events
    ]
    assert {0, 86_399_999} <= set(times)  # there are events exactly on the boundaries


def test_equal_events_are_kept_as_often_as_they_happened(admin: CursorAdmin) -> None:
    answers = admin.usage_events(WEEK)
    assert any(len(set(a.records)) < len(a.records) for a in answers)


def test_what_is_younger_than_an_hour_is_left_for_the_next_pull(stand_in: Simulator, admin: CursorAdmin) -> None:
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


def test_snapshots_hold_everybody(stand_in: Simulator, admin: CursorAdmin) -> None:
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


def test_money_is_kept_to_the_last_digit_of_the_provider(admin: CursorAdmin) -> None:
    texts = [r.decode() for a in admin.usage_events(WEEK) for r in a.records]
    assert any("chargedCents" in text for text in texts)
    for text in texts[:50]:
        cents = text.split('"chargedCents":')[1].split(",")[0].strip(" }")
        assert str(msgspec.json.decode(text, type=DAILY_PULLS["cursor_usage_events"]).charged_cents) == cents


def test_the_error_of_a_refused_key_names_what_to_correct_and_not_the_key(stand_in: Simulator) -> None:
    with closing(opened(stand_in, key="crsr_nonsense")) as admin, pytest.raises(KeyRefused) as caught:
        admin.members()
    assert "Cursor /teams/members answered 401: Invalid API key (Unauthorized)" in str(caught.value)
    assert "CURSOR_ADMIN_API_KEY" in str(caught.value)
    assert "crsr_nonsense" not in str(caught.value)


def test_each_endpoint_is_asked_at_its_own_rate(stand_in: Simulator) -> None:
    slept: list[float] = []
    with closing(opened(stand_in, pace=Pace(RATES, RATE, clock=lambda: 0.0, sleep=slept.append))) as admin:
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


# Case 16: the provider's pages shift while they are read.


def boundary(admin: CursorAdmin, readings: int, *, loses: bool = True, page: int = 1) -> list[int]:
    """In this many readings the last event of a page is also on the next one. Returns a list with the count of
    readings.
    """
    honest, read = type(admin.api).pages, [0]

    def shifted(api: Any, *args: Any, **more: Any) -> list[Page]:
        got = honest(api, *args, **more)
        read[0] += 1
        if read[0] > readings:
            return got
        before, shown = got[page - 1].items[-1], got[page].items
        return [*got[:page], replace(got[page], items=[before, *(shown[:-1] if loses else shown)]), *got[page + 1 :]]

    admin.api.pages = MethodType(shifted, admin.api)  # type: ignore[method-assign]
    return read


def test_an_event_on_two_pages_while_the_count_is_right_is_read_again(admin: CursorAdmin) -> None:
    """Case 16: the boundary event on both pages, another on none, the count right."""
    truth = {answer.day: sorted(answer.records) for answer in admin.usage_events(WEEK)}
    read = boundary(admin, 1)
    assert {answer.day: sorted(answer.records) for answer in admin.usage_events(WEEK)} == truth
    assert read == [2]


def test_an_event_that_two_readings_show_twice_is_there_twice(admin: CursorAdmin) -> None:
    """Equal events do occur: a check compares the counts, not the client."""
    truth = sum(len(answer.records) for answer in admin.usage_events(WEEK))
    read = boundary(admin, 9)
    got = [record for answer in admin.usage_events(WEEK) for record in answer.records]
    assert (len(got), read) == (truth, [2])


def test_the_ordinary_answer_is_read_once(stand_in: Simulator, admin: CursorAdmin) -> None:
    admin.usage_events(WEEK)
    admin.daily_usage(WEEK)
    admin.spend()
    admin.ai_commits(WEEK)
    asked = Counter(request.path.removeprefix("/cursor") for request in stand_in.requests)
    events = sum(len(stand_in.cursor_day(day).events) for day in WEEK.days)
    assert asked["/teams/filtered-usage-events"] == -(-events // 1000) > 1
    assert asked["/teams/daily-usage-data"] == asked["/teams/spend"] == asked["/analytics/ai-code/commits"] == 1


def test_overlapping_pages_are_noticed_too(stand_in: Simulator, admin: CursorAdmin) -> None:
    truth = {answer.day: sorted(answer.records) for answer in admin.usage_events(WEEK)}
    stand_in.faults.plan("overlapping_page", path="usage-events")
    assert {answer.day: sorted(answer.records) for answer in admin.usage_events(WEEK)} == truth


def mocked(bodies: dict[str, Any]) -> CursorAdmin:
    """A provider that answers each path with one body, recorded or invented."""

    def answer(request: httpx.Request) -> httpx.Response:
        body = bodies[request.url.path]
        return httpx.Response(200, content=body if isinstance(body, bytes) else msgspec.json.encode(body))

    return CursorAdmin.open(
        base_url="https://cursor.test",
        key="crsr_mock",
        now=lambda: NOW,
        pace=lambda _: None,
        patience=Patience(attempts=1),
        transport=httpx.MockTransport(answer),
    )


def recorded(name: str) -> bytes:
    return (FIXTURES / f"{name}.json").read_bytes()


FIRST, SECOND = date(2026, 11, 1), date(2026, 11, 2)


def test_the_recorded_daily_usage_of_2025_loads_whole() -> None:
    """Case 8: text ids, a time of day as the date, no pages."""
    admin = mocked({"/teams/daily-usage-data": recorded("daily_usage_data_recorded_shape")})
    rows = decoded(admin.daily_usage(Span(FIRST, SECOND)))
    assert [row for day in rows.values() for row in day] == json.loads(recorded("daily_usage_data_recorded_shape"))[
        "data"
    ]
    assert {day: {row["day"] for row in records} for day, records in rows.items()} == {d: {str(d)} for d in rows}
    assert {type(row["userId"]) for row in rows[FIRST]} == {str}


@pytest.mark.parametrize(("name", "rows"), [("daily_usage_data_sparse", 2), ("daily_usage_data_unpaged", 1)])
def test_rows_of_every_age_load_whole(name: str, rows: int) -> None:
    got = mocked({"/teams/daily-usage-data": recorded(name)}).daily_usage(Span(FIRST, FIRST))
    assert {answer.day: len(answer.records) for answer in got} == {FIRST: rows}


def test_a_full_page_that_names_no_next_one_is_not_believed() -> None:
    full = {"data": [{"day": "2026-11-01"}] * 1000}
    with pytest.raises(IncompleteAnswer, match="names no next one"):
        mocked({"/teams/daily-usage-data": full}).daily_usage(Span(FIRST, FIRST))


def test_sparse_events_groups_spend_and_members_load_whole() -> None:
    """Cases 5, 7, 8 and 24, as far as the client reads them."""
    admin = mocked(
        {
            "/teams/filtered-usage-events": recorded("filtered_usage_events_sparse"),
            "/teams/groups": recorded("groups_sparse"),
            "/teams/spend": recorded("spend_extra_fields"),
            "/teams/members": recorded("teams_members_older"),
        }
    )
    assert {answer.day: len(answer.records) for answer in admin.usage_events(Span(FIRST, FIRST))} == {FIRST: 4}
    assert [len(answer.records) for answer in (admin.groups(), admin.spend(), admin.members())] == [2, 2, 2]


def events(*records: Any) -> dict[str, Any]:
    pagination = {"numPages": 1, "currentPage": 1, "pageSize": 1000}
    return {"totalUsageEventsCount": len(records), "pagination": pagination, "usageEvents": records}


AT = 1793494800123  # 2026-11-01


@pytest.mark.parametrize("timestamp", [AT, float(AT), str(AT), f"{AT}.5", "2026-11-01T00:00:00Z", "2026-11-01"])
def test_an_events_time_is_read_in_every_form(timestamp: object) -> None:
    """Case 5: `timestamp` as a number."""
    got = mocked({"/teams/filtered-usage-events": events({"timestamp": timestamp})}).usage_events(Span(FIRST, SECOND))
    assert {answer.day: len(answer.records) for answer in got} == {FIRST: 1, SECOND: 0}


NO_TIMES: list[Any] = [None, "", "soon", [], {}, True, 1e30, -1e30, "9" * 5000]


@pytest.mark.parametrize("event", [{}, [], None, "x", 7, *({"timestamp": at} for at in NO_TIMES)])
def test_an_event_of_no_readable_day_is_kept_and_costs_no_other(event: Any) -> None:
    records = events({"timestamp": AT}, event, {"timestamp": AT + 1})
    [day] = mocked({"/teams/filtered-usage-events": records}).usage_events(Span(FIRST, FIRST))
    assert [msgspec.json.decode(record) for record in day.records] == list(records["usageEvents"])
    got = mocked({"/teams/filtered-usage-events": records}).usage_events(Span(FIRST, SECOND))
    assert {answer.day: len(answer.records) for answer in got} == {FIRST: 3}
    assert [missing.day for missing in got.left_out] == [SECOND]


def test_an_event_of_another_day_costs_none_of_the_days_asked() -> None:
    day_before = AT - 86_400_000
    got = mocked({"/teams/filtered-usage-events": events({"timestamp": AT}, {"timestamp": day_before})}).usage_events(
        Span(FIRST, SECOND)
    )
    assert {answer.day: len(answer.records) for answer in got} == {FIRST: 1, SECOND: 0}
    assert [str(missing) for missing in got.left_out] == [
        "not pulled: Cursor /teams/filtered-usage-events of 2026-11-01…2026-11-02 came with 1 records of it, unasked"
    ]
    with pytest.raises(IncompleteAnswer, match="records of 2026-10-31 alone"):
        mocked({"/teams/filtered-usage-events": events({"timestamp": day_before})}).usage_events(Span(FIRST, SECOND))


@pytest.mark.parametrize(
    "row",
    [{"day": "2026-11-01"}, {"date": AT}, {"day": None, "date": AT}, {"day": "", "date": AT}, {"day": 5, "date": AT}],
)
def test_a_rows_day_is_read_in_every_form(row: dict[str, Any]) -> None:
    got = mocked({"/teams/daily-usage-data": {"data": [row | {"userId": 1}]}}).daily_usage(Span(FIRST, FIRST))
    assert {answer.day: len(answer.records) for answer in got} == {FIRST: 1}
