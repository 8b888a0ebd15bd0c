"""Readers of the published copy see whole builds. Pulls run beside a build, and their content must be published too: a
run that builds nothing publishes once no other process is in the middle of a build.
"""

import fcntl
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ai_usage.warehouse.lock_files import is_taken_alone, lock_file

LOG = logging.getLogger(__name__)
FILE = ".building"  # beside the warehouse; locked while a build is under way
PATIENCE = 900.0  # seconds: a copy with half a build is better than one that never shows what was pulled


@contextmanager
def building(folder: Path) -> Iterator[None]:
    """A build, until it is published. Several may be under way."""
    with lock_file(folder / FILE) as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        yield


@contextmanager
def between_builds(folder: Path, patience: float = PATIENCE) -> Iterator[None]:
    """A moment in which no build is under way."""
    with lock_file(folder / FILE) as file:
        if not is_taken_alone(file, patience):
            LOG.warning("A build has been under way for %.0f s: published without waiting for its end.", patience)
        yield
