"""Files that survive a power cut and that only their intended readers can read."""

import errno
import os
import shutil
from pathlib import Path

from ai_usage.errors import WarehouseError

FULL = {errno.ENOSPC, errno.EFBIG, errno.EDQUOT}  # the system's errors when nothing more fits
OWNER_ONLY = 0o077  # the umask: whatever a process of ours makes is its owner's alone


def copy_whole(source: Path, target: Path, *, mode: int) -> None:
    """Put a copy of a file in place of another at once: whoever opens it, even after a power cut, has the old one or
    the new one, whole. `WarehouseError` before anything is written if there is not space enough.
    """
    refuse_a_full_disk(target.parent, source.stat().st_size, target)
    fresh = target.with_suffix(".tmp")
    try:
        fresh.unlink(missing_ok=True)  # what a killed process left
        shutil.copyfile(source, fresh)
        fresh.chmod(mode)
        sync(fresh)
        fresh.replace(target)
        sync(target.parent)
    finally:
        fresh.unlink(missing_ok=True)


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
