"""Files that processes lock to take turns. A lock is free as soon as its process ends, however it ends."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LOOK = 0.2  # seconds between two tries


@contextmanager
def lock_file(path: Path) -> Iterator[int]:
    """The file, opened to be locked by `fcntl.flock`; made where it is missing. Its locks end with the block."""
    path.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        yield file
    finally:
        os.close(file)


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Replace files of a folder while no other process does; wait for the one that does."""
    place = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(place, fcntl.LOCK_EX)
        yield
    finally:
        os.close(place)


def is_taken_alone(file: int, patience: float) -> bool:
    """Lock the file for this process alone, once no other process has it; whether that was within so many seconds."""
    give_up = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= give_up:
                return False
            time.sleep(LOOK)
        else:
            return True
