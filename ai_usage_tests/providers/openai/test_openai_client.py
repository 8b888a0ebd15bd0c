"""OpenAI's client: the span of a request, groupings that are refused, pages, lists of projects, refused keys."""

import json
from collections import Counter
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from ai_usage.errors import SettingError
from ai_usage.ingest.drift import drift
from ai_usage.ingest.http.errors import BadRequest, IncompleteAnswer, KeyRefused, NotFound, NotPermitted
from ai_usage.ingest.http.retry import Patience
from ai_usage.partitions import Span
from ai_usage.providers.openai.client import OpenAIAdmin
from ai_usage.providers.openai.endpoints import COST_DAYS, USAGE_DAYS, USAGE_GROUPS
from ai_usage.providers.openai.records import USED
from ai_usage.providers.openai.tables import DAILY_PULLS, ENDPOINTS, SNAPSHOT_PULLS, USAGE_PULLS
from ai_usage.warehouse.ledger import Answer
from ai_usage_tests.mock_openai import (
    CODEX_KEY,
    KEY,
    NOW,
    WORKSPACE,
    MockOpenAI,
    cost,
    project,
    project_key,
    refusal,
    seconds,
    tokens,
)

FIXTURES = Path(__file__).parents[2] / "fixtures" / "openai"
DAY = date(2026, 11, 1)
NEXT = DAY + timedelta(days=1)
BOTH = Span(DAY, NEXT)
YEAR = Span(date(2025, 11, 20), date(2026, 11, 19))
COSTS = "/organization/costs"
COMPLETIONS = "/organization/usage/completions"


def recorded(name: str) -> Any:
    return json.loads((FIXTURES / f"{name}.json").read_text(encoding="utf-8"))


def answering(*bodies: Any, asked: list[httpx.Request] | None = None, **more: Any) -> OpenAIAdmin:
    """A provider that answers each request with the next of these bodies, recorded or invented."""
    left = list(bodies)

    def answer(request: httpx.Request) -> httpx.Response:
        if asked is not None:
            asked.append(request)
        return httpx.Response(200, json=left.pop(0))

    return OpenAIAdmin.open(
        base_url="https://openai.test/v1",
        key=KEY,
        now=lambda: NOW,
        patience=Patience(attempts=1),
        transport=httpx.MockTransport(answer),
        **more,
    )


def decoded(answers: list[Answer]) -> dict[date | None, list[Any]]:
    return {answer.day: [json.loads(record) for record in answer.records] for answer in answers}


def results(body: Any) -> dict[date | None, list[Any]]:
    days = {seconds(DAY): DAY, seconds(NEXT): NEXT}
    return {days[bucket["start_time"]]: bucket["results"] for bucket in body["data"]}


def unknown(answers: list[Answer], of: type) -> Counter[str]:
    return drift((record.decode() for answer in answers for record in answer.records), of)


# Recorded answers, and the contract's samples.


@pytest.mark.parametrize(
    ("name", "span"),
    [
        ("costs_string_amounts", BOTH),
        ("costs_grouped_by_key", Span(DAY, DAY)),
        ("costs_grouped_by_user", Span(DAY, DAY)),
    ],
)
def test_recorded_costs_load_whole(name: str, span: Span) -> None:
    got = answering(recorded(name)).costs(span)
    assert decoded(got) == results(recorded(name))
    assert not got.left_out
    assert not unknown(got, DAILY_PULLS["openai_costs"])


def test_recorded_pages_are_joined_by_the_token_of_the_same_query() -> None:
    asked: list[httpx.Request] = []
    got = answering(recorded("costs_page1"), recorded("costs_page2"), asked=asked).costs(BOTH)
    assert decoded(got) == results(recorded("costs_page1")) | results(recorded("costs_page2"))
    first, second = (request.url.params for request in asked)
    assert second["page"] == "page_AAAAexample2"
    assert second.remove("page") == first


def test_recorded_usage_of_completions_loads_whole() -> None:
    got = answering(recorded("usage_completions_page1"), recorded("usage_completions_page2")).usage("completions", BOTH)
    assert {day: len(found) for day, found in decoded(got).items()} == {DAY: 1, NEXT: 1}
    grouped = answering(recorded("usage_completions_grouped")).usage("completions", BOTH)
    assert decoded(grouped) == results(recorded("usage_completions_grouped"))
    assert not unknown(got, USED["completions"])
    assert not unknown(grouped, USED["completions"])


@pytest.mark.parametrize("endpoint", [of for of in ENDPOINTS if of != "completions"])
def test_recorded_usage_of_each_endpoint_loads_whole(endpoint: str) -> None:
    got = answering(recorded(f"usage_{endpoint}")).usage(endpoint, Span(DAY, DAY))
    assert decoded(got) == results(recorded(f"usage_{endpoint}"))
    assert not unknown(got, DAILY_PULLS[USAGE_PULLS[endpoint]])


def test_recorded_lists_load_whole() -> None:
    projects = answering(recorded("projects_page1"), recorded("projects_page2")).projects()
    users, admin_keys = answering(recorded("users")).users(), answering(recorded("admin_api_keys")).admin_keys()
    assert [len(answer.records) for answer in (projects, users, admin_keys)] == [3, 3, 1]
    one = {"data": [project("proj_1")], "has_more": False}
    keys = answering(one, recorded("project_api_keys")).project_keys()
    services = answering(one, recorded("project_service_accounts")).service_accounts()
    members = answering(one, recorded("project_users")).project_users()
    assert [len(answer.records) for answer in (keys, services, members)] == [3, 1, 2]
    pulls = ["openai_projects", "openai_users", "openai_admin_api_keys", "openai_project_api_keys"]
    pulls += ["openai_service_accounts", "openai_project_users"]
    answers = (projects, users, admin_keys, keys, services, members)
    assert [unknown([answer], SNAPSHOT_PULLS[pull]) for pull, answer in zip(pulls, answers, strict=True)] == [
        Counter()
    ] * 6


def test_recorded_usage_of_codex_loads_whole() -> None:
    bodies = recorded("codex_usage_UNVERIFIED"), recorded("codex_usage_UNVERIFIED_page2")
    asked: list[httpx.Request] = []
    got = answering(*bodies, asked=asked, workspace=WORKSPACE).codex_usage(BOTH)
    assert decoded(got) == {DAY: bodies[0]["data"], NEXT: []}
    assert asked[1].url.params["page"] == "page_example_codex2"
    assert not unknown(got, DAILY_PULLS["openai_codex_usage"])


# The span of a request.


def test_a_year_takes_the_fewest_requests() -> None:
    mock = MockOpenAI()
    with closing(mock.admin()) as admin:
        for span in YEAR.cut(at_most=COST_DAYS):
            assert [answer.day for answer in admin.costs(span)] == span.days
            assert [answer.day for answer in admin.cost_totals(span)] == span.days
        for endpoint in ENDPOINTS:
            for span in YEAR.cut(at_most=USAGE_DAYS):
                assert [answer.day for answer in admin.usage(endpoint, span)] == span.days
        assert Counter(mock.paths()) == {
            COSTS: 3 + 3,
            **{f"/organization/usage/{endpoint}": 12 for endpoint in ENDPOINTS},
        }
        assert admin.requests == 6 + 12 * len(ENDPOINTS)


def test_a_request_names_its_bounds_in_seconds_and_as_many_buckets_as_days() -> None:
    mock = MockOpenAI()
    mock.admin().costs(BOTH)
    query = mock.asked[0].url.params
    assert (query["start_time"], query["end_time"]) == ("1793491200", "1793664000")
    assert (query["bucket_width"], query["limit"]) == ("1d", "2")
    assert query.get_list("group_by[]") == ["project_id", "line_item", "api_key_id"]


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_each_endpoint_is_asked_by_what_its_report_has(endpoint: str) -> None:
    mock = MockOpenAI()
    [answer] = mock.admin().usage(endpoint, Span(DAY, DAY))
    assert mock.asked[0].url.params.get_list("group_by[]") == list(USAGE_GROUPS[endpoint])
    assert answer.envelope["grouped_by"] == list(USAGE_GROUPS[endpoint])


def test_more_days_than_a_page_has_are_read_to_the_last_with_the_same_query() -> None:
    mock = MockOpenAI({DAY + timedelta(days=n): [cost("1.5")] for n in range(5)}, a_page=2)
    got = mock.admin().costs(Span(DAY, DAY + timedelta(days=4)))
    assert [len(answer.records) for answer in got] == [1] * 5
    assert {answer.pages for answer in got} == {3}
    assert len({str(request.url.params.remove("page")) for request in mock.asked}) == 1
    assert all(answer.envelope.keys() == {"start_time", "end_time", "grouped_by"} for answer in got), "no cursor"


# A grouping that the organization refuses.


@pytest.mark.parametrize(
    ("refused", "asked"),
    [
        ({"api_key_id"}, ["project_id,line_item,api_key_id", "project_id,line_item"]),
        ({"project_id"}, ["project_id,line_item,api_key_id", "project_id,line_item", "line_item"]),
        ({"line_item"}, ["project_id,line_item,api_key_id", "project_id,line_item", "line_item", ""]),
    ],
)
def test_costs_are_asked_by_what_the_organization_allows_and_the_refusals_are_kept(
    refused: set[str], asked: list[str]
) -> None:
    mock = MockOpenAI({DAY: [cost("1.5")]}, refused_groups=refused)
    admin = mock.admin()
    [answer] = admin.costs(Span(DAY, DAY))
    groupings = [",".join(request.url.params.get_list("group_by[]")) for request in mock.asked]
    assert groupings == asked
    assert ",".join(answer.envelope["grouped_by"]) == asked[-1]
    why = "Not available for the organization. (invalid_request_error, parameter group_by)"
    found = answer.envelope["refused_groupings"]
    assert found == dict.fromkeys(asked[:-1], why)
    assert answer.request.get("group_by[]", []) == answer.envelope["grouped_by"]


def test_a_refused_grouping_is_not_asked_again_and_is_named_in_every_answer() -> None:
    mock = MockOpenAI(refused_groups={"api_key_id"})
    admin = mock.admin()
    for span in YEAR.cut(at_most=COST_DAYS):
        answers = admin.costs(span)
        assert all("project_id,line_item,api_key_id" in answer.envelope["refused_groupings"] for answer in answers)
    assert len(mock.asked) == 3 + 1
    [total] = admin.cost_totals(Span(DAY, DAY))
    assert "refused_groupings" not in total.envelope


def test_usage_is_asked_without_the_user_where_that_is_refused() -> None:
    mock = MockOpenAI(usage={"completions": {DAY: [tokens()]}}, refused_groups={"user_id"})
    [answer] = mock.admin().usage("completions", Span(DAY, DAY))
    assert answer.envelope["grouped_by"] == ["project_id", "api_key_id", "model", "batch", "service_tier"]
    assert json.loads(answer.records[0])["user_id"] is None


def test_the_recorded_refusal_of_a_grouping_is_one() -> None:
    mock = MockOpenAI()
    mock.answers[COSTS] = [httpx.Response(400, json=recorded("error_400_grouping"))]
    [answer] = mock.admin().costs(Span(DAY, DAY))
    assert answer.envelope["grouped_by"] == ["project_id", "line_item"]


@pytest.mark.parametrize("status", [400, 403, 404])
def test_another_refusal_is_none_of_a_grouping(status: int) -> None:
    mock = MockOpenAI()
    mock.answers[COSTS] = [refusal(status, "No.", param="start_time")]
    with pytest.raises((BadRequest, NotPermitted, NotFound), match=rf"answered {status}: No\."):
        mock.admin().costs(Span(DAY, DAY))
    assert len(mock.asked) == 1


def test_a_grouping_that_is_refused_to_the_last_is_an_error() -> None:
    mock = MockOpenAI(refused_groups={"project_id"})
    for endpoint in ("vector_stores", "decisions"):
        with pytest.raises(BadRequest, match="parameter group_by"):
            mock.admin().usage(endpoint, Span(DAY, DAY))


@pytest.mark.parametrize(("status", "message"), [(404, "Unknown endpoint"), (400, "Unrecognized report")])
def test_decisions_need_not_be_offered(status: int, message: str) -> None:
    mock = MockOpenAI()
    mock.answers["/organization/usage/decisions"] = [refusal(status, message)]
    mock.answers[COMPLETIONS] = [refusal(400, "Unrecognized report")]
    with pytest.raises(NotFound, match=message):
        mock.admin().usage("decisions", Span(DAY, DAY))
    with pytest.raises(BadRequest, match="Unrecognized report"):
        mock.admin().usage("completions", Span(DAY, DAY))


# Buckets and pages that cannot be used.


def test_a_missing_bucket_costs_its_day() -> None:
    mock = MockOpenAI({DAY: [cost("1")], NEXT: [cost("2")]})
    mock.buckets[COSTS] = lambda buckets: buckets[1:]
    got = mock.admin().costs(BOTH)
    assert [answer.day for answer in got] == [NEXT]
    assert [(missing.day, str(missing)) for missing in got.left_out] == [
        (DAY, "not pulled: OpenAI /organization/costs of 2026-11-01…2026-11-02 came without it")
    ]


@pytest.mark.parametrize(
    ("bend", "why"),
    [
        (lambda buckets: [*buckets, buckets[0]], "more than one bucket"),
        (lambda buckets: [{**buckets[0], "results": None}, buckets[1]], "no results"),
        (lambda buckets: [{**buckets[0], "start_time": "soon"}, buckets[1]], "came without it"),
    ],
)
def test_a_bucket_that_cannot_be_used_costs_its_day(bend: Any, why: str) -> None:
    mock = MockOpenAI({DAY: [cost("1")], NEXT: [cost("2")]})
    mock.buckets[COSTS] = bend
    got = mock.admin().costs(BOTH)
    assert [answer.day for answer in got] == [NEXT]
    assert [missing.day for missing in got.left_out] == [DAY]
    assert why in str(got.left_out[0])


@pytest.mark.parametrize("start", [1793491200, 1793491200.0, "1793491200"])
def test_a_buckets_day_is_read_in_every_form(start: object) -> None:
    [answer] = answering({"data": [{"start_time": start, "results": []}], "has_more": False}).costs(Span(DAY, DAY))
    assert answer.day == DAY


@pytest.mark.parametrize("token", [None, ""])
def test_more_without_a_token_is_no_answer(token: object) -> None:
    page = recorded("costs_page1") | {"next_page": token}
    with pytest.raises(IncompleteAnswer, match="reports more and names no next page"):
        answering(page).costs(BOTH)
    del page["next_page"]
    with pytest.raises(IncompleteAnswer, match="names no next page"):
        answering(page).costs(BOTH)


def test_a_token_after_the_last_page_is_not_followed() -> None:
    page = recorded("costs_page1") | {"has_more": False}
    assert len(answering(page).costs(Span(DAY, DAY))) == 1


def test_a_rate_limit_is_waited_for_as_long_as_it_asks() -> None:
    mock = MockOpenAI({DAY: [cost("1")]})
    body = recorded("error_429")
    mock.answers[COSTS] = [httpx.Response(429, json=body, headers={"retry-after": "0"})] * 2
    [answer] = mock.admin(attempts=3).costs(Span(DAY, DAY))
    assert (len(answer.records), len(mock.asked)) == (1, 3)
    mock.answers[COSTS] = [httpx.Response(429, json=body, headers={"retry-after": "9999"})] * 2
    with pytest.raises(Exception, match=r"answered 429: Rate limit reached\. .*request rate is used up"):
        mock.admin(attempts=3).costs(Span(DAY, DAY))
    assert len(mock.asked) == 4, "longer than the patience: not asked again"


# Lists.


def projects() -> MockOpenAI:
    old = project("proj_old", status="archived", archived_at=1793577600)
    return MockOpenAI(
        lists={
            "projects": [project("proj_b"), project("proj_a"), old],
            "projects/proj_b/api_keys": [project_key("key_1"), project_key("key_2", owner_project_access="inactive")],
            "projects/proj_a/api_keys": [],
            "projects/proj_old/api_keys": [project_key("key_3", None)],
        }
    )


@pytest.mark.parametrize("a_page", [None, 1, 2])
def test_the_keys_of_all_projects_are_one_answer_that_names_the_project_of_each(a_page: int | None) -> None:
    mock = projects()
    mock.a_page = a_page
    answer = mock.admin().project_keys()
    assert [json.loads(record)["id"] for record in answer.records] == ["key_1", "key_2", "key_3"]
    assert answer.envelope["ids_by_project"] == {"proj_b": ["key_1", "key_2"], "proj_a": [], "proj_old": ["key_3"]}
    assert "unlisted_projects" not in answer.envelope
    assert answer.pages == len(mock.asked) == {None: 4, 1: 7, 2: 5}[a_page]
    assert answer.request == {
        "path": "/organization/projects/{project}/api_keys",
        "limit": 100,
        "owner_project_access": "any",
    }


def test_projects_are_listed_with_the_archived_ones() -> None:
    assert [json.loads(record)["id"] for record in projects().admin().projects().records] == [
        "proj_b",
        "proj_a",
        "proj_old",
    ]


def test_a_project_that_is_gone_costs_no_other_its_keys() -> None:
    mock = projects()
    mock.answers["/organization/projects/proj_a/api_keys"] = [refusal(404, "No such project.")]
    mock.answers["/organization/projects/proj_old/api_keys"] = [refusal(403, "The project is archived.")]
    answer = mock.admin().project_keys()
    assert [json.loads(record)["id"] for record in answer.records] == ["key_1", "key_2"]
    assert answer.envelope["unlisted_projects"] == {
        "proj_a": "No such project. (invalid_request_error)",
        "proj_old": "The project is archived. (invalid_request_error)",
    }


def test_a_refused_list_of_a_project_in_use_is_an_error() -> None:
    mock = projects()
    mock.answers["/organization/projects/proj_b/api_keys"] = [refusal(403, "Missing scope.")]
    with pytest.raises(NotPermitted, match=r"proj_b/api_keys answered 403: Missing scope\."):
        mock.admin().project_keys()


def test_a_list_that_reports_more_after_an_item_without_an_id_is_no_answer() -> None:
    with pytest.raises(IncompleteAnswer, match="no last item with an id"):
        answering({"data": [{"name": "x"}], "has_more": True}).users()


# Keys.


def test_the_error_of_a_refused_key_names_what_to_correct_and_not_the_key() -> None:
    mock = MockOpenAI()
    wrong = "sk-proj-wrong-0001"
    with closing(mock.admin(wrong)) as admin, pytest.raises(KeyRefused) as caught:
        admin.costs(Span(DAY, DAY))
    assert "OpenAI /organization/costs answered 401: Incorrect API key provided." in str(caught.value)
    assert "OPENAI_ADMIN_KEY is wrong, revoked or of another kind" in str(caught.value)
    assert wrong not in str(caught.value)


def test_neither_kind_of_key_opens_what_the_other_does() -> None:
    mock = MockOpenAI()
    with pytest.raises(KeyRefused, match="OPENAI_CODEX_ANALYTICS_KEY is wrong"):
        mock.codex_admin(KEY).codex_usage(Span(DAY, DAY))
    with pytest.raises(KeyRefused, match="MY_KEY is wrong"):
        mock.admin(CODEX_KEY, variable="MY_KEY").users()
    assert mock.admin().is_key_accepted()
    assert mock.codex_admin().is_key_accepted()
    assert not mock.admin(CODEX_KEY).is_key_accepted()
    assert not mock.codex_admin(KEY).is_key_accepted()


def test_no_answer_keeps_a_key() -> None:
    mock = projects()
    mock.codex[DAY] = [{"user_id": "user-1"}]
    admin, codex = mock.admin(), mock.codex_admin()
    kept = [*admin.costs(BOTH), *admin.cost_totals(BOTH), *admin.usage("images", BOTH), admin.projects()]
    kept += [admin.users(), admin.project_keys(), admin.admin_keys(), *codex.codex_usage(BOTH)]
    for answer in kept:
        assert KEY not in answer.request_json + answer.envelope_json
        assert CODEX_KEY not in answer.request_json + answer.envelope_json
        assert "authorization" not in answer.request_json.lower()


def test_a_key_that_no_header_can_carry_is_refused_by_its_variable() -> None:
    with pytest.raises(SettingError, match="OPENAI_ADMIN_KEY cannot be sent"):
        MockOpenAI().admin("sk-admin-…")
