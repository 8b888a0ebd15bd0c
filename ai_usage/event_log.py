"""Dagster's event log in SQLite, over connections that are kept. Loaded by dagster.yaml; knows nothing of ours.

Each run that ends is logged as one line on its terminal: Dagster itself prints all its events, or none.

Dagster opens and closes the file, and creates an engine for it, for each of a step's ten events, twice for most: this
takes most of a short step. Here the files stay open. An event is one transaction in each file, and so are events that
Dagster passes together, such as those of a range's days. The existing tables and columns are read once. Content, place
and format stay Dagster's own. Dagster's readers of a running log wait for the file to change, which it does not while
it is open: they poll instead, as on Postgres.
"""

import logging
import os
import sys
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from threading import RLock
from time import time
from typing import Any

import sqlalchemy as db
from dagster import DagsterEventType, DagsterInvariantViolationError, EventLogEntry, serialize_value
from dagster._core.definitions.asset_checks.asset_check_evaluation import (
    AssetCheckEvaluation,
    AssetCheckEvaluationPlanned,
)
from dagster._core.events import ASSET_CHECK_EVENTS, ASSET_EVENTS, EVENT_TYPE_TO_PIPELINE_RUN_STATUS
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus
from dagster._core.storage.event_log import SqlPollingEventWatcher
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable, AssetKeyTable, SqlEventLogStorageTable
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from dagster._serdes import ConfigurableClassData
from sqlalchemy.dialects.sqlite import Insert, insert
from sqlalchemy.pool import StaticPool

BATCH = "DAGSTER_EVENT_BATCH_SIZE"  # Dagster's own: the most events that it passes together; unset: one at a time
MOST_TOGETHER = 1000
FILES_KEPT = 8  # of runs that are read or written at a time; the index is one more

RUNS = logging.getLogger("ai_usage.runs")
RUNS.propagate = False
if not RUNS.handlers:
    RUNS.setLevel(RUNS.level or logging.INFO)  # unless it is set already: the commands want none of these lines
    RUNS.addHandler(logging.StreamHandler(sys.stderr))
    RUNS.handlers[0].setFormatter(logging.Formatter("%(asctime)s - %(levelname)s - %(message)s"))

ENDS = {
    DagsterEventType.RUN_SUCCESS: (logging.INFO, "succeeded"),
    DagsterEventType.RUN_FAILURE: (logging.ERROR, "failed"),
    DagsterEventType.RUN_CANCELED: (logging.WARNING, "was stopped"),
}
DAYS = ("dagster/partition", "dagster/asset_partition_range_start", "dagster/asset_partition_range_end")


Row = dict[str, Any]
Indexed = tuple[EventLogEntry, Row, int]  # an event, as a row, and its number in the index
INDEXED = {*ASSET_EVENTS, *ASSET_CHECK_EVENTS, *EVENT_TYPE_TO_PIPELINE_RUN_STATUS}
CHECKS = AssetCheckExecutionsTable
EVENT = SqlEventLogStorageTable.insert()
NUMBERED_EVENT = EVENT.returning(SqlEventLogStorageTable.c.id, sort_by_parameter_order=True)
FOUND = CHECKS.insert()
FOUND_AS_PLANNED = CHECKS.update().where(
    *(CHECKS.c[name] == db.bindparam(f"planned_{name}") for name in ("asset_key", "check_name", "run_id")),
    CHECKS.c.partition.is_not_distinct_from(db.bindparam("planned_partition")),
)


@cache
def _newest_of_asset(names: tuple[str, ...]) -> Insert:
    """An asset's row, new or with new values of these columns."""
    row = insert(AssetKeyTable)
    return row.on_conflict_do_update(["asset_key"], set_={name: row.excluded[name] for name in names})


def _kind(event: EventLogEntry) -> DagsterEventType | None:
    return event.dagster_event_type if event.is_dagster_event else None


class KeptEventLog(SqliteEventLogStorage):
    """`base_dir` is the instance's folder; the log is below it, in Dagster's default place."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engines: OrderedDict[str, db.Engine] = OrderedDict()
        self._lock = RLock()
        self._under_way: dict[str, db.Connection] = {}  # by file, while events are stored together
        self._together: ExitStack | None = None
        self._there: set[str] = set()  # tables and columns
        os.environ.setdefault(BATCH, str(MOST_TOGETHER))
        self._watcher: SqlPollingEventWatcher | None = None
        os.umask(0o077)  # webserver, daemon and runs all execute this: only the owner may read what they write
        super().__init__(str(Path(base_dir) / "history" / "runs"), inst_data)

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> "KeptEventLog":
        return cls(inst_data=inst_data, **config_value)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[db.Connection]:
        with self._lock:
            if self._together is None:
                with self._engine(shard).connect() as connection, connection.begin():
                    yield connection
            else:
                if shard not in self._under_way:
                    self._under_way[shard] = self._together.enter_context(self._engine(shard).connect())
                    self._under_way[shard].begin()
                yield self._under_way[shard]

    @contextmanager
    def _one_transaction(self) -> Iterator[None]:
        """One in each file, committed in the order in which they began: the run's own file first, then the index."""
        with self._lock, ExitStack() as together:
            self._together = together
            try:
                yield
                for connection in self._under_way.values():
                    connection.commit()
            finally:
                self._under_way, self._together = {}, None

    def _engine(self, shard: str) -> db.Engine:
        engine = self._engines.get(shard) or self._opened(shard)
        self._engines.move_to_end(shard)
        return engine

    def _opened(self, shard: str) -> db.Engine:
        engine = db.create_engine(
            self.conn_string_for_shard(shard),
            poolclass=StaticPool,  # one connection, for whichever thread has the lock
            connect_args={"timeout": 30, "check_same_thread": False},
        )
        db.event.listen(engine, "connect", _commit_without_waiting)
        self._initdb(engine)
        self._engines[shard] = engine
        if len(self._engines) > FILES_KEPT:
            _, oldest = self._engines.popitem(last=False)
            oldest.dispose()
        return engine

    def has_table(self, table_name: str) -> bool:
        if table_name not in self._there and super().has_table(table_name):
            self._there.add(table_name)
        return table_name in self._there

    def _has_asset_key_col_on_connection(self, conn: db.Connection, column_name: str) -> bool:
        if column_name not in self._there and super()._has_asset_key_col_on_connection(conn, column_name):
            self._there.add(column_name)
        return column_name in self._there

    def store_event(self, event: EventLogEntry) -> None:
        self._store([event])
        if (kind := _kind(event)) in ENDS:
            level, how = ENDS[kind]
            RUNS.log(level, "%s %s", self._named(event.run_id, event.job_name or "run"), how)

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        self._store(events)

    def _store(self, events: Sequence[EventLogEntry]) -> None:
        """What Dagster does event by event: each goes to its run's file, and to the index if it is about an asset, a
        check or a run's status. The rows go to a file by one statement with parameters, which is compiled once.
        """
        rows = [self._event_to_row(event) for event in events]
        with self._one_transaction():
            for run_id in dict.fromkeys(event.run_id for event in events):
                with self.run_connection(run_id) as connection:
                    connection.execute(EVENT, [row for row in rows if row["run_id"] == run_id])
            indexed = [(event, row) for event, row in zip(events, rows, strict=True) if _kind(event) in INDEXED]
            if indexed:
                with self.index_connection() as connection:
                    numbers = connection.execute(NUMBERED_EVENT, [row for _, row in indexed]).scalars().all()
                    self._index(connection, [(*of, number) for of, number in zip(indexed, numbers, strict=True)])

    def _index(self, connection: db.Connection, indexed: Sequence[Indexed]) -> None:
        """An asset's row keeps the newest of its events of a kind."""
        of_assets = [(event, number) for event, _, number in indexed if _kind(event) in ASSET_EVENTS]
        self._store_asset_event_tags(connection, [event for event, _ in of_assets], [number for _, number in of_assets])
        newest = {(event.get_dagster_event().asset_key, _kind(event)): (event, number) for event, number in of_assets}
        for event, number in newest.values():
            self._store_asset_event(connection, event, number)
        for event, row, number in indexed:
            if _kind(event) is DagsterEventType.ASSET_CHECK_EVALUATION and event.run_id:
                self._store_evaluation(connection, event, row, number)
            elif _kind(event) in ASSET_CHECK_EVENTS:
                self.store_asset_check_event(event, number)

    def _store_asset_event(self, conn: db.Connection, event: EventLogEntry, event_id: int) -> None:
        asset = event.get_dagster_event().asset_key
        values = self._get_asset_entry_values(event, event_id, self._has_asset_key_index_cols_on_connection(conn))
        if asset and values:
            conn.execute(_newest_of_asset(tuple(values)), {"asset_key": asset.to_string(), **values})

    def _store_evaluation(self, connection: db.Connection, event: EventLogEntry, row: Row, number: int) -> None:
        """A check's evaluation: in the row that was planned for it, or in a new one, as in Dagster."""
        found: AssetCheckEvaluation = event.get_dagster_event().event_specific_data  # type: ignore[assignment]
        status = AssetCheckExecutionRecordStatus.SUCCEEDED if found.passed else AssetCheckExecutionRecordStatus.FAILED
        key = {"asset_key": found.asset_key.to_string(), "check_name": found.check_name, "run_id": event.run_id}
        target = found.target_materialization_data
        values = {
            "execution_status": status.value,
            "evaluation_event": row["event"],
            "evaluation_event_timestamp": row["timestamp"],
            "evaluation_event_storage_id": number,
            "materialization_event_storage_id": target.storage_id if target else None,
            "partition": found.partition,
        }
        planned = {f"planned_{name}": of for name, of in {**key, "partition": found.partition}.items()}
        rows = connection.execute(FOUND_AS_PLANNED, {**values, **planned}).rowcount
        if rows == 0:
            connection.execute(FOUND, {**key, **values})
        elif rows > 1:
            raise DagsterInvariantViolationError(f"{found.asset_check_key} was planned {rows} times in {event.run_id}")

    def _store_asset_check_evaluation_planned(self, event: EventLogEntry, event_id: int | None) -> None:
        """A row for each day, as Dagster's own, which makes the same text of the event for each of them."""
        planned: AssetCheckEvaluationPlanned = event.get_dagster_event().event_specific_data  # type: ignore[assignment]
        row = {
            "asset_key": planned.asset_key.to_string(),
            "check_name": planned.check_name,
            "run_id": event.run_id,
            "execution_status": AssetCheckExecutionRecordStatus.PLANNED.value,
            "evaluation_event": serialize_value(event),
            "evaluation_event_timestamp": self._event_insert_timestamp(event),  # type: ignore[no-untyped-call]
            "evaluation_event_storage_id": event_id,
        }
        days = planned.partitions_subset.get_partition_keys() if planned.partitions_subset else [None]
        with self.index_connection() as connection:
            connection.execute(FOUND, [{**row, "partition": day} for day in days])

    def _named(self, run_id: str, job: str) -> str:
        """A run's name for people: its job, or its assets, and its days."""
        record = self._instance.get_run_record_by_id(run_id) if self.has_instance else None
        if record is None:
            return job
        run = record.dagster_run
        days = [run.tags[tag] for tag in DAYS if tag in run.tags]
        took = f"({time() - record.start_time:.0f} s)" if record.start_time else ""
        return " ".join(filter(None, [job, "…".join(dict.fromkeys(days)), took]))

    def watch(self, run_id: str, cursor: str | None, callback: Any) -> None:
        self._watcher = self._watcher or SqlPollingEventWatcher(self)
        self._watcher.watch_run(run_id, cursor, callback)

    def end_watch(self, run_id: str, handler: Any) -> None:
        if self._watcher:
            self._watcher.unwatch_run(run_id, handler)

    def dispose(self) -> None:
        if self._watcher:
            self._watcher.close()
        while self._engines:
            self._engines.popitem()[1].dispose()
        super().dispose()


def _commit_without_waiting(connection: Any, _: object) -> None:
    """The log stays intact if a process dies; only a power cut may lose its last events (SQLite on WAL)."""
    connection.execute("pragma synchronous = normal")
