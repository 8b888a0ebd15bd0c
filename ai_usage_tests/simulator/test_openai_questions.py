"""Requests that the simulated OpenAI refuses, per the contract, and how its pages join."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from ai_usage.simulator import CODEX_KEY, OPENAI_KEY, PROJECT_KEY, Simulator
from ai_usage.simulator.openai_parameters import USAGE_GROUPS
from ai_usage_tests.simulator.conftest import NOW, PATIENCE, Clock
from ai_usage_tests.simulator.openai_client import GROUPS, OpenAiClient, of, read, seconds, usd

SAMPLES = Path(__file__).parents[1] / "fixtures" / "openai"
DAY = date(2026, 11, 18)
MONTH = of(date(2026, 10, 1), 31)
DEEP = ["usage/completions", "usage/images", "usage/web_search_calls", "usage/vector_stores"]


def sample(name: str) -> Any:
    return json.loads((SAMPLES / f"{name}.json").read_text(encoding="utf-8"))


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("costs", {}, "start_time"),
    ("costs", {"start_time": "2026-11-18"}, "start_time"),
    ("costs", {"start_time": seconds(DAY) * 1000}, "start_time"),
    ("costs", {"start_time": seconds(DAY), "end_time": seconds(DAY)}, "end_time"),
    ("costs", of(DAY) | {"limit": 0}, "limit"),
    ("costs", of(DAY) | {"limit": 181}, "limit"),
    ("costs", of(DAY) | {"bucket_width": "1h"}, "bucket_width"),
    ("costs", of(DAY) | {"group_by": ["model"]}, "group_by"),
    ("costs", of(DAY) | {"group_by": ["project_id", "user_id"]}, "group_by"),
    ("costs", of(DAY) | {"group_by": ["user_id"], "project_ids": ["proj_1"]}, "group_by"),
    ("costs", of(DAY) | {"group_by": ["project_id", "project_id"]}, "group_by"),
    ("costs", of(DAY) | {"user_ids": ["user-1"]}, "user_ids"),
    ("costs", of(DAY) | {"cursor": "x"}, "cursor"),
    ("costs", of(DAY) | {"page": "page_abc"}, "page"),
    ("usage/completions", of(DAY) | {"limit": 32}, "limit"),
    ("usage/completions", of(DAY) | {"limit": 169, "bucket_width": "1h"}, "limit"),
    ("usage/completions", of(DAY) | {"limit": 1441, "bucket_width": "1m"}, "limit"),
    ("usage/completions", of(DAY) | {"bucket_width": "1w"}, "bucket_width"),
    ("usage/completions", of(DAY) | {"group_by": ["line_item"]}, "group_by"),
    ("usage/completions", of(DAY) | {"batch": "yes"}, "batch"),
    ("usage/embeddings", of(DAY) | {"group_by": ["service_tier"]}, "group_by"),
    ("usage/embeddings", of(DAY) | {"batch": "true"}, "batch"),
    ("usage/images", of(DAY) | {"sizes": ["1x1"]}, "sizes"),
    ("usage/vector_stores", of(DAY) | {"group_by": ["user_id"]}, "group_by"),
    ("usage/web_search_calls", of(DAY) | {"group_by": ["vector_store_id"]}, "group_by"),
    ("projects", {"limit": 101}, "limit"),
    ("projects", {"limit": 0}, "limit"),
    ("projects", {"after": "proj_unknown"}, "after"),
    ("projects", {"include_archived": "yes"}, "include_archived"),
    ("users", {"order": "asc"}, "order"),
    ("admin_api_keys", {"order": "up"}, "order"),
]


@pytest.mark.parametrize(("path", "query", "param"), REFUSED, ids=lambda value: str(value)[:60])
def test_what_the_contract_does_not_allow_is_refused_and_named(
    openai: OpenAiClient, path: str, query: dict[str, Any], param: str
) -> None:
    refused = openai.get(path, **query)
    error = refused.json()["error"]
    assert (refused.status_code, error["param"], error["type"]) == (400, param, "invalid_request_error")
    assert error.keys() == sample("error_400_grouping")["error"].keys()
    assert error["message"]


def test_every_refusal_reads_as_in_the_samples(openai: OpenAiClient) -> None:
    assert openai.get("costs", **of(DAY), group_by=["project_id", "user_id"]).json() == sample("error_400_grouping")
    assert openai.get("costs", key="wrong").json() == sample("error_401")
    assert openai.get("costs", key=PROJECT_KEY).json() == sample("error_403")
    openai.simulator.faults.plan("rate_limit", path="/openai")
    assert openai.get("costs", **of(DAY)).json() == sample("error_429")


def test_each_kind_of_key_opens_its_own_host_alone(openai: OpenAiClient) -> None:
    since = seconds(DAY)
    statuses = [openai.get("costs", start_time=since, key=key).status_code for key in (OPENAI_KEY, CODEX_KEY, None)]
    assert statuses == [200, 401, 401]
    codex = [openai.codex(start_time=since, key=key).status_code for key in (CODEX_KEY, OPENAI_KEY, PROJECT_KEY)]
    assert codex == [200, 401, 403]
    assert openai.get("unknown").status_code == 404
    assert openai.get("projects/proj_unknown/api_keys").status_code == 404
    assert openai.codex(start_time=since, workspace="ws-other").status_code == 404


@pytest.mark.parametrize("path", ["costs", *DEEP])
def test_pages_join_to_the_same_buckets(openai: OpenAiClient, path: str) -> None:
    by: dict[str, Any] = {"group_by": ["project_id"]}
    whole = openai.buckets(path, **MONTH, **by, limit=31)
    assert [bucket["start_time"] for bucket in whole] == [seconds(date(2026, 10, n)) for n in range(1, 32)]
    assert whole[0]["end_time"] == whole[1]["start_time"]
    assert openai.buckets(path, **MONTH, **by, limit=4) == whole
    first = read(openai.get(path, **MONTH, **by))
    assert len(first["data"]) == 7
    assert any(bucket["results"] for bucket in whole)


def test_a_page_token_fits_the_very_query_that_earned_it(openai: OpenAiClient) -> None:
    token = read(openai.get("costs", **MONTH, group_by=["project_id"]))["next_page"]
    assert openai.get("costs", **MONTH, group_by=["project_id"], page=token).status_code == 200
    for other in ({"group_by": ["line_item"]}, {}, {"group_by": ["project_id"], "limit": 8}):
        assert openai.get("costs", **MONTH, **other, page=token).status_code == 400
    assert openai.get("usage/completions", **MONTH, group_by=["project_id"], page=token).status_code == 400


def test_names_may_repeat_with_brackets_or_without(openai: OpenAiClient) -> None:
    bracketed = openai.get("costs", **of(DAY), group_by=GROUPS)
    url = f"{openai.simulator.openai_url}/organization/costs"
    headers = {"authorization": f"Bearer {OPENAI_KEY}"}
    plain = openai.http.get(url, params={**of(DAY), "group_by": GROUPS}, headers=headers)
    assert read(plain) == read(bracketed)
    mixed: dict[str, Any] = {**of(DAY), "group_by": ["project_id"], "group_by[]": ["line_item"]}
    assert openai.http.get(url, params=mixed, headers=headers).status_code == 400


def test_the_end_is_exclusive_and_the_running_day_comes_as_far_as_it_is(openai: OpenAiClient) -> None:
    [bucket] = openai.buckets("costs", **of(DAY))
    assert (bucket["start_time"], bucket["end_time"]) == (seconds(DAY), seconds(DAY + timedelta(days=1)))
    today = NOW.date()
    for query in ({"start_time": seconds(today)}, of(today, 5)):
        [running] = openai.buckets("costs", **query)
        assert running["end_time"] == seconds(today + timedelta(days=1))
        assert sum(map(usd, running["results"])) == openai.simulator.openai_day(today).total_usd > 0
    assert openai.buckets("costs", start_time=seconds(today + timedelta(days=1))) == []
    assert openai.buckets("costs", **of(date(2024, 1, 8)))[0]["results"] == []


@pytest.mark.parametrize("midnight", ["2026-11-20T00:00", "2026-11-20T00:00:30"])
def test_a_day_that_has_just_begun_is_an_empty_bucket(
    openai: OpenAiClient, running_clock: Clock, midnight: str
) -> None:
    running_clock.at = datetime.fromisoformat(f"{midnight}+00:00").astimezone(UTC)
    [bucket] = openai.buckets("costs", start_time=seconds(date(2026, 11, 20)))
    assert bucket["results"] == []


def test_180_days_of_costs_come_on_one_page(openai: OpenAiClient) -> None:
    answer = read(openai.get("costs", **of(date(2026, 5, 20), 180), limit=180))
    assert (len(answer["data"]), answer["has_more"], answer["next_page"]) == (180, False, None)


@pytest.mark.parametrize("endpoint", USAGE_GROUPS)
def test_dimensions_are_null_unless_grouped_and_each_grouping_has_the_same_use(
    openai: OpenAiClient, endpoint: str
) -> None:
    with Simulator(now=NOW, openai_offers_decisions=True) as simulator, httpx.Client(timeout=PATIENCE) as http:
        asked = OpenAiClient(simulator, http) if endpoint == "decisions" else openai
        totals = []
        for by in ([], ["project_id"], list(USAGE_GROUPS[endpoint])):
            results = asked.results(f"usage/{endpoint}", DAY, group_by=by)
            assert results
            for result in results:
                assert all(result[name] is None for name in USAGE_GROUPS[endpoint] if name not in by)
                assert "project_id" not in by or result["project_id"]
            measures = {name for name, value in results[0].items() if type(value) is int}
            totals.append({name: sum(result[name] for result in results) for name in measures})
        assert totals[0] == totals[1] == totals[2]
        assert all(totals[0][name] > 0 for name in ("num_model_requests", "input_tokens") if name in totals[0])


@pytest.mark.parametrize(
    ("path", "name", "dimension"),
    [
        ("costs", "project_ids", "project_id"),
        ("costs", "line_items", "line_item"),
        ("usage/completions", "models", "model"),
        ("usage/completions", "user_ids", "user_id"),
        ("usage/web_search_calls", "context_levels", "context_level"),
        ("usage/file_search_calls", "vector_store_ids", "vector_store_id"),
    ],
)
def test_a_filter_leaves_what_it_names(openai: OpenAiClient, path: str, name: str, dimension: str) -> None:
    whole = openai.results(path, DAY, group_by=[dimension])
    wanted = next(result[dimension] for result in whole if result[dimension])
    kept = openai.results(path, DAY, group_by=[dimension], **{name: [wanted]})
    assert kept == [result for result in whole if result[dimension] == wanted]
    assert len(kept) < len(whole)


def test_the_batch_filter_takes_either_value(openai: OpenAiClient) -> None:
    whole = openai.results("usage/completions", DAY, group_by=["batch"])
    for value in (True, False):
        kept = openai.results("usage/completions", DAY, group_by=["batch"], batch=str(value).lower())
        assert kept == [result for result in whole if result["batch"] is value]
        assert kept


def test_an_organization_may_refuse_a_grouping_of_its_costs_or_of_its_usage() -> None:
    flags: dict[str, Any] = {"openai_refuses": ("api_key_id",), "openai_usage_refuses": ("user_id",)}
    with Simulator(now=NOW, **flags) as simulator, httpx.Client(timeout=PATIENCE) as http:
        asked = OpenAiClient(simulator, http)
        refused = asked.get("costs", **of(DAY), group_by=GROUPS)
        assert (refused.status_code, refused.json()) == (400, sample("error_400_grouping"))
        allowed = asked.results("costs", DAY, group_by=GROUPS[:2])
        assert sum(map(usd, allowed)) == simulator.openai_day(DAY).total_usd
        assert asked.get("usage/completions", **of(DAY), group_by=["user_id"]).json() == sample("error_400_grouping")
        assert asked.results("usage/completions", DAY, group_by=["api_key_id"])


def test_decisions_are_offered_only_by_the_flag_and_cost_money_only_then(openai: OpenAiClient) -> None:
    assert openai.get("usage/decisions", **of(DAY)).status_code == 404
    with Simulator(now=NOW, openai_offers_decisions=True) as simulator, httpx.Client(timeout=PATIENCE) as http:
        asked = OpenAiClient(simulator, http)
        [used] = asked.results("usage/decisions", DAY)
        assert used["object"] == "organization.usage.decisions.result"
        billed = sum(map(usd, asked.results("costs", DAY)))
        assert billed == simulator.openai_day(DAY).total_usd > openai.simulator.openai_day(DAY).total_usd


def test_keys_of_another_company_are_its_own() -> None:
    with Simulator(now=NOW, key_suffix="-eu") as simulator, httpx.Client(timeout=PATIENCE) as http:
        asked = OpenAiClient(simulator, http)
        assert asked.get("costs", **of(DAY)).status_code == 401
        [platform, workspace] = simulator.accounts["openai"]
        assert (platform.name, workspace.name) == ("default", "chatgpt")
        assert asked.get("costs", **of(DAY), key=platform.credentials["admin_key"]).status_code == 200
        key, named = workspace.credentials["codex_key"], workspace.options["workspace_id"]
        url = f"{workspace.base_url}/workspaces/{named}/usage"
        headers = {"authorization": f"Bearer {key}"}
        assert http.get(url, params={"start_time": seconds(DAY)}, headers=headers).status_code == 200
        assert platform.base_url == simulator.openai_url
        assert platform.options == {}
