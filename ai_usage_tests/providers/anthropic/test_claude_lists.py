"""Lists, analytics and people as the Claude client reads them; its keys, its errors and its rate limit."""

import json
from collections.abc import Callable
from contextlib import closing
from datetime import date

import httpx
import msgspec
import pytest

from ai_usage.ingest.days import NotYet
from ai_usage.ingest.http.errors import (
    ApiError,
    BadRequest,
    IncompleteAnswer,
    KeyRefused,
    NotFound,
    UnexpectedAnswer,
)
from ai_usage.ingest.http.rate_limit import Pace
from ai_usage.partitions import Span
from ai_usage.providers.anthropic.client import ClaudeAdmin
from ai_usage.providers.anthropic.endpoints import REQUESTS_A_MINUTE
from ai_usage.providers.anthropic.records.lists import ApiKey
from ai_usage.warehouse.ledger import Answer
from ai_usage_tests.ingest import recorded
from ai_usage_tests.ingest.stand_in import (
    ADMIN,
    ANALYTICS,
    BETA,
    PREFIX,
    StandIn,
)
from ai_usage_tests.providers.anthropic.reading import DAY, WEEK, YEAR, left_out, opened, person, row, texts, workspace


def test_lists_are_followed_by_id_to_the_end_archived_included(stand_in: StandIn, admin: ClaudeAdmin) -> None:
    keys = [json.dumps({"id": f"apikey_{n}"}) for n in range(5)]
    stand_in.lists, stand_in.page_size = {"api_keys": keys, "users": keys}, 2
    for answer in (admin.api_keys(), admin.users()):
        assert texts([answer]) == {None: keys}
        assert (answer.pages, answer.day) == (3, None)
    after = [asked.params.get("after_id") for asked in stand_in.asked]
    assert after == [None, ["apikey_1"], ["apikey_3"]] * 2


@pytest.mark.parametrize("default", ["wrkspc_1", "wrkspc_4", None])
def test_the_default_workspace_is_the_one_that_must_be_asked_for(
    stand_in: StandIn, admin: ClaudeAdmin, default: str | None
) -> None:
    listed = [workspace(n, archived="2026-02-01T00:00:00Z" if n == 0 else None) for n in range(5)]
    stand_in.lists, stand_in.page_size, stand_in.default_workspace = {"workspaces": listed}, 2, default
    answer = admin.workspaces()
    assert texts([answer]) == {None: listed}
    assert answer.envelope["default_workspace_ids"] == ([default] if default else [])
    assert answer.pages == len(stand_in.asked)
    assert {asked.params.get("include_default", ["no"])[0] for asked in stand_in.asked} == {"no", "true"}


@pytest.mark.parametrize("name", ["api_keys_v20230601", "api_keys_v20261021"])
def test_both_spellings_of_a_key_can_be_read(stand_in: StandIn, admin: ClaudeAdmin, name: str) -> None:
    stand_in.lists = {"api_keys": recorded.items(name)}
    keys = [msgspec.json.decode(record, type=ApiKey) for record in admin.api_keys().records]
    places = [key.workspace_id or (key.scope and key.scope.workspace_id) for key in keys]
    assert places[0] == "wrkspc_01ExampleDataTeam000001"
    assert [key.name for key in keys][:2] == ["etl", "web"]
    assert all(key.principal and key.created_by for key in keys)


def test_the_organization_is_one_record(stand_in: StandIn, admin: ClaudeAdmin) -> None:
    stand_in.lists = {"me": [recorded.body("organization_me").decode()]}
    assert texts([admin.organization()]) == {None: stand_in.lists["me"]}
    stand_in.lists = {"me": ['{"type": "error"}']}
    with pytest.raises(UnexpectedAnswer, match="organizations/me"):
        admin.organization()


@pytest.mark.parametrize("ask", [ClaudeAdmin.analytics_cost, ClaudeAdmin.analytics_usage])
def test_analytics_rows_go_to_their_days_whatever_their_order(
    stand_in: StandIn, admin: ClaudeAdmin, ask: Callable[[ClaudeAdmin, Span], list[Answer]]
) -> None:
    stand_in.rows = [row(WEEK.days[n % 5], n) for n in (3, 0, 4, 8, 5)]
    stand_in.page_size, stand_in.envelope = 2, {"data_refreshed_at": "2026-11-20T18:00:00Z"}
    got = ask(admin, WEEK)
    expected = {0: [0, 5], 3: [3, 8], 4: [4]}
    assert texts(got) == {day: [row(day, n) for n in expected.get(i, [])] for i, day in enumerate(WEEK.days)}
    assert got[0].envelope == stand_in.envelope
    assert [asked.headers["anthropic-beta"] for asked in stand_in.asked] == [BETA] * 3
    groups = stand_in.asked[0].params["group_by[]"]
    assert groups[:5] == ["product", "workspace_id", "api_key_id", "actor", "model"]
    assert groups[5:] == (["cost_type", "token_type"] if ask == ClaudeAdmin.analytics_cost else [])


def test_an_answer_refreshed_while_it_is_read_is_read_again(stand_in: StandIn, admin: ClaudeAdmin) -> None:
    stand_in.rows, stand_in.page_size, stand_in.refreshes = [row(DAY, n) for n in range(6)], 2, 2
    assert texts(admin.analytics_cost(Span(DAY, DAY))) == {DAY: stand_in.rows}
    assert len(stand_in.asked) == 6


def test_an_answer_refreshed_at_every_read_is_no_answer(stand_in: StandIn, admin: ClaudeAdmin) -> None:
    stand_in.rows, stand_in.page_size, stand_in.refreshes = [row(DAY, n) for n in range(6)], 2, 100
    with pytest.raises(IncompleteAnswer, match="moved during each of 3 reads"):
        admin.analytics_cost(Span(DAY, DAY))


def test_people_are_a_request_a_day_and_one_more_for_each_further_page(stand_in: StandIn, admin: ClaudeAdmin) -> None:
    stand_in.days = {day: [person(n) for n in range(7 if day == WEEK.first else 2)] for day in WEEK.days}
    stand_in.page_size = 3
    assert texts(admin.enterprise_users(WEEK.days)) == stand_in.days
    assert len(stand_in.asked) == admin.requests == 7 + 2
    for asked in stand_in.asked:
        assert asked.params.keys() - {"page"} == {"date", "limit"}
        assert asked.params["limit"] == ["1000"]


def test_recorded_people_come_back_as_recorded(stand_in: StandIn, admin: ClaudeAdmin) -> None:
    recording = [*recorded.items("analytics_users_page1"), *recorded.items("analytics_users_page2")]
    stand_in.days, stand_in.page_size = {DAY: recording}, 1
    assert texts(admin.enterprise_users([DAY])) == {DAY: recording}


def test_a_day_that_is_not_ready_is_not_yet_and_the_others_are_kept(stand_in: StandIn, admin: ClaudeAdmin) -> None:
    stand_in.days, stand_in.ready = {day: [person(1)] for day in WEEK.days}, WEEK.days[4]
    got = admin.enterprise_users(WEEK.days)
    assert [answer.day for answer in got] == WEEK.days[:5]
    assert left_out(got) == [NotYet(day, WEEK.days[4]) for day in WEEK.days[5:]]
    assert str(got.left_out[1]) == "not yet: 2026-11-07 was asked for, the latest available day is 2026-11-05"
    assert len(stand_in.asked) == 7  # a refusal is not retried


def refusing(body: bytes) -> ClaudeAdmin:
    transport = httpx.MockTransport(lambda _: httpx.Response(400, content=body))
    return ClaudeAdmin.open(base_url="https://mock.test", admin_key="sk-mock", transport=transport)


def test_the_recorded_refusal_is_not_yet_for_later_days_alone() -> None:
    admin = refusing(recorded.body("analytics_error_400_date_not_ready"))
    assert left_out(admin.enterprise_users([date(2026, 11, 19)])) == [NotYet(date(2026, 11, 19), date(2026, 11, 18))]
    with pytest.raises(BadRequest, match="Data is available up to 2026-11-18"):
        admin.enterprise_users([date(2026, 11, 18)])


@pytest.mark.parametrize("words", ["Data is not available before 2026-01-01.", "date: unknown since 2026-10-21"])
def test_any_other_refusal_of_a_day_is_a_failure(words: str) -> None:
    error = {"type": "error", "error": {"type": "invalid_request_error", "message": words}}
    with pytest.raises(BadRequest, match=words):
        refusing(json.dumps(error).encode()).enterprise_users([DAY])


def test_a_person_who_comes_twice_with_other_counts_is_read_again(stand_in: StandIn, admin: ClaudeAdmin) -> None:
    sent, counts = [person(1), person(2)], iter(range(9))
    stand_in.days = {DAY: sent, WEEK.last: sent}
    stand_in.bend = lambda page: page if next(counts) else [*page, person(1).replace("{}", '{"n": 1}')]
    assert texts(admin.enterprise_users([DAY])) == {DAY: sent}
    stand_in.bend = lambda page: [*page, person(1).replace("{}", f'{{"n": {next(counts)}}}')]
    got = admin.enterprise_users([DAY])
    assert got == []
    assert "moved during each of 3 reads" in str(left_out(got)[0])


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
    stand_in: StandIn, analytics_key: str, used: str
) -> None:
    stand_in.days = {day: [] for day in WEEK.days}
    stand_in.lists = {"me": ['{"id": "o"}'], "workspaces": [], "api_keys": [], "users": []}
    with closing(opened(stand_in, admin_key=f"{ADMIN}\n", analytics_key=analytics_key)) as admin:
        for ask in EVERYTHING:
            ask(admin)
        assert admin.has_analytics_key is bool(analytics_key)
    assert len(stand_in.asked) == 16 + 7
    for asked in stand_in.asked:
        assert asked.headers["anthropic-version"] == "2023-06-01"
        assert asked.headers["user-agent"].startswith("ai_usage/")
        assert asked.headers["x-api-key"] == (used if "/analytics/" in asked.path else ADMIN)


def test_errors_name_the_key_or_address_to_correct(stand_in: StandIn) -> None:
    with closing(opened(stand_in, admin_key="sk-ant-wrong")) as admin, pytest.raises(KeyRefused) as caught:
        admin.organization()
    assert "Claude /v1/organizations/me answered 401: invalid x-api-key (key) " in str(caught.value)
    assert "request id req_stand_in. ANTHROPIC_ADMIN_API_KEY" in str(caught.value)
    stand_in.url = stand_in.url.removesuffix(PREFIX)
    with (
        closing(opened(stand_in)) as admin,
        pytest.raises(NotFound, match=f"Or the base URL {stand_in.url} is wrong") as missing,
    ):
        admin.claude_code(YEAR.days)
    assert isinstance(missing.value, ApiError)
    assert len(stand_in.asked) < 50


def test_analytics_alone_keep_to_the_pace_retries_and_pages_included(
    stand_in: StandIn, admin: ClaudeAdmin, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[Pace] = []
    monkeypatch.setattr(Pace, "__call__", lambda pace, _: waits.append(pace))
    stand_in.rows, stand_in.page_size = [row(DAY, n) for n in range(5)], 2
    admin.cost_report(WEEK)
    assert {pace.default for pace in waits} == {REQUESTS_A_MINUTE}  # an endless answer is not followed at full speed
    waits.clear()
    admin.analytics_cost(WEEK)
    stand_in.days = {day: [] for day in WEEK.days}
    admin.enterprise_users(WEEK.days)
    stand_in.bend = lambda page: ["{"]
    with pytest.raises(ApiError):
        admin.analytics_usage(WEEK)
    assert [pace.default for pace in waits] == [60] * (3 + 7 + 2)
    assert len(set(map(id, waits))) == 1
