"""A disk that fills up during a command: one sentence, no run that stays in progress, and the next command works."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from ai_usage.places import ROOT
from ai_usage_tests.mock_claude import NEXT

SMALL = 14  # MB: the tables fit, the writes of a day's runs do not


def mounted(*options: str) -> bool:
    return subprocess.run(["mount", *options], capture_output=True, check=False).returncode == 0


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    if os.geteuid() or not mounted("-t", "tmpfs", "-o", f"size={SMALL}m", "tmpfs", str(folder)):
        pytest.skip("a small disk of its own needs the right to mount a tmpfs")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def backfill(folder: Path) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "AI_USAGE_DATA_DIR": str(folder), "AI_USAGE_SIMULATE": "1", "DAGSTER_HOME": ""}
    environ |= {"AI_USAGE_START_DATE": str(NEXT), "AI_USAGE_NOW": "2026-11-12T12:00:00Z", "PYTHONPATH": str(ROOT)}
    script = f"""
import sys
from ai_usage_tests import fewer, lean
from ai_usage.commands.__main__ import main
sys.exit(main(["backfill", "{NEXT}", "{NEXT}"]))
"""
    command = [sys.executable, "-c", script]
    return subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False, timeout=300)


def statuses(folder: Path) -> list[str]:
    with closing(sqlite3.connect(folder / "dagster" / "history" / "runs.db")) as db:
        return [status for (status,) in db.execute("select status from runs order by id").fetchall()]


def test_a_full_disk_in_the_middle_of_a_command_leaves_nothing_behind(disk: Path) -> None:
    """Fault 5: exit code 120 without output, and a run that stayed STARTED."""
    full = backfill(disk / "data")
    assert full.returncode == 2, full.stdout + full.stderr
    assert "Error: No space left" in full.stderr
    assert "Traceback" not in full.stdout + full.stderr
    assert set(statuses(disk / "data")) <= {"SUCCESS", "FAILURE"}
    assert statuses(disk / "data")[-1] == "FAILURE"
    assert mounted("-o", "remount,size=200m", str(disk))
    again = backfill(disk / "data")
    assert again.returncode == 0, again.stdout + again.stderr
    assert statuses(disk / "data")[-1] == "SUCCESS"
    assert (disk / "data" / "ai_usage_published.duckdb").exists()
