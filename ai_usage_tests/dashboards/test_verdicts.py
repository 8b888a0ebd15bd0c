"""What the checks found is kept: of each claim, asset and day the last verdict, whoever ran them."""

from datetime import date
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from ai_usage.automation.warehouse_resource import WarehouseResource, duckdb_warehouse
from ai_usage.checks.result_table import CHECK_RESULTS, keep_verdicts, merged
from ai_usage.layers import TABLE_WAS_BUILT
from ai_usage.settings import settings
from ai_usage_tests.platform import DAY, NEXT, Outcome, Platform

CLAIM = "grouped_lines_equal_console_figure"


def kept(platform: Platform, claim: str = CLAIM) -> dict[date | None, tuple[str, str | None]]:
    rows = platform.sql(f"select judged_day, verdict, why from {CHECK_RESULTS.address} where claim = '{claim}'")
    return {day: (verdict, why) for day, verdict, why in rows}


def keep(platform: Platform, outcome: Outcome) -> int:
    return keep_verdicts(platform.warehouse, platform.instance, outcome.result.run_id)


def test_a_runs_results_are_those_it_gave_and_what_it_did_not_judge(platform: Platform) -> None:
    outcome = platform.run({DAY: ["1000"], NEXT: ["1"]})
    assert keep(platform, outcome) == len(outcome.results)
    evaluated = [one for one in outcome.results if one.result != "not judged" and one.check != TABLE_WAS_BUILT]
    assert len(evaluated) == sum(len(days) for days in outcome.verdicts.values()) > 0
    rows = platform.sql(f"select asset, claim, judged_day, verdict from {CHECK_RESULTS.address}")
    assert {(asset, claim, day): verdict for asset, claim, day, verdict in rows} == {
        one.key: one.result for one in outcome.results
    }
    assert platform.sql(
        f"select count(*) from {CHECK_RESULTS.address} where verdict = 'not judged' and why is null"
    ) == [(0,)]


Key = tuple[str, date | None, str]


@pytest.mark.parametrize(
    ("before", "fresh", "after"),
    [
        # What was found of a day stands when a later run does not judge it; another day's is its own.
        ([("a", DAY, "passed")], [("a", DAY, "not judged"), ("a", NEXT, "not judged")],
         [("a", DAY, "passed"), ("a", NEXT, "not judged")]),
        ([("a", DAY, "not judged")], [("a", DAY, "failed")], [("a", DAY, "failed")]),
        ([("a", None, "warned")], [("a", None, "not judged")], [("a", None, "warned")]),
        ([("a", None, "warned")], [("a", None, "passed")], [("a", None, "passed")]),
        # A check of days that was not run has no day; its next days take the place of that.
        ([("a", None, "not judged")], [("a", DAY, "passed")], [("a", DAY, "passed")]),
        ([("a", DAY, "passed")], [("a", None, "not judged")], [("a", DAY, "passed")]),
        ([("a", DAY, "passed")], [("a", None, "failed")], [("a", DAY, "passed"), ("a", None, "failed")]),
        ([("b", DAY, "failed")], [("a", DAY, "passed")], [("a", DAY, "passed"), ("b", DAY, "failed")]),
    ],
)  # fmt: skip
def test_not_judged_takes_the_place_of_no_result(before: list[Key], fresh: list[Key], after: list[Key]) -> None:
    def rows(keys: list[Key]) -> pl.DataFrame:
        schema = {"claim": pl.String, "judged_day": pl.Date, "verdict": pl.String}
        return pl.DataFrame(keys, schema=schema, orient="row").select(pl.lit("core/x").alias("asset"), pl.all())

    found = merged(rows(before), rows(fresh)).select("claim", "judged_day", "verdict").rows()
    assert sorted(found, key=str) == sorted(after, key=str)


def test_a_later_verdict_takes_the_place_of_its_day_alone(platform: Platform) -> None:
    keep(platform, platform.run({DAY: ["1000"], NEXT: ["1"]}))
    assert {day: verdict for day, (verdict, _) in kept(platform).items()} == {DAY: "passed", NEXT: "passed"}
    others = platform.sql(f"select * from {CHECK_RESULTS.address} where claim != '{CLAIM}' order by all")
    platform.sql(f"update ai_usage_analytics.claude_costs set amount_usd = 7 where activity_date = '{DAY}'")
    keep(platform, platform.check(CLAIM))
    (red, why), (green, nothing) = kept(platform)[DAY], kept(platform)[NEXT]
    assert (red, green, nothing) == ("failed", "passed", None)
    assert why
    assert not why.startswith(str(DAY))
    assert platform.sql(f"select * from {CHECK_RESULTS.address} where claim != '{CLAIM}' order by all") == others


def test_a_run_without_checks_changes_nothing(platform: Platform) -> None:
    assert keep_verdicts(platform.warehouse, platform.instance, "no-such-run") == 0


def test_a_runs_end_keeps_them(platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The warehouse a run is handed does so, whichever way the run was started."""
    monkeypatch.setenv("AI_USAGE_DATA_DIR", str(tmp_path))
    spec = dg.AssetCheckSpec("it_holds", asset="thing")

    @dg.asset(check_specs=[spec], required_resource_keys={"warehouse"})
    def thing() -> dg.MaterializeResult:  # type: ignore[type-arg]  # Dagster reads it, and knows no argument
        result = dg.AssetCheckResult(passed=False, severity=dg.AssetCheckSeverity.WARN, description="it does not")
        return dg.MaterializeResult(check_results=[result])

    ran = dg.materialize([thing], resources={"warehouse": WarehouseResource()}, instance=platform.instance)
    with duckdb_warehouse(settings()).connected() as db:
        rows = db.execute(
            f"select asset, claim, judged_day, verdict, why, run_id from {CHECK_RESULTS.address}"
        ).fetchall()
    assert rows == [("thing", "it_holds", None, "warned", "it does not", ran.run_id)]
