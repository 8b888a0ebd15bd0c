"""The check results as a table: Dagster's event log has them all, but SQL cannot read it.

At the end of each run, and before a board shows them, the run's results replace those of the same check, asset and day.
"Not evaluated" replaces no other result: the last result that the check had stays.
"""

from collections.abc import Mapping
from typing import Any

import dagster as dg
import polars as pl

from ai_usage.checks.registry import FORMERLY
from ai_usage.checks.results import CheckResult, results_of
from ai_usage.layers import TABLE_WAS_BUILT
from ai_usage.marts.assets import VIEWS
from ai_usage.warehouse.port import Warehouse
from ai_usage.warehouse.table import Table, day, instant, string

CHECK_RESULTS = Table(
    name="check_results",
    grain="the last result of one check of one asset on one UTC day, or without a day for a check that has none",
    question="Which checks failed or warned, on which day, and why?",
    example="select checked_date, asset, check_name, result, reason from ai_usage_analytics.check_results where "
    "result in ('failed', 'warned') order by checked_date desc",
    columns={
        "asset": string("layer/table", required=True),
        "check_name": string("the check's name", required=True),
        "checked_date": day("the UTC day that was checked; null for a check without days", required=False),
        "result": string("passed, warned, failed or not evaluated", required=True),
        "reason": string("why, in one sentence; null if it passed"),
        "evaluated_at": instant("when the check was evaluated", required=True),
        "run_id": string("the Dagster run that evaluated it", required=True),
    },
    date_column=None,
)
KINDS = {
    dg.DagsterEventType.ASSET_CHECK_EVALUATION,
    dg.DagsterEventType.ASSET_OBSERVATION,
    dg.DagsterEventType.STEP_FAILURE,
}
NOT_EVALUATED = "not evaluated"
CHECK, SUBJECT = ["asset", "check_name"], ["asset", "check_name", "checked_date"]


def keep_results(warehouse: Warehouse, instance: dg.DagsterInstance, run_id: str, *, is_over: bool = False) -> int:
    """Replace older results by those of a run; returns their number. Once the run `is_over`, a planned check that did
    not run counts as not evaluated.
    """
    fresh = rows_of_run(instance, run_id, is_over=is_over)
    if not fresh.is_empty():
        with warehouse.connected():
            before = renamed(warehouse.ask(f"select * from {CHECK_RESULTS.address}").select(fresh.columns), FORMERLY)
            warehouse.replace_all(CHECK_RESULTS, merged(before, fresh).sort(SUBJECT))
    return fresh.height


def renamed(results: pl.DataFrame, names: Mapping[str, str]) -> pl.DataFrame:
    """The results of earlier releases under today's check names. A result that already has today's name stays; results
    of the former steps of views are dropped.
    """
    views = [view.key.to_user_string() for view in VIEWS]
    results = results.filter((pl.col("check_name") != TABLE_WAS_BUILT) | ~pl.col("asset").is_in(views))
    is_old = pl.col("check_name").is_in(list(names))
    now = results.filter(~is_old)
    return pl.concat(
        [
            now,
            results.filter(is_old)
            .with_columns(pl.col("check_name").replace(names))
            .join(now, on=SUBJECT, how="anti", nulls_equal=True),
        ]
    )


def merged(before: pl.DataFrame, fresh: pl.DataFrame) -> pl.DataFrame:
    """The newest result of each subject. A daily check that could not run has a result without a day: it stays until
    the check has a result for a day.
    """
    is_not_evaluated, is_of_a_day = pl.col("result") == NOT_EVALUATED, pl.col("checked_date").is_not_null()
    evaluated = before.filter(~is_not_evaluated)
    fresh = pl.concat(
        [
            fresh.filter(~is_not_evaluated),
            fresh.filter(is_not_evaluated & is_of_a_day).join(evaluated, on=SUBJECT, how="anti"),
            fresh.filter(is_not_evaluated & ~is_of_a_day).join(evaluated, on=CHECK, how="anti"),
        ]
    )
    with_days = fresh.filter(is_of_a_day).select(CHECK).unique()
    kept = pl.concat([before.filter(is_of_a_day), before.filter(~is_of_a_day).join(with_days, on=CHECK, how="anti")])
    return pl.concat([kept.join(fresh, on=SUBJECT, how="anti", nulls_equal=True), fresh])


def rows_of_run(instance: dg.DagsterInstance, run_id: str, *, is_over: bool = False) -> pl.DataFrame:
    """A run's results so far as rows of the table: the last one of each subject."""
    return _rows(run_results(instance, run_id, is_over=is_over), run_id)


def run_results(instance: dg.DagsterInstance, run_id: str, *, is_over: bool) -> list[CheckResult]:
    """The same, read from Dagster's event log."""
    records = instance.get_records_for_run(run_id, of_type=KINDS).records
    events = [(record.event_log_entry.get_dagster_event(), record.timestamp) for record in records]
    return results_of(events, _planned(instance, run_id) if is_over else ())


def _planned(instance: dg.DagsterInstance, run_id: str) -> list[dg.AssetCheckKey]:
    kind = dg.DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED
    planned = [
        record.event_log_entry.get_dagster_event().asset_check_planned_data
        for record in instance.get_records_for_run(run_id, of_type=kind).records
    ]
    return [dg.AssetCheckKey(one.asset_key, one.check_name) for one in planned]


def _rows(results: list[CheckResult], run_id: str) -> pl.DataFrame:
    columns: dict[str, tuple[list[Any], Any]] = {
        "asset": ([one.asset for one in results], pl.String),
        "check_name": ([one.check for one in results], pl.String),
        "checked_date": ([one.day for one in results], pl.Date),
        "result": ([one.result for one in results], pl.String),
        "reason": ([None if one.result == "passed" else one.why for one in results], pl.String),
        "evaluated_at": ([round(one.at * 1_000_000) for one in results], pl.Int64),
        "run_id": ([run_id for _ in results], pl.String),
    }
    return pl.DataFrame({name: pl.Series(values, dtype=of) for name, (values, of) in columns.items()}).with_columns(
        pl.from_epoch("evaluated_at", time_unit="us").dt.replace_time_zone("UTC")
    )
