"""Commands that end in the middle of a run, as processes: killed, or with their terminal closed. A real daemon that is
then started continues without help, and each dead run alerts, although one provider never answers.
"""

import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from time import monotonic, sleep, time

import dagster as dg
import pytest

from ai_usage.places import ROOT
from ai_usage.simulator import ADMIN_KEY, CURSOR_KEY, Simulator
from ai_usage.simulator.faults import Fault
from ai_usage_tests.alerts.receivers import Hook, hook

OFTEN = 1_000_000  # requests
PATIENCE = 300.0  # seconds for a slow step, on a machine that is busy with other tests
FAILURE, STARTED, SUCCESS = dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.SUCCESS


@dataclass
class House:
    """A machine with the platform."""

    home: Path
    simulator: Simulator
    web: Hook
    first_day: str
    exit_code_of_the_closed: int | None = None
    closed_run: dg.DagsterRun | None = None
    daemon_began: float = 0.0
    pulled: dg.RunRecord | None = None
    cursor_waited: bool = False
    fault: Fault | None = None

    @cached_property
    def instance(self) -> dg.DagsterInstance:
        """Opened once: opening it takes longer than a query, and it is queried often."""
        return dg.DagsterInstance.from_config(str(self.home / "dagster"))

    @property
    def environ(self) -> dict[str, str]:
        return {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "PYTHONWARNINGS": "ignore",
            "TMPDIR": str(self.home),
            "DAGSTER_HOME": str(self.home / "dagster"),
            "AI_USAGE_DATA_DIR": str(self.home),
            "AI_USAGE_UPLOADS_DIR": str(self.home / "uploads"),
            "AI_USAGE_NOW": "",
            "AI_USAGE_START_DATE": self.first_day,
            "ANTHROPIC_ADMIN_API_KEY": ADMIN_KEY,
            "ANTHROPIC_ADMIN_BASE_URL": self.simulator.anthropic_url,
            "CURSOR_ADMIN_API_KEY": CURSOR_KEY,
            "CURSOR_ADMIN_BASE_URL": self.simulator.cursor_url,
            "ALERT_WEBHOOK_URL": self.web.url,
        }

    def hangs(self, provider: str) -> None:
        """From now on this provider never answers; the other one does."""
        self.simulator.faults.clear()
        self.fault = self.simulator.faults.plan("slow", path=f"/{provider}", times=OFTEN, delay=3600.0)

    def backfill(self, terminal: int | None = None) -> subprocess.Popen[bytes]:
        """The command for the first day only, in the given terminal if there is one."""
        command = [sys.executable, "-m", "ai_usage.commands", "backfill", self.first_day, self.first_day]
        if terminal is not None:  # the first terminal that a session's first process opens becomes the session's own
            command = ["sh", "-c", f'exec "$@" <>{os.ttyname(terminal)} >&0 2>&0', "sh", *command]
        with (self.home / "commands.log").open("ab") as log:
            return subprocess.Popen(
                command,
                cwd=self.home,
                env=self.environ,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def until(self, what: str, is_true: Callable[[], object], also: Callable[[], object] = lambda: None) -> None:
        give_up = monotonic() + PATIENCE
        while not is_true():
            also()
            if monotonic() > give_up:
                logs = [path.read_text(errors="replace")[-3000:] for path in self.home.glob("*.log")]
                pytest.fail(f"not {what}: {logs}")
            sleep(0.3)

    def runs(self, job: str, *statuses: dg.DagsterRunStatus, since: float = 0.0) -> list[dg.RunRecord]:
        if not (self.home / "dagster" / "history").exists():
            return []
        found = self.instance.get_run_records(dg.RunsFilter(job_name=job, statuses=list(statuses)))
        return [one for one in found if (one.start_time or 0.0) >= since]

    def is_in_the_middle(self, job: str) -> bool:
        """Wait until a run of the job waits for the provider that hangs."""
        was_asked = self.fault is not None and self.fault.times != OFTEN
        return was_asked and bool(self.runs(job, STARTED))

    def close_the_terminal_in_the_middle(self) -> None:
        self.hangs("cursor")
        ours, theirs = pty.openpty()
        os.set_blocking(ours, False)
        command = self.backfill(theirs)
        os.close(theirs)

        def read() -> None:
            with suppress(BlockingIOError, OSError):
                while os.read(ours, 65_536):
                    pass

        try:
            self.until("in the middle of pull_cursor", lambda: self.is_in_the_middle("pull_cursor"), read)
        finally:
            os.close(ours)  # the kernel then sends a signal to the processes of that terminal
        try:
            self.exit_code_of_the_closed = command.wait(PATIENCE)
        finally:
            command.kill()
        [record] = self.runs("pull_cursor")
        self.closed_run = record.dagster_run

    def kill_in_the_middle(self) -> None:
        self.hangs("anthropic")
        command = self.backfill()
        try:
            self.until("in the middle of pull_claude", lambda: self.is_in_the_middle("pull_claude"))
        finally:
            command.send_signal(signal.SIGKILL)
            command.wait(PATIENCE)

    def live(self) -> None:
        """The daemon, with room for two runs: a dead run would take the place of Cursor's."""
        self.hangs("cursor")
        config = self.home / "dagster" / "dagster.yaml"
        text = config.read_text(encoding="utf-8")
        config.write_text(re.sub(r"max_concurrent_runs: \d+", "max_concurrent_runs: 2", text), encoding="utf-8")
        assert "max_concurrent_runs: 2" in config.read_text(encoding="utf-8")
        location = str(Path(__file__).with_name("unattended.py"))
        dagster = str(Path(sys.executable).parent / "dagster-daemon")
        self.daemon_began = time()
        with (self.home / "daemon.log").open("ab") as log:
            daemon = subprocess.Popen(
                [dagster, "run", "-f", location], cwd=self.home, env=self.environ, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip
        try:
            self.until("pulled", lambda: self.runs("pull_claude", SUCCESS, since=self.daemon_began))
            self.pulled = self.runs("pull_claude", SUCCESS, since=self.daemon_began)[0]
            self.until("asking Cursor", lambda: self.runs("pull_cursor", STARTED, since=self.daemon_began))
            self.until("built", lambda: self.runs("rebuild_days", SUCCESS, since=self.daemon_began))
            self.cursor_waited = bool(self.runs("pull_cursor", STARTED, since=self.daemon_began))
            self.until("alerted", lambda: len(self.alerts("pull_claude") + self.alerts("pull_cursor")) >= 2)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(daemon.pid, signal.SIGKILL)
            daemon.wait(PATIENCE)

    def alerts(self, job: str) -> list[dict[str, str]]:
        items = [item for message in self.web.got for item in message.body["items"]]
        return [item for item in items if item["title"] == f"run of {job}" and item["severity"] == "failed"]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    home = tmp_path_factory.mktemp("house")
    first_day = f"{datetime.now(UTC).date() - timedelta(days=4)}"
    with pytest.MonkeyPatch.context() as patch, Simulator(now=lambda: datetime.now(UTC)) as simulator, hook() as web:
        patch.setenv("DAGSTER_HOME", str(home / "dagster"))
        found = House(home, simulator, web, first_day)
        found.close_the_terminal_in_the_middle()
        found.kill_in_the_middle()
        assert found.runs("pull_claude", STARTED), "what the test is about: the records show a run without a process"
        found.live()
        with found.instance:
            yield found


def test_after_a_kill_the_daemons_next_run_starts_within_two_minutes_and_an_alert_names_the_dead_run(
    house: House,
) -> None:
    assert house.pulled is not None
    assert house.pulled.start_time is not None
    assert house.pulled.start_time - house.daemon_began < 120
    [dead] = house.runs("pull_claude", FAILURE)
    [alert] = house.alerts("pull_claude")
    assert "The process that ran it is gone" in alert["text"]
    assert alert["link"].endswith(f"/runs/{dead.dagster_run.run_id}")


def test_a_closed_terminal_ends_the_run_at_once_and_alerts(house: House) -> None:
    assert house.exit_code_of_the_closed not in (0, None)
    assert house.closed_run is not None
    assert house.closed_run.status == FAILURE
    [alert] = house.alerts("pull_cursor")
    assert "It was stopped before its end" in alert["text"]
    assert alert["link"].endswith(f"/runs/{house.closed_run.run_id}")


def test_a_provider_that_never_answers_delays_neither_another_providers_pull_nor_the_build(house: House) -> None:
    assert house.cursor_waited
    assert house.runs("rebuild_days", SUCCESS, since=house.daemon_began)
