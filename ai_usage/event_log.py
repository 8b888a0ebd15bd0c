"""Dagster's event log in SQLite, over connections that are kept. Loaded by dagster.yaml; knows nothing of ours.

Each run that ends is a line on the terminal of whoever ran it: Dagster itself prints all its events, or none.

Dagster opens and closes the file, and makes an engine for it, for each of the ten events of a step and twice for most:
of a short step that is the greater part. Here the files stay open. An event is one transaction in each file, and so are
the events that Dagster hands over together, such as those of a range's days. Which tables and columns exist is asked
once. What is kept, where and how stays Dagster's own. Its readers of a running log wait for the file to change, which
it does not while it is open: they look again and again instead, as on Postgres.
"""

import logging
import os
import sys
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import RLock
from time import time
from typing import Any

import sqlalchemy as db
from dagster import DagsterEventType, EventLogEntry, serialize_value
from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluationPlanned
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus
from dagster._core.storage.event_log import SqlPollingEventWatcher
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from dagster._serdes import ConfigurableClassData
from sqlalchemy.pool import StaticPool

BATCH = "DAGSTER_EVENT_BATCH_SIZE"  # Dagster's own: the most events that it hands over together, none unless it is set
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


class KeptEventLog(SqliteEventLogStorage):
    """`base_dir` is the instance's folder; the log is below it, in Dagster's default place."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engines: OrderedDict[str, db.Engine] = OrderedDict()
        self._lock = RLock()
        self._under_way: dict[str, db.Connection] = {}  # by file, while events are stored together
        self._together: ExitStack | None = None
        self._newest: dict[tuple[Any, Any], tuple[EventLogEntry, int]] | None = None  # of a batch, by asset and kind
        self._there: set[str] = set()  # tables and columns
        os.environ.setdefault(BATCH, str(MOST_TOGETHER))
        self._watcher: SqlPollingEventWatcher | None = None
        os.umask(0o077)  # webserver, daemon and runs all come by here: what they write is its owner's alone
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

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        with self._one_transaction():
            self._newest = {}
            try:
                for event in events:
                    super().store_event(event)
                newest, self._newest = self._newest, None
                for event, number in newest.values():
                    self.store_asset_event(event, number)
            finally:
                self._newest = None

    def _store_asset_event(self, conn: db.Connection, event: EventLogEntry, event_id: int) -> None:
        """An asset's newest event of a kind is all that its row keeps of a batch."""
        if self._newest is None or event.dagster_event is None:
            super()._store_asset_event(conn, event, event_id)
        else:
            self._newest[event.dagster_event.asset_key, event.dagster_event_type] = event, event_id

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
            connection.execute(AssetCheckExecutionsTable.insert(), [{**row, "partition": day} for day in days])

    def store_event(self, event: EventLogEntry) -> None:
        with self._one_transaction():
            super().store_event(event)
        if event.is_dagster_event and event.dagster_event_type in ENDS:
            level, how = ENDS[event.dagster_event_type]
            RUNS.log(level, "%s %s", self._named(event.run_id, event.job_name or "run"), how)

    def _named(self, run_id: str, job: str) -> str:
        """A run as people know it: its job, or its assets, and its days."""
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
    """The log stays whole whatever dies; only a power cut may take its last events along (SQLite on WAL)."""
    connection.execute("pragma synchronous = normal")
