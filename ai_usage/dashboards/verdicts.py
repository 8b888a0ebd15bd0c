"""What the checks found, kept beside the figures: Dagster's event log has every verdict, and no SQL can read it. At the
end of each run, whoever started it, and before a board shows them, the run's verdicts take the place of those of the
same claim, asset and day.
"""

import dagster as dg
import polars as pl

from ai_usage.warehouse.port import Warehouse
from ai_usage.warehouse.table import Table, day, instant, string

CHECK_RESULTS = Table(
    name="check_results",
    grain="the last verdict on one claim about one asset and one UTC day; of a snapshot's claim no day",
    columns={
        "asset": string("layer/table", required=True),
        "claim": string("what is claimed, as the check is called", required=True),
        "judged_day": day("the UTC day it was judged of; null of a snapshot", required=False),
        "verdict": string("passed, warned or failed", required=True),
        "why": string("in a sentence; null where it passed"),
        "judged_at": instant("when", required=True),
        "run_id": string("Dagster's run", required=True),
    },
    date_column=None,
)
KIND = dg.DagsterEventType.ASSET_CHECK_EVALUATION


def keep_verdicts(warehouse: Warehouse, instance: dg.DagsterInstance, run_id: str) -> int:
    """Put a run's verdicts in place of the older ones; how many they are."""
    fresh = verdicts_of(instance, run_id)
    if not fresh.is_empty():
        subject = ["asset", "claim", "judged_day"]
        with warehouse.connected():
            before = warehouse.ask(f"select * from {CHECK_RESULTS.address}")
            kept = before.select(fresh.columns).join(fresh, on=subject, how="anti", nulls_equal=True)
            warehouse.replace_all(CHECK_RESULTS, pl.concat([kept, fresh]).sort(subject))
    return fresh.height


def verdicts_of(instance: dg.DagsterInstance, run_id: str) -> pl.DataFrame:
    """A run's verdicts so far, the last one of each subject."""
    found = {}
    for record in instance.get_records_for_run(run_id, of_type=KIND).records:
        event = record.event_log_entry.get_dagster_event().asset_check_evaluation_data
        is_warning = event.severity == dg.AssetCheckSeverity.WARN
        subject = (event.asset_key.to_user_string(), event.check_name, event.partition)
        verdict = "passed" if event.passed else "warned" if is_warning else "failed"
        why = None if event.passed else (event.description or "").removeprefix(f"{event.partition}: ")
        found[subject] = (verdict, why, record.timestamp, run_id)
    rows = [(*subject, *said) for subject, said in found.items()]
    columns = dict(zip(CHECK_RESULTS.columns, zip(*rows, strict=True) if rows else [()] * 7, strict=True))
    return pl.DataFrame(
        {
            **{name: pl.Series(columns[name], dtype=pl.String) for name in ("asset", "claim")},
            "judged_day": pl.Series(columns["judged_day"], dtype=pl.String).str.to_date(),
            **{name: pl.Series(columns[name], dtype=pl.String) for name in ("verdict", "why")},
            "judged_at": pl.from_epoch(
                (pl.Series(columns["judged_at"], dtype=pl.Float64) * 1_000_000).cast(pl.Int64), time_unit="us"
            ).dt.replace_time_zone("UTC"),
            "run_id": pl.Series(columns["run_id"], dtype=pl.String),
        }
    )
