"""What the checks found is kept: of each claim, asset and day the last verdict, whoever ran them."""

from datetime import date

import dagster as dg

from ai_usage.dashboards.verdicts import CHECK_RESULTS, keep_verdicts
from ai_usage.definitions import WarehouseResource, duckdb_warehouse
from ai_usage.settings import settings
from ai_usage_tests.platform import DAY, NEXT, Outcome, Platform

CLAIM = "grouped_lines_equal_console_figure"


def kept(platform: Platform, claim: str = CLAIM) -> dict[date | None, tuple[str, str | None]]:
    rows = platform.sql(f"select judged_day, verdict, why from {CHECK_RESULTS.address} where claim = '{claim}'")
    return {day: (verdict, why) for day, verdict, why in rows}


def keep(platform: Platform, outcome: Outcome) -> int:
    return keep_verdicts(platform.warehouse, platform.instance, outcome.result.run_id)


def test_a_runs_verdicts_are_those_it_gave(platform: Platform) -> None:
    outcome = platform.run({DAY: ["1000"], NEXT: ["1"]})
    assert keep(platform, outcome) == sum(len(days) for days in outcome.verdicts.values())
    given = {
        (key.asset_key.to_user_string(), key.check_name, day): verdict.passed
        for verdicts in outcome.verdicts.values()
        for day, verdict in verdicts.items()
        for key in [verdict]
    }
    rows = platform.sql(f"select asset, claim, judged_day, verdict = 'passed' from {CHECK_RESULTS.address}")
    assert {(asset, claim, day): passed for asset, claim, day, passed in rows} == given


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


def test_a_runs_end_keeps_them(platform: Platform) -> None:
    """The warehouse a run is handed does so, whichever way the run was started."""
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
