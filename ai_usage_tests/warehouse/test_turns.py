"""A run that builds keeps the file open between its steps, and still lets other processes use it."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dagster as dg
import pytest

from ai_usage.automation import warehouse_resource
from ai_usage.automation.refresh import BUILD, FRESHNESS
from ai_usage.automation.warehouse_resource import asks_no_provider
from ai_usage.places import ROOT
from ai_usage.settings import settings
from ai_usage_tests.mock_claude import DAY, NEXT
from ai_usage_tests.warehouse.test_duckdb import _impatient, child, error_of
from ai_usage_tests.warehouse.writing import PULL, answer, warehouse_in

WRITES = "warehouse.append(PULL, [answer(DAY, '1')])"


# Another process that writes to the warehouse in each folder that it gets, and prints the error of each.
WRITER = f"""
import sys
from pathlib import Path
from ai_usage_tests.warehouse.writing import DAY, PULL, answer, warehouse_in
{_impatient()}
for folder in sys.stdin:
    warehouse = warehouse_in(Path(folder.strip()))
    try:
        {WRITES}
        warehouse.publish()
        print(flush=True)
    except Exception as error:
        print(type(error).__name__, flush=True)
"""


@pytest.fixture(scope="module")
def is_busy() -> Iterator[Callable[[Path], bool]]:
    """Whether another process is prevented from writing to the warehouse in a folder; if it is not, it writes a day."""
    command = [sys.executable, "-c", WRITER]
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command, cwd=ROOT, env=environ, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as writer:
        folders, answers = writer.stdin, writer.stdout
        assert folders
        assert answers

        def asked(folder: Path) -> bool:
            print(folder, file=folders, flush=True)
            answered = answers.readline()
            assert answered in {"\n", "WarehouseBusy\n"}, answered or "the writer ended"
            return answered != "\n"

        yield asked


def test_between_two_steps_the_file_stays_open_until_the_last_one(
    tmp_path: Path, is_busy: Callable[[Path], bool]
) -> None:
    warehouse = warehouse_in(tmp_path)
    with warehouse.staying_open():
        warehouse.append(PULL, [answer(NEXT, "1")])
        assert is_busy(tmp_path)
        assert warehouse.pulled_days(PULL) == [NEXT]
    assert not is_busy(tmp_path)


def test_a_process_that_waits_gets_its_turn_between_two_steps(tmp_path: Path) -> None:
    warehouse = warehouse_in(tmp_path)
    with warehouse.staying_open():
        warehouse.append(PULL, [answer(NEXT, "1")])
        other = child(tmp_path, WRITES)
        give_up = time.monotonic() + 60
        while DAY not in warehouse.pulled_days(PULL) and time.monotonic() < give_up:
            time.sleep(0.05)  # the rest of a step
        assert warehouse.pulled_days(PULL) == [DAY, NEXT]
        assert warehouse._kept, "and the file is ours again"
    assert error_of(other) == ""


def test_a_step_that_fails_leaves_the_file_closed_and_the_next_one_opens_it(
    tmp_path: Path, is_busy: Callable[[Path], bool]
) -> None:
    warehouse = warehouse_in(tmp_path)
    with warehouse.staying_open():
        warehouse.append(PULL, [answer(NEXT, "1")])
        with pytest.raises(KeyError), warehouse.connected():
            raise KeyError
        assert not is_busy(tmp_path)
        assert warehouse.pulled_days(PULL) == [DAY, NEXT]


def test_no_other_process_writes_while_the_file_is_copied(tmp_path: Path, is_busy: Callable[[Path], bool]) -> None:
    """A process that closes a file loses DuckDB's lock on it."""
    warehouse = warehouse_in(tmp_path)
    with warehouse.connected():
        warehouse.append(PULL, [answer(NEXT, "1")])
        warehouse.publish()
        warehouse.copy_to(tmp_path / "backup.duckdb")
        assert is_busy(tmp_path)
    assert not is_busy(tmp_path)


@pytest.mark.parametrize(
    ("job", "assets", "is_open"),
    [
        (BUILD, None, True),
        (BUILD, {"core/claude_costs", "marts/ai_spend"}, True),
        (FRESHNESS, None, True),
        ("claude", None, False),
        ("__ASSET_JOB", {"raw/claude_cost_report", "core/claude_costs"}, False),
    ],
)
def test_the_file_stays_open_for_runs_that_ask_no_provider(job: str, assets: set[str] | None, *, is_open: bool) -> None:
    keys = None if assets is None else {dg.AssetKey(name.split("/")) for name in assets}
    run: Any = SimpleNamespace(job_name=job, asset_selection=keys)
    assert asks_no_provider(run) is is_open
    assert not asks_no_provider(None)


def test_a_run_that_waits_for_the_end_of_a_build_leaves_it_the_file(
    tmp_path: Path, is_busy: Callable[[Path], bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    busy: list[bool] = []

    @contextmanager
    def until_the_build_is_over(folder: Path) -> Iterator[None]:
        busy.append(is_busy(folder))
        yield

    monkeypatch.setattr(warehouse_resource, "warehouse_of", lambda *_, **__: warehouse_in(tmp_path))
    monkeypatch.setattr(warehouse_resource, "settings", lambda: replace(settings(), data_dir=tmp_path))
    monkeypatch.setattr(warehouse_resource, "between_builds", until_the_build_is_over)
    run: Any = SimpleNamespace(
        run=SimpleNamespace(run_id="one", job_name=FRESHNESS, asset_selection=None), instance=None
    )
    with warehouse_resource.WarehouseResource().yield_for_execution(run) as warehouse:
        assert warehouse.pulled_days(PULL) == []
        assert is_busy(tmp_path)
    assert busy == [False]
