"""Cloud Monitoring: its requests, the day of a point, refusals of projects and metrics, and the rows."""

import json
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest

from ai_usage.ingest.drift import drift
from ai_usage.ingest.http.errors import IncompleteAnswer, NotFound, NotPermitted
from ai_usage.partitions import Span
from ai_usage.providers.google.metrics.asked_metrics import METRICS, TIERS
from ai_usage.providers.google.metrics.client import MONITORING, Monitoring, day_of_point
from ai_usage.providers.google.metrics.records import SeriesOfDay
from ai_usage.providers.google.metrics.rows import usage_rows
from ai_usage.settings import GOOGLE_MONITORING_URL
from ai_usage.warehouse.ledger import Answer
from ai_usage_tests.mock_google_apis import PROJECT, MockMonitoring, api_of, point, series
from ai_usage_tests.providers.openai.pulled import records

FIXTURES = Path(__file__).parents[2] / "fixtures" / "gemini"
DAY, NEXT = date(2026, 11, 1), date(2026, 11, 2)
BOTH = Span(DAY, NEXT)
ON_DAY, ON_NEXT = ("2026-11-01", "2026-11-02"), ("2026-11-02", "2026-11-03")
OUTPUT = "generativelanguage.googleapis.com/generate_content_usage_output_token_count"
REQUESTS = "serviceruntime.googleapis.com/api/request_count"
VERTEX = "aiplatform.googleapis.com/publisher/online_serving/token_count"


def quota(tier: str, counted: str = "input_token_count") -> str:
    return f"generativelanguage.googleapis.com/quota/generate_content_{tier}_{counted}/usage"


def twins(tier: str, per_day: int, per_minute: int, model: str = "gemini-2.5-flash") -> list[dict[str, Any]]:
    of = f"GenerateContentInputTokensPerModel{{}}-{tier}"
    return [
        series(quota(tier), point(*ON_DAY, count), labels={"model": model, "limit_name": of.format(limit)})
        for limit, count in (("PerMinute", per_minute), ("PerDay", per_day))
    ]


def recorded(name: str) -> Any:
    return json.loads((FIXTURES / f"{name}.json").read_text(encoding="utf-8"))


def answering(*bodies: Any, asked: list[httpx.Request] | None = None) -> Monitoring:
    """Answers the first metric with these recorded bodies, page by page, and every other metric with no data."""
    left = list(bodies)

    def answer(request: httpx.Request) -> httpx.Response:
        if asked is not None:
            asked.append(request)
        return httpx.Response(200, json=left.pop(0) if left else {})

    return Monitoring(api_of(MONITORING, GOOGLE_MONITORING_URL, answer), [PROJECT])


def rows_of(answers: list[Answer], account: str = "default") -> list[dict[str, Any]]:
    days = {answer.day: [record.decode() for record in answer.records] for answer in answers}
    return usage_rows(records(days, account=account)).to_dicts()


def counts(answers: list[Answer]) -> dict[tuple[date, str], int]:
    return {(row["activity_date"], row["meter"]): row["quantity"] for row in rows_of(answers)}


RECORDED = [path.stem for path in sorted(FIXTURES.glob("timeseries_*.json")) if "execution_errors" not in path.stem]


@pytest.mark.parametrize("name", RECORDED)
def test_recorded_series_load_whole_and_none_has_an_unknown_field(name: str) -> None:
    body = {**recorded(name)}
    body.pop("nextPageToken", None)
    got = answering(body).metrics(BOTH)
    sent = [each for each in body.get("timeSeries", []) for _ in each["points"]]
    kept = [json.loads(record) for answer in got for record in answer.records]
    assert len(kept) == len(sent)
    assert sorted(str(each["timeSeries"]["points"]) for each in kept) == sorted(
        str([of_point]) for each in body.get("timeSeries", []) for of_point in each["points"]
    )
    assert not drift((record.decode() for answer in got for record in answer.records), SeriesOfDay)
    assert sum(row["record_count"] for row in rows_of(got)) == len(sent)


def test_a_point_that_ends_at_midnight_belongs_to_the_day_before() -> None:
    got = answering(recorded("timeseries_output_tokens_page1"), recorded("timeseries_output_tokens_page2"))
    assert {(row["activity_date"], row["model"], row["quantity"]) for row in rows_of(got.metrics(BOTH))} == {
        (DAY, "gemini-2.5-flash", 40960),
        (NEXT, "gemini-2.5-flash", 51200),
        (DAY, "gemini-2.5-pro", 777),
    }


@pytest.mark.parametrize(
    ("end", "day"),
    [
        ("2026-11-02T00:00:00Z", DAY),
        ("2026-11-02T00:00:00.000001Z", NEXT),
        ("2026-11-01T10:00:00Z", DAY),
        ("2026-11-02T01:00:00+02:00", DAY),
        ("never", None),
    ],
)
def test_a_points_day_is_that_of_its_end(end: str, day: date | None) -> None:
    assert day_of_point(json.dumps({"interval": {"endTime": end}}).encode()) == day


def test_a_page_is_asked_by_the_token_of_the_same_query() -> None:
    asked: list[httpx.Request] = []
    answering(
        recorded("timeseries_output_tokens_page1"), recorded("timeseries_output_tokens_page2"), asked=asked
    ).metrics(BOTH)
    first, second = (request.url.params for request in asked[:2])
    assert second["pageToken"] == "example-token-2"
    assert second.remove("pageToken") == first
    assert (first["interval.startTime"], first["interval.endTime"]) == ("2026-11-01T00:00:00Z", "2026-11-03T00:00:00Z")
    assert (first["aggregation.alignmentPeriod"], first["aggregation.perSeriesAligner"]) == ("86400s", "ALIGN_SUM")
    assert "aggregation.crossSeriesReducer" not in first


def test_each_metric_of_each_project_is_one_request_whatever_the_days() -> None:
    mock = MockMonitoring({"one": [], "two": []})
    got = mock.client().metrics(Span(date(2026, 10, 1), date(2026, 10, 31)))
    assert [len(answer.records) for answer in got] == [0] * 31
    asked = Counter((request.url.path, request.url.params["filter"]) for request in mock.asked)
    assert set(asked.values()) == {1}
    assert len(asked) == 2 * len(METRICS)


def test_twin_series_are_compared_and_never_added() -> None:
    got = answering(recorded("timeseries_input_quota")).metrics(BOTH)
    assert [len(answer.records) for answer in got] == [2, 2]
    rows = rows_of(got)
    assert [(row["activity_date"], row["quantity"], row["twin_quantity"]) for row in rows] == [
        (DAY, 640_000, 640_000),
        (NEXT, 900_000, 900_000),
    ]
    differing = rows_of(answering(recorded("timeseries_input_quota_disagree")).metrics(BOTH))
    assert [(row["quantity"], row["twin_quantity"]) for row in differing] == [(640_000, 639_000), (900_000, 900_000)]


def test_the_series_of_the_limit_by_day_counts_whichever_comes_first() -> None:
    rows = rows_of(MockMonitoring({PROJECT: twins("paid_tier", 100, 90)}).client().metrics(Span(DAY, DAY)))
    assert [(row["quantity"], row["twin_quantity"], row["record_count"]) for row in rows] == [(100, 90, 2)]


def test_tiers_stay_apart_and_each_counts_once() -> None:
    every = [each for n, tier in enumerate(TIERS, 1) for each in twins(tier, n, n)]
    rows = rows_of(MockMonitoring({PROJECT: every}).client().metrics(Span(DAY, DAY)))
    assert {row["tier"]: row["quantity"] for row in rows} == {tier: n for n, tier in enumerate(TIERS, 1)}


def test_labels_that_are_no_column_are_added() -> None:
    of = [series(OUTPUT, point(*ON_DAY, n), labels={"model": "m", "thinking_enabled": str(n == 1)}) for n in (1, 2)]
    rows = rows_of(MockMonitoring({PROJECT: of}).client().metrics(Span(DAY, DAY)))
    assert [(row["model"], row["quantity"], row["twin_quantity"]) for row in rows] == [("m", 3, None)]


def test_requests_are_known_by_key_and_errors_by_status() -> None:
    of = {"service": "generativelanguage.googleapis.com", "credential_id": "apikey:k-1"}
    vertex = {"service": "aiplatform.googleapis.com", "credential_id": "serviceaccount:7"}
    found = [
        series(REQUESTS, point(*ON_DAY, 5), labels={"response_code": "200"}, resource=of),
        series(REQUESTS, point(*ON_DAY, 2), labels={"response_code": "429"}, resource=of),
        series(REQUESTS, point(*ON_DAY, 3), labels={"response_code": "200"}, resource=vertex),
    ]
    rows = rows_of(MockMonitoring({PROJECT: found}).client().metrics(Span(DAY, DAY)))
    assert {
        (row["platform"], row["api_key_id"], row["response_code"], row["is_error"], row["quantity"]) for row in rows
    } == {
        ("gemini_api", "k-1", "200", False, 5),
        ("gemini_api", "k-1", "429", True, 2),
        ("vertex_ai", None, "200", False, 3),
    }


def test_tokens_of_vertex_are_of_the_kind_that_the_label_names() -> None:
    rows = rows_of(answering(recorded("timeseries_vertex_token_count")).metrics(BOTH))
    assert {(row["meter"], row["model"], row["request_type"], row["quantity"]) for row in rows} == {
        ("input_tokens", "gemini-2.5-pro", "shared", 123_456),
        ("output_tokens", "gemini-2.5-pro", "shared", 7890),
    }


def test_a_metric_that_a_project_does_not_have_is_named_and_no_error() -> None:
    tokens = [series(OUTPUT, point(*ON_DAY, 7), labels={"model": "m"})]
    mock = MockMonitoring({PROJECT: tokens}, unknown=frozenset({quota("free_tier")}))
    [answer] = mock.client().metrics(Span(DAY, DAY))
    assert answer.envelope["not_offered"][PROJECT].keys() == {quota("free_tier")}
    assert "Cannot find metric" in answer.envelope["not_offered"][PROJECT][quota("free_tier")]
    assert counts([answer]) == {(DAY, "output_tokens"): 7}


def test_no_metric_at_all_is_a_refusal_and_no_empty_day() -> None:
    mock = MockMonitoring({PROJECT: []}, unknown=frozenset(metric.type for metric in METRICS))
    with pytest.raises(NotFound, match="Cannot find metric"):
        mock.client().metrics(Span(DAY, DAY))


def test_a_project_without_a_permission_is_named_and_the_others_arrive() -> None:
    tokens = [series(OUTPUT, point(*ON_DAY, 7), labels={"model": "m"})]
    mock = MockMonitoring({"one": tokens, "three": tokens})
    [answer] = mock.client("one", "two", "three").metrics(Span(DAY, DAY))
    assert answer.envelope["refused_projects"].keys() == {"two"}
    assert sorted(row["project_id"] for row in rows_of([answer])) == ["one", "three"]
    assert [request.url.path for request in mock.asked].count("/v3/projects/two/timeSeries") == 1
    with pytest.raises(NotPermitted, match=r"roles/monitoring\.viewer"):
        mock.client("two").metrics(Span(DAY, DAY))


def test_a_project_without_use_is_an_empty_day() -> None:
    [answer] = MockMonitoring({PROJECT: []}).client().metrics(Span(DAY, DAY))
    assert (answer.day, answer.records, answer.pages) == (DAY, [], len(METRICS))
    assert answer.envelope == {"projects": [PROJECT]}


def test_an_answer_that_google_could_not_read_whole_is_refused() -> None:
    with pytest.raises(IncompleteAnswer, match="data could not be read from one location"):
        answering(recorded("timeseries_execution_errors")).metrics(BOTH)


def test_a_folder_stands_for_its_projects_which_the_labels_name() -> None:
    of = [series(OUTPUT, point(*ON_DAY, 7), resource={"resource_container": "projects/inner"})]
    mock = MockMonitoring({"folders/12": of})
    assert [row["project_id"] for row in rows_of(mock.client("folders/12").metrics(Span(DAY, DAY)))] == ["inner"]
    assert mock.asked[0].url.path == "/v3/folders/12/timeSeries"


@pytest.mark.parametrize("value", [{}, {"int64Value": "-1"}, {"int64Value": "many"}, {"doubleValue": 1e17}])
def test_a_point_that_is_no_count_is_a_rejected_record(value: dict[str, Any]) -> None:
    good = series(OUTPUT, point(*ON_DAY, 7))
    bad = series(OUTPUT, {**point(*ON_DAY, 7), "value": value})
    [answer] = MockMonitoring({PROJECT: [good, bad]}).client().metrics(Span(DAY, DAY))
    read = records({DAY: [record.decode() for record in answer.records]})
    assert usage_rows(read)["quantity"].to_list() == [7]
    assert [rejection.field.startswith("timeSeries.points[].value") for rejection in read.rejections] == [True]


def test_pages_of_series_are_joined() -> None:
    found = [series(OUTPUT, point(*ON_DAY, n), labels={"model": f"m{n}"}) for n in range(1, 6)]
    [answer] = MockMonitoring({PROJECT: found}, a_page=2).client().metrics(Span(DAY, DAY))
    assert sum(row["quantity"] for row in rows_of([answer])) == 15
    assert answer.pages == len(METRICS) + 2
