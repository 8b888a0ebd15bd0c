"""Dagster's SQLite files as copies of empty ones, which are kept for the next process. Otherwise Dagster creates their
tables and indexes one by one, on disk, for each instance and for each run, which takes longer than most steps.
Importing this module is enough.
"""

import os
import sqlite3
import threading
from collections.abc import Callable, Mapping
from contextlib import closing
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import dagster as dg
import sqlalchemy as db
from dagster._core.storage.event_log.schema import SqlEventLogStorageMetadata
from dagster._core.storage.event_log.sqlite.sqlite_event_log import INDEX_SHARD_NAME, SqliteEventLogStorage
from dagster._core.storage.runs import SqliteRunStorage
from dagster._core.storage.runs.schema import RunStorageSqlMetadata
from dagster._core.storage.schedules import SqliteScheduleStorage

from ai_usage_tests.kept import kept

_make_log, _make_tables = SqliteEventLogStorage.__init__, SqliteEventLogStorage._initdb


def _log(folder: str) -> SqliteEventLogStorage:
    made = SqliteEventLogStorage.__new__(SqliteEventLogStorage)
    _make_log(made, folder)
    return made


def _tables_of_a_run(folder: str) -> None:
    storage = _log(folder)
    _make_tables(storage, db.create_engine(storage.conn_string_for_shard("run"), poolclass=db.NullPool))


# File name → how Dagster creates the file in a folder.
MADE: Mapping[str, Callable[[str], object]] = {
    "runs": SqliteRunStorage.from_local,
    "schedules": SqliteScheduleStorage.from_local,
    INDEX_SHARD_NAME: _log,
    "run": _tables_of_a_run,
}


@cache
def _empty(name: str) -> bytes:
    def make() -> bytes:
        with TemporaryDirectory() as folder:
            MADE[name](folder)
            with closing(sqlite3.connect(Path(folder) / f"{name}.db")) as made:
                return made.serialize()

    return kept(f"dagster_{dg.__version__}_{name}.db", make)


def _is_copied(path: Path, name: str) -> bool:
    """Whether the file was missing, and is now a copy of the empty one."""
    if path.exists():
        return False
    content = _empty(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.{os.getpid()}.{threading.get_ident()}")
    fresh.touch(mode=0o644)  # as SQLite does
    try:
        fresh.write_bytes(content)
        os.link(fresh, path)  # unlike a rename it never replaces a file that another process has made meanwhile
    except FileExistsError:
        return False
    finally:
        fresh.unlink()
    return True


def _opens_a_copy(storage: type[SqliteRunStorage | SqliteScheduleStorage], name: str) -> None:
    open_file = storage.from_local

    def from_local(base_dir: str, inst_data: Any = None) -> Any:
        _is_copied(Path(base_dir) / f"{name}.db", name)
        return open_file(base_dir, inst_data)

    storage.from_local = staticmethod(from_local)  # type: ignore[method-assign]


def _open_log(self: SqliteEventLogStorage, base_dir: str, inst_data: Any = None) -> None:
    _is_copied(Path(base_dir) / f"{INDEX_SHARD_NAME}.db", INDEX_SHARD_NAME)
    _make_log(self, base_dir, inst_data)


def _have_tables(self: SqliteEventLogStorage, engine: db.Engine, for_index_shard: bool = False) -> None:  # noqa: FBT001, FBT002 - Dagster's
    path = Path(engine.url.database or "")
    if path.stem == INDEX_SHARD_NAME or not _is_copied(path, "run"):
        _make_tables(self, engine, for_index_shard)


_opens_a_copy(SqliteRunStorage, "runs")
_opens_a_copy(SqliteScheduleStorage, "schedules")
SqliteEventLogStorage.__init__ = _open_log  # type: ignore[method-assign]
SqliteEventLogStorage._initdb = _have_tables  # type: ignore[method-assign]


def _made_once(tables: db.MetaData) -> None:
    """In memory, the tables are copied from the first instance that has them."""
    make: Callable[..., None] = tables.create_all
    first: list[sqlite3.Connection] = []

    def create_all(bind: Any, *args: Any, **named: Any) -> None:
        if not (isinstance(bind, db.Connection) and "mode=memory" in str(bind.engine.url)):
            make(bind, *args, **named)
            return
        if not first:
            first.append(sqlite3.connect(":memory:", check_same_thread=False))
            engine = db.create_engine("sqlite://", creator=lambda: first[0], poolclass=db.StaticPool)
            make(engine)
        first[0].backup(bind.connection.dbapi_connection)  # type: ignore[arg-type]

    tables.create_all = create_all  # type: ignore[method-assign]


for of in (RunStorageSqlMetadata, SqlEventLogStorageMetadata):
    _made_once(of)
