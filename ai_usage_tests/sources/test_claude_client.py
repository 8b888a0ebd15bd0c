"""The Claude client against a stand-in that speaks the contract: what it asks, keeps, and refuses to keep."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import httpx
import msgspec
import pytest

from ai_usage.partitions import Span
from ai_usage.settings import read_settings
from ai_usage.sources.claude.client import COST_GROUPS, DAYS_A_REQUEST, USAGE_GROUPS, ClaudeAdmin, NotYet
from ai_usage.sources.claude.records import ApiKey, CostLine
from ai_usage.sources.http import (
    BadRequest,
    IncompleteAnswer,
    KeyRefused,
    NotFound,
    Patience,
    UnexpectedAnswer,
    VendorError,
)
from ai_usage.sources.pace import Pace
from ai_usage.warehouse.ledger import Answer
from ai_usage_tests.sources import recorded
from ai_usage_tests.sources.stand_in import (
    ADMIN,
    ANALYTICS,
    BETA,
    ORGANIZATIONS,
    PREFIX,
    StandIn,
    standing_in,
)

DAY = date(2026, 11, 1)
WEEK = Span(DAY, DAY + timedelta(6))
YEAR = Span(date(2025, 11, 1), date(2026, 10, 31))
LINE = '{ "amount": "83391.52823", "currency":"USD", "workspace_id": null,"brand_new": [1.50] }'
REPORTS: dict[str, Callable[[ClaudeAdmin, Span], list[Answer]]] = {
    "cost_report": lambda admin, span: admin.cost_report(span, group_by=COST_GROUPS),
    "usage_report/messages": lambda admin, span: admin.messages_usage(span, group_by=USAGE_GROUPS),
}


def ungrouped(admin: ClaudeAdmin, span: Span) -> list[Answer]:
    return admin.cost_report(span)


@pytest.fixture
def vendor() -> Iterator[StandIn]:
    with standing_in() as stand_in:
        yield stand_in


@pytest.fixture
def admin(vendor: StandIn) -> Iterator[ClaudeAdmin]:
    with closing(opened(vendor)) as admin:
        yield admin


def opened(vendor: StandIn, admin_key: str = ADMIN, analytics_key: str = "") -> ClaudeAdmin:
    """A client at the address the environment names."""
    found = read_settings({"ANTHROPIC_ADMIN_BASE_URL": f"{vendor.url}/"})
    patience = Patience(attempts=2, first_wait=0, jitter=0)
    return ClaudeAdmin.open(
        base_url=found.anthropic_base_url, admin_key=admin_key, analytics_key=analytics_key, patience=patience
    )


def texts(answers: list[Answer]) -> dict[date | None, list[str]]:
    return {answer.day: [bytes(record).decode() for record in answer.records] for answer in answers}


def code_record(day: date, session: int) -> str:
    return f'{{"date": "{day}T00:00:00Z", "n": {session}}}'


def row(day: date, n: int) -> str:
    return f'{{"starting_at": "{day}T00:00:00Z", "n": {n}}}'


@pytest.mark.parametrize("report", REPORTS)
def test_every_page_is_followed_empty_days_stay_and_records_are_kept_to_the_byte(
    vendor: StandIn, admin: ClaudeAdmin, report: str
) -> None:
    vendor.days, vendor.page_size = {DAY: [LINE, LINE], WEEK.days[4]: [LINE]}, 2
    got = REPORTS[report](admin, WEEK)
    assert texts(got) == {day: vendor.days.get(day, []) for day in WEEK.days}
    assert [answer.pages for answer in got] == [4] * 7
    assert [asked.path for asked in vendor.asked] == [f"{PREFIX}{ORGANIZATIONS}/{report}"] * 4
    first, *rest = (asked.params for asked in vendor.asked)
    assert first["starting_at"] + first["ending_at"] == ["2026-11-01T00:00:00Z", "2026-11-08T00:00:00Z"]
    assert [params["page"] for params in rest] == [["page_0=="], ["page_1=="], ["page_2=="]]
    assert [{**params, "page": []} for params in rest] == [{**first, "page": []}] * 3


def test_amounts_stay_what_the_vendor_wrote(vendor: StandIn, admin: ClaudeAdmin) -> None:
    vendor.days = {DAY: [LINE]}
    [answer] = admin.cost_report(Span(DAY, DAY))
    assert msgspec.json.decode(answer.records[0], type=CostLine).amount == Decimal("83391.52823")
    assert (answer.source, answer.is_simulated) == ("anthropic", False)
    assert answer.envelope == {"starting_at": "2026-11-01T00:00:00Z", "ending_at": "2026-11-02T00:00:00Z"}
    assert ADMIN not in answer.request_json + answer.envelope_json


def test_what_is_grouped_and_how(vendor: StandIn, admin: ClaudeAdmin) -> None:
    for ask in (*REPORTS.values(), ClaudeAdmin.messages_usage_by_speed, ungrouped):
        ask(admin, WEEK)
    groups = [asked.params.get("group_by[]") for asked in vendor.asked]
    assert groups == [
        ["workspace_id", "description"],
        ["api_key_id", "workspace_id", "model", "service_tier", "context_window"],
        ["api_key_id", "workspace_id", "model", "inference_geo", "speed"],
        None,
    ]
    betas = [asked.headers.get("anthropic-beta") for asked in vendor.asked]
    assert betas == [None, None, "fast-mode-2026-02-01", None]


@pytest.mark.parametrize("report", REPORTS)
def test_a_year_is_twelve_requests_of_31_days(vendor: StandIn, admin: ClaudeAdmin, report: str) -> None:
    assert [answer.day for answer in REPORTS[report](admin, YEAR)] == YEAR.days
    assert len(vendor.asked) == 12
    for span in YEAR.cut(at_most=DAYS_A_REQUEST):
        REPORTS[report](admin, span)
    assert len(vendor.asked) == admin.requests == 24


def test_claude_code_is_a_request_a_day_and_one_more_for_a_second_page(vendor: StandIn, admin: ClaudeAdmin) -> None:
    vendor.days, vendor.page_size = {day: [code_record(day, 1)] for day in YEAR.days}, 3
    vendor.days |= {
        DAY - timedelta(1): [code_record(DAY - timedelta(1), n) for n in range(7)],
        YEAR.first: [],
    }
    assert texts(admin.claude_code(YEAR.days)) == vendor.days
    assert len(vendor.asked) == admin.requests == 365 + 2
    assert {asked.params["limit"][0] for asked in vendor.asked} == {"1000"}


LIES: dict[str, Callable[[list[str]], list[str]]] = {
    "a day is missing": lambda page: page[:3] + page[4:],
    "the first day is missing": lambda page: page[1:],
    "a day comes twice": lambda page: [*page[:3], *page[2:]],
    "another day": lambda page: [*page[:6], page[6].replace("2026-11-07", "2026-11-17")],
    "one day too many": lambda page: [*page, page[6].replace("2026-11-07", "2026-11-08")],
    "no order": lambda page: page[::-1],
    "none at all": lambda page: [],
}


@pytest.mark.parametrize("report", REPORTS)
@pytest.mark.parametrize("lie", LIES)
def test_a_report_that_is_not_day_by_day_is_refused_whole(
    vendor: StandIn, admin: ClaudeAdmin, report: str, lie: str
) -> None:
    vendor.bend = LIES[lie]
    with pytest.raises(IncompleteAnswer, match="2026-11-01…2026-11-07"):
        REPORTS[report](admin, WEEK)
    assert len(vendor.asked) == 1


def test_records_of_another_day_are_refused(vendor: StandIn, admin: ClaudeAdmin) -> None:
    vendor.days = {DAY: [code_record(DAY, 1), code_record(WEEK.last, 1)]}
    with pytest.raises(IncompleteAnswer, match=r"claude_code of 2026-11-01 .*2026-11-07"):
        admin.claude_code([DAY])
    vendor.rows = [row(WEEK.last, 1), row(DAY, 1)]
    with pytest.raises(IncompleteAnswer, match=r"analytics/cost of 2026-11-01 .*2026-11-07"):
        admin.analytics_cost(Span(DAY, DAY))


ASKS: dict[str, tuple[Callable[[ClaudeAdmin], object], str]] = {
    "cost_report": (lambda admin: admin.cost_report(WEEK), '{"starting_at": "2026-11-01"}'),
    "usage_report/messages": (lambda admin: admin.messages_usage(WEEK), '{"results": []}'),
    "usage_report/claude_code": (lambda admin: admin.claude_code([DAY]), "{}"),
    "analytics/cost": (lambda admin: admin.analytics_cost(WEEK), '{"starting_at": "2026-11-01T00:00:00"}'),
    "workspaces": (lambda admin: admin.workspaces(), '{"name": "without an id"}'),
}


@pytest.mark.parametrize("path", ASKS)
def test_a_record_of_another_shape_is_named_by_its_endpoint(vendor: StandIn, admin: ClaudeAdmin, path: str) -> None:
    ask, record = ASKS[path]
    vendor.days, vendor.lists, vendor.bend = {DAY: []}, {"workspaces": []}, lambda page: [record]
    with pytest.raises(UnexpectedAnswer, match=path):
        ask(admin)


@pytest.mark.parametrize("path", ASKS)
def test_more_without_a_way_there_is_a_contradiction(vendor: StandIn, admin: ClaudeAdmin, path: str) -> None:
    vendor.days, vendor.rows, vendor.lists = {DAY: [code_record(DAY, 1)]}, [row(DAY, 1)], {"workspaces": [workspace(1)]}
    vendor.envelope = {"has_more": True, "next_page": None, "last_id": None}
    with pytest.raises(IncompleteAnswer, match=f"{path} .*names no"):
        ASKS[path][0](admin)


def test_recorded_buckets_come_back_as_recorded(vendor: StandIn, admin: ClaudeAdmin) -> None:
    pages = [recorded.items("cost_report_page1"), recorded.items("cost_report_page2")]
    vendor.page_size, vendor.bend = 2, lambda _: pages.pop(0)
    got = texts(admin.cost_report(Span(DAY, DAY + timedelta(2)), group_by=COST_GROUPS))
    assert [len(lines) for lines in got.values()] == [4, 0, 4]
    assert [line for lines in got.values() for line in lines] == recorded.lines("cost_report_page1") + recorded.lines(
        "cost_report_page2"
    )


def workspace(n: int, archived: str | None = None) -> str:
    return json.dumps({"id": f"wrkspc_{n}", "name": f"W{n}", "archived_at": archived})


def test_lists_are_followed_by_id_to_the_end_archived_included(vendor: StandIn, admin: ClaudeAdmin) -> None:
    keys = [json.dumps({"id": f"apikey_{n}"}) for n in range(5)]
    vendor.lists, vendor.page_size = {"api_keys": keys, "users": keys}, 2
    for answer in (admin.api_keys(), admin.users()):
        assert texts([answer]) == {None: keys}
        assert (answer.pages, answer.day) == (3, None)
    after = [asked.params.get("after_id") for asked in vendor.asked]
    assert after == [None, ["apikey_1"], ["apikey_3"]] * 2


@pytest.mark.parametrize("default", ["wrkspc_1", "wrkspc_4", None])
def test_the_default_workspace_is_the_one_that_must_be_asked_for(
    vendor: StandIn, admin: ClaudeAdmin, default: str | None
) -> None:
    listed = [workspace(n, archived="2026-02-01T00:00:00Z" if n == 0 else None) for n in range(5)]
    vendor.lists, vendor.page_size, vendor.default_workspace = {"workspaces": listed}, 2, default
    answer = admin.workspaces()
    assert texts([answer]) == {None: listed}
    assert answer.envelope["default_workspace_ids"] == ([default] if default else [])
    assert answer.pages == len(vendor.asked)
    assert {asked.params.get("include_default", ["no"])[0] for asked in vendor.asked} == {"no", "true"}


@pytest.mark.parametrize("name", ["api_keys_v20230601", "api_keys_v20261021"])
def test_both_spellings_of_a_key_can_be_read(vendor: StandIn, admin: ClaudeAdmin, name: str) -> None:
    vendor.lists = {"api_keys": recorded.items(name)}
    keys = [msgspec.json.decode(record, type=ApiKey) for record in admin.api_keys().records]
    places: list[Any] = [key.workspace_id or (key.scope or {}).get("workspace_id") for key in keys]
    assert places[0] == "wrkspc_01ExampleDataTeam000001"
    assert [key.name for key in keys][:2] == ["etl", "web"]
    assert all(key.principal and key.created_by for key in keys)


def test_the_organization_is_one_record(vendor: StandIn, admin: ClaudeAdmin) -> None:
    vendor.lists = {"me": [recorded.body("organization_me").decode()]}
    assert texts([admin.organization()]) == {None: vendor.lists["me"]}
    vendor.lists = {"me": ['{"type": "error"}']}
    with pytest.raises(UnexpectedAnswer, match="organizations/me"):
        admin.organization()


@pytest.mark.parametrize("ask", [ClaudeAdmin.analytics_cost, ClaudeAdmin.analytics_usage])
def test_analytics_rows_go_to_their_days_whatever_their_order(
    vendor: StandIn, admin: ClaudeAdmin, ask: Callable[[ClaudeAdmin, Span], list[Answer]]
) -> None:
    vendor.rows = [row(WEEK.days[n % 5], n) for n in (3, 0, 4, 8, 5)]
    vendor.page_size, vendor.envelope = 2, {"data_refreshed_at": "2026-11-20T18:00:00Z"}
    got = ask(admin, WEEK)
    expected = {0: [0, 5], 3: [3, 8], 4: [4]}
    assert texts(got) == {day: [row(day, n) for n in expected.get(i, [])] for i, day in enumerate(WEEK.days)}
    assert got[0].envelope == vendor.envelope
    assert [asked.headers["anthropic-beta"] for asked in vendor.asked] == [BETA] * 3
    groups = vendor.asked[0].params["group_by[]"]
    assert groups[:5] == ["product", "workspace_id", "api_key_id", "actor", "model"]
    assert groups[5:] == (["cost_type", "token_type"] if ask == ClaudeAdmin.analytics_cost else [])


def test_an_answer_refreshed_while_it_is_read_is_read_again(vendor: StandIn, admin: ClaudeAdmin) -> None:
    vendor.rows, vendor.page_size, vendor.refreshes = [row(DAY, n) for n in range(6)], 2, 2
    assert texts(admin.analytics_cost(Span(DAY, DAY))) == {DAY: vendor.rows}
    assert len(vendor.asked) == 6


def test_an_answer_refreshed_at_every_read_is_no_answer(vendor: StandIn, admin: ClaudeAdmin) -> None:
    vendor.rows, vendor.page_size, vendor.refreshes = [row(DAY, n) for n in range(6)], 2, 100
    with pytest.raises(IncompleteAnswer, match="refreshed during each of 3 reads"):
        admin.analytics_cost(Span(DAY, DAY))


def person(n: int) -> str:
    return json.dumps({"user": {"id": f"user_{n}", "email_address": f"p{n}@example.com"}, "chat_metrics": {}})


def people(admin: ClaudeAdmin, *days: date) -> list[Answer]:
    return [said for said in admin.enterprise_users(days) if isinstance(said, Answer)]


def test_people_are_a_request_a_day_and_one_more_for_each_further_page(vendor: StandIn, admin: ClaudeAdmin) -> None:
    vendor.days = {day: [person(n) for n in range(7 if day == WEEK.first else 2)] for day in WEEK.days}
    vendor.page_size = 3
    assert texts(people(admin, *WEEK.days)) == vendor.days
    assert len(vendor.asked) == admin.requests == 7 + 2
    for asked in vendor.asked:
        assert asked.params.keys() - {"page"} == {"date", "limit"}
        assert asked.params["limit"] == ["1000"]


def test_recorded_people_come_back_as_recorded(vendor: StandIn, admin: ClaudeAdmin) -> None:
    recording = [*recorded.items("analytics_users_page1"), *recorded.items("analytics_users_page2")]
    vendor.days, vendor.page_size = {DAY: recording}, 1
    assert texts(people(admin, DAY)) == {DAY: recording}


def test_a_day_that_is_not_ready_is_not_yet_and_the_others_are_told(vendor: StandIn, admin: ClaudeAdmin) -> None:
    vendor.days, vendor.ready = {day: [person(1)] for day in WEEK.days}, WEEK.days[4]
    got = admin.enterprise_users(WEEK.days)
    assert [isinstance(said, Answer) for said in got] == [True] * 5 + [False] * 2
    assert got[5:] == [NotYet(day, WEEK.days[4]) for day in WEEK.days[5:]]
    assert str(got[6]) == "not yet: 2026-11-07 was asked for, the latest available day is 2026-11-05"
    assert len(vendor.asked) == 7  # a refusal is not tried again


def refusing(body: bytes) -> ClaudeAdmin:
    transport = httpx.MockTransport(lambda _: httpx.Response(400, content=body))
    return ClaudeAdmin.open(base_url="https://mock.test", admin_key="sk-mock", transport=transport)


def test_the_recorded_refusal_is_not_yet_for_later_days_alone() -> None:
    admin = refusing(recorded.body("analytics_error_400_date_not_ready"))
    assert admin.enterprise_users([date(2026, 11, 19)]) == [NotYet(date(2026, 11, 19), date(2026, 11, 18))]
    with pytest.raises(BadRequest, match="Data is available up to 2026-11-18"):
        admin.enterprise_users([date(2026, 11, 18)])


@pytest.mark.parametrize("words", ["Data is not available before 2026-01-01.", "date: unknown since 2026-10-21"])
def test_any_other_refusal_of_a_day_is_a_failure(words: str) -> None:
    error = {"type": "error", "error": {"type": "invalid_request_error", "message": words}}
    with pytest.raises(BadRequest, match=words):
        refusing(json.dumps(error).encode()).enterprise_users([DAY])


def test_a_person_who_comes_twice_is_refused(vendor: StandIn, admin: ClaudeAdmin) -> None:
    vendor.days = {DAY: [person(1), person(2), person(1)]}
    with pytest.raises(IncompleteAnswer, match="of 2026-11-01 names a person twice"):
        admin.enterprise_users([DAY])
    vendor.days = {DAY: ['{"user": null}']}
    with pytest.raises(UnexpectedAnswer, match="analytics/users"):
        admin.enterprise_users([DAY])


EVERYTHING: list[Callable[[ClaudeAdmin], object]] = [
    ClaudeAdmin.organization,
    ClaudeAdmin.workspaces,
    ClaudeAdmin.api_keys,
    ClaudeAdmin.users,
    lambda admin: admin.cost_report(WEEK),
    lambda admin: admin.messages_usage(WEEK),
    lambda admin: admin.claude_code(WEEK.days),
    lambda admin: admin.analytics_cost(WEEK),
    lambda admin: admin.analytics_usage(WEEK),
    lambda admin: admin.enterprise_users(WEEK.days),
]


@pytest.mark.parametrize(("analytics_key", "used"), [("", ADMIN), (f" {ANALYTICS}\n", ANALYTICS)])
def test_each_request_carries_the_version_our_name_and_the_one_key_it_needs(
    vendor: StandIn, analytics_key: str, used: str
) -> None:
    vendor.days = {day: [] for day in WEEK.days}
    vendor.lists = {"me": ['{"id": "o"}'], "workspaces": [], "api_keys": [], "users": []}
    with closing(opened(vendor, admin_key=f"{ADMIN}\n", analytics_key=analytics_key)) as admin:
        for ask in EVERYTHING:
            ask(admin)
        assert admin.has_analytics_key is bool(analytics_key)
    assert len(vendor.asked) == 16 + 7
    for asked in vendor.asked:
        assert asked.headers["anthropic-version"] == "2023-06-01"
        assert asked.headers["user-agent"].startswith("ai_usage/")
        assert asked.headers["x-api-key"] == (used if "/analytics/" in asked.path else ADMIN)


def test_errors_say_which_key_or_address_to_mend(vendor: StandIn) -> None:
    with closing(opened(vendor, admin_key="sk-ant-wrong")) as admin, pytest.raises(KeyRefused) as caught:
        admin.organization()
    assert "Claude /v1/organizations/me answered 401: invalid x-api-key (key) " in str(caught.value)
    assert "request id req_stand_in. ANTHROPIC_ADMIN_API_KEY" in str(caught.value)
    vendor.url = vendor.url.removesuffix(PREFIX)
    with (
        closing(opened(vendor)) as admin,
        pytest.raises(NotFound, match="ANTHROPIC_ADMIN_BASE_URL") as missing,
    ):
        admin.claude_code(YEAR.days)
    assert isinstance(missing.value, VendorError)
    assert len(vendor.asked) < 50


def test_analytics_alone_keep_to_the_pace_retries_and_pages_included(
    vendor: StandIn, admin: ClaudeAdmin, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[Pace] = []
    monkeypatch.setattr(Pace, "__call__", lambda pace, _: waits.append(pace))
    vendor.rows, vendor.page_size = [row(DAY, n) for n in range(5)], 2
    admin.cost_report(WEEK)
    assert not waits
    admin.analytics_cost(WEEK)
    vendor.days = {day: [] for day in WEEK.days}
    admin.enterprise_users(WEEK.days)
    vendor.bend = lambda page: ["{"]
    with pytest.raises(VendorError):
        admin.analytics_usage(WEEK)
    assert [pace.default for pace in waits] == [60] * (3 + 7 + 2)
    assert len(set(map(id, waits))) == 1
