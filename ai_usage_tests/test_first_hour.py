"""The first two commands of the README give right numbers, and its other sample commands work as printed, with the
package that a company installs.
"""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest

from ai_usage.places import ROOT
from ai_usage_tests.alerts.receivers import hook
from ai_usage_tests.package import ENVIRONMENT, NOW, installed
from ai_usage_tests.package import environment as of_package

README = (ROOT / "README.md").read_text(encoding="utf-8")
FIRST, LAST = "2026-10-31", "2026-11-02"  # of a demo of three days: a day of October is among them
STARTS_OVER = "reset"  # from this command on, the README is about real data
OF_A_MONTH = ["export-focus", "MONTH=2026-10"]  # as a person types it without make


@dataclass
class Hour:
    """The result of each step, the alerts, and the terminal output."""

    what: dict[str, Any]
    alerts: list[dict[str, Any]]
    terminal: str

    def wrong(self, when: str) -> set[tuple[str, str, str]]:
        """Checks that did not pass, by asset, check and day."""
        return {
            (row["asset"], row["check_name"], row["checked_date"])
            for row in self.what[when]["checks"]
            if row["result"] in {"failed", "warned"}
        }


def environment(home: Path, **more: str) -> dict[str, str]:
    """The environment of a person who has set nothing, except the data folder and the time."""
    kept = ("AI_USAGE_", "ALERT_", "ANTHROPIC_", "CURSOR_", "DAGSTER_", "GOOGLE_", "METABASE_", "MAKE", "MFLAGS")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(kept)}
    return clean | {"AI_USAGE_DATA_DIR": str(home / "data"), "AI_USAGE_NOW": NOW, "PYTHONWARNINGS": "ignore", **more}


def sample_commands() -> list[str]:
    """Every `make …` in a block of the README, as printed, without its comment."""
    blocks = re.findall(r"^```\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    lines = [line.split(" #")[0].strip() for block in blocks for line in block.splitlines()]
    return [line for line in lines if line.startswith("make ")]


def arguments(command: str) -> list[str]:
    """The command's name and arguments in the recipe of `make`."""
    typed = subprocess.run(
        [*command.split(), "-n"], cwd=ROOT, env=environment(ROOT), capture_output=True, text=True, check=True
    ).stdout
    [call] = re.findall(r"-m ai_usage\.commands (.*)$", typed, re.MULTILINE)
    return [part.strip('"') for part in call.split()]


@pytest.fixture(scope="module")
def hour(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hour]:
    _, home = installed(tmp_path_factory)
    helpers = tmp_path_factory.mktemp("helpers")
    (helpers / "ai_usage_tests").symlink_to(ROOT / "ai_usage_tests")
    typed = [arguments(command) for command in sample_commands()]
    commands = [call for call in typed if call[0] not in {"demo", "ui"}]
    commands.insert([call[0] for call in commands].index(STARTS_OVER), OF_A_MONTH)
    environ = of_package(home) | {"PYTHONPATH": str(helpers), "PYTHONWARNINGS": "ignore", "POLARS_MAX_THREADS": "1"}
    environ |= {"TEST_DAYS_OF_A_DEMO": "3", "TEST_RESULT": str(helpers / "result.json")}
    with hook() as web:
        done = subprocess.run(
            [str(ENVIRONMENT / "bin" / "python"), "-m", "ai_usage_tests.first_hour", json.dumps(commands)],
            cwd=home,
            env=environ | {"ALERT_WEBHOOK_URL": web.url},
            input="y\n",
            capture_output=True,
            text=True,
            timeout=550,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        items = [item for message in web.got for item in message.body["items"]]
        result = json.loads((helpers / "result.json").read_text(encoding="utf-8"))
        yield Hour(result, items, done.stdout + done.stderr)


def test_the_demo_runs_without_a_checkout(hour: Hour) -> None:
    assert Path(hour.what["code"]).is_relative_to(ENVIRONMENT)
    assert hour.what["demo"] == 0
    assert "AI usage, SIMULATED DATA" in hour.terminal
    assert "Look around: ai-usage ui" in hour.terminal
    assert hour.what["boards"]


def test_what_it_writes_is_in_the_data_folder_that_env_names(hour: Hour) -> None:
    assert hour.what["names"] == [".env", "spend"]


def test_a_command_is_called_as_with_make(hour: Hour) -> None:
    assert dict(hour.what["codes"])[" ".join(OF_A_MONTH)] == 1
    assert "ai-usage backfill FROM=2026-10-01" in hour.terminal


def test_the_numbers_of_the_demo_are_the_same_after_three_minutes_of_the_ui(hour: Hour) -> None:
    """Case 28: $23k became $85k, because days that were never pulled were billed."""
    assert hour.what["demo"] == 0
    assert hour.what["after_ui"]["spend"] == hour.what["after_demo"]["spend"]
    assert [row[0] for row in hour.what["after_demo"]["spend"]] == ["anthropic", "cursor", "google", "openai"]
    assert {(row[4], row[5]) for row in hour.what["after_demo"]["spend"]} == {(FIRST, LAST)}


def test_no_check_fails_that_had_passed_and_none_is_about_a_day_never_pulled(hour: Hour) -> None:
    """Case 28: 2,392 failed checks."""
    assert "refresh_sheet succeeded" in hour.what["runs"], "the sheet is new to the daemon"
    assert all(line.endswith("succeeded") for line in hour.what["runs"])
    assert hour.wrong("after_ui") <= hour.wrong("after_demo")
    days = {row["checked_date"] for row in hour.what["after_ui"]["checks"]} - {None}
    assert days <= {FIRST, "2026-11-01", LAST}


def test_no_alert_is_about_anything_but_what_the_demo_prints(hour: Hour) -> None:
    """Case 28: one alert of 2,415."""
    assert hour.alerts, "the receiver is asked"
    alerted = {item["title"].split()[0].removesuffix(":") for item in hour.alerts}
    assert alerted <= {check for _, check, _ in hour.wrong("after_demo")}
    printed = hour.terminal.split("Dashboards: file:")[0]
    assert [check for check in alerted if check not in printed] == []


def test_the_first_partition_is_the_first_day_that_the_demo_pulled(hour: Hour) -> None:
    assert hour.what["partitions"] == [FIRST, LAST]


def test_every_sample_command_of_the_readme_works_as_printed(hour: Hour) -> None:
    codes = dict(hour.what["codes"])
    assert codes.pop(" ".join(OF_A_MONTH)) == 1  # not a sample
    assert set(codes.values()) == {0}, hour.terminal[-3000:]
    assert {"dashboards", "export_focus", "as_of", "reset", "doctor", "backfill"} <= {call.split()[0] for call in codes}
    assert hour.what["backfilled"] == [f"{FIRST}…{LAST}"]  # the range of a backfill without dates, after a reset


def test_a_month_with_one_pulled_day_is_marked(hour: Hour) -> None:
    """Case 29, with seats of days never pulled: the export has none of them."""
    assert "2026-10: " in hour.terminal
    assert "charges on 1 of 31 days" in hour.terminal
    assert (
        "! anthropic, cursor, openai, google: 1 of 31 days were pulled (2026-10-31); the others are unknown. To pull "
        "them: AI_USAGE_START_DATE=2026-10-01 ai-usage backfill FROM=2026-10-01 TO=2026-10-30"
    ) in hour.terminal


def test_simulated_data_is_marked_wherever_it_is_printed(hour: Hour) -> None:
    for mark in ("AI usage, SIMULATED DATA", "SIMULATED DATA, 2026-11-01", "_SIMULATED.csv", "holds SIMULATED data"):
        assert mark in hour.terminal


def test_ctrl_c_ends_a_command_with_a_sentence(tmp_path: Path) -> None:
    """Case 37. In the middle of a step, which Dagster reports as failed."""
    command = subprocess.Popen(
        [sys.executable, "-m", "ai_usage.commands", "demo"],
        cwd=ROOT,
        env=environment(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        database, give_up = tmp_path / "data" / "ai_usage.duckdb", monotonic() + 120
        while not database.exists() and command.poll() is None and monotonic() < give_up:
            sleep(0.05)
        command.send_signal(signal.SIGINT)
        printed, _ = command.communicate(timeout=120)
    finally:
        command.kill()
        command.wait()
    assert command.returncode == 130
    assert printed.splitlines()[-1] == "Stopped. What was committed is kept: run it again to continue."
    assert "Traceback" not in printed
