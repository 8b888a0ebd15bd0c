"""Turns at a file that one process keeps open for long: a waiting process holds a lock beside it. The process that has
the file looks for that lock between two steps, closes the file, and queues behind the other.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from ai_usage.warehouse.lock_files import is_taken_alone, lock_file

FILE = ".waiting"  # beside the warehouse; made by the first process that had to wait


@contextmanager
def waiting(folder: Path, patience: float) -> Iterator[None]:
    """A place in the queue until the block ends, after those that wait already; after so many seconds without one, or
    where nothing may be written, it begins all the same.
    """
    with ExitStack() as until_the_end:
        with suppress(OSError):
            is_taken_alone(until_the_end.enter_context(lock_file(folder / FILE)), patience)
        yield


def is_awaited(folder: Path) -> bool:
    """Whether another process waits."""
    if not (folder / FILE).exists():
        return False
    with lock_file(folder / FILE) as file:
        return not is_taken_alone(file, patience=0)
