"""Every fault, as a client sees it."""

import json
import re
from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import pytest
from google.api_core.exceptions import Forbidden

from ai_usage.simulator import Fault
from ai_usage.simulator.claude_api import LACKS
from ai_usage_tests.simulator.conftest import ClaudeClient
from ai_usage_tests.simulator.google_client import OUTPUT, GoogleClient
from ai_usage_tests.simulator.openai_client import GROUPS, OpenAiClient, of, seconds

DAYS: dict[str, Any] = {"starting_at": "2026-10-01T00:00:00Z", "ending_at": "2026-11-01T00:00:00Z"}
LINES = DAYS | {"group_by": ["workspace_id", "description"]}


def test_a_rate_limit_may_have_a_time_to_retry_after(claude: ClaudeClient) -> None:
    claude.simulator.faults.plan("rate_limit", retry_after=2)
    claude.simulator.faults.plan("rate_limit", retry_after=60, as_date=True)
    claude.simulator.faults.plan("rate_limit")
    in_seconds, as_date, silent, well = (claude.get("me") for _ in range(4))
    assert [a.status_code for a in (in_seconds, as_date, silent, well)] == [429, 429, 429, 200]
    assert in_seconds.headers["retry-after"] == "2"
    wait = parsedate_to_datetime(as_date.headers["retry-after"]) - datetime.now(UTC)
    assert timedelta(seconds=30) < wait <= timedelta(seconds=60)
    assert "retry-after" not in silent.headers


@pytest.mark.parametrize("status", [500, 502, 503, 504, 529])
def test_any_status_can_be_planned_for_some_requests_of_a_path(claude: ClaudeClient, status: int) -> None:
    claude.simulator.faults.plan("status", status=status, path="cost_report", times=2, after=1)
    assert [claude.get("cost_report", **DAYS).status_code for _ in range(4)] == [200, status, status, 200]
    assert claude.get("me").status_code == 200


def test_a_fault_can_last_for_ever_and_be_lifted(claude: ClaudeClient) -> None:
    fault = claude.simulator.faults.add(Fault(kind="status", status=529, times=None))
    answers = [claude.get("me") for _ in range(3)]
    assert [answer.json()["error"]["type"] for answer in answers] == ["overloaded_error"] * 3
    assert fault.times is None
    claude.simulator.faults.clear()
    assert claude.get("me").status_code == 200


@pytest.mark.parametrize(("kind", "error"), [("reset", httpx.ReadError), ("truncated", httpx.RemoteProtocolError)])
def test_a_connection_can_break_within_an_answer(
    claude: ClaudeClient, kind: Any, error: type[httpx.TransportError]
) -> None:
    claude.simulator.faults.plan(kind)
    with pytest.raises(error):
        claude.get("cost_report", **LINES)
    assert claude.get("cost_report", **LINES).status_code == 200


def test_json_can_be_cut_though_its_length_is_right(claude: ClaudeClient) -> None:
    claude.simulator.faults.plan("cut_json")
    answer = claude.get("cost_report", **LINES)
    assert int(answer.headers["content-length"]) == len(answer.content)
    with pytest.raises(json.JSONDecodeError):
        answer.json()


def test_an_answer_can_be_too_slow(claude: ClaudeClient) -> None:
    claude.simulator.faults.plan("slow", delay=30)
    with pytest.raises(httpx.ReadTimeout):
        claude.http.get("/v1/organizations/me", timeout=0.05)


def test_a_cursor_can_repeat(claude: ClaudeClient) -> None:
    first = claude.get("cost_report", **DAYS).json()
    claude.simulator.faults.plan("repeated_cursor")
    second = claude.get("cost_report", page=first["next_page"], **DAYS).json()
    assert (second["has_more"], second["next_page"]) == (True, first["next_page"])
    assert second["data"] != first["data"]


def test_an_empty_page_can_promise_more_and_keep_it(claude: ClaudeClient) -> None:
    claude.simulator.faults.plan("empty_page")
    empty = claude.get("cost_report", **DAYS).json()
    assert (empty["data"], empty["has_more"]) == ([], True)
    assert claude.get("cost_report", page=empty["next_page"], **DAYS).json() == claude.get("cost_report", **DAYS).json()


def test_records_can_have_unknown_fields_and_values(claude: ClaudeClient) -> None:
    plain = claude.get("cost_report", **LINES).json()
    claude.simulator.faults.plan("unknown_field", field="discount", value="none")
    claude.simulator.faults.plan("unknown_value", value="quantum")
    more, novel = (claude.get("cost_report", **LINES).json()["data"][0]["results"] for _ in range(2))
    assert all(line.pop("discount") == "none" for line in more)
    assert more == plain["data"][0]["results"]
    assert novel[0]["cost_type"] == "quantum"
    assert novel[1:] == more[1:]


def test_the_log_counts_requests_and_keeps_no_keys(claude: ClaudeClient) -> None:
    claude.get("users", limit=5, roles=["admin", "user"])
    claude.get("users", limit=0)
    seen = claude.simulator.requests
    assert [(r.method, r.path, r.status) for r in seen] == [
        ("GET", "/anthropic/v1/organizations/users", 200),
        ("GET", "/anthropic/v1/organizations/users", 400),
    ]
    assert seen[0].query == {"limit": ["5"], "roles[]": ["admin", "user"]}
    assert "sk-ant" not in repr(seen)


def test_faults_and_log_are_available_over_http(claude: ClaudeClient) -> None:
    control = f"{claude.simulator.url}/_simulator"
    planned = httpx.post(f"{control}/faults", json={"kind": "status", "status": 503, "path": "me"})
    assert (planned.status_code, planned.json()["times"]) == (201, 1)
    assert httpx.post(f"{control}/faults", json={"kind": "boredom"}).status_code == 400
    assert claude.get("me").status_code == 503
    assert [seen["status"] for seen in httpx.get(f"{control}/requests").json()] == [503]
    httpx.post(f"{control}/faults", json={"kind": "status", "times": None})
    assert httpx.delete(f"{control}/faults").status_code == 204
    assert claude.get("me").status_code == 200


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_a_report_can_be_outside_the_plan_at_any_status(claude: ClaudeClient, status: int) -> None:
    claude.simulator.faults.plan("not_included", path="analytics/cost", status=status, times=None)
    refused = claude.get("analytics/cost", **DAYS)
    assert (refused.status_code, refused.json()["error"]["message"]) == (status, LACKS[status])
    assert claude.get("analytics/usage", **DAYS).status_code == 200
    claude.simulator.faults.clear()
    claude.simulator.faults.plan("not_included", path="claude_code")
    assert claude.get("usage_report/claude_code", starting_at="2026-11-18").status_code == 403


def test_a_refusal_can_have_any_message(claude: ClaudeClient) -> None:
    claude.simulator.faults.plan("status", status=400, message="Cannot specify more than 5 group_by[] dimensions.")
    assert "more than 5" in claude.get("cost_report", **DAYS).json()["error"]["message"]


def test_the_newest_bucket_may_not_be_there_yet_and_any_other_may_be_missing(claude: ClaudeClient) -> None:
    whole = claude.pages("cost_report", limit=31, **DAYS)
    claude.simulator.faults.plan("missing_bucket", path="cost_report", times=None)
    assert claude.pages("cost_report", limit=31, **DAYS) == whole[:-1]
    assert claude.pages("cost_report", limit=7, **DAYS) == whole[:-1]
    claude.simulator.faults.clear()
    claude.simulator.faults.plan("missing_bucket", path="cost_report", day="2026-10-09")
    assert claude.pages("cost_report", limit=31, **DAYS) == [b for b in whole if "2026-10-09" not in b["starting_at"]]


@pytest.mark.parametrize("loses", [False, True])
def test_a_page_can_begin_with_the_last_record_of_the_page_before(claude: ClaudeClient, *, loses: bool) -> None:
    """Cases 16 and 17: the count may be right all the same."""
    code: dict[str, Any] = {"path": "usage_report/claude_code", "starting_at": "2026-11-18", "limit": 20}
    first, second = (page := claude.get(**code).json()), claude.get(page=page["next_page"], **code).json()
    claude.simulator.faults.plan("overlapping_page", path="claude_code", loses=loses)
    page = claude.get(**code).json()
    bent = claude.get(page=page["next_page"], **code).json()
    assert page == first
    assert bent["data"] == [first["data"][-1], *(second["data"][:-1] if loses else second["data"])]
    page = claude.get(**code).json()
    assert claude.get(page=page["next_page"], **code).json() == second


def test_records_can_be_as_sparse_as_the_samples(claude: ClaudeClient) -> None:
    asked: dict[str, Any] = {"path": "usage_report/claude_code", "starting_at": "2026-11-18", "limit": 1000}
    full = claude.get(**asked).text
    assert ":0," in full
    assert "null" in full
    claude.simulator.faults.plan("sparse", times=2)
    thin = claude.get(**asked).text
    assert not re.search(r":0[,}]", thin)
    assert "null" not in thin.split('"has_more"')[0]
    [bucket, *_] = claude.get("cost_report", **DAYS).json()["data"]
    assert bucket["results"]
    assert not any("workspace_id" in line for line in bucket["results"])
    claude.simulator.faults.plan("absent", field="num_sessions")
    assert "num_sessions" not in claude.get(**asked).text


OCTOBER = of(date(2026, 10, 1), 31)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500, 503])
def test_openai_fails_in_its_own_form(openai: OpenAiClient, status: int) -> None:
    openai.simulator.faults.plan("status", status=status, path="/openai", times=1)
    openai.simulator.faults.plan("status", status=status, path="/codex", times=1)
    for answer in (openai.get("costs", **OCTOBER), openai.codex(start_time=seconds(date(2026, 11, 18)))):
        assert answer.status_code == status
        assert answer.json()["error"].keys() == {"message", "type", "param", "code"}


def test_buckets_in_unix_seconds_can_be_missing_or_come_twice(openai: OpenAiClient) -> None:
    whole = openai.buckets("costs", **OCTOBER)
    faults = openai.simulator.faults
    faults.plan("missing_bucket", path="costs", times=None)
    assert openai.buckets("costs", **OCTOBER) == whole[:-1]
    faults.clear()
    faults.plan("missing_bucket", path="costs", day="2026-10-09")
    days = [bucket["start_time"] for bucket in openai.buckets("costs", **OCTOBER, limit=31)]
    assert days == [bucket["start_time"] for bucket in whole if bucket["start_time"] != seconds(date(2026, 10, 9))]
    faults.plan("overlapping_page", path="costs", loses=False)
    assert openai.buckets("costs", **OCTOBER, limit=16) == [*whole[:16], whole[15], *whole[16:]]


def test_lists_by_the_last_id_can_repeat_a_cursor_overlap_or_promise_more(openai: OpenAiClient) -> None:
    whole, faults = openai.items("users"), openai.simulator.faults
    after = whole[19]["id"]
    faults.plan("repeated_cursor", path="users")
    page = openai.get("users", after=after).json()
    assert (page["has_more"], page["last_id"], page["data"][-1]["id"]) == (True, after, after)
    faults.plan("overlapping_page", path="users", loses=True)
    first = openai.get("users", limit=30).json()["data"]
    second = openai.get("users", limit=30, after=first[-1]["id"]).json()["data"]
    assert [*first, *second] == [*whole[:30], whole[29], *whole[30:-1]]
    faults.plan("empty_page", path="users")
    empty = openai.get("users", after=after).json()
    assert (empty["data"], empty["has_more"], empty["last_id"]) == ([], True, after)


def test_openais_records_can_be_sparse_but_keep_what_is_required(openai: OpenAiClient) -> None:
    asked: dict[str, Any] = of(date(2026, 11, 18)) | {"group_by": ["model", "user_id"]}
    full = openai.get("usage/completions", **asked).json()["data"][0]["results"]
    openai.simulator.faults.plan("sparse", path="/openai", times=3)
    thin = openai.get("usage/completions", **asked).json()["data"][0]["results"]
    assert [{name for name in record if name not in kept} for record, kept in zip(full, thin, strict=True)] == [
        {name for name, value in record.items() if value is None or value == 0} for record in full
    ]
    assert all(record.items() <= whole.items() for whole, record in zip(full, thin, strict=True))
    by_minute: dict[str, Any] = asked | {"bucket_width": "1m", "limit": 1440}
    openai.simulator.faults.clear()
    openai.simulator.faults.plan("sparse", path="/openai", times=3)
    minutes = [result for bucket in openai.buckets("usage/completions", **by_minute) for result in bucket["results"]]
    assert any(result["num_model_requests"] == 0 for result in minutes)
    assert not any(0 in (value for name, value in result.items() if "cached" in name) for result in minutes)
    costs = openai.results("costs", date(2026, 11, 18), group_by=GROUPS)
    assert all("amount" in line or line["line_item"] == "omni-moderation-latest" for line in costs)
    assert not any(value is None for line in costs for value in line.values())
    users = openai.get("users").json()["data"]
    assert all(value is not None for user in users for value in user.values())


def test_openais_records_can_have_unknown_fields_and_values(openai: OpenAiClient) -> None:
    asked: dict[str, Any] = of(date(2026, 11, 18)) | {"group_by": ["service_tier", "model"]}
    openai.simulator.faults.plan("unknown_value", path="completions", value="ultrafast")
    openai.simulator.faults.plan("unknown_field", path="costs", field="discount_usd", value="0.5")
    first, *_ = openai.get("usage/completions", **asked).json()["data"][0]["results"]
    assert first["service_tier"] == "ultrafast"
    assert all(line["discount_usd"] == "0.5" for line in openai.results("costs", date(2026, 11, 18)))


@pytest.mark.parametrize(("status", "words"), [(403, "insufficient permissions"), (404, "Not found")])
def test_openai_can_lack_a_report(openai: OpenAiClient, status: int, words: str) -> None:
    openai.simulator.faults.plan("not_included", path="usage/images", status=status, times=None)
    refused = openai.get("usage/images", **OCTOBER)
    assert refused.status_code == status
    assert words in refused.json()["error"]["message"]
    assert openai.get("usage/embeddings", **OCTOBER).status_code == 200


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500, 503])
def test_google_cloud_fails_in_its_own_form(google: GoogleClient, status: int) -> None:
    google.simulator.faults.plan("status", status=status, path="/gcp", times=3)
    day = date(2026, 11, 18)
    for answer in (google.series(OUTPUT, "simulated-search", day), google.log(day), google.licenses("orders")):
        error = answer.json()["error"]
        assert (answer.status_code, error["code"]) == (status, status)
        assert error["status"].isupper()
        assert "errors" not in error
    assert google.log(day).status_code == 200


def test_bigquery_fails_with_a_reason(google: GoogleClient) -> None:
    google.simulator.faults.plan("status", status=403, path="/gcp/bigquery", times=1)
    with pytest.raises(Forbidden) as refused:
        google.rows(date(2026, 11, 18))
    assert [one["reason"] for one in refused.value.errors] == ["accessDenied"]
    google.simulator.faults.plan("status", status=503, path="/gcp/bigquery", times=1)
    assert google.rows(date(2026, 11, 18)), "Google's library asks again"


def test_pages_of_google_cloud_can_repeat_overlap_or_promise_more(google: GoogleClient) -> None:
    day, faults = date(2026, 11, 18), google.simulator.faults
    first = google.series(OUTPUT, "simulated-search", day, pageSize="1").json()
    token = first["nextPageToken"]
    faults.plan("repeated_cursor", path="timeSeries")
    again = google.series(OUTPUT, "simulated-search", day, pageSize="1", pageToken=token).json()
    assert again["nextPageToken"] == token
    faults.plan("empty_page", path="timeSeries")
    empty = google.series(OUTPUT, "simulated-search", day, pageSize="1").json()
    assert empty["timeSeries"] == []
    assert (
        google.series(OUTPUT, "simulated-search", day, pageSize="1", pageToken=empty["nextPageToken"]).json() == first
    )
    faults.plan("overlapping_page", path="timeSeries")
    google.series(OUTPUT, "simulated-search", day, pageSize="1")
    twice = google.series(OUTPUT, "simulated-search", day, pageSize="1", pageToken=token).json()
    assert twice["timeSeries"] == first["timeSeries"]
