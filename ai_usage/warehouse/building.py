"""Readers of the published copy see whole builds. Pulls run beside a build, and what they bring is to be published too:
a run that builds nothing waits with that until no other process is in the middle of a build.
"""

import fcntl
import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LOG = logging.getLogger(__name__)
FILE = ".building"  # beside the warehouse; locked while a build is under way, and free as soon as its process ends
PATIENCE = 900.0  # seconds: a copy with half a build is better than one that never shows what was pulled
LOOK = 0.2


@contextmanager
def building(folder: Path) -> Iterator[None]:
    """A build, until it is published. Several may be under way."""
    with _file(folder) as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        yield


@contextmanager
def between_builds(folder: Path, patience: float = PATIENCE) -> Iterator[None]:
    """A moment in which no build is under way."""
    give_up = time.monotonic() + patience
    with _file(folder) as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() < give_up:
                    time.sleep(LOOK)
                    continue
                LOG.warning("A build has been under way for %.0f s: published without waiting for its end.", patience)
            break
        yield


@contextmanager
def _file(folder: Path) -> Iterator[int]:
    folder.mkdir(parents=True, exist_ok=True)
    file = os.open(folder / FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        yield file
    finally:
        os.close(file)
