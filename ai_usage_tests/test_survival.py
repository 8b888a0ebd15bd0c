"""Killed at any point, or two at once: no day is ever half there, and in the end nothing is lost.

Each run is a process of its own, which kills itself with SIGKILL before the n-th thing it does to the warehouse.
"""

import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from time import sleep
from typing import Any

import dagster as dg
import duckdb
import pytest

from ai_usage.partitions import Span
from ai_usage.settings import ROOT
from ai_usage_tests.platform import DAY, Platform, contents, files, ordinary, platform_in

DAYS = [DAY + timedelta(days=n) for n in range(4)]
SPAN = Span(DAYS[0], DAYS[-1])
WRITERS = dg.AssetSelection.all() - dg.AssetSelection.all_asset_checks()
OF_MONEY = ("claude_costs", "claude_daily_cost", "claude_usage_tokens", "claude_total_expenses")

CHILD = """
import sys
from pathlib import Path
import ai_usage_tests.conftest
from ai_usage_tests.test_survival import a_run
sys.exit(not a_run(Path(sys.argv[1]), int(sys.argv[2])))
"""


def vendored(folder: Path) -> Platform:
    platform = platform_in(folder)
    platform.vendor.days = {day: ordinary(10 + n) for n, day in enumerate(DAYS[:-1])}  # the last one is idle
    return platform


def a_run(folder: Path, deaths_door: int = 0) -> bool:
    """Refresh the range; die before the n-th statement, copy or rename. Says whether all went well."""
    deeds = 0

    def deed() -> None:
        nonlocal deeds
        deeds += 1
        if deeds == deaths_door:
            os.kill(os.getpid(), signal.SIGKILL)

    watch(deed)
    platform = vendored(folder)
    outcome = platform.run(span=SPAN, only=WRITERS)
    sys.stdout.write(str(deeds))
    return outcome.result.success


def watch(deed: Any) -> None:
    """Call `deed` before whatever changes the files."""

    class Connection:
        def __init__(self, inner: duckdb.DuckDBPyConnection) -> None:
            self.inner = inner

        def __getattr__(self, name: str) -> Any:
            return getattr(self.inner, name)

        def execute(self, sql: str, *more: Any) -> Any:
            if sql.split(maxsplit=1)[0] in {"delete", "insert", "commit", "checkpoint", "create", "alter"}:
                deed()
            return self.inner.execute(sql, *more)

    connect, replace = duckdb.connect, Path.replace

    def counted_replace(self: Path, target: Path) -> Path:
        deed()
        return replace(self, target)

    duckdb.connect = lambda *args, **kwargs: Connection(connect(*args, **kwargs))  # type: ignore[assignment]
    Path.replace = counted_replace  # type: ignore[method-assign,assignment]


def start(folder: Path, deaths_door: int = 0) -> subprocess.Popen[str]:
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"}
    command = [sys.executable, "-c", CHILD, str(folder), str(deaths_door)]
    return subprocess.Popen(
        command, cwd=ROOT, env=environ, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )


def end(run: subprocess.Popen[str]) -> int:
    """How it ended: 0 if well."""
    run.communicate(timeout=60)
    return run.returncode


@dataclass(frozen=True)
class Undisturbed:
    folder: Path
    contents: dict[str, Any]
    deeds: int


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    folder = tmp_path_factory.mktemp("undisturbed")
    run = start(folder)
    deeds, _ = run.communicate(timeout=60)
    assert run.returncode == 0
    return Undisturbed(folder, contents(folder / "ai_usage.duckdb"), int(deeds))


def whole_days_only(database: Path, expected: dict[str, Any]) -> int:
    """How many days of tables are there, after making sure that each is whole or absent."""
    there = 0
    for table, days in contents(database).items():
        for day, rows in days.items():
            assert rows == expected[table][day], f"half of {day} in {table}"
            there += 1
    return there


def test_the_undisturbed_run_fills_every_table_and_leaves_the_idle_day_empty(undisturbed: Undisturbed) -> None:
    found = undisturbed.contents
    assert contents(undisturbed.folder / "published.duckdb") == found
    assert [list(found[table]) for table in OF_MONEY] == [DAYS[:-1]] * len(OF_MONEY)
    assert all(found.values())


@pytest.mark.parametrize("share", [0.1, 0.6, 0.85, 1.0])
def test_killed_at_any_point_and_run_again_it_is_as_if_nothing_had_happened(
    undisturbed: Undisturbed, tmp_path: Path, share: float
) -> None:
    expected = undisturbed.contents
    assert end(start(tmp_path, round(share * undisturbed.deeds))) == -signal.SIGKILL
    before = whole_days_only(tmp_path / "ai_usage.duckdb", expected)
    assert not (tmp_path / "published.duckdb").exists()
    platform = vendored(tmp_path)
    assert platform.run(span=SPAN, only=WRITERS).result.success
    assert contents(platform.warehouse.path) == contents(platform.warehouse.published_path) == expected
    assert before < whole_days_only(platform.warehouse.path, expected) or share == 1.0
    assert files(tmp_path) == {"ai_usage.duckdb", "published.duckdb"}


def test_two_range_runs_at_once_and_a_reader_beside_them_lose_nothing(undisturbed: Undisturbed, tmp_path: Path) -> None:
    expected = undisturbed.contents
    shutil.copytree(undisturbed.folder, tmp_path, dirs_exist_ok=True)
    runs = [start(tmp_path), start(tmp_path)]
    looks = 0
    while any(run.poll() is None for run in runs):
        assert contents(tmp_path / "published.duckdb") == expected
        looks += 1
        sleep(0.2)
    assert [end(run) for run in runs] == [0, 0]
    assert looks > 5
    assert contents(tmp_path / "ai_usage.duckdb") == expected
    with duckdb.connect(str(tmp_path / "ai_usage.duckdb"), read_only=True) as db:
        pulls = db.execute("select pull, activity_date, count(*) from ai_usage_raw.pulls group by all").fetchall()
        assert {times for _, _, times in pulls} == {3}
        records = "select count(*), count(distinct (activity_date, position)) from ai_usage_raw.claude_cost_report"
        assert db.execute(records).fetchall() == [(9, 9)]
