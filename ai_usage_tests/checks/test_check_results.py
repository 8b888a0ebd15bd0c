"""The table check_results keeps the last result of each check, asset and day, whoever ran the check."""

from datetime import date
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from ai_usage.automation.warehouse_resource import WarehouseResource, warehouse_of
from ai_usage.checks.result_table import CHECK_RESULTS, keep_results, merged
from ai_usage.layers import TABLE_WAS_BUILT
from ai_usage.settings import settings
from ai_usage_tests.mock_claude import DAY, NEXT
from ai_usage_tests.outcome import Outcome
from ai_usage_tests.platform import Platform, of_bill

CHECK = "grouped_lines_equal_console_figure"


def kept(platform: Platform, check: str = CHECK) -> dict[date | None, tuple[str, str | None]]:
    rows = platform.sql(
        f"select checked_date, result, reason from {CHECK_RESULTS.address} where check_name = '{check}'"
    )
    return {day: (result, reason) for day, result, reason in rows}


def keep(platform: Platform, outcome: Outcome) -> int:
    return keep_results(platform.warehouse, platform.instance, outcome.result.run_id)


def test_a_runs_results_are_its_evaluations_and_what_it_did_not_evaluate(platform: Platform) -> None:
    outcome = platform.run({DAY: ["1000"], NEXT: ["1"]}, only=of_bill())
    assert keep(platform, outcome) == len(outcome.results)
    evaluated = [one for one in outcome.results if one.result != "not evaluated" and one.check != TABLE_WAS_BUILT]
    assert len(evaluated) == sum(len(days) for days in outcome.evaluations.values()) > 0
    rows = platform.sql(f"select asset, check_name, checked_date, result from {CHECK_RESULTS.address}")
    assert {(asset, check, day): result for asset, check, day, result in rows} == {
        one.key: one.result for one in outcome.results
    }
    assert platform.sql(
        f"select count(*) from {CHECK_RESULTS.address} where result = 'not evaluated' and reason is null"
    ) == [(0,)]


Key = tuple[str, date | None, str]


@pytest.mark.parametrize(
    ("before", "fresh", "after"),
    [
        # The result of a day stays when a later run does not evaluate that day; other days have their own.
        ([("a", DAY, "passed")], [("a", DAY, "not evaluated"), ("a", NEXT, "not evaluated")],
         [("a", DAY, "passed"), ("a", NEXT, "not evaluated")]),
        ([("a", DAY, "not evaluated")], [("a", DAY, "failed")], [("a", DAY, "failed")]),
        ([("a", None, "warned")], [("a", None, "not evaluated")], [("a", None, "warned")]),
        ([("a", None, "warned")], [("a", None, "passed")], [("a", None, "passed")]),
        # A daily check that did not run has a result without a day; the next result of a day replaces it.
        ([("a", None, "not evaluated")], [("a", DAY, "passed")], [("a", DAY, "passed")]),
        ([("a", DAY, "passed")], [("a", None, "not evaluated")], [("a", DAY, "passed")]),
        ([("a", DAY, "passed")], [("a", None, "failed")], [("a", DAY, "passed"), ("a", None, "failed")]),
        ([("b", DAY, "failed")], [("a", DAY, "passed")], [("a", DAY, "passed"), ("b", DAY, "failed")]),
    ],
)  # fmt: skip
def test_not_evaluated_replaces_no_result(before: list[Key], fresh: list[Key], after: list[Key]) -> None:
    def rows(keys: list[Key]) -> pl.DataFrame:
        schema = {"check_name": pl.String, "checked_date": pl.Date, "result": pl.String}
        return pl.DataFrame(keys, schema=schema, orient="row").select(pl.lit("core/x").alias("asset"), pl.all())

    found = merged(rows(before), rows(fresh)).select("check_name", "checked_date", "result").rows()
    assert sorted(found, key=str) == sorted(after, key=str)


def test_a_later_result_replaces_that_of_its_day_alone(platform: Platform) -> None:
    keep(platform, platform.run({DAY: ["1000"], NEXT: ["1"]}, only=of_bill()))
    assert {day: result for day, (result, _) in kept(platform).items()} == {DAY: "passed", NEXT: "passed"}
    others = platform.sql(f"select * from {CHECK_RESULTS.address} where check_name != '{CHECK}' order by all")
    platform.sql(f"update ai_usage_analytics.claude_costs set amount_usd = 7 where activity_date = '{DAY}'")
    keep(platform, platform.check(CHECK))
    (changed, reason), (unchanged, nothing) = kept(platform)[DAY], kept(platform)[NEXT]
    assert (changed, unchanged, nothing) == ("failed", "passed", None)
    assert reason
    assert not reason.startswith(str(DAY))
    assert platform.sql(f"select * from {CHECK_RESULTS.address} where check_name != '{CHECK}' order by all") == others


def test_a_run_without_checks_changes_nothing(platform: Platform) -> None:
    assert keep_results(platform.warehouse, platform.instance, "no-such-run") == 0


def test_the_results_are_stored_when_the_run_ends(
    platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The warehouse resource stores them, whatever started the run."""
    monkeypatch.setenv("AI_USAGE_DATA_DIR", str(tmp_path))
    spec = dg.AssetCheckSpec("it_holds", asset="thing")

    @dg.asset(check_specs=[spec], required_resource_keys={"warehouse"})
    def thing() -> dg.MaterializeResult:  # type: ignore[type-arg]  # Dagster reads it, and knows no argument
        result = dg.AssetCheckResult(passed=False, severity=dg.AssetCheckSeverity.WARN, description="it does not")
        return dg.MaterializeResult(check_results=[result])

    ran = dg.materialize([thing], resources={"warehouse": WarehouseResource()}, instance=platform.instance)
    rows = (
        warehouse_of(settings())
        .ask(f"select asset, check_name, checked_date, result, reason, run_id from {CHECK_RESULTS.address}")
        .rows()
    )
    assert rows == [("thing", "it_holds", None, "warned", "it does not", ran.run_id)]
