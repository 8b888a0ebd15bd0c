"""Files that survive a power cut and that only their intended readers can read."""

import errno
import os
import shutil
from io import FileIO
from pathlib import Path

from ai_usage.errors import WarehouseError

FULL = {errno.ENOSPC, errno.EFBIG, errno.EDQUOT}  # the system's errors when nothing more fits
AT_ONCE = 2**20  # bytes
OWNER_ONLY = 0o077  # the umask: whatever a process of ours makes is its owner's alone


def copy_whole(source: FileIO, target: Path, *, mode: int) -> None:
    """Put a copy of a file in place of another at once: whoever opens it, even after a power cut, has the old one or
    the new one, whole. `WarehouseError` before anything is written if there is not space enough.
    """
    refuse_a_full_disk(target.parent, size_of(source), target)
    fresh = target.with_suffix(".tmp")
    try:
        fresh.unlink(missing_ok=True)  # what a killed process left
        copy_bytes(source, fresh)
        fresh.chmod(mode)
        sync(fresh)
        fresh.replace(target)
        sync(target.parent)
    finally:
        fresh.unlink(missing_ok=True)


def copy_bytes(source: FileIO, fresh: Path) -> None:
    """A new file with the same bytes; on a file system that shares them between files, such as XFS, none is written."""
    at, size = 0, size_of(source)
    with FileIO(fresh, "x") as into:
        while at < size:
            try:
                done = os.copy_file_range(source.fileno(), into.fileno(), size - at, at, at)
            except (AttributeError, OSError):  # not Linux, or no such file system
                done = 0
            at += done or write_all(into, os.pread(source.fileno(), AT_ONCE, at), at)


def write_all(into: FileIO, data: bytes | memoryview, at: int) -> int:
    """Write all of it at a place; how many bytes that were."""
    done = 0
    while done < len(data):
        done += os.pwrite(into.fileno(), data[done:], at + done)
    return done


def size_of(file: FileIO) -> int:
    return os.fstat(file.fileno()).st_size


def refuse_a_full_disk(folder: Path, needed: int, target: Path) -> None:
    """`WarehouseError` if so many bytes do not fit into a folder."""
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise WarehouseError(
            f"No space left for {target}: it needs {needed / 1e6:,.1f} MB and {free / 1e6:,.1f} MB are free. What was "
            "written before is kept. Free some space and run it again."
        )


def sync(path: Path) -> None:
    """Have the disk keep what a file or folder holds now."""
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
