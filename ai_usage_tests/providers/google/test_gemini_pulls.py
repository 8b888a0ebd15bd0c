"""Google's usage from the APIs to core: each report is independent, and no project or report stops another."""

import json
from datetime import date, timedelta
from typing import Any

import dagster as dg

from ai_usage.accounts import Account
from ai_usage.partitions import Span
from ai_usage.providers.google import usage_assets, usage_pulls
from ai_usage.providers.google.probe import PROBE
from ai_usage.providers.google.provider import GOOGLE
from ai_usage.providers.google.resource import open_client
from ai_usage.settings import settings
from ai_usage.warehouse.duckdb.erasure import begin, rewrite
from ai_usage.warehouse.duckdb.identity import identity_of
from ai_usage_tests.mock_google_apis import (
    PROJECT,
    MockLogging,
    MockMonitoring,
    MockProcurement,
    MockUsage,
    point,
    series,
)
from ai_usage_tests.outcome import Outcome
from ai_usage_tests.platform import Platform

DAY = date(2026, 11, 10)
NEXT = DAY + timedelta(days=1)
BOTH = Span(DAY, NEXT)
ALL = dg.AssetSelection.assets(*usage_pulls.ASSETS, *usage_assets.ASSETS).without_checks()
OUTPUT = "generativelanguage.googleapis.com/generate_content_usage_output_token_count"
RESPONSES = "cloudaicompanion.googleapis.com/usage/response_count"
METADATA = "cloudaicompanion.googleapis.com%2Fmetadata"
A = "ai_usage_analytics"
TOKENS = f"select activity_date, project_id, quantity from {A}.gemini_usage where meter = 'output_tokens' order by all"
STATS = (
    f"select activity_date, project_id, user_email, code_lines_accepted from {A}.gemini_code_assist_stats order by 1"
)


def used(*counts: int, type_: str = OUTPUT) -> dict[str, Any]:
    """Tokens of the first and the second day, newest first."""
    days = [DAY + timedelta(days=n) for n in range(len(counts) + 1)]
    points = [point(str(day), str(days[n + 1]), counts[n]) for n, day in enumerate(days[:-1])]
    return series(type_, *reversed(points), labels={"model": "gemini-3-flash"})


def accepted(n: int, day: date = DAY, project: str = PROJECT, lines: int = 7) -> dict[str, Any]:
    return {
        "insertId": f"i-{n}",
        "logName": f"projects/{project}/logs/{METADATA}",
        "timestamp": f"{day}T08:00:00Z",
        "labels": {"product": "code_assist", "user_id": "Dev@Example.com"},
        "jsonPayload": {"codeAcceptance": {"originalRequestId": f"r-{n}", "linesCount": lines}},
    }


def company(*projects: str) -> MockUsage:
    """Two days of tokens and of Code Assist in each project, and one order with two users and a spare license."""
    names = projects or (PROJECT,)
    users = [{"username": address, "assignTime": "2026-01-01T00:00:00Z"} for address in ("a@x.com", "Dev@Example.com")]
    pool = {"totalLicenseCount": "3", "availableLicenseCount": "1"}
    return MockUsage(
        MockMonitoring({name: [used(100, 200)] for name in names}),
        MockLogging({name: [accepted(1, project=name), accepted(2, NEXT, name)] for name in names}),
        MockProcurement({"order-1": (pool, users)}),
    )


def run(platform: Platform, *clouds: Any, span: Span = BOTH, only: dg.AssetSelection = ALL) -> Outcome:
    return platform.materialize(only, span, None, google_cloud=list(clouds))


def test_two_days_reach_core(platform: Platform) -> None:
    assert run(platform, company().cloud()).result.success
    assert platform.sql(TOKENS) == [(DAY, PROJECT, 100), (NEXT, PROJECT, 200)]
    assert platform.sql(STATS) == [(DAY, PROJECT, "dev@example.com", 7), (NEXT, PROJECT, "dev@example.com", 7)]
    licenses = f"select user_email, is_assigned, license_count from {A}.gemini_licenses order by all"
    assert platform.sql(licenses) == [("a@x.com", True, 1), ("dev@example.com", True, 1), (None, False, 1)]
    members = GOOGLE.people.members(platform.warehouse) if GOOGLE.people else []
    assert [member.user_email for member in members] == ["a@x.com", "dev@example.com"]


def test_the_same_days_asked_again_are_no_new_version(platform: Platform) -> None:
    def state() -> list[Any]:
        pulls = ("gemini_metrics", "gemini_code_assist_log", "gemini_licenses")
        return [platform.sql(f"select count(*) from ai_usage_raw.{pull}") for pull in pulls] + [platform.sql(TOKENS)]

    run(platform, company().cloud())
    before = state()
    outcome = run(platform, company().cloud())
    assert state() == before
    assert [outcome.noted("raw/gemini_metrics", day)["is_new_version"] for day in BOTH.days] == [False, False]
    changed = company()
    changed.monitoring = MockMonitoring({PROJECT: [used(100, 201)]})
    outcome = run(platform, changed.cloud())
    assert [outcome.noted("raw/gemini_metrics", day)["is_new_version"] for day in BOTH.days] == [False, True]
    assert platform.sql(TOKENS) == [(DAY, PROJECT, 100), (NEXT, PROJECT, 201)]


def test_a_project_that_refuses_is_noted_and_the_others_arrive(platform: Platform) -> None:
    outcome = run(platform, company("one", "three").cloud("one", "two", "three"))
    assert outcome.result.success
    assert platform.sql(TOKENS) == [(DAY, "one", 100), (DAY, "three", 100), (NEXT, "one", 200), (NEXT, "three", 200)]
    assert [(day, project) for day, project, *_ in platform.sql(f"{STATS}, project_id")] == [
        (DAY, "one"),
        (DAY, "three"),
        (NEXT, "one"),
        (NEXT, "three"),
    ]
    for pull, permission in (("gemini_metrics", "timeSeries.list"), ("gemini_code_assist_log", "logEntries.list")):
        assert permission in outcome.noted(f"raw/{pull}", DAY)["refused_projects"]
        assert outcome.noted(f"raw/{pull}", DAY)["refused_projects"].startswith("two: ")


def test_a_metric_that_is_not_offered_is_noted_and_no_failure(platform: Platform) -> None:
    mock = company()
    mock.monitoring = MockMonitoring({PROJECT: [used(100, 200)]}, unknown=frozenset({RESPONSES}))
    outcome = run(platform, mock.cloud())
    assert outcome.result.success
    assert outcome.noted("raw/gemini_metrics", DAY)["metrics_not_offered"] == f"{PROJECT}: {RESPONSES}"
    assert platform.sql(TOKENS) == [(DAY, PROJECT, 100), (NEXT, PROJECT, 200)]


def test_reports_that_google_refuses_altogether_are_skipped_with_the_role_they_need(platform: Platform) -> None:
    mock = MockUsage(procurement=MockProcurement({}, may_read=False))
    outcome = run(platform, mock.cloud("one", "two"))
    assert outcome.result.success
    skipped = outcome.noted_anywhere("skipped")
    assert "it needs the role Monitoring Viewer (roles/monitoring.viewer)" in skipped["raw/gemini_metrics"]
    assert "it needs the role Logs Viewer (roles/logging.viewer)" in skipped["raw/gemini_code_assist_log"]
    assert "consumerprocurement.licensePools.*" in skipped["raw/gemini_licenses"]
    assert platform.sql("select count(*) from ai_usage_raw.pulls") == [(0,)]


def test_what_an_account_does_not_have_is_not_asked_for(platform: Platform) -> None:
    outcome = run(platform, MockUsage().cloud(table="p.d.t"))
    assert outcome.result.success
    skipped = outcome.noted_anywhere("skipped")
    assert "GEMINI_PROJECTS is not set" in skipped["raw/gemini_metrics"]
    assert "GEMINI_PROJECTS is not set, or names no project" in skipped["raw/gemini_code_assist_log"]
    assert "GEMINI_BILLING_ACCOUNT is not set" in skipped["raw/gemini_licenses"]


def test_days_that_google_does_not_keep_any_more_are_not_asked_for(platform: Platform) -> None:
    """An empty answer about them would replace known data."""
    today = settings().now().date()
    logs, metrics = today - timedelta(days=29), today - timedelta(days=224)
    mock = company()
    outcome = run(platform, mock.cloud(), span=Span(logs - timedelta(days=1), logs))
    assert [day for (day,) in pulled(platform, "gemini_code_assist_log")] == [logs]
    assert "Google keeps 30 days" in outcome.noted("raw/gemini_code_assist_log", logs - timedelta(days=1))["skipped"]
    assert len(pulled(platform, "gemini_metrics")) == 2
    run(platform, mock.cloud(), span=Span(metrics - timedelta(days=2), metrics))
    assert min(pulled(platform, "gemini_metrics")) == (metrics,)


def pulled(platform: Platform, pull: str) -> list[Any]:
    return platform.sql(f"select distinct activity_date from ai_usage_raw.pulls where pull = '{pull}' order by 1")


def test_two_accounts_stay_apart(platform: Platform) -> None:
    one, eu = company(), company("eu-project")
    assert run(platform, one.cloud(), eu.cloud(account="eu")).result.success
    by_account = f"select account, project_id, sum(quantity) from {A}.gemini_usage group by all order by all"
    assert platform.sql(by_account) == [("default", PROJECT, 300), ("eu", "eu-project", 300)]
    assert platform.sql(f"select account, count(*) from {A}.gemini_licenses group by all order by all") == [
        ("default", 3),
        ("eu", 3),
    ]


def test_one_bad_series_is_rejected_by_name_and_the_others_stay(platform: Platform) -> None:
    mock = company()
    bad = used(1, 2)
    bad["points"][1]["value"] = {"int64Value": "some"}
    mock.monitoring = MockMonitoring({PROJECT: [used(100, 200), bad]})
    assert run(platform, mock.cloud()).result.success
    assert platform.sql(TOKENS) == [(DAY, PROJECT, 100), (NEXT, PROJECT, 202)]
    assert [(day, field) for day, field, _ in platform.rejections()] == [(DAY, "timeSeries.points[].value.int64Value")]


def test_the_ledger_has_googles_own_words_with_the_project(platform: Platform) -> None:
    run(platform, company().cloud())
    [record] = platform.sql(f"select record from ai_usage_raw.gemini_metrics where activity_date = '{DAY}'")
    sent = json.loads(record[0])
    assert (sent["project"], sent["unit"]) == (PROJECT, "1")
    assert sent["timeSeries"] == {**used(100, 200), "points": [used(100, 200)["points"][1]]}


def test_the_doctor_counts_the_projects_that_can_be_read_and_quotes_google_about_the_others() -> None:
    [projects] = [key for key in PROBE.keys if key.what == "projects"]
    cloud = company("one", "three").cloud("one", "two", "three")
    answer = projects.ask(cloud)
    assert answer is not None
    assert answer.startswith("2 of 3 can be read; two: Permission monitoring.timeSeries.list denied")
    assert projects.is_had(cloud)
    assert not projects.is_had(MockUsage().cloud())
    assert not projects.opens(cloud, "gemini_metrics")


def test_an_erased_person_is_in_no_record_of_googles(platform: Platform) -> None:
    run(platform, company().cloud())
    warehouse = platform.warehouse
    rewrite(warehouse, begin(warehouse, "dev@example.com", identity_of(warehouse, "dev@example.com")), None)
    for pull in ("gemini_code_assist_log", "gemini_licenses"):
        texts = [text for (text,) in platform.sql(f"select record from ai_usage_raw.{pull}")]
        assert texts
        assert not [text for text in texts if "dev@" in text.lower()]
        assert any("erased.invalid" in text for text in texts)
    typed = f"select count(*) from {A}.gemini_code_assist_stats where user_email like '%erased.invalid'"
    assert platform.sql(typed) == [(2,)]


def test_a_folder_is_asked_for_metrics_and_not_for_its_log(platform: Platform) -> None:
    mock = company("folders/12", PROJECT)
    assert run(platform, mock.cloud("folders/12", PROJECT)).result.success
    assert mock.logging is not None
    assert {name for body in mock.logging.asked for name in body["resourceNames"]} == {f"projects/{PROJECT}"}
    assert len(pulled(platform, "gemini_metrics")) == 2
    outcome = run(platform, company("folders/12").cloud("folders/12"))
    assert "names no project" in outcome.noted_anywhere("skipped")["raw/gemini_code_assist_log"]


def test_a_project_may_be_written_as_google_does() -> None:
    account = Account("google", "default", {"projects": " projects/one , two,, folders/3 "}, "http://127.0.0.1:1")
    assert open_client(account, settings()).projects == ("one", "two", "folders/3")
