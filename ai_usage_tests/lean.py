"""Dagster and DuckDB without what no test looks at, which would be half the time of a small run. It is enough to import
it, in whichever process of a test.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import sqlalchemy as db
from dagster._core.execution.context.data_version_cache import DataVersionCache
from dagster._core.storage.event_log import SqlEventLogStorage
from dagster._core.storage.event_log.in_memory import InMemoryEventLogStorage
from dagster._core.storage.runs import SqliteRunStorage
from dagster._core.storage.schedules import SqliteScheduleStorage

from ai_usage.event_log import KeptEventLog
from ai_usage.warehouse import duckdb as engine

# A run's result has these events all the same; no test reads them from the log.
UNKEPT = {
    *(dg.DagsterEventType.STEP_START, dg.DagsterEventType.STEP_INPUT, dg.DagsterEventType.STEP_OUTPUT),
    *(dg.DagsterEventType.LOADED_INPUT, dg.DagsterEventType.HANDLED_OUTPUT),
}


def _keeps_less(storage: type[SqlEventLogStorage]) -> None:
    store = storage.store_event

    def store_event(self: SqlEventLogStorage, event: dg.EventLogEntry) -> None:
        if not (event.dagster_event and event.dagster_event.event_type in UNKEPT):
            store(self, event)

    storage.store_event = store_event  # type: ignore[method-assign]
    # It asks SQLite for its own columns with each event.
    for answer in ("_has_asset_key_col_on_connection", "_has_asset_key_index_cols_on_connection"):
        setattr(storage, answer, lambda *_: True)
    storage.supports_asset_checks = property(lambda _: True)  # type: ignore[assignment,method-assign]


for storage in (InMemoryEventLogStorage, KeptEventLog):
    _keeps_less(storage)

_over_a_new_connection = InMemoryEventLogStorage._connect


@contextmanager
def _over_one_connection(self: InMemoryEventLogStorage) -> Iterator[Any]:
    """Dagster's log in memory opens a connection for each question, which costs it more than the answer. SQLite wants
    another thread to have its own.
    """
    if threading.current_thread() is not threading.main_thread():
        with _over_a_new_connection(self) as connection:
            yield connection
        return
    with self._db_lock, self._held_conn.begin():
        yield self._held_conn


InMemoryEventLogStorage._connect = _over_one_connection  # type: ignore[method-assign]


def _without_data_versions(self: DataVersionCache, asset_keys: Sequence[dg.AssetKey]) -> None:
    """Nothing of ours is decided by Dagster's own versions of data."""
    self.input_asset_version_info.update(dict.fromkeys(asset_keys))


DataVersionCache._fetch_input_asset_version_info = _without_data_versions  # type: ignore[method-assign]

_connect = engine._connect


def _of_one_thread(path: Path, **how: Any) -> duckdb.DuckDBPyConnection:
    """More threads cost more than they bring where tables are this small and each core has a test of its own."""
    connection = _connect(path, **how)
    connection.execute("set threads = 1")
    return connection


engine._connect = _of_one_thread


def keep_connections() -> None:
    """For a daemon and its code server: a connection to each of Dagster's files, and one instance, for as long as the
    process lives. Dagster makes them for each question, and for each tick.
    """

    @cache
    def engine_of(url: str) -> db.Engine:
        return db.create_engine(url, poolclass=db.QueuePool, connect_args={"check_same_thread": False, "timeout": 30})

    @contextmanager
    def connect(self: Any, *_: Any) -> Iterator[db.Connection]:
        with engine_of(self._conn_string).begin() as connection:
            yield connection

    for storage in (SqliteRunStorage, SqliteScheduleStorage):
        storage.connect = connect  # type: ignore[method-assign]
    made: list[dg.DagsterInstance] = []
    make = dg.DagsterInstance.from_ref

    def from_ref(ref: Any) -> dg.DagsterInstance:
        if not made:
            made.append(make(ref))
            made[0].dispose = lambda: None  # type: ignore[method-assign]
        return made[0]

    dg.DagsterInstance.from_ref = staticmethod(from_ref)  # type: ignore[method-assign,assignment]
