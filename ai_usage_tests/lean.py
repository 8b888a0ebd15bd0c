"""Dagster and DuckDB without what no test looks at, which would be half the time of a small run. It is enough to import
it, in whichever process of a test.
"""

import gc
import hashlib
import ssl
import threading
from collections import namedtuple
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
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
from dagster._core.execution.context.data_version_cache import DataVersionCache
from dagster._core.log_manager import DagsterLogManager
from dagster._core.storage.event_log import SqlEventLogStorage
from dagster._core.storage.event_log import in_memory as events_in_memory
from dagster._core.storage.event_log.in_memory import InMemoryEventLogStorage
from dagster._core.storage.runs import SqliteRunStorage
from dagster._core.storage.runs import in_memory as runs_in_memory
from dagster._core.storage.schedules import SqliteScheduleStorage

import ai_usage
from ai_usage.event_log import KeptEventLog
from ai_usage.warehouse import googlesql
from ai_usage.warehouse.duckdb import connection, statements
from ai_usage_tests import dagster_files  # noqa: F401 - it is enough to import it
from ai_usage_tests.kept import kept

# To look for garbage as often as Python does takes up to a tenth of a run. `definitions` sets what is usual, if it is
# imported later.
USUAL, ai_usage.USUAL = ai_usage.USUAL, (50_000, 20, 100)
gc.set_threshold(*ai_usage.USUAL)

# A run's result has these events all the same; no test reads them from the log.
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
    # It asks SQLite for its own columns with each event.
    for answer in ("_has_asset_key_col_on_connection", "_has_asset_key_index_cols_on_connection"):
        setattr(storage, answer, lambda *_: True)
    storage.supports_asset_checks = property(lambda _: True)  # type: ignore[assignment,method-assign]


for storage in (InMemoryEventLogStorage, KeptEventLog):
    _keeps_less(storage)

for storage_in_memory in (events_in_memory, runs_in_memory):
    # Which revision of its tables a database has is for those who open an older one.
    storage_in_memory.stamp_alembic_rev = lambda *_: None  # type: ignore[attr-defined]

_scripts_of = ScriptDirectory.from_config
_scripts: dict[str, ScriptDirectory] = {}


def _scripts_once(config: Config) -> ScriptDirectory:
    """Each instance reads all of Dagster's migrations, only to know which one is the last."""
    where = str(config.get_main_option("script_location"))
    if where not in _scripts:
        _scripts[where] = _scripts_of(config)
    return _scripts[where]


ScriptDirectory.from_config = _scripts_once  # type: ignore[method-assign]

_store_in_memory = InMemoryEventLogStorage.store_event
_unwritten: WeakKeyDictionary[InMemoryEventLogStorage, list[dg.EventLogEntry]] = WeakKeyDictionary()


def _store_when_asked(self: InMemoryEventLogStorage, event: dg.EventLogEntry) -> None:
    """Most runs leave a log that is never read: it becomes SQL at the first query."""
    _unwritten.setdefault(self, []).append(event)
    if self._handlers.get(event.run_id):
        _write(self)


def _write(self: InMemoryEventLogStorage) -> None:
    for event in _unwritten.pop(self, ()):
        _store_in_memory(self, event)  # type: ignore[no-untyped-call]


InMemoryEventLogStorage.store_event = _store_when_asked  # type: ignore[method-assign]

_log = DagsterLogManager.log_dagster_event


def _log_what_is_kept(
    self: DagsterLogManager, level: str | int, msg: str, dagster_event: dg.DagsterEvent, batch_metadata: Any = None
) -> None:
    if dagster_event.event_type not in UNKEPT:
        _log(self, level, msg, dagster_event, batch_metadata)


DagsterLogManager.log_dagster_event = _log_what_is_kept  # type: ignore[method-assign]

_create_run_for_job = dg.DagsterInstance.create_run_for_job


def _create_run_without_snapshots(self: dg.DagsterInstance, job_def: dg.JobDefinition, **of: Any) -> dg.DagsterRun:
    """Descriptions of the job and its plan, for the UI, are a tenth of a small run. No UI reads a log in memory."""
    if self.is_persistent:
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


dg.DagsterInstance.create_run_for_job = _create_run_without_snapshots  # type: ignore[method-assign,assignment]

_over_a_new_connection = InMemoryEventLogStorage._connect


@contextmanager
def _over_one_connection(self: InMemoryEventLogStorage) -> Iterator[Any]:
    """Dagster's log in memory opens a connection for each question, which costs it more than the answer. SQLite wants
    another thread to have its own.
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
    """Nothing of ours is decided by Dagster's own versions of data."""
    self.input_asset_version_info.update(dict.fromkeys(asset_keys))


DataVersionCache._fetch_input_asset_version_info = _without_data_versions  # type: ignore[method-assign]


@cache
def _class_of(names: tuple[str, ...], *, contains_generator: bool) -> type:
    bases = (Resources, IContainsGenerator) if contains_generator else (Resources,)
    of_step = namedtuple("of_step", names)  # type: ignore[misc]  # noqa: PYI024 - as Dagster's
    return type("ResourcesOfStep", (of_step, *bases), {"original_resource_dict": property(lambda self: self.given)})


def _resources_of_step(self: ScopedResourcesBuilder, required: AbstractSet[str] | None) -> Resources:
    """Dagster makes a class for each step, and these have garbage in them."""
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


# No test asks a server of the world; to read whom that trusts takes each client longer than its first questions.
ssl.SSLContext.load_verify_locations = _trust_whom_a_test_brings  # type: ignore[method-assign]
ssl.SSLContext.load_default_certs = lambda *_: None  # type: ignore[method-assign]

_connect = connection.connect


def _of_one_thread(path: Path, **how: Any) -> duckdb.DuckDBPyConnection:
    """More threads cost more than they bring where tables are this small and each core has a test of its own."""
    opened = _connect(path, **how)
    opened.execute("set threads = 1")
    return opened


connection.connect = _of_one_thread


_bundle = vl_convert.javascript_bundle


def _bundle_once(snippet: str) -> str:
    """The script that every data folder's boards begin with, which takes seconds to make: it is made of its version
    alone, and kept for the next process.
    """
    made_of = hashlib.sha256(f"{version('vl-convert-python')} {snippet}".encode()).hexdigest()
    return kept(f"{made_of}.js", lambda: _bundle(snippet).encode()).decode()


vl_convert.javascript_bundle = _bundle_once  # type: ignore[assignment]

_transpile = googlesql._transpiled


def _transpile_once(text: str) -> tuple[str, frozenset[str]]:
    """A new warehouse needs the text of every view, which takes a process of its own a second."""

    def make() -> bytes:
        sql, names = _transpile(text)
        return msgspec.json.encode((sql, sorted(names)))

    return msgspec.json.decode(kept(f"{statements.digest(text)}.json", make), type=tuple[str, frozenset[str]])


googlesql._transpiled = _transpile_once  # type: ignore[assignment]


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
