"""Every way to misbehave, as a client meets it."""

import json
import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import pytest

from ai_usage.simulator import Fault
from ai_usage.simulator.claude_api import LACKS
from ai_usage_tests.simulator.conftest import Vendor

DAYS: dict[str, Any] = {"starting_at": "2026-10-01T00:00:00Z", "ending_at": "2026-11-01T00:00:00Z"}
LINES = DAYS | {"group_by": ["workspace_id", "description"]}


def test_a_rate_limit_may_have_a_time_to_retry_after(vendor: Vendor) -> None:
    vendor.simulator.faults.plan("rate_limit", retry_after=2)
    vendor.simulator.faults.plan("rate_limit", retry_after=60, as_date=True)
    vendor.simulator.faults.plan("rate_limit")
    in_seconds, as_date, silent, well = (vendor.get("me") for _ in range(4))
    assert [a.status_code for a in (in_seconds, as_date, silent, well)] == [429, 429, 429, 200]
    assert in_seconds.headers["retry-after"] == "2"
    wait = parsedate_to_datetime(as_date.headers["retry-after"]) - datetime.now(UTC)
    assert timedelta(seconds=30) < wait <= timedelta(seconds=60)
    assert "retry-after" not in silent.headers


@pytest.mark.parametrize("status", [500, 502, 503, 504, 529])
def test_any_status_can_be_planned_for_some_requests_of_a_path(vendor: Vendor, status: int) -> None:
    vendor.simulator.faults.plan("status", status=status, path="cost_report", times=2, after=1)
    assert [vendor.get("cost_report", **DAYS).status_code for _ in range(4)] == [200, status, status, 200]
    assert vendor.get("me").status_code == 200


def test_a_fault_can_last_for_ever_and_be_lifted(vendor: Vendor) -> None:
    fault = vendor.simulator.faults.add(Fault(kind="status", status=529, times=None))
    said = [vendor.get("me") for _ in range(3)]
    assert [answer.json()["error"]["type"] for answer in said] == ["overloaded_error"] * 3
    assert fault.times is None
    vendor.simulator.faults.clear()
    assert vendor.get("me").status_code == 200


@pytest.mark.parametrize(("kind", "error"), [("reset", httpx.ReadError), ("truncated", httpx.RemoteProtocolError)])
def test_a_connection_can_break_within_an_answer(vendor: Vendor, kind: Any, error: type[httpx.TransportError]) -> None:
    vendor.simulator.faults.plan(kind)
    with pytest.raises(error):
        vendor.get("cost_report", **LINES)
    assert vendor.get("cost_report", **LINES).status_code == 200


def test_json_can_be_cut_though_its_length_is_right(vendor: Vendor) -> None:
    vendor.simulator.faults.plan("cut_json")
    answer = vendor.get("cost_report", **LINES)
    assert int(answer.headers["content-length"]) == len(answer.content)
    with pytest.raises(json.JSONDecodeError):
        answer.json()


def test_an_answer_can_be_too_slow(vendor: Vendor) -> None:
    vendor.simulator.faults.plan("slow", delay=30)
    with pytest.raises(httpx.ReadTimeout):
        vendor.http.get("/v1/organizations/me", timeout=0.05)


def test_a_cursor_can_repeat(vendor: Vendor) -> None:
    first = vendor.get("cost_report", **DAYS).json()
    vendor.simulator.faults.plan("repeated_cursor")
    second = vendor.get("cost_report", page=first["next_page"], **DAYS).json()
    assert (second["has_more"], second["next_page"]) == (True, first["next_page"])
    assert second["data"] != first["data"]


def test_an_empty_page_can_promise_more_and_keep_it(vendor: Vendor) -> None:
    vendor.simulator.faults.plan("empty_page")
    empty = vendor.get("cost_report", **DAYS).json()
    assert (empty["data"], empty["has_more"]) == ([], True)
    assert vendor.get("cost_report", page=empty["next_page"], **DAYS).json() == vendor.get("cost_report", **DAYS).json()


def test_records_can_have_unknown_fields_and_values(vendor: Vendor) -> None:
    plain = vendor.get("cost_report", **LINES).json()
    vendor.simulator.faults.plan("unknown_field", field="discount", value="none")
    vendor.simulator.faults.plan("unknown_value", value="quantum")
    more, novel = (vendor.get("cost_report", **LINES).json()["data"][0]["results"] for _ in range(2))
    assert all(line.pop("discount") == "none" for line in more)
    assert more == plain["data"][0]["results"]
    assert novel[0]["cost_type"] == "quantum"
    assert novel[1:] == more[1:]


def test_the_log_counts_requests_and_keeps_no_keys(vendor: Vendor) -> None:
    vendor.get("users", limit=5, roles=["admin", "user"])
    vendor.get("users", limit=0)
    seen = vendor.simulator.requests
    assert [(r.method, r.path, r.status) for r in seen] == [
        ("GET", "/anthropic/v1/organizations/users", 200),
        ("GET", "/anthropic/v1/organizations/users", 400),
    ]
    assert seen[0].query == {"limit": ["5"], "roles[]": ["admin", "user"]}
    assert "sk-ant" not in repr(seen)


def test_faults_and_log_are_available_over_http(vendor: Vendor) -> None:
    control = f"{vendor.simulator.url}/_simulator"
    planned = httpx.post(f"{control}/faults", json={"kind": "status", "status": 503, "path": "me"})
    assert (planned.status_code, planned.json()["times"]) == (201, 1)
    assert httpx.post(f"{control}/faults", json={"kind": "boredom"}).status_code == 400
    assert vendor.get("me").status_code == 503
    assert [seen["status"] for seen in httpx.get(f"{control}/requests").json()] == [503]
    httpx.post(f"{control}/faults", json={"kind": "status", "times": None})
    assert httpx.delete(f"{control}/faults").status_code == 204
    assert vendor.get("me").status_code == 200


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_a_report_can_be_outside_the_plan_at_any_status(vendor: Vendor, status: int) -> None:
    vendor.simulator.faults.plan("not_included", path="analytics/cost", status=status, times=None)
    refused = vendor.get("analytics/cost", **DAYS)
    assert (refused.status_code, refused.json()["error"]["message"]) == (status, LACKS[status])
    assert vendor.get("analytics/usage", **DAYS).status_code == 200
    vendor.simulator.faults.clear()
    vendor.simulator.faults.plan("not_included", path="claude_code")
    assert vendor.get("usage_report/claude_code", starting_at="2026-11-18").status_code == 403


def test_a_refusal_can_have_any_message(vendor: Vendor) -> None:
    vendor.simulator.faults.plan("status", status=400, message="Cannot specify more than 5 group_by[] dimensions.")
    assert "more than 5" in vendor.get("cost_report", **DAYS).json()["error"]["message"]


def test_the_newest_bucket_may_not_be_there_yet_and_any_other_may_be_missing(vendor: Vendor) -> None:
    whole = vendor.pages("cost_report", limit=31, **DAYS)
    vendor.simulator.faults.plan("missing_bucket", path="cost_report", times=None)
    assert vendor.pages("cost_report", limit=31, **DAYS) == whole[:-1]
    assert vendor.pages("cost_report", limit=7, **DAYS) == whole[:-1]
    vendor.simulator.faults.clear()
    vendor.simulator.faults.plan("missing_bucket", path="cost_report", day="2026-10-09")
    assert vendor.pages("cost_report", limit=31, **DAYS) == [b for b in whole if "2026-10-09" not in b["starting_at"]]


@pytest.mark.parametrize("loses", [False, True])
def test_a_page_can_begin_with_the_last_record_of_the_page_before(vendor: Vendor, *, loses: bool) -> None:
    """Cases 16 and 17: the count may be right all the same."""
    code: dict[str, Any] = {"path": "usage_report/claude_code", "starting_at": "2026-11-18", "limit": 20}
    first, second = (page := vendor.get(**code).json()), vendor.get(page=page["next_page"], **code).json()
    vendor.simulator.faults.plan("overlapping_page", path="claude_code", loses=loses)
    page = vendor.get(**code).json()
    bent = vendor.get(page=page["next_page"], **code).json()
    assert page == first
    assert bent["data"] == [first["data"][-1], *(second["data"][:-1] if loses else second["data"])]
    page = vendor.get(**code).json()
    assert vendor.get(page=page["next_page"], **code).json() == second


def test_records_can_be_as_sparse_as_the_samples(vendor: Vendor) -> None:
    asked: dict[str, Any] = {"path": "usage_report/claude_code", "starting_at": "2026-11-18", "limit": 1000}
    full = vendor.get(**asked).text
    assert ":0," in full
    assert "null" in full
    vendor.simulator.faults.plan("sparse", times=2)
    thin = vendor.get(**asked).text
    assert not re.search(r":0[,}]", thin)
    assert "null" not in thin.split('"has_more"')[0]
    [bucket, *_] = vendor.get("cost_report", **DAYS).json()["data"]
    assert bucket["results"]
    assert not any("workspace_id" in line for line in bucket["results"])
    vendor.simulator.faults.plan("absent", field="num_sessions")
    assert "num_sessions" not in vendor.get(**asked).text
