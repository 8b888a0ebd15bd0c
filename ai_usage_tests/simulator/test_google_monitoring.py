"""The simulated Cloud Monitoring: sums by day of the true usage, and the traps that the contract documents."""

import json
from collections import defaultdict
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ai_usage.simulator import GoogleOffer
from ai_usage_tests.simulator.conftest import NOW, Clock
from ai_usage_tests.simulator.google_client import OUTPUT, REQUESTS, GoogleClient, offered, read, refusal
from ai_usage_tests.simulator.shapes import Shape

FIXTURES = Path(__file__).parents[1] / "fixtures" / "gemini"
FIRST, DAYS = date(2026, 11, 15), 4
QUOTA = "generativelanguage.googleapis.com/quota/generate_content_{tier}_input_token_count/usage"
CALLS = "generativelanguage.googleapis.com/quota/generate_content_{tier}_requests/usage"
VERTEX = "aiplatform.googleapis.com/publisher/online_serving/{name}"
TIERS = {
    "simulated-search": "paid_tier_2",
    "simulated-assistants": "paid_tier",
    "simulated-sandbox": "free_tier",
}
KEYED = f'metric.type="{REQUESTS}" AND resource.labels.service="generativelanguage.googleapis.com"'


def by_day(series: list[dict[str, Any]], *labels: str) -> dict[Any, int]:
    """Labels and the day of the points, an instant before their end → the sum."""
    sums: dict[Any, int] = defaultdict(int)
    for one in series:
        named = one["metric"]["labels"] | one["resource"]["labels"]
        for point in one["points"]:
            end = datetime.fromisoformat(point["interval"]["endTime"]) - timedelta(seconds=1)
            value = point["value"]["int64Value"]
            assert isinstance(value, str)
            sums[*(named[label] for label in labels), end.date()] += int(value)
    return dict(sums)


def truth(google: GoogleClient, project: str, api: str, *kinds: str) -> dict[Any, int]:
    days = [FIRST + timedelta(days=n) for n in range(DAYS)]
    return {
        (model, day): n
        for day in days
        for model, n in google.simulator.google_day(day).tokens(project, api, *kinds).items()
    }


@pytest.mark.parametrize("project", TIERS)
def test_output_tokens_are_those_of_the_truth(google: GoogleClient, project: str) -> None:
    series = read(google.series(OUTPUT, project, FIRST, DAYS))["timeSeries"]
    assert by_day(series, "model") == truth(google, project, "gemini", "output", "thinking")
    for one in series:
        ends = [point["interval"]["endTime"] for point in one["points"]]
        assert ends == sorted(ends, reverse=True)


@pytest.mark.parametrize(("project", "tier"), TIERS.items())
def test_a_quota_counts_twice_and_under_the_projects_tier_alone(google: GoogleClient, project: str, tier: str) -> None:
    for other in ("free_tier", "paid_tier", "paid_tier_2", "paid_tier_3"):
        answer = read(google.series(QUOTA.format(tier=other), project, FIRST, DAYS))
        if other != tier:
            assert answer == {}
            continue
        twins: dict[bool, list[dict[str, Any]]] = {True: [], False: []}
        for one in answer["timeSeries"]:
            twins["PerDay-" in one["metric"]["labels"]["limit_name"]].append(one)
        assert by_day(twins[True], "model") == by_day(twins[False], "model")
        assert by_day(twins[True], "model") == truth(google, project, "gemini", "input", "cached")
        calls = read(google.series(CALLS.format(tier=tier), project, FIRST, DAYS))["timeSeries"]
        assert len(calls) == len(answer["timeSeries"])


def test_twins_can_disagree() -> None:
    with offered(NOW, GoogleOffer(twins_disagree=True)) as google:
        series = read(google.series(QUOTA.format(tier="paid_tier_2"), "simulated-search", FIRST))["timeSeries"]
        points = {one["metric"]["labels"]["limit_name"]: one["points"][0]["value"]["int64Value"] for one in series}
        assert len(points) == 2
        assert len(set(points.values())) == 2


def test_requests_are_counted_by_key_and_by_code(google: GoogleClient) -> None:
    asked = read(google.series(REQUESTS, "simulated-assistants", FIRST, DAYS, filter=KEYED))["timeSeries"]
    sums = by_day(asked, "credential_id", "response_code")
    expected: dict[Any, int] = defaultdict(int)
    for n in range(DAYS):
        day = FIRST + timedelta(days=n)
        for use in google.simulator.google_day(day).uses:
            if use.project_id == "simulated-assistants":
                key = google.simulator.google_company.credential_id(use.credential)
                for code, count in (("200", use.requests), ("429", use.failed), ("500", use.broken)):
                    expected[key, code, day] += count
    assert sums == {key: n for key, n in expected.items() if n}
    assert len({key for key, _, _ in sums}) == 3
    assert all(key.startswith("apikey:") for key, _, _ in sums)
    assert read(google.series(REQUESTS, "simulated-data", FIRST, DAYS, filter=KEYED)) == {}


def test_vertex_tells_models_and_not_keys(google: GoogleClient) -> None:
    tokens = read(google.series(VERTEX.format(name="token_count"), "simulated-data", FIRST, DAYS))["timeSeries"]
    for kind, kinds in (("input", ("input", "cached")), ("output", ("output", "thinking"))):
        of_kind = [one for one in tokens if one["metric"]["labels"]["type"] == kind]
        assert by_day(of_kind, "model_user_id") == truth(google, "simulated-data", "vertex", *kinds)
    calls = read(google.series(VERTEX.format(name="model_invocation_count"), "simulated-data", FIRST, DAYS))
    assert {one["resource"]["labels"]["publisher"] for one in calls["timeSeries"]} == {"google"}


def test_code_assist_is_counted_without_names(google: GoogleClient) -> None:
    series = read(
        google.series("cloudaicompanion.googleapis.com/usage/response_count", "simulated-assistants", FIRST, 2)
    )
    shown = [one for n in range(2) for one in google.simulator.google_day(FIRST + timedelta(days=n)).activities]
    assert sum(by_day(series["timeSeries"], "method").values()) == sum(one.kind.endswith("Exposure") for one in shown)
    assert "@" not in json.dumps(series)


def test_a_window_has_its_end_and_not_its_start(google: GoogleClient) -> None:
    uses = [use for use in google.simulator.google_day(FIRST).uses if use.project_id == "simulated-search"]
    end = uses[0].ended_at
    total = 0
    for start, last in ((end - timedelta(hours=1), end), (end, end + timedelta(hours=1))):
        answer = google.series(
            OUTPUT,
            "simulated-search",
            FIRST,
            interval_startTime=start.isoformat(),
            interval_endTime=last.isoformat(),
            aggregation_alignmentPeriod="3600s",
        )
        found = read(answer)
        if start == end:
            assert found == {}
        else:
            total = sum(by_day(found["timeSeries"], "model").values())
    at_end = [use for use in uses if use.ended_at == end]
    assert total == sum(use.counted("output", "thinking") for use in at_end) > 0


def test_pages_of_points_are_the_whole(google: GoogleClient) -> None:
    whole = read(google.series(OUTPUT, "simulated-assistants", FIRST, DAYS))["timeSeries"]
    assert len(whole) > 2
    found: list[dict[str, Any]] = []
    token, pages = None, 0
    while True:
        page = read(google.series(OUTPUT, "simulated-assistants", FIRST, DAYS, pageSize="3", pageToken=token))
        assert sum(len(one["points"]) for one in page["timeSeries"]) <= 3
        found += page["timeSeries"]
        token, pages = page.get("nextPageToken"), pages + 1
        if token is None:
            break
    assert pages > 3
    assert by_day(found, "model", "thinking_enabled") == by_day(whole, "model", "thinking_enabled")
    first = read(google.series(OUTPUT, "simulated-assistants", FIRST, DAYS, pageSize="3"))["nextPageToken"]
    other = google.series(OUTPUT, "simulated-search", FIRST, DAYS, pageSize="3", pageToken=first)
    assert refusal(other) == (400, "INVALID_ARGUMENT")


def test_unknown_metrics_and_projects_are_told_apart_from_nothing(google: GoogleClient) -> None:
    assert read(google.series(OUTPUT, "simulated-billing", FIRST)) == {}
    unknown = google.series(OUTPUT.replace("output", "input"), "simulated-search", FIRST)
    sample = json.loads((FIXTURES / "error_404_metric.json").read_text())
    assert unknown.status_code == 404
    assert unknown.json() == sample
    foreign = google.series(OUTPUT, "somebody-else", FIRST)
    assert foreign.status_code == 403
    assert foreign.json() == json.loads((FIXTURES / "error_403.json").read_text())


def test_one_project_of_several_can_be_denied_or_incomplete() -> None:
    offer = GoogleOffer(denies=frozenset({"simulated-data"}), incomplete=frozenset({"simulated-sandbox"}))
    with offered(NOW, offer) as google:
        assert refusal(google.series(OUTPUT, "simulated-data", FIRST)) == (403, "PERMISSION_DENIED")
        assert read(google.series(OUTPUT, "simulated-search", FIRST))["timeSeries"]
        broken = read(google.series(OUTPUT, "simulated-sandbox", FIRST))
        assert broken.keys() == json.loads((FIXTURES / "timeseries_execution_errors.json").read_text()).keys()
        assert broken["executionErrors"][0]["code"] == 14


@pytest.mark.parametrize(
    "asked",
    [
        {"filter": f'metric.type="{OUTPUT}" AND metric.type="{REQUESTS}"'},
        {"filter": 'resource.labels.service="generativelanguage.googleapis.com"'},
        {"filter": f'metric.type=starts_with("{OUTPUT}")'},
        {"filter": f'metric.type="{OUTPUT}" OR metric.type="{REQUESTS}"'},
        {"filter": f'metric.type="{OUTPUT}" AND project="x"'},
        {"filter": None},
        {"interval_endTime": None},
        {"interval_endTime": "2026-11-01"},
        {"interval_startTime": "2026-11-30T00:00:00Z"},
        {"aggregation_alignmentPeriod": "1d"},
        {"aggregation_alignmentPeriod": "30s"},
        {"aggregation_crossSeriesReducer": "REDUCE_SUM"},
        {"pageSize": "many"},
        {"pageToken": "other"},
        {"unknown": "1"},
    ],
)
def test_a_question_may_be_refused(google: GoogleClient, asked: dict[str, Any]) -> None:
    assert refusal(google.series(OUTPUT, "simulated-search", FIRST, **asked)) == (400, "INVALID_ARGUMENT")


def test_points_are_kept_for_225_days(google: GoogleClient, running_clock: Clock) -> None:
    running_clock.at = datetime.fromisoformat(f"{FIRST + timedelta(days=225)}T12:00:00Z")
    kept = by_day(read(google.series(OUTPUT, "simulated-search", FIRST, 2))["timeSeries"], "model")
    known = truth(google, "simulated-search", "gemini", "output")
    next_day = {key: n for key, n in known.items() if key[1] == FIRST + timedelta(days=1)}
    assert {key: n for key, n in kept.items() if key[1] > FIRST} == next_day
    assert 0 < sum(kept.values()) - sum(next_day.values()) < sum(n for key, n in known.items() if key[1] == FIRST)


@pytest.mark.parametrize(
    ("metric", "project", "samples"),
    [
        (OUTPUT, "simulated-search", "timeseries_output_tokens_page*"),
        (QUOTA.format(tier="paid_tier_2"), "simulated-search", "timeseries_input_quota"),
        (REQUESTS, "simulated-search", "timeseries_request_count_by_key"),
        (VERTEX.format(name="token_count"), "simulated-data", "timeseries_vertex_token_count"),
        (VERTEX.format(name="model_invocation_count"), "simulated-data", "timeseries_vertex_invocations"),
        ("cloudaicompanion.googleapis.com/usage/response_count", "simulated-assistants", "timeseries_code_assist"),
    ],
)
def test_series_have_the_fields_of_the_samples(google: GoogleClient, metric: str, project: str, samples: str) -> None:
    shape = Shape()
    for file in FIXTURES.glob(f"{samples}.json"):
        for one in json.loads(file.read_text())["timeSeries"]:
            shape.learn(_without_types(one))
    assert shape.kinds
    found = read(google.series(metric, project, FIRST, DAYS))["timeSeries"]
    assert not [misfit for one in found for misfit in shape.misfits(_without_types(one), set())]


def _without_types(value: Any) -> Any:
    """`type` is a label here and does not separate objects."""
    if isinstance(value, list):
        return [_without_types(one) for one in value]
    if isinstance(value, dict):
        return {f"{name}_" if name == "type" else name: _without_types(one) for name, one in value.items()}
    return value
