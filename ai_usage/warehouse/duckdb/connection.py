"""Opens the file, waits while another process has it, and explains in one sentence why it cannot be used."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import stamina

from ai_usage.errors import WarehouseBusy, WarehouseError
from ai_usage.places import COMMAND
from ai_usage.retries import holder  # and with it, each retry is logged
from ai_usage.warehouse.durable_files import FULL
from ai_usage.warehouse.turns import waiting

T = TypeVar("T")
SETTINGS = {
    "storage_compatibility_version": "v1.4.0",  # DuckDB 1.4 and later can read what we write
    "checkpoint_threshold": "256MB",  # of log: at DuckDB's 16 MB a build writes its newest row groups again and again
}
ROWS_A_BATCH = 20_000  # of a frame: DuckDB reserves memory for a whole batch of each column, by default a million rows
IMPATIENCE = 1.0  # seconds to wait where another writer will do the same
LEAST = 0.05  # seconds: 0 would be forever
PATIENCE = 300.0  # seconds to wait for another writer; steps hold the file for seconds
DAMAGED = (
    *(
        "Could not read enough bytes",
        "Corrupt database file",
        "Failed to deserialize",
        "does not match stored checksum",
        "Failure while replaying WAL",
    ),
    *("database has been invalidated because of a previous fatal error", "Serialization Error", "INTERNAL Error"),
)
NO_SPACE = ("No space left", "not enough space", "File too large")


def connect(path: Path, **how: Any) -> duckdb.DuckDBPyConnection:
    """A connection that returns times in UTC."""
    db = duckdb.connect(str(path), **how)
    db.execute("set TimeZone = 'UTC'")
    return db


def open_to_read(path: Path, *, patience: float) -> duckdb.DuckDBPyConnection:
    """A read-only connection, once no other process writes."""
    return _patiently(path, lambda: connect(path, read_only=True), patience)


def open_to_write(path: Path, *, patience: float) -> duckdb.DuckDBPyConnection:
    """A connection, once no other process has the file. Makes the file and its folder where they are missing."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    return _patiently(path, lambda: connect(path, config=SETTINGS), patience)


@contextmanager
def attached(db: duckdb.DuckDBPyConnection, path: Path, *, patience: float) -> Iterator[str]:
    """Another file inside a connection, read-only; yields the name under which queries find it."""
    quoted = str(path).replace("'", "''")
    with plain_words(path):
        _patiently(path, lambda: db.execute(f"attach '{quoted}' as original (read_only)"), patience)
    try:
        yield "original"
    finally:
        db.execute("detach original")


def state(path: Path) -> tuple[tuple[int, int, int] | None, ...]:
    """What differs after each commit of any process: identity, size and time of the file and of its log."""
    return tuple(_stamp(file) for file in (path, path.with_name(f"{path.name}.wal")))


def _stamp(file: Path) -> tuple[int, int, int] | None:
    try:
        found = file.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


@contextmanager
def transaction(db: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """All that is written inside, or nothing."""
    db.execute("begin")
    try:
        yield
        db.execute("commit")
    except BaseException:
        with suppress(duckdb.Error):  # the first error is the one to report
            db.execute("rollback")
        raise


@contextmanager
def plain_words(path: Path) -> Iterator[None]:
    """Turns an error of DuckDB or the file system into a `WarehouseError` of one sentence."""
    try:
        yield
    except (duckdb.Error, OSError) as error:
        if _is_locked(error):
            raise WarehouseBusy(
                f"{path} is in use by another process{holder(str(error))}: wait until it ends, or stop it."
            ) from error
        if (sentence := _explanation(path, error)) is None:
            raise
        raise WarehouseError(sentence) from error


def _explanation(path: Path, error: Exception) -> str | None:
    """Why the file cannot be used, and what to do about it; None for an error that we do not know."""
    text = str(error)
    sentence = None
    if getattr(error, "errno", None) in FULL or any(sign in text for sign in NO_SPACE):
        sentence = f"No space left for {path}: it stands as before this step. Free some space and run it again."
    elif isinstance(error, PermissionError) or "Permission denied" in text or "Read-only file system" in text:
        sentence = f"{path} cannot be written: permission denied. Set AI_USAGE_DATA_DIR to a folder you may write."
    elif isinstance(error, NotADirectoryError | FileExistsError) or "Not a directory" in text:
        sentence = f"{path.parent} is not a folder. Set AI_USAGE_DATA_DIR to a folder you may write."
    elif "not a valid DuckDB database file" in text:
        sentence = f"{path} is not a DuckDB file. {_remedy(path)} Or set another AI_USAGE_DATA_DIR."
    elif "with version number" in text:
        sentence = f"{path} was written by a newer DuckDB than this one: update ai_usage."
    elif any(sign in text for sign in DAMAGED):
        sentence = f"{path} is damaged: it is cut short, or parts of it were overwritten. {_remedy(path)}"
    return sentence


def _remedy(path: Path) -> str:
    """What to do about a damaged file."""
    if path.stem.endswith("_published"):
        return "Delete it: the next run publishes it again."
    copy = path.with_name(f"{path.stem}_published.duckdb")
    or_the_copy = f", or what the last run left ({COMMAND} restore FROM={copy})" if copy.exists() else ""
    return f"Put a backup in its place ({COMMAND} restore FROM=…){or_the_copy}."


def _patiently(path: Path, take: Callable[[], T], patience: float) -> T:
    """What `take` returns, once no other process has the file."""
    try:
        return take()
    except duckdb.IOException as error:
        if not _is_locked(error):
            raise
    give_up = time.monotonic() + patience
    with waiting(path.parent, patience):
        for attempt in stamina.retry_context(
            on=_is_locked,
            attempts=None,
            timeout=max(give_up - time.monotonic(), LEAST),
            wait_initial=0.05,
            wait_exp_base=1.5,
            wait_jitter=0.05,
            wait_max=0.5,
        ):
            with attempt:
                return take()
    raise AssertionError("unreachable: retry_context returns or raises")


def _is_locked(error: Exception) -> bool:
    return isinstance(error, duckdb.IOException) and "Could not set lock" in str(error)
