"""The result "not evaluated": a check without data neither passes nor fails, and gives the reason."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any, Literal

import dagster as dg
import pytest

from ai_usage.automation.refresh import OF_FRESHNESS
from ai_usage.automation.runs import Runs
from ai_usage.check import PASSED, Check, DailyCheck, NotEvaluated, Result, SnapshotCheck, failed, warned, without_input
from ai_usage.checks import runner
from ai_usage.checks.registry import CHECKS
from ai_usage.checks.results import NOT_EVALUATED_TAG, WAS_NOT_RUN, counted, observation, results_of, summary
from ai_usage.checks.runner import COULD_NOT_RUN, dagster_checks, stored
from ai_usage.commands.refresh import outcome_of
from ai_usage.definitions import defs
from ai_usage.errors import AiUsageError
from ai_usage.layers import TABLE_WAS_BUILT
from ai_usage.partitions import Span
from ai_usage.providers.anthropic.pulls import SOURCE
from ai_usage.settings import settings
from ai_usage.warehouse.ledger import Answer
from ai_usage_tests import lean
from ai_usage_tests.mock_claude import DAY, DAYS, NEXT
from ai_usage_tests.platform import QUIET, WITHOUT_BOARDS, Platform, checks_of

COSTS = dg.AssetKey(["core", "claude_costs"])
MISSING, CODE = "no_day_is_missing", "claude_code_usage_stats"
LATE = DAYS[-1] + timedelta(days=1)
JANUARY, PRESENT = Span(date(2026, 10, 5), date(2026, 10, 7)), Span(date(2026, 11, 17), date(2026, 11, 19))
TOO_BAD = "is declared to be warned at worst"
NAMES = {check.name for check in CHECKS}
ABOUT: dict[str, Any] = {
    "name": "it_holds", "asset": "core/claude_costs", "title": "", "description": "", "severity": "failed",
    "sources": (SOURCE,),
}  # fmt: skip
OF_NOW = {
    "pull_is_recent",
    "no_pull_is_of_the_future",
    "bill_is_fresh",
    "events_equal_cycle_spend",
    "uploads_are_fresh",
    "budget_is_not_crossed",
    "forecast_is_within_budget",
    "growth_is_within_limit",
    "limits_are_not_reached",
    "seats_are_used",
    "no_former_member_spends",
}


def test_without_any_data_no_check_is_evaluated_and_none_passes(platform: Platform) -> None:
    outcome = platform.materialize(checks_of(*NAMES), None, platform.claude.admin())
    assert outcome.result.success
    assert outcome.evaluations == {}
    assert {(one.check, one.asset) for one in outcome.results} == {(check.name, check.asset) for check in CHECKS}
    assert {one.result for one in outcome.results} == {"not evaluated"}
    why = outcome.not_evaluated(MISSING, "claude_costs")[None]
    assert why.startswith("No provider was asked: raw/claude_cost_report, raw/claude_cost_totals")
    assert outcome.not_evaluated(MISSING, "cursor_usage_events")[None] == (
        "Not configured: CURSOR_ADMIN_API_KEY is not set."
    )


def test_a_day_that_no_provider_was_asked_about_is_not_evaluated(good: Platform) -> None:
    selection = dg.AssetSelection.checks_for_assets(COSTS) - checks_of("every_cost_has_a_list_price")
    outcome = good.materialize(selection, Span(DAY, LATE), good.claude.admin())
    checks = {check_name for check_name, _ in outcome.evaluations}
    assert len(checks) > 5
    assert {check_name: outcome.not_passed(check_name) for check_name in checks} == {
        check_name: set() for check_name in checks
    }
    assert {check_name: set(outcome.not_evaluated(check_name)) for check_name in checks} == {
        check_name: {LATE} for check_name in checks
    }


def test_a_day_that_was_pulled_in_part_has_failed(good: Platform) -> None:
    good.warehouse.append("claude_cost_totals", [Answer("anthropic", LATE, [], 1, {})])
    outcome = good.materialize(checks_of(MISSING), Span(LATE, LATE), good.claude.admin())
    for table in (CODE, "claude_costs"):
        assert outcome.evaluation(MISSING, LATE, table).severity == dg.AssetCheckSeverity.ERROR
        assert "never pulled" in outcome.why(MISSING, LATE, table)


def test_where_an_error_stops_a_check_its_day_fails_and_the_others_are_evaluated(good: Platform) -> None:
    """DESIGN 3.5: a check that cannot run fails with its reason, and stops no other check."""

    def check_of(_: Any, span: Span) -> dict[date, Result]:
        if NEXT in span:
            raise ZeroDivisionError("by nothing")
        return {day: warned("seen") for day in span.days}

    found = run(good, DailyCheck(**ABOUT, pulls=("claude_cost_report",), evaluate=check_of))
    evaluations = {one.partition: one for one in found.get_asset_check_evaluations()}
    assert found.success
    assert {day: one.severity.value for day, one in evaluations.items()} == {
        str(DAYS[0]): "WARN", str(NEXT): "ERROR", str(DAYS[2]): "WARN",
    }  # fmt: skip
    assert f"{COULD_NOT_RUN}: ZeroDivisionError: by nothing" in (evaluations[str(NEXT)].description or "")


def test_a_check_without_days_that_cannot_run_has_failed(good: Platform) -> None:
    def check_of(_: Any) -> Result:
        raise AiUsageError("The table is gone.")

    found = run(good, SnapshotCheck(**ABOUT, pulls=("claude_users",), evaluate=check_of))
    [evaluation] = found.get_asset_check_evaluations()
    assert (evaluation.passed, evaluation.description) == (False, f"{COULD_NOT_RUN}: The table is gone.")


@pytest.mark.parametrize(
    ("declared", "result", "description"),
    [
        (
            "warned",
            failed("Bad."),
            f"{COULD_NOT_RUN}: ValueError: it_holds {TOO_BAD}: failed, Bad.",
        ),
        ("warned", without_input("marts/x is empty: build it."), "marts/x is empty: build it."),
        ("failed", failed("Bad."), "Bad."),
    ],
)
def test_a_check_cannot_be_worse_than_it_declares(
    good: Platform, declared: Literal["warned", "failed"], result: Result, description: str
) -> None:
    about = {**ABOUT, "severity": declared}
    snapshot = SnapshotCheck(**about, pulls=("claude_users",), evaluate=lambda _: result)
    daily = DailyCheck(**about, pulls=("claude_cost_report",), evaluate=lambda *_: {NEXT: result})
    for check, day in ((snapshot, None), (daily, str(NEXT))):
        [evaluation] = [one for one in run(good, check).get_asset_check_evaluations() if one.partition == day]
        assert not evaluation.passed
        assert evaluation.description == (f"{day}: {description}" if day else description)


def test_checks_of_a_table_are_one_step_in_which_each_fails_alone(
    good: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    def keep_events(_: Any, key: dg.AssetCheckKey, __: Any) -> None:
        if key.name == "broken":
            raise ZeroDivisionError("by nothing")

    monkeypatch.setattr(runner, "keep_events", keep_events)
    of_table = {**ABOUT, "pulls": ("claude_users",), "evaluate": lambda _: PASSED}
    checks = [SnapshotCheck(**of_table | {"name": name}) for name in ("broken", "sound")]
    found = run(good, *checks)
    assert [event.step_key for event in found.get_step_success_events()] == ["check__core__claude_costs"]
    assert {one.check_name: (one.passed, one.description) for one in found.get_asset_check_evaluations()} == {
        "broken": (False, f"{COULD_NOT_RUN}: ZeroDivisionError: by nothing"),
        "sound": (True, "Passed."),
    }
    only = run(good, *checks, selection=dg.AssetSelection.checks(checks[1].key))
    assert [one.check_name for one in only.get_asset_check_evaluations()] == ["sound"]
    assert [one.node_def.name for one in dagster_checks([*checks, replace(checks[0], gates_day=True)])] == [
        "check__core__claude_costs",
        "check__core__claude_costs__gate",
    ]


def test_a_check_after_which_its_step_failed_keeps_its_result() -> None:
    @dg.multi_asset_check(
        name="check__core__claude_costs",
        specs=[dg.AssetCheckSpec(name, asset=COSTS) for name in ("evaluated", "stopped")],
    )
    def of_table() -> Any:
        yield dg.AssetCheckEvaluation(asset_key=COSTS, check_name="evaluated", passed=True)
        raise dg.Failure("The disk is full.", allow_retries=False)

    checks = [dg.AssetCheckKey(COSTS, name) for name in ("evaluated", "stopped")]
    found = dg.materialize(
        [dg.AssetSpec(COSTS), of_table], selection=dg.AssetSelection.checks(of_table), run_config=QUIET,
        raise_on_error=False,
    )  # fmt: skip
    results = {one.check: (one.result, one.why) for one in results_of(((e, 0.0) for e in found.all_events), checks)}
    assert results["evaluated"][0] == "passed"
    assert results["stopped"] == ("failed", "Could not run: The disk is full.")


def run(platform: Platform, *declared: Check, selection: dg.AssetSelection | None = None) -> dg.ExecuteInProcessResult:
    checks = dagster_checks(declared)
    resources = {"claude_admin": platform.claude.admin(), "warehouse": platform.warehouse}
    return dg.materialize(
        [dg.AssetSpec(COSTS), *checks],
        selection=selection or dg.AssetSelection.checks(*checks),
        resources={name: dg.ResourceDefinition.hardcoded_resource(of) for name, of in resources.items()},
        run_config=QUIET,
        instance=platform.instance,
        raise_on_error=False,
    )


def test_a_check_with_a_failed_pull_is_not_evaluated_and_its_earlier_result_stays(platform: Platform) -> None:
    """Case 30: with a key that answers 401 the pull has failed, by name, and no check of it has passed."""
    platform.claude.refuses["/"] = 401
    outcome = platform.run(span=Span(DAY, NEXT))
    runs = Runs(settings(), defs.get_repository_def(), platform.instance, platform.warehouse, results=[outcome.result])
    refused = outcome_of(runs)
    assert {step for step in refused.failures if "cost_report" in step}
    assert not refused.is_good
    of_claude = [one for one in refused.results if "claude" in one.asset]
    assert {one.result for one in of_claude if one.check != TABLE_WAS_BUILT} == {"not evaluated"}
    assert outcome.not_evaluated(MISSING, "claude_costs") == {None: WAS_NOT_RUN}
    assert {one.check for one in refused.results if one.result in {"passed", "warned"}} <= {TABLE_WAS_BUILT}
    assert len(refused.not_evaluated) > 100


def test_without_a_key_no_check_passes_and_each_reports_not_configured(platform: Platform) -> None:
    """Case 30: no key and AI_USAGE_SIMULATE=0."""
    outcome = platform.materialize(WITHOUT_BOARDS, Span(DAY, NEXT), None)
    assert outcome.result.success
    assert outcome.evaluations == {}
    found = [one for one in outcome.results if one.check != TABLE_WAS_BUILT]
    assert {one.check for one in found} == NAMES
    assert [one for one in found if not one.why.startswith("Not configured: ")] == []
    assert summary(found) == f"0 passed, 0 warned, 0 failed, {len(found)} not evaluated"


@pytest.mark.parametrize(("span", "is_evaluated"), [(JANUARY, False), (PRESENT, True), (None, True)])
def test_checks_about_now_are_evaluated_only_in_runs_that_reach_the_present(
    good: Platform, span: Span | None, *, is_evaluated: bool
) -> None:
    """A backfill of days long past does not evaluate them; `look_at_freshness`, which has no days, does."""
    good.sql("update ai_usage_raw.pulls set pulled_at = pulled_at - interval 9 days")
    outcome = good.materialize(checks_of("pull_is_recent", "bill_is_fresh"), span, good.claude.admin())
    assert outcome.not_passed("pull_is_recent") == ({None} if is_evaluated else set())
    assert outcome.not_passed("bill_is_fresh") == ({None} if is_evaluated else set())
    if not is_evaluated:
        assert outcome.evaluations == {}
        assert outcome.not_evaluated("pull_is_recent", "claude_users") == {
            None: "It is about now, and this run is of 2026-10-05…2026-10-07."
        }


def test_which_checks_are_about_now_is_decided_for_each(good: Platform) -> None:
    selection = checks_of(*NAMES - {"sheet_can_be_read"})
    there: Any = object()
    outcome = good.materialize(selection, JANUARY, good.claude.admin(), there, there)
    about_now = {one.check for one in outcome.results if one.why.startswith("It is about now")}
    assert about_now == OF_NOW - {"uploads_are_fresh"}  # which is not configured here
    assert about_now > OF_FRESHNESS


# How it is stored.


def test_what_is_not_evaluated_stores_no_evaluation_and_reads_back_with_days_and_reasons() -> None:
    spec = dg.AssetCheckSpec("it_holds", asset=COSTS)
    findings: dict[date | None, Result | NotEvaluated] = {
        DAYS[0]: NotEvaluated("No provider was asked."), DAYS[1]: NotEvaluated("No provider was asked."),
        DAYS[2]: PASSED, LATE: NotEvaluated("Not yet."),
    }  # fmt: skip
    evaluation, seen, _ = stored(spec, findings)
    assert isinstance(evaluation, dg.AssetCheckEvaluation)
    assert evaluation.partition == str(DAYS[2])
    assert isinstance(seen, dg.AssetObservation)
    assert seen.tags == {NOT_EVALUATED_TAG: "it_holds"}
    assert seen.metadata["not_evaluated"].value == [
        {"first": str(DAYS[0]), "last": str(DAYS[1]), "why": "No provider was asked."},
        {"first": str(LATE), "last": str(LATE), "why": "Not yet."},
    ]
    assert read(seen) == {
        DAYS[0]: "No provider was asked.", DAYS[1]: "No provider was asked.", LATE: "Not yet.",
    }  # fmt: skip
    assert read(observation(spec.key, {None: "Not configured."})) == {None: "Not configured."}


def read(seen: dg.AssetObservation) -> dict[date | None, str]:
    """The result as a run returns it."""

    @dg.op
    def observes() -> Any:
        yield seen
        yield dg.Output(None)

    result = dg.GraphDefinition(name="g", node_defs=[observes]).execute_in_process(run_config=QUIET)
    return {one.day: one.why for one in results_of((event, 0.0) for event in result.all_events)}


def test_dagster_shows_what_is_not_evaluated_as_skipped_never_as_passed(platform: Platform) -> None:
    with lean.described():
        outcome = platform.check("mapping_is_unambiguous")
    assert outcome.result.success
    [key] = outcome.result.job_def.asset_layer.asset_graph.asset_check_keys
    [record] = platform.instance.event_log_storage.get_asset_check_execution_history(key, limit=5)
    assert record.status.value == "PLANNED"  # of a run that ended without an evaluation: Dagster's skipped
    assert platform.instance.get_run_by_id(outcome.result.run_id).is_success  # type: ignore[union-attr]


def test_the_line_counts_each_result_apart(good: Platform) -> None:
    outcome = good.materialize(checks_of(MISSING, "schema_drift"), Span(DAY, LATE), good.claude.admin())
    numbers = counted(outcome.results)
    assert sum(numbers.values()) == len(outcome.results)
    assert min(numbers["passed"], numbers["not evaluated"]) > 0
    assert summary(outcome.results) == (
        f"{numbers['passed']} passed, 0 warned, 0 failed, {numbers['not evaluated']} not evaluated"
    )
