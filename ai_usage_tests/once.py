"""Files that every process of `make test` needs are made by the first process; the others copy them."""

import fcntl
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from ai_usage_tests import staying_open


def once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """A folder for this process, with the files that `make` writes to the folder that it gets."""
    own = factory.mktemp(name)
    if "PYTEST_XDIST_WORKER" not in os.environ:
        make(own)
        return own
    of_all = factory.getbasetemp().parent / f"{name}_of_all"
    with of_all.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not of_all.exists():
            unfinished = of_all.with_suffix(".unfinished")
            shutil.rmtree(unfinished, ignore_errors=True)  # from a process in which `make` failed
            unfinished.mkdir()
            make(unfinished)
            staying_open.close(unfinished)
            unfinished.rename(of_all)
    shutil.copytree(of_all, own, dirs_exist_ok=True)
    return own
