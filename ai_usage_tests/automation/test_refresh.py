"""The sensors that pull what is due and rebuild what changed, over a real ledger and the real graph."""

import json
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from ai_usage.automation import build_requests, cadence, refresh
from ai_usage.automation.build_requests import Stale, rebuild_what_changed
from ai_usage.automation.refresh import CHAIN, SENSORS
from ai_usage.automation.warehouse_resource import published
from ai_usage.checks.missing import RANGE_END, RANGE_START
from ai_usage.definitions import defs
from ai_usage.partitions import ONE_DAY, Span
from ai_usage.providers.anthropic.rows import usage_and_cost
from ai_usage.settings import Settings, settings
from ai_usage.warehouse.builds import BUILDS
from ai_usage.warehouse.ledger import Answer
from ai_usage.warehouse.port import Warehouse
from ai_usage_tests.mock_claude import DAY, NEXT, ordinary
from ai_usage_tests.platform import WITHOUT_BOARDS, Platform, platform_in

BY_NAME = {sensor.name: sensor for sensor in SENSORS}
CLAUDE, ANALYTICS, CURSOR, ENTERPRISE, SHEET = (
    BY_NAME[f"pull_{name}_when_due"] for name in ("claude", "claude_analytics", "cursor", "claude_enterprise", "sheet")
)
YESTERDAY = date(2026, 11, 19)  # of the tests' clock
WINDOW = "2026-11-17…2026-11-19"
ANALYTICS_PULLS = ("claude_analytics_cost", "claude_analytics_usage")
RAW = dg.AssetSelection.key_prefixes("raw").without_checks()


@pytest.fixture
def of(monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings with every key."""
    found = replace(
        settings(), has_anthropic_admin_key=True, has_anthropic_analytics_key=True, has_cursor_key=True, sheet_id="id"
    )
    monkeypatch.setattr(refresh, "settings", lambda: found)
    return found


def tick(
    sensor: dg.SensorDefinition, ledger: Warehouse | None, instance: dg.DagsterInstance, cursor: str | None = None
) -> Any:
    with dg.build_sensor_context(
        instance=instance, definitions=defs, resources={"published": ledger}, cursor=cursor
    ) as context:
        return sensor.evaluate_tick(context)


def spans(result: Any) -> list[str]:
    found = []
    for request in result.run_requests:
        first, last = (date.fromisoformat(request.tags[tag]) for tag in (RANGE_START, RANGE_END))
        found.append(str(Span(first, last)))
    return found


def look(platform: Platform, span: Span, *pulls: str, account: str = "default") -> None:
    for pull in pulls:
        provider = "cursor" if pull.startswith("cursor") else "anthropic"
        platform.warehouse.append(pull, [Answer(provider, day, [], 1, {}, account=account) for day in span.days])


def test_what_is_due_is_asked_for_once_an_hour_until_it_is_there(of: Settings, platform: Platform) -> None:
    result = tick(CURSOR, None, platform.instance)
    assert spans(result) == [WINDOW]
    assert result.run_requests[0].run_key == f"{WINDOW} 2026-11-20T12"
    assert result.run_requests[0].tags[CHAIN] == "pull_cursor"
    week = Span(YESTERDAY - 6 * ONE_DAY, YESTERDAY)
    look(platform, week, "cursor_daily_usage")
    assert spans(tick(CURSOR, platform.warehouse, platform.instance)) == [WINDOW]  # only half of it is pulled
    look(platform, week, "cursor_usage_events")
    result = tick(CURSOR, platform.warehouse, platform.instance)
    assert (spans(result), result.skip_message) == ([], "nothing is due; the newest day there is 2026-11-19")


def test_before_the_first_day_is_settled_nothing_is_due(
    monkeypatch: pytest.MonkeyPatch, of: Settings, platform: Platform
) -> None:
    night = of.now().replace(hour=0, minute=30)
    monkeypatch.setattr(refresh, "settings", lambda: replace(of, start_date=YESTERDAY, fixed_now=night))
    assert tick(CURSOR, None, platform.instance).skip_message == "nothing is due; the newest day there is none yet"


def test_where_a_key_may_not_read_a_source_is_asked_once_a_day(of: Settings, platform: Platform) -> None:
    result = tick(ENTERPRISE, None, platform.instance)
    assert [request.run_key for request in result.run_requests] == ["2026-11-13…2026-11-19 2026-11-20"]
    job = defs.resolve_job_def("pull_claude_enterprise")
    of_this_hour = {refresh.HOUR: result.run_requests[0].tags[refresh.HOUR]}
    platform.instance.create_run_for_job(job, status=dg.DagsterRunStatus.FAILURE, tags=of_this_hour)
    assert tick(ENTERPRISE, None, platform.instance).run_requests == result.run_requests, "not twice in an hour"
    platform.instance.create_run_for_job(job, status=dg.DagsterRunStatus.FAILURE)
    [again] = tick(ENTERPRISE, None, platform.instance).run_requests
    assert again.run_key == "2026-11-13…2026-11-19 2026-11-20T12", "what failed is tried again once an hour"
    platform.instance.create_run_for_job(job, status=dg.DagsterRunStatus.SUCCESS)
    assert tick(ENTERPRISE, None, platform.instance).run_requests == result.run_requests
    repetition = {"dagster/run_key": again.run_key}
    platform.instance.create_run_for_job(job, status=dg.DagsterRunStatus.SUCCESS, tags=repetition)
    assert tick(ENTERPRISE, None, platform.instance).run_requests == []


def test_once_a_day_means_once_between_two_mornings(
    monkeypatch: pytest.MonkeyPatch, of: Settings, platform: Platform
) -> None:
    keys = {}
    for hour in (0, 5, 6, 23):  # the morning is at 06:00 in the tests' time zone
        at = of.now().replace(hour=hour)
        monkeypatch.setattr(refresh, "settings", lambda at=at: replace(of, fixed_now=at, schedule_timezone="UTC"))
        [request] = tick(ANALYTICS, None, platform.instance).run_requests
        keys[hour] = request.run_key
    assert keys[0] == keys[5] != keys[6] == keys[23]


def test_the_days_of_an_account_that_fails_are_due_though_the_others_are_there(
    monkeypatch: pytest.MonkeyPatch, of: Settings, platform: Platform, tmp_path: Path
) -> None:
    file = tmp_path / "accounts.toml"
    file.write_text('[[account]]\nprovider = "cursor"\nname = "eu"\nadmin_key = "env:CURSOR_KEY_EU"\n')
    monkeypatch.setattr(refresh, "settings", lambda: replace(of, accounts_file=file))
    week = Span(YESTERDAY - 6 * ONE_DAY, YESTERDAY)
    look(platform, week, "cursor_daily_usage", "cursor_usage_events")
    look(platform, Span(week.first, YESTERDAY - 5 * ONE_DAY), "cursor_daily_usage", account="eu")
    look(platform, Span(week.first, YESTERDAY - 5 * ONE_DAY), "cursor_usage_events", account="eu")
    assert spans(tick(CURSOR, platform.warehouse, platform.instance)) == ["2026-11-15…2026-11-19"]
    look(platform, week, "cursor_daily_usage", "cursor_usage_events", account="eu")
    assert spans(tick(CURSOR, platform.warehouse, platform.instance)) == []


def test_with_an_analytics_key_alone_analytics_cost_and_usage_are_pulled(
    monkeypatch: pytest.MonkeyPatch, of: Settings, platform: Platform
) -> None:
    monkeypatch.setattr(refresh, "settings", lambda: replace(of, has_anthropic_admin_key=False))
    job = defs.resolve_job_def("pull_claude_analytics")
    assert {key.path[-1] for key in job.asset_layer.selected_asset_keys} == set(ANALYTICS_PULLS)
    assert spans(tick(ANALYTICS, None, platform.instance)) == [WINDOW]
    week = Span(YESTERDAY - 6 * ONE_DAY, YESTERDAY)
    look(platform, week, *ANALYTICS_PULLS)  # an account that no longer has a key
    assert spans(tick(ANALYTICS, platform.warehouse, platform.instance)) == [WINDOW]
    look(platform, week, *ANALYTICS_PULLS, account="enterprise")
    assert spans(tick(ANALYTICS, platform.warehouse, platform.instance)) == []
    assert "not configured" in tick(CLAUDE, platform.warehouse, platform.instance).skip_message


def test_a_snapshot_is_seen_once_a_day(of: Settings, platform: Platform) -> None:
    result = tick(SHEET, None, platform.instance)
    [request] = result.run_requests
    assert (request.run_key, request.tags[CHAIN], RANGE_START in request.tags) == ("2026-11-20T12", "pull_sheet", False)
    pull = cadence.CADENCES[-1].asked_by[0]
    platform.warehouse.now = lambda: of.now() - timedelta(days=1)
    platform.warehouse.append(pull, [Answer("sheet", None, [], 1, {})])
    assert len(tick(SHEET, platform.warehouse, platform.instance).run_requests) == 1
    platform.warehouse.now = of.now
    platform.warehouse.append(pull, [Answer("sheet", None, [], 1, {})])
    assert "asked last at 2026-11-20 12:00" in tick(SHEET, platform.warehouse, platform.instance).skip_message


def test_a_source_without_a_key_is_not_asked(platform: Platform) -> None:
    for sensor in SENSORS:
        result = tick(sensor, None, platform.instance)
        assert not result.run_requests
        assert "not configured" in result.skip_message


def test_while_a_run_is_under_way_no_other_is_asked_for(of: Settings, platform: Platform) -> None:
    platform.instance.create_run_for_job(
        defs.resolve_job_def("pull_cursor"), status=dg.DagsterRunStatus.STARTED, tags={CHAIN: "pull_cursor"}
    )
    assert tick(CURSOR, None, platform.instance).skip_message == "a run is under way"
    assert spans(tick(CLAUDE, None, platform.instance)) == [WINDOW]
    assert "waits for pull_cursor" in tick(rebuild_what_changed, platform.warehouse, platform.instance).skip_message


def test_a_build_does_not_wait_for_a_pull_that_takes_long(built: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow provider does not delay the build of another provider's days."""
    built.run({NEXT: ordinary(20)}, only=RAW, span=Span(NEXT, NEXT))
    started = dg.DagsterRunStatus.STARTED
    built.instance.create_run_for_job(defs.resolve_job_def("pull_cursor"), status=started)
    assert "waits for pull_cursor" in rebuilt(built).skip_message
    monkeypatch.setattr(build_requests, "LONG", timedelta(seconds=-5))
    assert spans(rebuilt(built)) == [str(NEXT)]
    built.instance.create_run_for_job(defs.resolve_job_def("rebuild_days"), status=started)
    assert "waits for rebuild_days" in rebuilt(built).skip_message


def test_the_published_ledger_is_none_until_a_run_left_one(tmp_path: Path, platform: Platform) -> None:
    at = replace(settings(), data_dir=tmp_path)
    assert published(at) is None
    look(platform, Span(DAY, DAY), "cursor_usage_events")
    platform.warehouse.published_path = at.published_database
    platform.warehouse.publish()
    ledger = published(at)
    assert ledger is not None
    assert refresh.looks(ledger, ("cursor_usage_events",)).keys() == {DAY}


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Platform:
    """Two days, pulled and built by one run."""
    platform = platform_in(tmp_path_factory.mktemp("past"))
    unchecked = dg.AssetSelection.all() - dg.AssetSelection.all_asset_checks()
    platform.run({DAY: ordinary(), NEXT: ordinary()}, only=unchecked)
    return platform


@pytest.fixture
def built(past: Platform, tmp_path: Path) -> Platform:
    """A copy of `past` for one test."""
    return past.copy(tmp_path)


def rebuilt(platform: Platform) -> Any:
    return tick(rebuild_what_changed, platform.warehouse, platform.instance)


def keys_of(request: dg.RunRequest) -> set[str]:
    return {key.to_user_string() for key in request.asset_selection or ()}


def test_what_a_run_built_itself_is_not_built_again(built: Platform) -> None:
    result = rebuilt(built)
    assert (result.run_requests, result.skip_message) == ([], "nothing changed that is not built")


def test_a_restated_day_is_rebuilt_alone_with_all_that_depends_on_it(built: Platform) -> None:
    built.run({NEXT: ordinary(20)}, only=RAW, span=Span(DAY, NEXT))
    result = rebuilt(built)
    [request] = result.run_requests
    assert spans(result) == [str(NEXT)]
    keys = keys_of(request)
    assert {"core/claude_costs", "core/spend_versions", "marts/ai_spend", "marts/budget_status"} <= keys
    assert not {key for key in keys if key.startswith("raw/") or "cursor_usage_events" in key}
    assert {"core/claude_usage_stats", "marts/cursor_expenses"}.isdisjoint(keys)
    outcome = built.materialize(dg.AssetSelection.assets(*request.asset_selection), Span(NEXT, NEXT), None)
    assert outcome.result.success
    assert rebuilt(built).run_requests == []
    assert built.dollars()[NEXT] > built.dollars()[DAY]


def test_an_equal_pull_is_no_change(built: Platform) -> None:
    built.run({}, only=RAW, span=Span(DAY, NEXT))
    assert rebuilt(built).skip_message == "nothing changed that is not built"


def test_a_change_is_found_although_its_run_died_without_a_record_in_dagster(built: Platform) -> None:
    [answer] = built.claude.admin().cost_report(Span(DAY, DAY))
    look_alike = replace(answer, records=[*answer.records, answer.records[0]])
    built.warehouse.append("claude_cost_report", [look_alike])
    assert spans(rebuilt(built)) == [str(DAY)]


def test_a_day_of_the_ledger_before_the_start_is_not_asked_for(built: Platform) -> None:
    before = settings().start_date - ONE_DAY
    built.warehouse.append("claude_cost_report", [Answer("anthropic", before, [], 1, {})])
    assert rebuilt(built).run_requests == []


def test_a_look_that_makes_a_day_final_is_a_change(built: Platform) -> None:
    built.warehouse.now = lambda: datetime(2026, 12, 12, tzinfo=settings().now().tzinfo)
    assert rebuilt(built).run_requests == []
    built.run({}, only=RAW, span=Span(DAY, NEXT))
    assert spans(rebuilt(built)) == [f"{DAY}…{NEXT}"]


def test_a_changed_directory_is_applied_to_the_last_days_that_were_asked_about(built: Platform) -> None:
    built.claude.days |= {YESTERDAY - ONE_DAY: ordinary(), YESTERDAY: ordinary()}
    built.run(only=WITHOUT_BOARDS.without_checks())
    assert {DAY, NEXT, YESTERDAY - ONE_DAY, YESTERDAY} <= set(built.warehouse.pulled_days("claude_cost_report"))
    lasting(built)
    built.warehouse.append("claude_users", [Answer("anthropic", None, [b'{"id": "user_2"}'], 1, {})])
    result = rebuilt(built)
    assert spans(result) == [WINDOW]
    [request] = result.run_requests
    assert {"core/dim_person", "marts/ai_spend", "marts/seat_use"} <= keys_of(request)
    assert "core/claude_costs" not in keys_of(request)


@pytest.mark.parametrize("pull", ["claude_analytics_cost", "claude_enterprise_users", "cursor_daily_usage"])
def test_the_accounts_are_listed_again_whichever_report_brought_something(platform: Platform, pull: str) -> None:
    """With an Analytics key alone, neither a bill nor a member list is pulled."""
    look(platform, Span(YESTERDAY, YESTERDAY), pull, account="enterprise")
    [request] = rebuilt(platform).run_requests
    assert "core/dim_account" in keys_of(request)


def lasting(platform: Platform) -> None:
    """Build everything that is not built."""
    for request in rebuilt(platform).run_requests:
        platform.materialize(dg.AssetSelection.assets(*request.asset_selection), None, None)


def test_what_has_no_days_is_built_without_days(built: Platform) -> None:
    built.warehouse.append("claude_users", [Answer("anthropic", None, [b'{"id": "user_2"}'], 1, {})])
    [request] = rebuilt(built).run_requests
    assert RANGE_START not in request.tags
    assert "core/dim_person" in keys_of(request)
    assert not keys_of(request) & {"core/claude_costs", "marts/ai_spend"}


def test_only_days_that_somebody_was_asked_about_are_built(built: Platform) -> None:
    """Case 28: days that were never pulled are not built, also between two days that were."""
    apart = NEXT + 3 * ONE_DAY
    built.run({NEXT: ordinary(20)}, only=RAW, span=Span(NEXT, NEXT))
    look(built, Span(apart, apart), "cursor_usage_events", "cursor_daily_usage")
    first, second = rebuilt(built).run_requests
    assert [spans_of(first), spans_of(second)] == [str(NEXT), str(apart)]
    assert "core/cursor_usage_events" in keys_of(second)
    assert not {key for key in keys_of(second) if key.startswith("core/claude_costs")}


@pytest.mark.parametrize(("at_once", "runs"), [(62, [300, 65]), (1000, [365])])
def test_days_that_need_different_tables_are_built_together_as_far_as_a_statement_takes_them(
    at_once: int, runs: list[int]
) -> None:
    year = Span(date(2025, 11, 20), date(2026, 11, 19)).days
    costs, licenses = (dg.AssetKey(["core", name]) for name in ("claude_costs", "gemini_licenses"))
    stale = Stale(None, "", at_once, year, daily={day: frozenset({costs}) for day in year[:300]})
    stale.daily |= {day: frozenset({costs, licenses}) for day in year[300:]}
    assert [len(span.days) for span, _ in stale.spans()] == runs


@pytest.mark.parametrize(("asked", "days"), [(None, 62), (Span(DAY, NEXT), 1000)])
def test_only_days_that_were_asked_for_are_built_with_tables_that_are_not_stale_beyond_two_months(
    platform: Platform, monkeypatch: pytest.MonkeyPatch, asked: Span | None, days: int
) -> None:
    monkeypatch.setattr(type(platform.warehouse), "days_at_once", lambda _, __: 1000)
    assert Stale.of(platform.warehouse, defs.resolve_asset_graph(), asked).days_together == days


def test_a_changed_owner_in_the_sheet_is_applied_to_all_days_and_usage_to_the_days_touched(built: Platform) -> None:
    """Case 35: owners of the sheet affect the whole history; usage affects the days with changed rows."""
    header = b'["api_key_id", "api_key_name", "user_email", "team_name", "description"]'
    built.warehouse.append("sheet_api_key_mapping", [Answer("sheet", None, [header], 1, {}, is_ordered=True)])
    result = rebuilt(built)
    assert spans(result) == [f"{DAY}…{NEXT}"]
    assert {"core/dim_api_key_mapping", "marts/ai_spend"} <= keys_of(result.run_requests[0])
    assert "core/claude_costs" not in keys_of(result.run_requests[0])
    built.materialize(dg.AssetSelection.assets(*result.run_requests[0].asset_selection), Span(DAY, NEXT), None)
    assert rebuilt(built).run_requests == []

    def usage(*days: date) -> None:
        rows = [["user_email", "activity_date", "message_count"], *(["a@example.com", str(day), 3] for day in days)]
        records = [json.dumps(row).encode() for row in rows]
        built.warehouse.append("sheet_claude_ai_usage", [Answer("sheet", None, records, 1, {}, is_ordered=True)])

    usage(DAY)
    [request] = rebuilt(built).run_requests
    assert {"core/claude_usage_stats", "marts/ai_activity"} <= keys_of(request)
    built.materialize(dg.AssetSelection.assets(*request.asset_selection), Span(DAY, NEXT), None)
    usage(NEXT, DAY)
    assert spans(rebuilt(built)) == [str(NEXT)]


def test_a_table_that_was_left_as_it_was_is_asked_for_again_with_what_is_made_of_it(
    built: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise ZeroDivisionError("a defect of ours")

    built.run({NEXT: ordinary(20)}, only=RAW, span=Span(NEXT, NEXT))
    [request] = rebuilt(built).run_requests
    keys = dg.AssetSelection.assets(*request.asset_selection)
    with monkeypatch.context() as planted:
        planted.setattr(usage_and_cost, "usage_rows", broken)
        outcome = built.materialize(keys, Span(NEXT, NEXT), None)
    assert outcome.not_built.keys() == {"core/claude_usage_tokens", "core/claude_daily_tokens"}
    [again] = rebuilt(built).run_requests
    assert spans_of(again) == str(NEXT)
    assert {"core/claude_usage_tokens", "marts/claude_cost_shares", "marts/ai_spend", "marts/budget_status"} <= keys_of(
        again
    )
    assert "core/claude_costs" not in keys_of(again)
    built.materialize(dg.AssetSelection.assets(*again.asset_selection), Span(NEXT, NEXT), None)
    assert rebuilt(built).run_requests == []


def test_a_rebuild_that_failed_for_good_is_asked_for_again_in_the_next_hour(
    built: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dagster starts no second run with the same run key."""
    built.run({NEXT: ordinary(20)}, only=RAW, span=Span(NEXT, NEXT))
    [first] = rebuilt(built).run_requests
    [same] = rebuilt(built).run_requests
    later = replace(settings(), fixed_now=settings().now() + timedelta(hours=1))
    monkeypatch.setattr(build_requests, "settings", lambda: later)
    [again] = rebuilt(built).run_requests
    assert first.run_key == same.run_key != again.run_key
    assert first.tags == again.tags


def test_a_warehouse_of_the_release_before_is_built_whole(built: Platform) -> None:
    """It lacks the table `builds`."""
    built.sql(f"drop table {BUILDS.address}")
    assert spans(rebuilt(built)) == [f"{DAY}…{NEXT}"]


def spans_of(request: dg.RunRequest) -> str:
    return str(Span(*(date.fromisoformat(request.tags[tag]) for tag in (RANGE_START, RANGE_END))))


def test_everything_runs_by_itself() -> None:
    assert {sensor.name: sensor.default_status for sensor in defs.sensors or ()} == dict.fromkeys(
        [
            *("pull_claude_when_due", "pull_claude_analytics_when_due", "pull_claude_enterprise_when_due"),
            *("pull_openai_when_due", "pull_codex_when_due"),
            *("pull_google_when_due", "pull_gemini_usage_when_due"),
            *("pull_cursor_when_due", "pull_sheet_when_due"),
            *(
                "rebuild_what_changed",
                "sheet_changed",
                "check_alerts",
                "run_failure_alerts",
                "published_copy_alerts",
                "event_alerts",
                "weekly_digest",
            ),
        ],
        dg.DefaultSensorStatus.RUNNING,
    )
    [schedule] = defs.schedules or ()
    assert isinstance(schedule, dg.ScheduleDefinition)
    assert (schedule.job_name, schedule.default_status) == ("look_at_freshness", dg.DefaultScheduleStatus.RUNNING)


def test_freshness_is_evaluated_without_a_request_to_a_provider() -> None:
    job = defs.resolve_job_def("look_at_freshness")
    assert job.asset_layer.executable_asset_keys == set()
    checks = {key.name for key in job.asset_layer.asset_graph.asset_check_keys}
    assert checks == {"pull_is_recent", "bill_is_fresh", "no_pull_is_of_the_future"}
