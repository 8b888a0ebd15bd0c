"""The processes of a deployment on one machine: Postgres, code server, webserver, daemon, with deploy/dagster.yaml, a
simulated provider over HTTP and a receiver of alerts. Each is killed once during work and started again. No day, run or
alert may be lost, and none may come twice.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import dagster as dg
import duckdb
import httpx
import pytest
import yaml  # type: ignore[import-untyped]

from ai_usage.automation.dead_runs import PROCESS
from ai_usage.checks.missing import RANGE_END, RANGE_START
from ai_usage.money import usd
from ai_usage.partitions import Span
from ai_usage.places import ROOT
from ai_usage.simulator import ADMIN_KEY, Simulator
from ai_usage_tests.alerts.receivers import Hook, dead_port, hook
from ai_usage_tests.deployment.postgres import Postgres, postgres, programs

DAYS = Span(date(2026, 11, 8), date(2026, 11, 9))
NOW = datetime(2026, 11, 10, 13, tzinfo=UTC)
PATIENCE = 240.0  # seconds for a step, on a machine that is busy with other tests
LOOK_EVERY = 1.0  # seconds
BILL = [{"path": ["raw", pull]} for pull in ("claude_cost_report", "claude_cost_totals")]
SUCCESS, FAILURE, STARTED = dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.STARTED
LAUNCH = """mutation($of: ExecutionParams!) { launchRun(executionParams: $of) {
  __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message }
} }"""
BACKFILL = """mutation($of: LaunchBackfillParams!) { launchPartitionBackfill(backfillParams: $of) {
  __typename ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message }
} }"""

pytestmark = pytest.mark.skipif(programs() is None, reason="no Postgres is installed here: initdb was not found")


@dataclass
class Deployment:
    """A machine with the processes, and the servers that its runs and alerts use."""

    home: Path
    database: Postgres
    simulator: Simulator
    web: Hook
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=lambda: {"code server": dead_port(), "webserver": dead_port()})
    runs_before_a_kill: dict[str, dg.DagsterRunStatus] = field(default_factory=dict)

    @property
    def instance_home(self) -> Path:
        return self.home / "etc"

    @property
    def environ(self) -> dict[str, str]:
        """The environment of each process: Dagster's records, and nothing of providers or channels."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "TMPDIR": str(self.home),
            "PYTHONPATH": str(ROOT),
            "PYTHONWARNINGS": "ignore",
            "DAGSTER_HOME": str(self.instance_home),
            "DAGSTER_POSTGRES_URL": self.database.url,
            "DAGSTER_EVENT_BATCH_SIZE": "1000",
        }

    @property
    def environ_with_keys(self) -> dict[str, str]:
        """The environment of the code server, its runs, and the watchdog. Secrets are files, as with Docker."""
        return {
            **self.environ,
            "TEST_NOW": NOW.isoformat(),
            "AI_USAGE_DATA_DIR": str(self.home / "data"),
            "AI_USAGE_START_DATE": str(DAYS.first),
            "ANTHROPIC_ADMIN_API_KEY_FILE": str(self.home / "key"),
            "ANTHROPIC_ADMIN_BASE_URL": self.simulator.anthropic_url,
            "ALERT_WEBHOOK_URL_FILE": str(self.home / "webhook"),
        }

    def command(self, name: str) -> list[str]:
        python, workspace = sys.executable, str(self.home / "workspace.yaml")
        at = ["--host", "127.0.0.1", "--port", str(self.ports.get(name, 0))]
        module = ["-m", "ai_usage_tests.deployment.trimmed", "--location-name", "ai_usage"]
        return {
            "code server": [python, "-m", "dagster", "api", "grpc", *at, *module],
            "webserver": [python, "-m", "ai_usage.commands", "webserver", *at, "--workspace", workspace],
            "daemon": [python, "-m", "dagster._daemon", "run", "--workspace", workspace],
        }[name]

    def prepare(self) -> None:
        """Creates what an image and its volumes contain."""
        self.instance_home.mkdir()
        shutil.copyfile(ROOT / "deploy" / "dagster.yaml", self.instance_home / "dagster.yaml")
        workspace = yaml.safe_load((ROOT / "deploy" / "workspace.yaml").read_text(encoding="utf-8"))
        workspace["load_from"][0]["grpc_server"] |= {"host": "127.0.0.1", "port": self.ports["code server"]}
        (self.home / "workspace.yaml").write_text(yaml.safe_dump(workspace), encoding="utf-8")
        (self.home / "key").write_text(f"{ADMIN_KEY}\n", encoding="utf-8")
        (self.home / "webhook").write_text(f"{self.web.url}\n", encoding="utf-8")

    def start(self, name: str) -> None:
        self.launch(name)
        if name in self.ports:
            self.until(f"{name} listens", lambda: _listens(self.ports[name]))

    def launch(self, name: str) -> None:
        environ = self.environ_with_keys if name == "code server" else self.environ
        with (self.home / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                self.command(name), cwd=self.home, env=environ, stdout=log, stderr=log, start_new_session=True
            )

    def kill(self, name: str) -> None:
        """Ends it as a container ends: with all of its processes, including runs."""
        os.killpg(self.processes[name].pid, signal.SIGKILL)
        self.processes.pop(name).wait(20)

    def end(self) -> None:
        for name in list(self.processes):
            self.kill(name)

    def until(self, what: str, is_true: Callable[[], Any]) -> None:
        """Waits until it is true. A process that ended by itself is started again, as Docker does."""
        give_up = monotonic() + PATIENCE
        while not is_true():
            ended = [name for name, process in self.processes.items() if process.poll() is not None]
            logs = {
                log.stem: log.read_text(encoding="utf-8", errors="replace")[-2000:] for log in self.home.glob("*.log")
            }
            assert monotonic() < give_up, f"not {what}: {self.web.subjects} {logs}"
            for name in ended:
                self.launch(name)
            sleep(LOOK_EVERY)

    def asked(self, query: str, of: object) -> Any:
        """The webserver's answer to a request of the UI."""
        url = f"http://127.0.0.1:{self.ports['webserver']}"
        sent = {"query": query, "variables": {"of": of}}
        answer = httpx.post(f"{url}/graphql", json=sent, headers={"Origin": url}, timeout=PATIENCE).json()
        [launched] = answer["data"].values()
        assert launched["__typename"] in {"LaunchBackfillSuccess", "LaunchRunSuccess"}, launched
        return launched

    def launch_run(self) -> str:
        """One run of both days of the bill."""
        selector = {
            "repositoryLocationName": "ai_usage",
            "repositoryName": "__repository__",
            "jobName": "__ASSET_JOB",
            "assetSelection": BILL,
        }
        tags = [{"key": RANGE_START, "value": str(DAYS.first)}, {"key": RANGE_END, "value": str(DAYS.last)}]
        asked = {"selector": selector, "executionMetadata": {"tags": tags}, "runConfigData": {}, "mode": "default"}
        return str(self.asked(LAUNCH, asked)["run"]["runId"])

    def launch_backfill(self) -> str:
        """A backfill of both days of the bill."""
        asked = {"assetSelection": BILL, "partitionNames": [str(day) for day in DAYS.days]}
        return str(self.asked(BACKFILL, asked)["backfillId"])

    def sql(self, text: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.home / "data" / "ai_usage_published.duckdb"), read_only=True) as db:
            return db.execute(text).fetchall()

    def news(self, what: str) -> list[str]:
        """The severity of every received item with this title, in any message."""
        items = [item for message in self.web.got for item in message.body["items"]]
        return [item["severity"] for item in items if what in item["title"]]


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def runs_of(instance: dg.DagsterInstance, **which: Any) -> list[dg.DagsterRun]:
    return list(instance.get_runs(dg.RunsFilter(**which)))


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Deployment, dg.DagsterInstance]]:
    """The deployment after each of its processes was killed."""
    found = programs()
    assert found
    home = tmp_path_factory.mktemp("deployment")
    with (
        postgres(found) as database,
        Simulator(now=NOW, cursor_scale=0.1) as simulator,
        hook() as web,
        pytest.MonkeyPatch.context() as monkeypatch,
    ):
        monkeypatch.setenv("DAGSTER_POSTGRES_URL", database.url)
        deployment = Deployment(home, database, simulator, web)
        deployment.prepare()
        try:
            with dg.DagsterInstance.from_config(str(deployment.instance_home)) as instance:
                _live(deployment, instance)
                yield deployment, instance
        finally:
            deployment.end()


def _live(deployment: Deployment, instance: dg.DagsterInstance) -> None:
    deployment.simulator.faults.plan("unknown_value", path="cost_report", field="currency", value="XXX", times=None)
    for name in ("code server", "webserver", "daemon"):
        deployment.start(name)
    _a_sensor_pulls_and_a_check_alerts(deployment, instance)
    _postgres_is_killed(deployment)
    _the_code_server_is_killed_during_a_run(deployment, instance)
    deployment.kill("webserver")
    deployment.start("webserver")
    _the_daemon_is_killed_before_a_backfill(deployment, instance)


def _a_sensor_pulls_and_a_check_alerts(deployment: Deployment, instance: dg.DagsterInstance) -> None:
    pulled = {"job_name": "pull_claude", "statuses": [SUCCESS]}
    deployment.until("a sensor pulled", lambda: runs_of(instance, **pulled))
    deployment.until("the rejected record alerts", lambda: deployment.news("records_are_readable"))
    deployment.until("the build ended", lambda: runs_of(instance, job_name="rebuild_days", statuses=[SUCCESS]))
    deployment.runs_before_a_kill = {run.run_id: run.status for run in instance.get_runs()}


def _postgres_is_killed(deployment: Deployment) -> None:
    deployment.database.kill()
    deployment.database.start()


def _the_code_server_is_killed_during_a_run(deployment: Deployment, instance: dg.DagsterInstance) -> None:
    deployment.simulator.faults.clear()
    deployment.simulator.faults.plan("slow", path="cost_report", times=None, delay=3600.0)
    launched = {"run_ids": [deployment.launch_run()]}
    is_named = lambda: any(PROCESS in run.tags for run in runs_of(instance, **launched, statuses=[STARTED]))  # noqa: E731
    deployment.until("the run began", is_named)
    deployment.kill("code server")
    deployment.simulator.faults.clear()
    deployment.start("code server")
    deployment.until("the dead run is ended", lambda: runs_of(instance, **launched, statuses=[FAILURE]))
    deployment.until("its failure alerts", lambda: deployment.news("run of"))


def _the_daemon_is_killed_before_a_backfill(deployment: Deployment, instance: dg.DagsterInstance) -> None:
    """The request survives, because it is in Postgres."""
    deployment.kill("daemon")
    backfill = {"tags": {"dagster/backfill": deployment.launch_backfill()}}
    deployment.start("daemon")
    deployment.until("the backfill's run succeeds", lambda: runs_of(instance, **backfill, statuses=[SUCCESS]))
    deployment.until("the resolution is sent", lambda: "resolved" in deployment.news("records_are_readable"))


Lived = tuple[Deployment, dg.DagsterInstance]


def test_every_day_is_there_after_each_process_was_killed(lived: Lived) -> None:
    deployment, _ = lived
    days = deployment.sql("select distinct activity_date from ai_usage_raw.pulls where pull = 'claude_cost_report' "
                          "and activity_date is not null order by 1")  # fmt: skip
    assert [day for (day,) in days] == DAYS.days
    built = deployment.sql("select activity_date, sum(amount_usd) from ai_usage_analytics.claude_costs group by all")
    assert dict(built) == {day: usd(cents=deployment.simulator.day(day).total_cents) for day in DAYS.days}


def test_no_run_is_lost_and_none_runs_twice(lived: Lived) -> None:
    deployment, instance = lived
    now = {run.run_id: run.status for run in instance.get_runs()}
    assert deployment.runs_before_a_kill
    assert deployment.runs_before_a_kill.items() <= now.items()
    assert Counter(now.values())[FAILURE] == 1
    assert Counter(run.job_name for run in instance.get_runs()) == {
        "pull_claude": 1,  # by its sensor
        "rebuild_days": 2,  # by the build sensor, once for each version of the bill
        "__ASSET_JOB": 2,  # the killed run, and the backfill's run
    }


def test_the_check_and_the_dead_run_alert_once_each(lived: Lived) -> None:
    deployment, _ = lived
    assert deployment.news("records_are_readable") == ["failed", "resolved"]
    assert deployment.news("run of") == ["failed"]
    keys = Counter(message.headers["idempotency-key"] for message in deployment.web.got)
    assert set(keys.values()) == {1}


def test_a_watchdog_in_a_container_of_its_own_repeats_nothing(lived: Lived) -> None:
    """It shares the record of alerts with the code server, and sees none of its processes."""
    deployment, instance = lived
    before, runs = list(deployment.web.subjects), len(instance.get_runs())
    command = [sys.executable, "-m", "ai_usage.commands", "watch", "--once", "--runs-elsewhere"]
    done = subprocess.run(
        command, cwd=deployment.home, env=deployment.environ_with_keys, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert (deployment.web.subjects, len(instance.get_runs())) == (before, runs)


def test_webserver_and_daemon_have_no_key_and_write_nothing_beside_their_settings(lived: Lived) -> None:
    deployment, _ = lived
    assert [path.name for path in deployment.instance_home.rglob("*") if path.is_file()] == ["dagster.yaml"]
    for name in ("webserver", "daemon"):
        environ = Path(f"/proc/{deployment.processes[name].pid}/environ")
        if environ.exists():
            assert b"DAGSTER_POSTGRES_URL" in environ.read_bytes()
            assert ADMIN_KEY.encode() not in environ.read_bytes()
    for log in deployment.home.glob("*.log"):
        assert ADMIN_KEY not in log.read_text(encoding="utf-8", errors="replace")
