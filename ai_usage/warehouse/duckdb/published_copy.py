"""The copy that readers open: swapped in by a rename and checked for damage. A damaged one is replaced and noted."""

import logging
import stat
from collections.abc import Iterator
from functools import lru_cache
from io import FileIO
from pathlib import Path

import duckdb

from ai_usage.errors import OfAnotherRelease, WarehouseError
from ai_usage.warehouse.builds import BUILDS
from ai_usage.warehouse.duckdb.connection import PATIENCE, open_to_read, plain_words
from ai_usage.warehouse.duckdb.shape import columns_made, refuse_what_lacks_tables
from ai_usage.warehouse.duckdb.spare_copy import HEADERS, publish_file
from ai_usage.warehouse.readers import show_readers
from ai_usage.warehouse.table import PULLS

LOG = logging.getLogger(__name__)


def swap_in(db: duckdb.DuckDBPyConnection, source: FileIO, published: Path, *, mode: int) -> None:
    """Put a fresh copy of the connection's file in place of the published one. While the connection is open, no other
    process writes or publishes. `source` is the file; who closes it before the connection ends DuckDB's lock.
    """
    db.execute("checkpoint")
    for at, why in torn_copies(published, is_replaced=False):
        LOG.warning("%s It is published again.", why)
        _torn(published).write_text(f"{at}\n{why}", encoding="utf-8")
    publish_file(source, published, mode=mode)
    show_readers(published)


def is_behind(path: Path, published: Path, *, mode: int) -> bool:
    """Whether an earlier run wrote and could not publish, or what it published is damaged or for other readers."""
    ours = [file for file in (path, path.with_name(f"{path.name}.wal")) if file.exists()]
    if not ours:
        return False
    try:
        copy = published.stat()
    except FileNotFoundError:
        return True
    is_older = copy.st_mtime_ns < max(file.stat().st_mtime_ns for file in ours)
    return is_older or bool(unreadable(published)) or stat.S_IMODE(copy.st_mode) != mode


def unreadable(copy: Path) -> str:
    """Why a published copy cannot be used, in a sentence; empty if it can."""
    return str(found) if (found := trouble_of(copy)) else ""


def trouble_of(copy: Path) -> WarehouseError | None:
    """What is wrong with a published copy: after a power cut it may be empty or incomplete."""
    status = copy.stat()
    return _trouble_of(copy, (status.st_ino, status.st_mtime_ns, status.st_size))


@lru_cache(maxsize=8)  # readers look at it every few seconds, and it is another file after each run
def _trouble_of(copy: Path, identity: tuple[int, int, int]) -> WarehouseError | None:
    *_, size = identity
    try:
        with plain_words(copy), open_to_read(copy, patience=PATIENCE) as db:
            refuse_what_lacks_tables(db, copy, [PULLS])
            if size < _most_size(db) and size < _least_size(db):
                return WarehouseError(f"{copy} is damaged: it is cut short.")
            made = columns_made(db)
            for table in (PULLS, BUILDS):
                if table.address in made:
                    db.execute(f"select max(hash(whole_row)) from {table.address} as whole_row").fetchall()
    except WarehouseError as error:
        return error
    return None


def _most_size(db: duckdb.DuckDBPyConnection) -> int:
    """How large the file is with every block that DuckDB counts. A file of this size is not cut short."""
    [(blocks, block_size)] = db.execute("select total_blocks, block_size from pragma_database_size()").fetchall()
    return HEADERS + int(blocks) * int(block_size)


def _least_size(db: duckdb.DuckDBPyConnection) -> int:
    """How large the file must be: its headers, and all blocks to the last one that a table uses. DuckDB's own count has
    free blocks that are no longer at the file's end.
    """
    tables = db.execute("select schema_name || '.' || table_name from duckdb_tables()").fetchall()
    each = [f"select max(block_id) as last from pragma_storage_info('{name}') where persistent" for (name,) in tables]
    if not each:
        return HEADERS
    [(last, block_size)] = db.execute(
        f"select max(last), (select block_size from pragma_database_size()) from ({' union all '.join(each)})"
    ).fetchall()
    return HEADERS if last is None else HEADERS + (int(last) + 1) * int(block_size)


def torn_copies(copy: Path, *, is_replaced: bool = True) -> Iterator[tuple[str, str]]:
    """When each torn copy was written, and what is wrong with it: the one that is there, and the last one that a run
    replaced, perhaps before anybody saw it. A copy of another release is whole.
    """
    why = trouble_of(copy) if copy.exists() else None
    if why and not isinstance(why, OfAnotherRelease):
        yield str(copy.stat().st_mtime_ns), str(why)
    if is_replaced and _torn(copy).exists():
        at, _, noted = _torn(copy).read_text(encoding="utf-8").partition("\n")
        yield at, noted


def _torn(copy: Path) -> Path:
    """The file that notes that a torn copy was replaced."""
    return copy.with_suffix(".torn")
