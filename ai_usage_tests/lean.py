"""Dagster and DuckDB without features that no test needs, which would take half of a small run's time. Importing this
module is enough, in any process of a test.
"""

import gc
import hashlib
import ssl
import threading
from collections import namedtuple
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import certifi
import dagster as dg
import duckdb
import msgspec
import sqlalchemy as db
import vl_convert
from alembic.config import Config
from alembic.script import ScriptDirectory
from dagster._config.pythonic_config import IAttachDifferentObjectToOpContext
from dagster._core.definitions.scoped_resources_builder import IContainsGenerator, Resources, ScopedResourcesBuilder
from dagster._core.event_api import EventLogCursor
from dagster._core.events import ASSET_CHECK_EVENTS, ASSET_EVENTS
from dagster._core.execution import execute_in_process
from dagster._core.execution.context.data_version_cache import DataVersionCache
from dagster._core.log_manager import DagsterLogManager
from dagster._core.storage.event_log import SqlEventLogStorage
from dagster._core.storage.event_log import in_memory as events_in_memory
from dagster._core.storage.event_log.base import EventLogConnection
from dagster._core.storage.event_log.in_memory import InMemoryEventLogStorage
from dagster._core.storage.event_log.schema import AssetKeyTable, SqlEventLogStorageTable
from dagster._core.storage.runs import SqliteRunStorage
from dagster._core.storage.runs import in_memory as runs_in_memory
from dagster._core.storage.schedules import SqliteScheduleStorage
from sqlalchemy.dialects.sqlite import insert

import ai_usage
from ai_usage.event_log import KeptEventLog
from ai_usage.warehouse import googlesql
from ai_usage.warehouse.duckdb import connection, statements
from ai_usage_tests import dagster_files  # noqa: F401 - it is enough to import it
from ai_usage_tests.kept import kept

# Garbage collection as often as Python's default takes up to a tenth of a run. `definitions` sets the usual frequency,
# if it is imported later.
USUAL, ai_usage.USUAL = ai_usage.USUAL, (50_000, 20, 100)
gc.set_threshold(*ai_usage.USUAL)

# A run's result has these events anyway; no test reads them from the log.
UNKEPT = {
    *(dg.DagsterEventType.STEP_START, dg.DagsterEventType.STEP_INPUT, dg.DagsterEventType.STEP_OUTPUT),
    *(dg.DagsterEventType.LOADED_INPUT, dg.DagsterEventType.HANDLED_OUTPUT),
    dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED,
}


def _keeps_less(storage: type[SqlEventLogStorage]) -> None:
    store = storage.store_event

    def store_event(self: SqlEventLogStorage, event: dg.EventLogEntry) -> None:
        if not (event.dagster_event and event.dagster_event.event_type in UNKEPT):
            store(self, event)

    storage.store_event = store_event  # type: ignore[method-assign]
    # The storage reads its own columns from SQLite with each event.
    for answer in ("_has_asset_key_col_on_connection", "_has_asset_key_index_cols_on_connection"):
        setattr(storage, answer, lambda *_: True)
    storage.supports_asset_checks = property(lambda _: True)  # type: ignore[assignment,method-assign]


for storage in (InMemoryEventLogStorage, KeptEventLog):
    _keeps_less(storage)

for storage_in_memory in (events_in_memory, runs_in_memory):
    # Only code that opens an older database needs the revision of its tables.
    storage_in_memory.stamp_alembic_rev = lambda *_: None  # type: ignore[attr-defined]

_scripts_of = ScriptDirectory.from_config
_scripts: dict[str, ScriptDirectory] = {}


def _scripts_once(config: Config) -> ScriptDirectory:
    """Each instance reads all of Dagster's migrations, only to find the last one."""
    where = str(config.get_main_option("script_location"))
    if where not in _scripts:
        _scripts[where] = _scripts_of(config)
    return _scripts[where]


ScriptDirectory.from_config = _scripts_once  # type: ignore[method-assign]

_unwritten: WeakKeyDictionary[InMemoryEventLogStorage, list[dg.EventLogEntry]] = WeakKeyDictionary()
_written: WeakKeyDictionary[InMemoryEventLogStorage, set[str]] = WeakKeyDictionary()  # runs


def _store_when_asked(self: InMemoryEventLogStorage, event: dg.EventLogEntry) -> None:
    """Most runs leave a log that is never read, so it is written to SQL at the first query."""
    if event.dagster_event and event.dagster_event.event_type in UNKEPT:
        return
    _unwritten.setdefault(self, []).append(event)
    self._storage_id += 1
    for handler in list(self._handlers.get(event.run_id, ())):
        handler(event, str(EventLogCursor.from_storage_id(self._storage_id)))


def _write(self: InMemoryEventLogStorage) -> None:
    """Writes in one transaction what Dagster writes event by event. An asset's row comes from its last events."""
    events = _unwritten.pop(self, [])
    if not events:
        return
    _written.setdefault(self, set()).update(event.run_id for event in events)
    numbered = list(enumerate(events, self._storage_id - len(events) + 1))
    of_assets = [(n, of) for n, of in numbered if of.dagster_event_type in ASSET_EVENTS and _asset_of(of)]
    entries: dict[str, dict[str, Any]] = {}
    for n, event in of_assets:
        if values := self._get_asset_entry_values(event, n, has_asset_key_index_cols=True):
            entries.setdefault(_asset_of(event), {}).update(values)
    with self.index_connection() as connection:  # type: ignore[no-untyped-call]
        rows = [{"id": n} | self._event_to_row(event) for n, event in numbered]
        connection.execute(SqlEventLogStorageTable.insert(), rows)
        for asset, values in entries.items():
            of_asset = {"asset_key": asset, **values}
            upsert = insert(AssetKeyTable).values(of_asset).on_conflict_do_update(["asset_key"], set_=of_asset)
            connection.execute(upsert)
    self.store_asset_event_tags([event for _, event in of_assets], [n for n, _ in of_assets])
    for n, event in numbered:
        if event.dagster_event_type in ASSET_CHECK_EVENTS:
            self.store_asset_check_event(event, n)


def _asset_of(event: dg.EventLogEntry) -> str:
    key = event.dagster_event and event.dagster_event.asset_key
    return key.to_string() if key else ""


_records_for_run = InMemoryEventLogStorage.get_records_for_run


def _records_as_they_were_stored(
    self: InMemoryEventLogStorage,
    run_id: str,
    cursor: str | None = None,
    of_type: Any = None,
    limit: int | None = None,
    ascending: bool = True,  # noqa: FBT001, FBT002 - as Dagster's
) -> EventLogConnection:
    """Reading the records of a run needs no SQL while its events are not written."""
    if cursor or limit or not ascending or run_id in _written.get(self, ()):
        return _records_for_run(self, run_id, cursor, of_type, limit, ascending)
    events = _unwritten.get(self, [])
    kinds = {of_type} if isinstance(of_type, dg.DagsterEventType) else of_type
    found = [
        dg.EventLogRecord(storage_id=n, event_log_entry=event)
        for n, event in enumerate(events, self._storage_id - len(events) + 1)
        if event.run_id == run_id and (not kinds or event.dagster_event_type in kinds)
    ]
    last = EventLogCursor.from_storage_id(found[-1].storage_id if found else -1)
    return EventLogConnection(records=found, cursor=str(last), has_more=False)


InMemoryEventLogStorage.store_event = _store_when_asked  # type: ignore[method-assign]
InMemoryEventLogStorage.get_records_for_run = _records_as_they_were_stored  # type: ignore[assignment,method-assign]

_log = DagsterLogManager.log_dagster_event


def _log_what_is_kept(
    self: DagsterLogManager, level: str | int, msg: str, dagster_event: dg.DagsterEvent, batch_metadata: Any = None
) -> None:
    if dagster_event.event_type not in UNKEPT:
        _log(self, level, msg, dagster_event, batch_metadata)


DagsterLogManager.log_dagster_event = _log_what_is_kept  # type: ignore[method-assign]

_create_run_for_job = dg.DagsterInstance.create_run_for_job
_execute_in_process = execute_in_process.core_execute_in_process
_described = ContextVar("described", default=False)  # for tests of what Dagster shows of a run
_executes = ContextVar("executes", default=False)


@contextmanager
def _set(variable: ContextVar[bool]) -> Iterator[None]:
    before = variable.set(True)
    try:
        yield
    finally:
        variable.reset(before)


def described() -> AbstractContextManager[None]:
    """Runs that begin within the block have all that Dagster stores: the job, its plan, and the planned checks."""
    return _set(_described)


def _execute_without_descriptions(*of: Any, **named: Any) -> dg.ExecuteInProcessResult:
    with _set(_executes):
        return _execute_in_process(*of, **named)


execute_in_process.core_execute_in_process = _execute_without_descriptions


def _create_run_without_descriptions(self: dg.DagsterInstance, job_def: dg.JobDefinition, **of: Any) -> dg.DagsterRun:
    """Descriptions of the job and its plan, for the UI, take a tenth of a small run. No UI reads a log in memory."""
    if self.is_persistent or _described.get() or not _executes.get():
        return _create_run_for_job(self, job_def, **of)
    kept = ("run_id", "run_config", "asset_selection", "tags", "status")
    missing = dict.fromkeys(
        [
            *("root_run_id", "parent_run_id", "step_keys_to_execute", "execution_plan_snapshot"),
            *("job_snapshot", "parent_job_snapshot", "asset_check_selection", "resolved_op_selection"),
            *("op_selection", "remote_job_origin", "job_code_origin", "asset_graph"),
        ]
    )
    return self.create_run(job_name=job_def.name, **missing | {name: of.get(name) for name in kept})  # type: ignore[arg-type]


dg.DagsterInstance.create_run_for_job = _create_run_without_descriptions  # type: ignore[method-assign,assignment]

_over_a_new_connection = InMemoryEventLogStorage._connect


@contextmanager
def _over_one_connection(self: InMemoryEventLogStorage) -> Iterator[Any]:
    """Dagster's log in memory opens a connection for each query, which costs more than the query. SQLite needs a
    separate connection for each thread.
    """
    _write(self)
    if threading.current_thread() is not threading.main_thread():
        with _over_a_new_connection(self) as connection:
            yield connection
        return
    with self._db_lock, self._held_conn.begin():
        yield self._held_conn


InMemoryEventLogStorage._connect = _over_one_connection  # type: ignore[method-assign]


def _without_data_versions(self: DataVersionCache, asset_keys: Sequence[dg.AssetKey]) -> None:
    """Nothing of ours depends on Dagster's data versions."""
    self.input_asset_version_info.update(dict.fromkeys(asset_keys))


DataVersionCache._fetch_input_asset_version_info = _without_data_versions  # type: ignore[method-assign]


@cache
def _class_of(names: tuple[str, ...], *, contains_generator: bool) -> type:
    bases = (Resources, IContainsGenerator) if contains_generator else (Resources,)
    of_step = namedtuple("of_step", names)  # type: ignore[misc]  # noqa: PYI024 - as Dagster's
    return type("ResourcesOfStep", (of_step, *bases), {"original_resource_dict": property(lambda self: self.given)})


def _resources_of_step(self: ScopedResourcesBuilder, required: AbstractSet[str] | None) -> Resources:
    """Dagster makes a class for each step, which leaves garbage."""
    given: Mapping[str, Any] = {
        name: self.resource_instance_dict[name] for name in required or () if name in self.resource_instance_dict
    }
    attached = {
        name: of.get_object_to_set_on_execution_context() if isinstance(of, IAttachDifferentObjectToOpContext) else of
        for name, of in given.items()
    }
    made: Resources = _class_of(tuple(attached), contains_generator=self.contains_generator)(**attached)
    made.given = given  # type: ignore[attr-defined]
    return made


ScopedResourcesBuilder.build = _resources_of_step  # type: ignore[method-assign,assignment]

_trust = ssl.SSLContext.load_verify_locations


def _trust_whom_a_test_brings(self: ssl.SSLContext, cafile: Any = None, *more: Any, **named: Any) -> None:
    if cafile != certifi.where():
        _trust(self, cafile, *more, **named)


# No test connects to a public server. Reading the trusted certificates takes a client longer than its first requests.
ssl.SSLContext.load_verify_locations = _trust_whom_a_test_brings  # type: ignore[method-assign]
ssl.SSLContext.load_default_certs = lambda *_: None  # type: ignore[method-assign]

_connect = connection.connect


def _of_one_thread(path: Path, **how: Any) -> duckdb.DuckDBPyConnection:
    """More threads cost more than they gain where tables are this small and each core runs a test."""
    opened = _connect(path, **how)
    opened.execute("set threads = 1")
    return opened


connection.connect = _of_one_thread


_bundle = vl_convert.javascript_bundle


def _bundle_once(snippet: str) -> str:
    """The script at the start of every data folder's boards takes seconds to make. It depends only on its version, and
    is kept for the next process.
    """
    made_of = hashlib.sha256(f"{version('vl-convert-python')} {snippet}".encode()).hexdigest()
    return kept(f"{made_of}.js", lambda: _bundle(snippet).encode()).decode()


vl_convert.javascript_bundle = _bundle_once  # type: ignore[assignment]

_transpile = googlesql._transpiled


def _transpile_once(text: str) -> tuple[str, frozenset[str]]:
    """A new warehouse needs the text of every view, which takes a process a second."""

    def make() -> bytes:
        sql, names = _transpile(text)
        return msgspec.json.encode((sql, sorted(names)))

    return msgspec.json.decode(kept(f"{statements.digest(text)}.json", make), type=tuple[str, frozenset[str]])


googlesql._transpiled = _transpile_once  # type: ignore[assignment]


def keep_connections() -> None:
    """For a daemon and its code server: one connection to each of Dagster's files, and one instance, for as long as the
    process lives. Dagster opens them for each query and each tick. No test cuts the power, so no write waits for the
    disk.
    """

    @cache
    def engine_of(url: str) -> db.Engine:
        made = db.create_engine(url, poolclass=db.QueuePool, connect_args={"check_same_thread": False, "timeout": 30})
        db.event.listen(made, "connect", lambda connection, _: connection.execute("pragma synchronous = off"))
        return made

    @contextmanager
    def connect(self: Any, *_: Any) -> Iterator[db.Connection]:
        with engine_of(self._conn_string).begin() as connection:
            yield connection

    for storage in (SqliteRunStorage, SqliteScheduleStorage):
        storage.connect = connect  # type: ignore[method-assign]
    keep_one_instance()


def keep_one_instance() -> None:
    """One instance for as long as the process lives. Dagster creates one per tick, and then checks all its tables."""
    made: list[dg.DagsterInstance] = []
    make = dg.DagsterInstance.from_ref

    def from_ref(ref: Any) -> dg.DagsterInstance:
        if not made:
            made.append(make(ref))
            made[0].dispose = lambda: None  # type: ignore[method-assign]
        return made[0]

    dg.DagsterInstance.from_ref = staticmethod(from_ref)  # type: ignore[method-assign,assignment]
