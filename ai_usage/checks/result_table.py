"""What the checks found, kept beside the figures: Dagster's event log has every check result, and no SQL can read it.
At the end of each run, whoever started it, and before a board shows them, the run's results take the place of those of
the same check, asset and day. That a check was not judged takes the place of no result: what was last found stands.
"""

from collections.abc import Mapping
from typing import Any

import dagster as dg
import polars as pl

from ai_usage.checks.registry import FORMERLY
from ai_usage.checks.results import CheckResult, results_of
from ai_usage.warehouse.port import Warehouse
from ai_usage.warehouse.table import Table, day, instant, string

CHECK_RESULTS = Table(
    name="check_results",
    grain="the last result of one check of one asset and one UTC day; of a check without days no day",
    columns={
        "asset": string("layer/table", required=True),
        "claim": string("the check's name", required=True),
        "judged_day": day("the UTC day it was judged for; null of a check without days", required=False),
        "verdict": string("passed, warned, failed or not judged", required=True),
        "why": string("in a sentence; null where it passed"),
        "judged_at": instant("when", required=True),
        "run_id": string("Dagster's run", required=True),
    },
    date_column=None,
)
KINDS = {
    dg.DagsterEventType.ASSET_CHECK_EVALUATION,
    dg.DagsterEventType.ASSET_OBSERVATION,
    dg.DagsterEventType.STEP_FAILURE,
}
NOT_JUDGED = "not judged"
CHECK, SUBJECT = ["asset", "claim"], ["asset", "claim", "judged_day"]


def keep_verdicts(warehouse: Warehouse, instance: dg.DagsterInstance, run_id: str, *, is_over: bool = False) -> int:
    """Put a run's results in place of the older ones; how many they are. When the run `is_over`, a check of it that was
    not run is one that is not judged.
    """
    fresh = verdicts_of(instance, run_id, is_over=is_over)
    if not fresh.is_empty():
        with warehouse.connected():
            before = renamed(warehouse.ask(f"select * from {CHECK_RESULTS.address}").select(fresh.columns), FORMERLY)
            warehouse.replace_all(CHECK_RESULTS, merged(before, fresh).sort(SUBJECT))
    return fresh.height


def renamed(results: pl.DataFrame, names: Mapping[str, str]) -> pl.DataFrame:
    """The results of earlier releases under today's names of their checks; what stands there under today's stays."""
    is_old = pl.col("claim").is_in(list(names))
    now = results.filter(~is_old)
    return pl.concat(
        [
            now,
            results.filter(is_old)
            .with_columns(pl.col("claim").replace(names))
            .join(now, on=SUBJECT, how="anti", nulls_equal=True),
        ]
    )


def merged(before: pl.DataFrame, fresh: pl.DataFrame) -> pl.DataFrame:
    """The newest result of each subject. What a check of days came to without a day, as it could not run, stands until
    it says something of a day.
    """
    is_not_judged, is_of_a_day = pl.col("verdict") == NOT_JUDGED, pl.col("judged_day").is_not_null()
    judged = before.filter(~is_not_judged)
    fresh = pl.concat(
        [
            fresh.filter(~is_not_judged),
            fresh.filter(is_not_judged & is_of_a_day).join(judged, on=SUBJECT, how="anti"),
            fresh.filter(is_not_judged & ~is_of_a_day).join(judged, on=CHECK, how="anti"),
        ]
    )
    told = fresh.filter(is_of_a_day).select(CHECK).unique()
    kept = pl.concat([before.filter(is_of_a_day), before.filter(~is_of_a_day).join(told, on=CHECK, how="anti")])
    return pl.concat([kept.join(fresh, on=SUBJECT, how="anti", nulls_equal=True), fresh])


def verdicts_of(instance: dg.DagsterInstance, run_id: str, *, is_over: bool = False) -> pl.DataFrame:
    """A run's results so far, the last one of each subject."""
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
        "claim": ([one.check for one in results], pl.String),
        "judged_day": ([one.day for one in results], pl.Date),
        "verdict": ([one.result for one in results], pl.String),
        "why": ([None if one.result == "passed" else one.why for one in results], pl.String),
        "judged_at": ([round(one.at * 1_000_000) for one in results], pl.Int64),
        "run_id": ([run_id for _ in results], pl.String),
    }
    return pl.DataFrame({name: pl.Series(values, dtype=of) for name, (values, of) in columns.items()}).with_columns(
        pl.from_epoch("judged_at", time_unit="us").dt.replace_time_zone("UTC")
    )
