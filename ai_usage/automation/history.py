"""Deletes Dagster's old records of runs, which Dagster keeps for ever.

A run is deleted with its events, logs and files. The records that the UI and the checks need stay, however old: the
newest materialization of each day of a table, and the last results of each check, some of which hold since when a
thing is known. The SQLite files do not shrink: later records reuse the space.
"""

import shutil
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import dagster as dg
import sqlalchemy as db
from dagster._core.storage.event_log.schema import (
    AssetCheckExecutionsTable,
    AssetEventTagsTable,
    SqlEventLogStorageTable,
)
from dagster._core.storage.event_log.sql_event_log import SqlEventLogStorage
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from dagster._core.storage.runs.schema import RunTagsTable
from dagster._core.storage.runs.sql_run_storage import SqlRunStorage

from ai_usage.automation.dead_runs import ENDED

RESULTS_KEPT = 5  # of each check, however old: its history in the UI begins with them
AT_MOST = 20  # runs at a time: writers of the log wait meanwhile
EVENTS, CHECKS = SqlEventLogStorageTable.c, AssetCheckExecutionsTable.c


def purge(instance: dg.DagsterInstance, before: datetime) -> int:
    """Delete runs that ended before an instant, the oldest first. Returns their number. Keeps runs in progress."""
    old = dg.RunsFilter(statuses=sorted(ENDED, key=str), updated_before=before)
    runs = [record.dagster_run.run_id for record in instance.get_run_records(old, limit=AT_MOST, ascending=True)]
    if not runs:
        return 0
    storage = instance.event_log_storage
    if isinstance(storage, SqlEventLogStorage):
        _delete_events(storage, runs)
    for run_id in runs:
        if not isinstance(storage, SqlEventLogStorage):
            storage.delete_events(run_id)
        _delete_files(instance, run_id)
        instance.run_storage.delete_run(run_id)  # last: until then it is found again
    if isinstance(instance.run_storage, SqlRunStorage):
        with instance.run_storage.connect() as connection:
            connection.execute(RunTagsTable.delete().where(RunTagsTable.c.run_id.in_(runs)))
    return len(runs)


def _delete_events(storage: SqlEventLogStorage, runs: Sequence[str]) -> None:
    """From the log across all runs. Its last event stays, since SQLite would reuse its number."""
    materializes = EVENTS.dagster_event_type == dg.DagsterEventType.ASSET_MATERIALIZATION.value
    newest = db.select(db.func.max(EVENTS.id)).where(materializes).group_by(EVENTS.asset_key, EVENTS.partition)
    last = db.select(db.func.max(EVENTS.id)).scalar_subquery()
    is_kept = db.and_(materializes, EVENTS.id.in_(newest))
    going = db.select(EVENTS.id).where(EVENTS.run_id.in_(runs), db.not_(is_kept), EVENTS.id < last)
    age = db.func.row_number().over(
        partition_by=(CHECKS.asset_key, CHECKS.check_name, CHECKS.partition), order_by=CHECKS.id.desc()
    )
    ages = db.select(CHECKS.id, age.label("age")).subquery()
    superseded = db.select(ages.c.id).where(ages.c.age > RESULTS_KEPT)
    with storage.index_connection() as connection:
        ids = list(connection.execute(going).scalars())
        for n in range(0, len(ids), 500):
            some = ids[n : n + 500]
            connection.execute(AssetEventTagsTable.delete().where(AssetEventTagsTable.c.event_id.in_(some)))
            connection.execute(SqlEventLogStorageTable.delete().where(EVENTS.id.in_(some)))
        connection.execute(AssetCheckExecutionsTable.delete().where(CHECKS.run_id.in_(runs), CHECKS.id.in_(superseded)))


def _delete_files(instance: dg.DagsterInstance, run_id: str) -> None:
    """The run's own log, where each run has one, what its steps printed, and what they left."""
    storage = instance.event_log_storage
    if isinstance(storage, SqliteEventLogStorage):
        log = Path(storage.path_for_shard(run_id))
        for file in (log, *(log.with_name(log.name + end) for end in ("-wal", "-shm", "-journal"))):
            file.unlink(missing_ok=True)
    instance.compute_log_manager.delete_logs(prefix=[run_id])
    shutil.rmtree(Path(instance.storage_directory()) / run_id, ignore_errors=True)
