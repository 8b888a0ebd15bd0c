"""The Claude client against a stand-in that follows the contract: its requests, and what it keeps of each day."""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal

import httpx
import msgspec
import pytest

from ai_usage.ingest.days import LeftOut, NotYet
from ai_usage.partitions import Span
from ai_usage.providers.anthropic.client import ClaudeAdmin
from ai_usage.providers.anthropic.endpoints import COST_GROUPS, DAYS_A_REQUEST, USAGE_GROUPS
from ai_usage.providers.anthropic.records.usage_and_cost import CostLine
from ai_usage.warehouse.ledger import Answer
from ai_usage_tests.ingest import recorded
from ai_usage_tests.ingest.stand_in import (
    ADMIN,
    ORGANIZATIONS,
    PREFIX,
    StandIn,
)
from ai_usage_tests.providers.anthropic.reading import DAY, LINE, NOW, WEEK, YEAR, code_record, left_out, texts

REPORTS: dict[str, Callable[[ClaudeAdmin, Span], list[Answer]]] = {
    "cost_report": lambda admin, span: admin.cost_report(span, group_by=COST_GROUPS),
    "usage_report/messages": lambda admin, span: admin.messages_usage(span, group_by=USAGE_GROUPS),
}


def ungrouped(admin: ClaudeAdmin, span: Span) -> list[Answer]:
    return admin.cost_report(span)


@pytest.mark.parametrize("report", REPORTS)
def test_every_page_is_followed_empty_days_stay_and_records_are_kept_to_the_byte(
    stand_in: StandIn, admin: ClaudeAdmin, report: str
) -> None:
    stand_in.days, stand_in.page_size = {DAY: [LINE, LINE], WEEK.days[4]: [LINE]}, 2
    got = REPORTS[report](admin, WEEK)
    assert texts(got) == {day: stand_in.days.get(day, []) for day in WEEK.days}
    assert [answer.pages for answer in got] == [4] * 7
    assert [asked.path for asked in stand_in.asked] == [f"{PREFIX}{ORGANIZATIONS}/{report}"] * 4
    first, *rest = (asked.params for asked in stand_in.asked)
    assert first["starting_at"] + first["ending_at"] == ["2026-11-01T00:00:00Z", "2026-11-08T00:00:00Z"]
    assert [params["page"] for params in rest] == [["page_0=="], ["page_1=="], ["page_2=="]]
    assert [{**params, "page": []} for params in rest] == [{**first, "page": []}] * 3


def test_amounts_stay_as_the_provider_wrote_them(stand_in: StandIn, admin: ClaudeAdmin) -> None:
    stand_in.days = {DAY: [LINE]}
    [answer] = admin.cost_report(Span(DAY, DAY))
    assert msgspec.json.decode(answer.records[0], type=CostLine).amount == Decimal("83391.52823")
    assert (answer.source, answer.is_simulated) == ("anthropic", False)
    assert answer.envelope == {"starting_at": "2026-11-01T00:00:00Z", "ending_at": "2026-11-02T00:00:00Z"}
    assert ADMIN not in answer.request_json + answer.envelope_json


def test_what_is_grouped_and_how(stand_in: StandIn, admin: ClaudeAdmin) -> None:
    for ask in (*REPORTS.values(), ClaudeAdmin.messages_usage_by_speed, ungrouped):
        ask(admin, WEEK)
    groups = [asked.params.get("group_by[]") for asked in stand_in.asked]
    assert groups == [
        ["workspace_id", "description"],
        ["api_key_id", "workspace_id", "model", "service_tier", "context_window"],
        ["api_key_id", "workspace_id", "model", "inference_geo", "speed"],
        None,
    ]
    betas = [asked.headers.get("anthropic-beta") for asked in stand_in.asked]
    assert betas == [None, None, "fast-mode-2026-02-01", None]


@pytest.mark.parametrize("report", REPORTS)
def test_a_year_is_twelve_requests_of_31_days(stand_in: StandIn, admin: ClaudeAdmin, report: str) -> None:
    assert [answer.day for answer in REPORTS[report](admin, YEAR)] == YEAR.days
    assert len(stand_in.asked) == 12
    for span in YEAR.cut(at_most=DAYS_A_REQUEST):
        REPORTS[report](admin, span)
    assert len(stand_in.asked) == admin.requests == 24


def test_claude_code_is_a_request_a_day_and_one_more_for_a_second_page(stand_in: StandIn, admin: ClaudeAdmin) -> None:
    stand_in.days, stand_in.page_size = {day: [code_record(day, 1)] for day in YEAR.days}, 3
    stand_in.days |= {
        DAY - timedelta(1): [code_record(DAY - timedelta(1), n) for n in range(7)],
        YEAR.first: [],
    }
    assert texts(admin.claude_code(YEAR.days)) == stand_in.days
    assert len(stand_in.asked) == admin.requests == 365 + 2
    assert {asked.params["limit"][0] for asked in stand_in.asked} == {"1000"}


def no_bucket(text: str) -> Callable[[list[str]], list[str]]:
    return lambda page: [*page[:6], text]


# The change of the answer → the days that are not kept, and those of them that are "not yet".
LIES: dict[str, tuple[Callable[[list[str]], list[str]], set[int], set[int]]] = {
    "all is well": (lambda page: page, set(), set()),
    "the newest day is not there": (lambda page: page[:6], {7}, {7}),
    "the newest two are not there": (lambda page: page[:5], {6, 7}, {6, 7}),
    "a day is missing": (lambda page: page[:3] + page[4:], {4}, set()),
    "a day is missing, and the newest": (lambda page: page[:3] + page[4:6], {4, 7}, {7}),
    "the newest but one is missing": (lambda page: page[:5] + page[6:], {6}, set()),
    "the first day is missing": (lambda page: page[1:], {1}, set()),
    "a day comes twice": (lambda page: [*page[:3], *page[2:]], {3}, set()),
    "a day comes three times": (lambda page: [*page, page[0], page[0]], {1}, set()),
    "another day": (lambda page: [*page[:6], page[6].replace("2026-11-07", "2026-11-17")], {7}, set()),
    "one day too many": (lambda page: [*page, page[6].replace("2026-11-07", "2026-11-08")], set(), set()),
    "no order": (lambda page: page[::-1], set(), set()),
    "none at all": (lambda page: [], {1, 2, 3, 4, 5, 6, 7}, {5, 6, 7}),
    "a bucket of no day": (no_bucket('{"results": []}'), {7}, set()),
    "a bucket of a day that is none": (no_bucket('{"starting_at": "tomorrow", "results": []}'), {7}, set()),
    "a bucket without results": (no_bucket('{"starting_at": "2026-11-07T00:00:00Z"}'), {7}, set()),
    "a bucket with results that are no list": (
        no_bucket('{"starting_at":"2026-11-07T00:00:00Z","results":{}}'),
        {7},
        set(),
    ),
    "no bucket": (no_bucket("7"), {7}, set()),
}


@pytest.mark.parametrize("report", REPORTS)
@pytest.mark.parametrize("lie", LIES)
def test_what_is_wrong_with_a_day_costs_that_day_alone(
    stand_in: StandIn, admin: ClaudeAdmin, report: str, lie: str
) -> None:
    """Case 11 and similar ones."""
    stand_in.bend, lost, not_yet = LIES[lie]
    stand_in.days = {day: [LINE] for day in WEEK.days}
    got = REPORTS[report](admin, WEEK)
    kept = [day for day in WEEK.days if day.day not in lost]
    assert texts(got) == {day: [LINE] for day in kept}
    assert [answer.day for answer in got] == kept
    asked = [missing for missing in left_out(got) if missing.day in WEEK]
    assert {missing.day.day for missing in asked} == lost
    assert {missing.day.day for missing in asked if isinstance(missing, NotYet)} == not_yet
    assert len(stand_in.asked) == 1


def test_four_of_five_days_are_kept_and_the_fifth_is_asked_again(stand_in: StandIn, admin: ClaudeAdmin) -> None:
    """Case 11: five days requested, the clock on the sixth at 09:00, the newest has no bucket yet."""
    five = Span(WEEK.days[2], WEEK.last)
    stand_in.days, stand_in.bend = {day: [LINE] for day in five.days}, lambda page: page[:4]
    got = admin.cost_report(five, group_by=COST_GROUPS)
    assert [answer.day for answer in got] == five.days[:4]
    assert left_out(got) == [NotYet(five.last, five.days[3])]
    assert str(got.left_out[0]) == "not yet: 2026-11-07 was asked for, the latest available day is 2026-11-06"
    stand_in.bend = list
    assert texts(admin.cost_report(Span(five.last, five.last))) == {five.last: [LINE]}


def test_a_day_long_past_is_never_not_yet(stand_in: StandIn, admin: ClaudeAdmin) -> None:
    long_ago = Span(date(2026, 3, 1), date(2026, 3, 5))
    stand_in.bend = lambda page: page[:4]
    got = admin.cost_report(long_ago)
    assert [answer.day for answer in got] == long_ago.days[:4]
    assert [type(missing) for missing in left_out(got)] == [LeftOut]
    stand_in.bend = lambda page: []
    assert [type(missing) for missing in left_out(admin.cost_report(long_ago))] == [LeftOut] * 5


def test_recorded_buckets_come_back_as_recorded(stand_in: StandIn, admin: ClaudeAdmin) -> None:
    pages = [recorded.items("cost_report_page1"), recorded.items("cost_report_page2")]
    stand_in.page_size, stand_in.bend = 2, lambda _: pages.pop(0)
    got = texts(admin.cost_report(Span(DAY, DAY + timedelta(2)), group_by=COST_GROUPS))
    assert [len(lines) for lines in got.values()] == [4, 0, 4]
    assert [line for lines in got.values() for line in lines] == recorded.lines("cost_report_page1") + recorded.lines(
        "cost_report_page2"
    )


SAMPLES: dict[str, Callable[[ClaudeAdmin, Span], list[Answer]]] = {
    "cost_report_recorded_shape": REPORTS["cost_report"],
    "usage_report_messages_recorded_shape": REPORTS["usage_report/messages"],
    "analytics_unified_cost_split_sparse": ClaudeAdmin.analytics_cost,
    "analytics_unified_cost_enterprise": ClaudeAdmin.analytics_cost,
    "analytics_unified_usage": ClaudeAdmin.analytics_usage,
}


@pytest.mark.parametrize("name", SAMPLES)
def test_the_contracts_samples_load_whole(name: str) -> None:
    """Recorded and sparse shapes: absent dimensions, no `has_more`, actors of every kind."""
    transport = httpx.MockTransport(lambda _: httpx.Response(200, content=recorded.body(name)))
    admin = ClaudeAdmin.open(base_url="https://mock.test", admin_key="sk-mock", transport=transport, now=lambda: NOW)
    sent = recorded.lines(name) if "report" in name else recorded.items(name)
    days = {day for day in WEEK.days if str(day) in "".join(recorded.items(name))}
    span = Span(DAY, max(day for day in days if f'"starting_at": "{day}' in recorded.body(name).decode()))
    got = SAMPLES[name](admin, span)
    assert sorted(record for records in texts(got).values() for record in records) == sorted(sent)
    assert [answer.day for answer in got] == span.days
    assert left_out(got) == []
