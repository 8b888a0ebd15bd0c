"""A test's warehouse file stays open between its queries: opening a file with all tables takes longer than most
queries. It is closed before anything else can open it: another process, a read-only connection, or Python's file
functions. It is complete before it is copied. Importing this module is enough, only in the process of the tests: no
other process waits there for a file, so losing its locks to a copy is harmless.
"""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from weakref import WeakSet

import duckdb

from ai_usage.warehouse.duckdb import connection, erasure

AT_ONCE = 4  # files: a test's own, and those of shared worlds
LOOKS = {
    *("open", "os.chmod", "os.link", "os.remove", "os.rename", "os.truncate", "os.utime"),
    *("shutil.copytree", "shutil.move"),
}

_children: WeakSet["subprocess.Popen[Any]"] = WeakSet()
_open_to_write, _connect, _start = connection.open_to_write, duckdb.connect, subprocess.Popen.__init__


class _Kept:
    """A connection that is lent to one query after the other: closing it returns it."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection, self.is_lent, self.is_over = connection, True, False

    def __getattr__(self, name: str) -> Any:
        return getattr(self.connection, name)

    def close(self) -> None:
        self.is_lent = False
        if self.is_over:
            self.connection.close()


_open: dict[Path, _Kept] = {}


def close(path: Path | None = None) -> None:
    """Close this file, or those in this folder, or every file."""
    for file in [one for one in list(_open) if path is None or one == path or path in one.parents]:
        if kept := _open.pop(file, None):
            kept.is_over = True
            if not kept.is_lent:
                kept.close()


def _complete(path: Path) -> None:
    """Writes everything committed to the file itself, which may then be copied while it stays open. If the connection
    is lent, its user does this.
    """
    kept = _open.get(path)
    if kept and not kept.is_lent:
        kept.connection.execute("checkpoint")


def _forget(folder: Path) -> None:
    """Close the files of a folder that will be deleted, without completing them."""
    for file in [one for one in _open if folder in one.parents and not _open[one].is_lent]:
        _open[file].connection.execute("pragma disable_checkpoint_on_shutdown")
    close(folder)


def _stays_open(path: Path, *, patience: float) -> Any:
    kept = _open.get(path)
    if kept and not kept.is_lent:
        kept.is_lent = True
        _open[path] = _open.pop(path)  # the last one to be closed for another
        return kept
    if kept or any(child.poll() is None for child in list(_children)):
        return _open_to_write(path, patience=patience)
    opened = _open_to_write(path, patience=patience)
    while len(_open) >= AT_ONCE:
        close(next(iter(_open)))
    _open[path] = _Kept(opened)
    return _open[path]


def _connected(database: Any = ":memory:", *args: Any, **named: Any) -> duckdb.DuckDBPyConnection:
    if "config" not in named:  # all except `open_to_write`
        close(Path(database))
    return _connect(database, *args, **named)


def _closes_to(attach: Callable[..., Any]) -> Callable[..., Any]:
    def attached(db: duckdb.DuckDBPyConnection, path: Path, **named: Any) -> Any:
        close(path)
        return attach(db, path, **named)

    return attached


def _started(self: "subprocess.Popen[Any]", *args: Any, **named: Any) -> None:
    close()
    _start(self, *args, **named)
    _children.add(self)


def looks_at_nothing(child: "subprocess.Popen[Any]") -> None:
    """While this process lives, files may stay open: it opens none of them."""
    _children.discard(child)


def _before_others_look(event: str, given: tuple[Any, ...]) -> None:
    if not _open:
        return
    if event == "shutil.copyfile":
        _complete(Path(given[0]))
        close(Path(given[1]))
    elif event == "open" and isinstance(given[0], str | Path) and given[1] in {"r", "rb"}:
        _complete(Path(given[0]))
    elif event == "shutil.rmtree":
        _forget(Path(given[0]))
    elif event in LOOKS:
        for one in given[:2]:
            if isinstance(one, str | Path):
                close(Path(one))


connection.open_to_write = _stays_open
connection.attached = _closes_to(connection.attached)
erasure._attached = _closes_to(erasure._attached)
duckdb.connect = _connected
subprocess.Popen.__init__ = _started  # type: ignore[method-assign]
sys.addaudithook(_before_others_look)
