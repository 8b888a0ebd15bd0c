"""OpenAI's days from the provider to core: each report and account is independent, a bad day affects only itself, and
no key is stored.
"""

import json
from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import dagster as dg
import pytest

from ai_usage.core.keys import listed_keys
from ai_usage.marts.gate import blocked_days
from ai_usage.partitions import Span
from ai_usage.providers.directory import AccountName
from ai_usage.providers.openai import organizations, pulls
from ai_usage.providers.openai.provider import OPENAI
from ai_usage.providers.openai.tables import ENDPOINTS
from ai_usage_tests.mock_openai import (
    CODEX_KEY,
    KEY,
    MockOpenAI,
    cost,
    project,
    project_key,
    refusal,
    tokens,
)
from ai_usage_tests.outcome import Outcome
from ai_usage_tests.platform import Platform

DAY = date(2026, 11, 10)
NEXT = DAY + timedelta(days=1)
BOTH = Span(DAY, NEXT)
ALL = dg.AssetSelection.assets(*OPENAI.assets).without_checks()
COSTS = "/organization/costs"
DAILY = "select activity_date, amount_usd, results from ai_usage_analytics.openai_daily_cost order by all"
LINES = "select activity_date, api_key_id, amount_usd from ai_usage_analytics.openai_costs order by all"


def company(**more: Any) -> MockOpenAI:
    """Two days of costs and completions, with images on the second day."""
    usage = {"completions": {DAY: [tokens()], NEXT: [tokens(), tokens(api_key_id="key_2")]}}
    usage["images"] = {NEXT: [{"images": 4, "num_model_requests": 2, "size": "1024x1024", "model": "gpt-image-2"}]}
    costs = {DAY: [cost("1.5"), cost("0.25", "gpt-mock-1, output")], NEXT: [cost("2.125", key="key_2")]}
    codex = {DAY: [{"user_id": "user-1", "actor": {"email": "Dev@example.com"}, "totals": {"credits": 1.5}}]}
    named = {"organization_id": "org-1", "organization_name": "Mock"}
    totals = {DAY: [cost("1.75", **named)], NEXT: [cost("2.125", **named)]}
    lists = {
        "projects": [project("proj_1"), project("proj_old", status="archived")],
        "projects/proj_1/api_keys": [project_key("key_1")],
        "users": [{"id": "user-1", "object": "organization.user", "email": "Dev@example.com", "role": "owner"}],
    }
    return MockOpenAI(**{"costs": costs, "totals": totals, "usage": usage, "codex": codex, "lists": lists, **more})


def run(
    platform: Platform, mock: MockOpenAI, *clients: Any, span: Span = BOTH, only: dg.AssetSelection = ALL
) -> Outcome:
    return platform.materialize(only, span, None, openai_admin=list(clients) or [mock.admin(), chatgpt(mock)])


def chatgpt(mock: MockOpenAI) -> Any:
    return replace(mock.codex_admin(), account="chatgpt")


def raw_and_core(*pulls: str) -> dg.AssetSelection:
    """These pulls and the core tables that are built from them."""
    return dg.AssetSelection.assets(*(f"raw/{pull}" for pull in pulls)).required_multi_asset_neighbors() | (
        dg.AssetSelection.assets(*(f"core/{table.name}" for of in OPENAI.core for table in of.tables
                                   if not {*pulls}.isdisjoint(of.pulls)))
    ).without_checks()  # fmt: skip


def test_two_days_reach_core_and_each_account_is_asked_for_its_own(platform: Platform) -> None:
    mock = company()
    assert run(platform, mock).result.success
    assert platform.sql(DAILY) == [(DAY, Decimal("1.75"), 1), (NEXT, Decimal("2.125"), 1)]
    assert platform.sql(LINES) == [
        (DAY, "key_1", Decimal("0.25")),
        (DAY, "key_1", Decimal("1.5")),
        (NEXT, "key_2", Decimal("2.125")),
    ]
    by_endpoint = (
        "select endpoint, activity_date, count(*) from ai_usage_analytics.openai_usage group by 1, 2 order by all"
    )
    assert platform.sql(by_endpoint) == [("completions", DAY, 1), ("completions", NEXT, 2), ("images", NEXT, 1)]
    codex = "select account, activity_date, user_email, credits from ai_usage_analytics.codex_usage_stats"
    assert platform.sql(codex) == [("chatgpt", DAY, "dev@example.com", Decimal("1.5"))]
    projects = "select project_id, status, account from ai_usage_analytics.openai_projects order by all"
    assert platform.sql(projects) == [("proj_1", "active", "default"), ("proj_old", "archived", "default")]
    asked = Counter(mock.paths())
    assert asked[COSTS] == 2
    assert {asked[f"/organization/usage/{endpoint}"] for endpoint in ENDPOINTS} == {1}
    assert asked["/analytics/codex/workspaces/ws-mock/usage"] == 1
    assert organizations.names(platform.warehouse) == {"default": AccountName("org-1", "Mock")}
    [(key, listed)] = [(of, key) for of, key in listed_keys(platform.warehouse).items() if of[0] == "openai"]
    assert (key, listed.workspace_id, listed.creator_email) == (("openai", "key_1"), "proj_1", "dev@example.com")
    [member] = OPENAI.people.members(platform.warehouse) if OPENAI.people else []
    assert (member.user_email, member.account_user_id) == ("dev@example.com", "user-1")


def test_without_a_key_nothing_is_asked_and_it_is_noted(platform: Platform) -> None:
    outcome = platform.materialize(ALL, BOTH, None)
    assert outcome.result.success
    assert "OPENAI_ADMIN_KEY is not set" in outcome.noted_anywhere("skipped")["raw/openai_costs"]
    mock = company()
    outcome = run(platform, mock, chatgpt(mock))
    assert outcome.result.success
    notes = outcome.noted_anywhere("skipped")
    assert "no account has an Admin key (OPENAI_ADMIN_KEY is not set)" in notes["raw/openai_cost_totals"]
    assert "no account has an Admin key" in notes["raw/openai_usage_images"]
    assert {request.url.host for request in mock.asked} == {"chatgpt.test"}
    outcome = run(platform, mock, mock.admin())
    assert "OPENAI_CODEX_ANALYTICS_KEY is not set" in outcome.noted_anywhere("skipped")["raw/openai_codex_usage"]


def test_a_refused_grouping_is_noted_and_stands_in_the_ledger_and_in_core(platform: Platform) -> None:
    mock = company(refused_groups={"api_key_id"})
    outcome = run(platform, mock, mock.admin(), only=raw_and_core("openai_costs", "openai_cost_totals"))
    assert outcome.result.success
    why = "project_id,line_item,api_key_id: Not available for the organization. (invalid_request_error, "
    assert outcome.noted("raw/openai_costs", DAY)["refused_groupings"].startswith(why)
    assert "refused_groupings" not in outcome.noted("raw/openai_cost_totals", DAY)
    assert platform.sql("select distinct grouped_by, api_key_id from ai_usage_analytics.openai_costs") == [
        ("project_id,line_item", None)
    ]
    [(request, envelope)] = platform.sql(
        f"select request, envelope from ai_usage_raw.pulls where pull = 'openai_costs' and activity_date = '{DAY}'"
    )
    assert json.loads(request)["group_by[]"] == json.loads(envelope)["grouped_by"] == ["project_id", "line_item"]


def test_one_bad_record_costs_its_day_and_no_other(platform: Platform) -> None:
    mock = company()
    mock.costs[DAY].append(cost("NaN"))
    mock.totals[NEXT] = [cost("much")]
    run(platform, mock, mock.admin(), only=raw_and_core("openai_costs", "openai_cost_totals"))
    assert platform.rejections() == [
        (DAY, "amount.value", "NaN is not an amount of money"),
        (NEXT, "amount.value", "a text of 4 characters is not an amount of money"),
    ]
    assert platform.sql(DAILY) == [(DAY, Decimal("1.75"), 1)], "no sum of a part"


def test_lines_and_total_that_differ_are_asked_once_more(platform: Platform) -> None:
    mock = company()
    settled, mock.costs[NEXT] = mock.costs[NEXT], [cost("1", key="key_2")]
    seen = 0

    def settling(buckets: list[Any]) -> list[Any]:
        nonlocal seen
        seen += 1
        if seen == 2:  # the totals were just requested
            mock.costs[NEXT] = settled
        return buckets

    mock.buckets[COSTS] = settling
    run(platform, mock, mock.admin(), only=raw_and_core("openai_costs", "openai_cost_totals"))
    assert platform.sql(LINES)[-1] == (NEXT, "key_2", Decimal("2.125"))
    assert mock.paths() == [COSTS] * 4
    assert [request.url.params["limit"] for request in mock.asked] == ["2", "2", "1", "1"]


def test_a_day_that_the_provider_leaves_out_is_left_as_it_was(platform: Platform) -> None:
    mock = company()
    only = raw_and_core("openai_costs", "openai_cost_totals")
    run(platform, mock, mock.admin(), only=only)
    mock.buckets[COSTS] = lambda buckets: buckets[1:]
    mock.costs[NEXT], mock.totals[NEXT] = [cost("3")], [cost("3")]
    outcome = run(platform, mock, mock.admin(), only=only)
    assert platform.sql(DAILY) == [(DAY, Decimal("1.75"), 1), (NEXT, Decimal(3), 1)]
    assert "came without it" in outcome.noted("raw/openai_costs", DAY)["skipped"]


def test_an_endpoint_that_fails_leaves_the_usage_of_the_others_and_its_own_as_it_was(platform: Platform) -> None:
    mock = company()
    run(platform, mock, mock.admin())
    mock.answers["/organization/usage/images"] = [refusal(500, "Oh no.")]
    mock.usage["completions"][DAY] = []
    outcome = run(platform, mock, mock.admin())
    assert outcome.failed.keys() == {"raw__openai_usage_images"}
    run(platform, mock, mock.admin(), only=dg.AssetSelection.assets("core/openai_usage").without_checks())
    used = "select endpoint, activity_date, count(*) from ai_usage_analytics.openai_usage group by 1, 2 order by all"
    assert platform.sql(used) == [("completions", NEXT, 2), ("images", NEXT, 1)]


def test_a_day_that_one_endpoint_leaves_out_has_the_usage_of_the_others(platform: Platform) -> None:
    mock = company()
    mock.usage["images"][DAY] = mock.usage["images"][NEXT]
    mock.buckets["/organization/usage/completions"] = lambda buckets: buckets[1:]
    run(platform, mock, mock.admin())
    used = "select endpoint, activity_date, count(*) from ai_usage_analytics.openai_usage group by 1, 2 order by all"
    assert platform.sql(used) == [("completions", NEXT, 2), ("images", DAY, 1), ("images", NEXT, 1)]


def test_optional_reports_are_skipped_with_what_they_need(platform: Platform) -> None:
    mock = company()
    mock.answers["/organization/usage/decisions"] = [refusal(400, "Unknown report.")]
    mock.answers["/organization/admin_api_keys"] = [refusal(403, "Missing scope.")]
    mock.answers["/analytics/codex/workspaces/ws-mock/usage"] = [refusal(404, "Not found.")]
    outcome = run(platform, mock)
    assert outcome.result.success
    notes = outcome.noted_anywhere("skipped")
    assert "it needs an organization with decisions. The provider answered 400" in notes["raw/openai_usage_decisions"]
    assert "it needs an Admin key that may read Admin keys" in notes["raw/openai_admin_api_keys"]
    assert "of a ChatGPT Enterprise workspace with Codex. The provider answered 404" in notes["raw/openai_codex_usage"]


def test_a_refused_key_fails_its_account_alone_and_names_its_variable(platform: Platform) -> None:
    mock = company()
    second = replace(mock.admin("sk-admin-wrong-0002", variable="KEY_OF_LABS"), account="labs")
    outcome = run(platform, mock, mock.admin(), second)
    assert {"raw__openai_costs_and_totals", "raw__openai_users"} <= outcome.failed.keys()
    why = outcome.failed["raw__openai_costs_and_totals"]
    assert why.startswith("OpenAI account labs: OpenAI /organization/costs answered 401")
    assert "KEY_OF_LABS is wrong, revoked or of another kind" in why
    assert "sk-admin-wrong-0002" not in why
    assert [account for (account,) in platform.sql("select distinct account from ai_usage_raw.openai_costs")] == [
        "default"
    ]


def test_days_that_codex_keeps_no_more_are_not_asked(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulls, "CODEX_DEPTH", 10)
    mock = company()
    span = Span(date(2026, 11, 9), date(2026, 11, 12))
    outcome = run(platform, mock, chatgpt(mock), span=span, only=dg.AssetSelection.assets("raw/openai_codex_usage"))
    assert outcome.noted("raw/openai_codex_usage", DAY)["skipped"] == "the provider has nothing before 2026-11-11"
    assert platform.warehouse.pulled_days("openai_codex_usage") == [NEXT, span.last]


def test_no_request_in_the_ledger_and_no_row_of_core_holds_a_secret(platform: Platform) -> None:
    mock = company()
    assert run(platform, mock).result.success
    for key in (KEY, CODEX_KEY, "Bearer", "authorization"):
        kept = f"select count(*) from ai_usage_raw.pulls where contains(request || envelope, '{key}')"
        assert platform.sql(kept) == [(0,)]
    stored = platform.warehouse.path.read_bytes()
    assert KEY.encode() not in stored
    assert CODEX_KEY.encode() not in stored


def test_a_long_run_asks_as_few_times_as_the_provider_allows(platform: Platform) -> None:
    mock = MockOpenAI()
    span = Span(date(2026, 10, 1), date(2026, 11, 19))
    only = raw_and_core("openai_costs", "openai_cost_totals", "openai_usage_embeddings")
    assert run(platform, mock, mock.admin(), span=span, only=only).result.success
    assert Counter(mock.paths()) == {COSTS: 2, "/organization/usage/embeddings": 2}
    assert platform.sql("select count(*) from ai_usage_analytics.openai_daily_cost") == [(50,)]


# A table that reads several pulls, one of which is optional.

MISSING, READABLE = "no_day_is_missing", "records_are_readable"
OF_USAGE = raw_and_core(*OPENAI.core[1].pulls) | dg.AssetSelection.checks(
    *(dg.AssetCheckKey(dg.AssetKey(["core", "openai_usage"]), name) for name in (MISSING, READABLE))
)


def without_decisions() -> MockOpenAI:
    mock = company()
    mock.answers["/organization/usage/decisions"] = [refusal(404, "Unknown.")] * 9
    return mock


def test_usage_is_complete_without_the_report_that_need_not_be_offered(platform: Platform) -> None:
    mock = without_decisions()
    outcome = run(platform, mock, mock.admin(), only=OF_USAGE)
    assert outcome.evaluation(MISSING, DAY, "openai_usage").passed
    assert outcome.evaluation(READABLE, DAY, "openai_usage").passed


def test_usage_that_lacks_another_report_is_not_complete(platform: Platform) -> None:
    mock = without_decisions()
    mock.answers["/organization/usage/images"] = [refusal(500, "Oh no.")]
    run(platform, mock, mock.admin(), only=OF_USAGE - dg.AssetSelection.all_asset_checks())
    outcome = run(platform, mock, mock.admin(), only=OF_USAGE - raw_and_core(*OPENAI.core[1].pulls))
    assert outcome.not_passed(MISSING, "openai_usage") == {DAY, NEXT}
    assert "openai_usage_images was never pulled" in outcome.why(MISSING, DAY, "openai_usage")
    assert "decisions" not in outcome.why(MISSING, DAY, "openai_usage")


def test_a_report_that_was_offered_once_is_expected_from_then_on(platform: Platform) -> None:
    mock = without_decisions()
    mock.answers["/organization/usage/decisions"] = []
    mock.usage["decisions"] = {DAY: [tokens()]}
    run(platform, mock, mock.admin(), span=Span(DAY, DAY), only=OF_USAGE)
    mock.answers["/organization/usage/decisions"] = [refusal(404, "Unknown.")] * 9
    before = Span(DAY - timedelta(days=1), NEXT)
    outcome = run(platform, mock, mock.admin(), span=before, only=OF_USAGE)
    assert outcome.not_passed(MISSING, "openai_usage") == {NEXT}
    assert outcome.why(MISSING, NEXT, "openai_usage") == f"{NEXT}: openai_usage_decisions was never pulled."


def test_a_record_of_usage_that_cannot_be_used_is_named(platform: Platform) -> None:
    mock = without_decisions()
    mock.usage["completions"][DAY].append(tokens(input_tokens=None))
    outcome = run(platform, mock, mock.admin(), only=OF_USAGE)
    assert outcome.not_passed(READABLE, "openai_usage") == {DAY}
    assert outcome.not_passed(MISSING, "openai_usage") == set()


# Reasons for a blocked day.


@pytest.mark.parametrize("totals", [[], [cost("1.25"), cost("0.5")], [cost("1.75") | {"amount": None}]])
def test_a_day_with_any_number_of_results_is_whole_and_not_blocked(platform: Platform, totals: list[Any]) -> None:
    mock = company(costs={NEXT: [cost("1.75")]}, totals={NEXT: totals})
    run(platform, mock, mock.admin(), only=raw_and_core(*OPENAI.gate.pulls))
    blocked = blocked_days(platform.warehouse, BOTH, OPENAI.gate)
    assert MISSING not in {check for checks in blocked.values() for check in checks}


def test_a_total_that_was_pulled_and_not_built_blocks_its_day(platform: Platform) -> None:
    mock = company()
    run(platform, mock, mock.admin(), only=raw_and_core(*OPENAI.gate.pulls))
    assert blocked_days(platform.warehouse, BOTH, OPENAI.gate) == {}
    platform.sql(f"delete from ai_usage_analytics.openai_daily_cost where activity_date = '{DAY}'")
    assert MISSING in blocked_days(platform.warehouse, BOTH, OPENAI.gate)[DAY]
