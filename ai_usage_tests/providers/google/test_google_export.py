"""The billing export's client, with Google's own library against a stand-in: one bounded query per window, every row or
none, and an error that names what to do.
"""

import json
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import httpx
import pytest

from ai_usage.errors import SettingError
from ai_usage.ingest.days import Answers, LeftOut
from ai_usage.ingest.http.bodies import Limits
from ai_usage.ingest.http.errors import (
    ApiError,
    BadRequest,
    IncompleteAnswer,
    NotFound,
    NotPermitted,
    RateLimited,
    TooLarge,
    UnexpectedAnswer,
)
from ai_usage.partitions import Span
from ai_usage.providers.google.client import Addresses
from ai_usage.providers.google.cloud_connection import Connection
from ai_usage.warehouse.ledger import Answer
from ai_usage_tests.mock_google import GEMINI, TABLE, MockGoogle, refusal, row

DAY, NEXT = date(2026, 11, 10), date(2026, 11, 11)
BOTH = Span(DAY, NEXT)
QUIET: dict[str, Any] = {"service": {"id": "6F81-5844-456A", "description": "Compute Engine"}}


def days_of(answers: list[Answer]) -> dict[date, list[Any]]:
    found = {answer.day: [json.loads(record, parse_float=Decimal) for record in answer.records] for answer in answers}
    return {day: records for day, records in found.items() if day is not None}


def test_each_day_of_use_is_an_answer_an_empty_one_too() -> None:
    mock = MockGoogle([row(0.192), row(0.05), row(1.0, "2026-11-12"), row(2.0, "2026-11-09")])
    answers = mock.cloud().billing(Span(DAY, date(2026, 11, 12)))
    assert {day: [one["cost"] for one in found] for day, found in days_of(answers).items()} == {
        DAY: [Decimal("0.192"), Decimal("0.05")],
        NEXT: [],
        date(2026, 11, 12): [Decimal("1.0")],
    }
    assert isinstance(answers, Answers)
    assert answers.left_out == []


def test_a_row_keeps_every_digit_that_bigquery_wrote() -> None:
    mock = MockGoogle([row(1)], bend=lambda texts: [text.replace('"cost": 1,', '"cost": 3.1e-07,') for text in texts])
    [answer] = mock.cloud().billing(Span(DAY, DAY))
    assert b'"cost": 3.1e-07' in answer.records[0]


def test_one_query_a_window_with_parameters_and_a_cap() -> None:
    mock = MockGoogle([row(1)])
    mock.cloud(max_bytes_billed=5_000_000_000).billing(BOTH)
    [query] = mock.queries
    assert query["maximumBytesBilled"] == "5000000000"
    given = {one["name"]: one["parameterValue"] for one in query["queryParameters"]}
    assert datetime.fromisoformat(given["from"]["value"]).isoformat() == "2026-11-10T00:00:00+00:00"
    assert datetime.fromisoformat(given["to"]["value"]).isoformat() == "2026-11-12T00:00:00+00:00"
    assert GEMINI["id"] in {one["value"] for one in given["services"]["arrayValues"]}
    text = " ".join(query["query"].split())
    assert f"from `{TABLE}` as exported" in text
    assert "date(_PARTITIONTIME) >= date_sub(date(@from), interval 1 day)" in text
    assert "location" not in text, "a column that nothing reads is not paid for"


def test_a_copy_without_partitions_is_bounded_by_the_time_of_its_export() -> None:
    mock = MockGoogle([row(1)], is_partitioned=False)
    assert [len(answer.records) for answer in mock.cloud().billing(Span(DAY, DAY))] == [1]
    assert "export_time >= timestamp_sub(@from, interval 1 day)" in mock.queries[0]["query"]


def test_an_old_table_is_asked_for_the_columns_that_it_has() -> None:
    mock = MockGoogle([row(1)])
    mock.columns = tuple(name for name in mock.columns if name not in ("cost_at_list", "tags"))
    mock.cloud().billing(BOTH)
    assert "cost_at_list" not in mock.queries[0]["query"]
    assert "tags" not in mock.queries[0]["query"]


def test_what_a_query_read_and_what_it_left_unread_is_in_the_envelope() -> None:
    [answer] = MockGoogle([row(1)]).cloud().billing(Span(DAY, DAY))
    assert answer.envelope["bytes_billed"] == 10_485_760
    assert answer.envelope["bytes_processed"] == 123_456
    assert answer.envelope["columns_not_read"] == ["location"]
    assert answer.request["table"] == TABLE


def test_other_services_are_not_asked_for_and_a_renamed_one_is() -> None:
    renamed: dict[str, Any] = {"service": {"id": "NEW-ID", "description": "Gemini Enterprise Agent Platform"}}
    mock = MockGoogle([row(1, **QUIET), row(2, **renamed), row(3, **QUIET, cost_type="tax")])
    [answer] = mock.cloud().billing(Span(DAY, DAY))
    assert [one["cost"] for one in days_of([answer])[DAY]] == [2, 3]


def test_days_before_the_export_began_are_not_known() -> None:
    mock = MockGoogle([row(1, "2026-11-09")], created=NEXT)
    answers = mock.cloud().billing(Span(date(2026, 11, 8), date(2026, 11, 12)))
    assert {answer.day: len(answer.records) for answer in answers} == {
        date(2026, 11, 9): 1,  # Google backfills some tables from the month before
        NEXT: 0,
        date(2026, 11, 12): 0,
    }
    began = f"the export began on {NEXT}"
    assert answers.left_out == [LeftOut(date(2026, 11, 8), began), LeftOut(DAY, began)]


def test_pages_are_followed_to_the_last() -> None:
    mock = MockGoogle([row(n) for n in range(7)], a_page=3)
    [answer] = mock.cloud().billing(Span(DAY, DAY))
    assert [one["cost"] for one in days_of([answer])[DAY]] == list(range(7))
    assert len([one for one in mock.asked if "/queries/" in one.url.path]) >= 3


def test_fewer_rows_than_the_query_found_are_none() -> None:
    mock = MockGoogle([row(1), row(2)], lost_rows=1)
    with pytest.raises(IncompleteAnswer, match="1 of 2 rows came"):
        mock.cloud().billing(BOTH)


def test_an_answer_beyond_the_limits_is_too_large() -> None:
    mock = MockGoogle([row(n) for n in range(20)])
    with pytest.raises(TooLarge, match="AI_USAGE_ANSWER_MEGABYTES"):
        mock.cloud(limits=Limits(answer_bytes=3000)).billing(BOTH)


def test_a_table_that_is_no_export_is_named() -> None:
    mock = MockGoogle(columns=("service", "sku", "usage_start_time"))
    with pytest.raises(UnexpectedAnswer, match="is no Cloud Billing export: it has no column project"):
        mock.cloud().billing(BOTH)
    assert mock.queries == []


def test_a_table_that_does_not_exist_yet_costs_no_query_and_says_what_to_do() -> None:
    mock = MockGoogle()
    mock.answers["datasets/"] = [refusal(404, f"Not found: Table {TABLE}", "notFound")]
    with pytest.raises(NotFound, match="Cloud Billing creates the table some hours after"):
        mock.cloud().billing(BOTH)
    assert mock.queries == []


@pytest.mark.parametrize(
    ("status", "reason", "message", "kind", "advice"),
    [
        (403, "accessDenied", "Access Denied: Table", NotPermitted, "BigQuery Data Viewer"),
        (403, "rateLimitExceeded", "Exceeded rate limits", RateLimited, "rate limits"),
        (429, "tooManyRequests", "Too many", RateLimited, "quota"),
        (400, "invalidQuery", "Unrecognized name: cost", BadRequest, "GEMINI_BILLING_TABLE"),
        (400, "bytesBilledLimitExceeded", "Query exceeded limit for bytes billed: 1.", BadRequest, "MAX_BYTES_BILLED"),
    ],
)
def test_a_refusal_names_what_to_do(status: int, reason: str, message: str, kind: type[ApiError], advice: str) -> None:
    mock = MockGoogle([row(1)])
    mock.answers["jobs"] = [refusal(status, message, reason)]
    with pytest.raises(kind, match=advice) as raised:
        mock.cloud().billing(BOTH)
    assert message.rstrip(".") in str(raised.value)


def test_a_passing_trouble_is_asked_again() -> None:
    mock = MockGoogle([row(1)])
    mock.answers["jobs"] = [refusal(503, "Backend error", "backendError")]
    cloud = mock.cloud(attempts=3)
    assert len(cloud.billing(Span(DAY, DAY))) == 1
    assert cloud.requests == len(mock.asked)


def test_a_job_that_fails_while_it_runs_is_a_refusal() -> None:
    mock = MockGoogle([row(1)])
    mock.answers["queries/"] = [refusal(400, "Query exceeded limit for bytes billed: 9. 10 required.", "x")]
    with pytest.raises(BadRequest, match="BIGQUERY_MAX_BYTES_BILLED allows"):
        mock.cloud().billing(BOTH)


def test_the_table_is_described_once_for_all_windows() -> None:
    mock = MockGoogle([row(1)])
    cloud = mock.cloud()
    cloud.billing(Span(DAY, DAY))
    cloud.billing(Span(NEXT, NEXT))
    assert len([one for one in mock.asked if "/datasets/" in one.url.path]) == 1


def test_google_itself_is_not_asked_without_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere/key.json")
    mock = MockGoogle([row(1)])
    cloud = replace(mock.cloud(), addresses=Addresses(), connection=Connection("/nowhere/of-the-account.json"))
    with pytest.raises(SettingError, match="No Google credentials"):
        cloud.billing(BOTH)
    assert mock.asked == []


def test_a_stand_in_gets_no_credentials() -> None:
    mock = MockGoogle([row(1)])
    mock.cloud().billing(BOTH)
    assert all("authorization" not in request.headers for request in mock.asked)
    assert all(isinstance(request, httpx.Request) for request in mock.asked)
