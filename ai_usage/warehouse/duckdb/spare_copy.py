"""Publishing at the cost of what changed. The file that was published before the last one is kept as a spare: what
differs between it and the warehouse is written into it, and then it takes the published one's place by a rename.

Both are read whole and compared byte by byte. So nothing is assumed about what the spare holds: a process that was
killed half-way through, a warehouse that was restored, or another release's shape is no special case.
"""

import fcntl
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path

from ai_usage.warehouse.durable_files import copy_bytes, refuse_a_full_disk, size_of, sync, write_all
from ai_usage.warehouse.readers import readers_copy

HEADERS = 3 * 4096  # bytes of a DuckDB file before its first block
BLOCK = 262_144
WORTH_A_SPARE = 64 * 2**20  # bytes: a smaller file is copied as fast, without a third file on the disk


def publish_file(source: FileIO, target: Path, *, mode: int) -> None:
    """Put what a file holds in place of another at once, as `copy_whole` does. Whoever has the other one open goes on
    reading what it held. Only one process may do this at a time.
    """
    fresh, (spare, aside) = target.with_suffix(".tmp"), spares(target)
    keeps_spare = size_of(source) >= WORTH_A_SPARE and not _has_readers_elsewhere(target)
    fresh.unlink(missing_ok=True)  # what killed processes left
    aside.unlink(missing_ok=True)
    try:
        if keeps_spare and _is_patched(source, spare, target):
            spare.replace(fresh)
        else:
            spare.unlink(missing_ok=True)
            refuse_a_full_disk(target.parent, size_of(source), target)
            copy_bytes(source, fresh)
        fresh.chmod(mode)
        sync(fresh)
        if keeps_spare and target.exists():
            with suppress(OSError):  # a file system without hard links has no spare
                os.link(target, aside)
        fresh.replace(target)
        if aside.exists():
            aside.replace(spare)
        sync(target.parent)
    finally:
        fresh.unlink(missing_ok=True)


def space_to_publish(size: int, target: Path) -> tuple[int, int]:
    """How many bytes a warehouse of this size takes besides itself once it was published twice, and how many of them
    must be free now.
    """
    if size < WORTH_A_SPARE or _has_readers_elsewhere(target):
        return size, size  # a copy takes the place of the one before, and needs its own until then
    copies = (target, spares(target)[0])
    return 2 * size, sum(max(size - copy.stat().st_size, 0) if copy.exists() else size for copy in copies)


def _has_readers_elsewhere(target: Path) -> bool:
    """Whether readers may be in a virtual machine, as containers are where the system is not Linux: their locks may not
    be seen here, so no file that they may have open is ever written.
    """
    return sys.platform != "linux" and readers_copy(target).parent.is_dir()


def spares(target: Path) -> tuple[Path, Path]:
    """The spare of a published file, and its name while it becomes one."""
    return target.with_suffix(".spare"), target.with_suffix(".aside")


def _is_patched(source: FileIO, spare: Path, target: Path) -> bool:
    """Whether the spare holds what the source does now. Not where it is missing, is open in another process, or is
    still known to readers by another name.
    """
    with _taken(spare) as file:
        if file is None:
            return False
        more = size_of(source) - size_of(file)
        refuse_a_full_disk(target.parent, max(more, 0), target)
        write_differences(source, file)
    return True


@contextmanager
def _taken(spare: Path) -> Iterator[FileIO | None]:
    """The file, to be written, while no other process can open it with DuckDB; else None."""
    try:
        if spare.stat().st_nlink > 1:
            yield None
            return
        spare.chmod(0o600)
        file = FileIO(spare, "r+")
    except FileNotFoundError:
        yield None
        return
    with file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # the kind of lock that DuckDB takes to read
        except OSError:
            yield None
            return
        yield file


def write_differences(source: FileIO, into: FileIO) -> int:
    """Make the second file equal to the first; how many bytes that took."""
    written, at = 0, 0
    ours, theirs = bytearray(BLOCK), bytearray(BLOCK)
    source.seek(0)
    into.seek(0)
    while size := source.readinto(memoryview(ours)[: BLOCK if at else HEADERS]):
        is_same = into.readinto(memoryview(theirs)[:size]) == size
        if not is_same or (ours != theirs if size == BLOCK else ours[:size] != theirs[:size]):
            written += write_all(into, memoryview(ours)[:size], at)
            into.seek(at + size)
        at += size
    into.truncate(at)
    os.utime(into.fileno())
    return written
