"""The watchdog: each failure alerts once, and once when it is over, and stops none of the other checks."""

import os
import time
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.remote_origin import InProcessCodeLocationOrigin, RemoteJobOrigin, RemoteRepositoryOrigin
from dagster._core.scheduler.instigation import InstigatorStatus, InstigatorType, TickData, TickStatus
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._daemon.types import DaemonHeartbeat
from dagster_shared.error import SerializableErrorInfo

from ai_usage.alerts.channels import Webhook
from ai_usage.alerts.delivery import Alerts, Persistence
from ai_usage.alerts.outbox import Outbox
from ai_usage.automation import watchdog
from ai_usage.automation.dead_runs import PROCESS
from ai_usage.automation.refresh import CHAIN
from ai_usage.automation.watchdog import EYES, Watchdog
from ai_usage.commands import watch
from ai_usage.definitions import defs
from ai_usage.redaction import Redaction
from ai_usage.settings import settings
from ai_usage_tests.alerts.receivers import Hook, dead_port, hook
from ai_usage_tests.alerts.test_channels import environment

SECRET = "planted-5ecret"


@dg.op
def nothing() -> None: ...


@dg.job(executor_def=dg.in_process_executor)
def quick() -> None:
    nothing()


@dataclass
class Clock:
    at: float

    def __call__(self) -> float:
        return self.at


@dataclass
class Guarded:
    """A watchdog over an instance that the test breaks, and the only receiver of its alerts."""

    dog: Watchdog
    instance: dg.DagsterInstance
    web: Hook
    clock: Clock

    def hours(self, count: int) -> list[str]:
        """Advance the clock by hours, with a check each hour; returns the subjects of the messages sent."""
        before = len(self.web.got)
        for _ in range(count):
            self.clock.at += 3600
            self.dog.look()
        return [subject.removeprefix("[ai_usage] ") for subject in self.web.subjects[before:]]

    def looks(self) -> list[str]:
        before = len(self.web.got)
        self.dog.look()
        return [subject.removeprefix("[ai_usage] ") for subject in self.web.subjects[before:]]

    def beat(self) -> None:
        for name in self.instance.get_required_daemon_types():
            self.instance.add_daemon_heartbeat(DaemonHeartbeat(self.clock.at, name, "1"))

    def succeed(self) -> None:
        """A run that ends at the machine's own time; the clock is set to it."""
        assert quick.execute_in_process(instance=self.instance).success
        self.clock.at = time.time()


@pytest.fixture
def guarded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Guarded]:
    with hook() as web, dg.DagsterInstance.ephemeral(tempdir=str(tmp_path / "dagster")) as instance:
        monkeypatch.setattr(type(instance), "get_required_daemon_types", lambda _: ["SENSOR", "SCHEDULER"])
        clock = Clock(time.time())
        outbox = Outbox(tmp_path / "alerts.sqlite", Redaction([SECRET]))
        now = lambda: datetime.fromtimestamp(clock.at, UTC)  # noqa: E731
        hurry = Persistence(attempts=1, first_wait=0.01, seconds=5)
        alerts = Alerts(outbox, [Webhook(web.url)], now, is_simulated=False, persistence=hurry)
        of = replace(settings(), data_dir=tmp_path / "no_warehouse_is_needed")
        yield Guarded(Watchdog(of, alerts, lambda: nullcontext(instance), clock), instance, web, clock)


def test_no_successful_run_alerts_once_and_once_when_it_is_over(
    guarded: Guarded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watchdog, "EYES", EYES[:1])
    guarded.succeed()
    assert guarded.looks() == []
    assert guarded.hours(settings().watchdog_hours - 1) == []
    assert guarded.hours(5) == ["FAILED no run has succeeded for 12 hours"]
    assert "The last one ended at" in guarded.web.got[0].body["text"]
    guarded.succeed()
    assert guarded.looks() == ["RESOLVED no run has succeeded for 12 hours"]
    assert guarded.looks() == []


def test_a_machine_that_slept_sends_no_alert_about_it(guarded: Guarded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchdog, "EYES", EYES[:1])
    guarded.succeed()
    assert guarded.looks() == []
    guarded.clock.at += 60 * 3600
    assert guarded.looks() == []
    assert guarded.hours(11) == []
    assert guarded.hours(2) == ["FAILED no run has succeeded for 12 hours"]


def test_a_run_that_waits_for_long_alerts_though_others_succeed(
    guarded: Guarded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watchdog, "EYES", EYES[1:2])
    location = InProcessCodeLocationOrigin(LoadableTargetOrigin(python_file="none.py"), location_name="none")
    guarded.instance.create_run_for_job(
        defs.resolve_job_def("pull_cursor"),
        status=dg.DagsterRunStatus.QUEUED,
        remote_job_origin=RemoteJobOrigin(RemoteRepositoryOrigin(location, "none"), "pull_cursor"),
    )
    assert guarded.looks() == []
    assert guarded.hours(13) == ["FAILED a run has waited for 12 hours"]
    assert "A run of pull_cursor has waited since" in guarded.web.got[0].body["text"]


@dataclass
class Ticker:
    """A sensor with its ticks, as Dagster stores them."""

    instance: dg.DagsterInstance
    name: str
    status: InstigatorStatus = InstigatorStatus.DECLARED_IN_CODE
    instigator_type: InstigatorType = InstigatorType.SENSOR

    @property
    def instigator_origin_id(self) -> str:
        return f"origin {self.name}"

    @property
    def selector_id(self) -> str:
        return f"selector {self.name}"

    def tick(self, at: float, *statuses: TickStatus) -> None:
        for n, status in enumerate(statuses):
            error = SerializableErrorInfo(f"ValueError: {SECRET} of {self.name} is wrong\n", [], "ValueError")
            self.instance.create_tick(
                TickData(
                    instigator_origin_id=self.instigator_origin_id,
                    instigator_name=self.name,
                    instigator_type=self.instigator_type,
                    status=status,
                    timestamp=at + n,
                    selector_id=self.selector_id,
                    error=error if status is TickStatus.FAILURE else None,
                )
            )


def test_repeatedly_failing_ticks_alert_until_one_succeeds(
    guarded: Guarded, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "home").mkdir()
    with dg.instance_for_test(temp_dir=str(tmp_path / "home")) as instance:  # it stores ticks
        guarded.instance = instance
        guarded.dog = replace(guarded.dog, opened=lambda: nullcontext(instance))
        _ticks_fail(guarded, monkeypatch)


def _ticks_fail(guarded: Guarded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchdog, "EYES", EYES[2:3])
    failure, skipped = TickStatus.FAILURE, TickStatus.SKIPPED
    broken, shaky = Ticker(guarded.instance, "broken"), Ticker(guarded.instance, "shaky", InstigatorStatus.RUNNING)
    stopped, gone = Ticker(guarded.instance, "stopped", InstigatorStatus.STOPPED), Ticker(guarded.instance, "gone")
    broken.tick(guarded.clock.at, skipped, failure, failure, failure)
    shaky.tick(guarded.clock.at, failure, skipped, failure, failure)
    stopped.tick(guarded.clock.at, failure, failure, failure)
    gone.tick(guarded.clock.at - 2 * 86_400, failure, failure, failure)
    there = [broken, shaky, stopped, gone]
    monkeypatch.setattr(type(guarded.instance), "all_instigator_state", lambda _: there)
    assert guarded.looks() == ["FAILED ticks of the sensor broken fail"]
    text = guarded.web.got[0].body["text"]
    assert "[secret] of broken is wrong" in text
    assert guarded.looks() == []
    broken.tick(guarded.clock.at + 60, skipped)
    assert guarded.looks() == ["RESOLVED ticks of the sensor broken fail"]


def test_a_silent_daemon_alerts(guarded: Guarded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchdog, "EYES", EYES[3:4])
    guarded.beat()
    assert guarded.looks() == []
    guarded.clock.at += 700
    guarded.instance.add_daemon_heartbeat(DaemonHeartbeat(guarded.clock.at, "SENSOR", "1"))
    assert guarded.looks() == ["FAILED Dagster's daemon is silent"]
    assert ": SCHEDULER." in guarded.web.got[0].body["text"]
    guarded.beat()
    assert guarded.looks() == ["RESOLVED Dagster's daemon is silent"]


def test_a_channel_that_takes_nothing_is_reported_to_the_others(
    guarded: Guarded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watchdog, "EYES", EYES[3:])
    dead = Webhook(f"http://127.0.0.1:{dead_port()}/", name="dead")
    alerts = replace(guarded.dog.alerts, channels=[*guarded.dog.alerts.channels, dead])
    guarded.dog = replace(guarded.dog, alerts=alerts)
    assert guarded.looks() == []
    assert guarded.hours(1) == ["FAILED Dagster's daemon is silent"]
    assert guarded.hours(3) == ["FAILED dead takes no alerts"]
    [item] = guarded.web.got[-1].body["items"]
    assert item["text"].startswith("1 messages wait")
    revived = replace(alerts, channels=[alerts.channels[0], replace(dead, url=guarded.web.url)])
    guarded.dog = replace(guarded.dog, alerts=revived)
    guarded.looks()  # delivers the waiting messages
    assert "RESOLVED dead takes no alerts" in guarded.looks()


def test_what_cannot_be_looked_at_is_reported_resolves_nothing_and_ends_no_other_look(
    guarded: Guarded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watchdog, "EYES", EYES[1:4])
    is_broken = False

    def run_waits_in_queue(_: Any) -> Iterator[watchdog.Trouble]:
        if is_broken:
            raise OSError(f"disk I/O error of {SECRET}")
        yield watchdog.Trouble("run_waits_in_queue", "a run has waited", "")

    monkeypatch.setattr(watchdog, "EYES", (run_waits_in_queue, *EYES[3:4]))
    guarded.beat()
    assert guarded.looks() == ["FAILED a run has waited"]
    is_broken = True
    guarded.clock.at += 700
    assert guarded.looks() == ["FAILED Dagster's daemon is silent", "FAILED the watchdog cannot look"]
    assert "could not run_waits_in_queue: OSError: disk I/O error of [secret]" in guarded.web.got[2].body["text"]
    assert guarded.looks() == []
    is_broken = False
    assert guarded.looks() == ["RESOLVED the watchdog cannot look"]


def test_records_that_cannot_be_opened_alert_too(guarded: Guarded) -> None:
    def broken() -> Any:
        raise OSError("database disk image is malformed")

    guarded.dog = replace(guarded.dog, opened=broken)
    assert guarded.looks() == ["FAILED the watchdog cannot look"]
    assert guarded.looks() == []


def test_a_dead_run_is_ended_and_alerts_though_no_daemon_lives(
    guarded: Guarded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watchdog, "EYES", ())
    run = guarded.instance.create_run_for_job(
        defs.resolve_job_def("pull_cursor"), status=dg.DagsterRunStatus.STARTED, tags={CHAIN: "pull_cursor"}
    )
    host = os.uname().nodename
    guarded.instance.add_run_tags(run.run_id, {PROCESS: f"{host} {os.getpid()} another-boot 1 {run.run_id}"})
    assert guarded.looks() == ["FAILED run of pull_cursor"]
    [item] = guarded.web.got[0].body["items"]
    assert "The process that ran it is gone" in item["text"]
    assert item["link"].endswith(f"/runs/{run.run_id}")
    assert guarded.looks() == []


def test_the_watchdog_purges_once_a_day_what_is_older_than_the_setting(
    guarded: Guarded, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[float] = []
    left = [2, 1, 0, 0]

    def purged(_: Any, before: datetime) -> int:
        asked.append(guarded.clock.at - before.timestamp())
        return left.pop(0)

    monkeypatch.setattr(watchdog, "purge", purged)
    monkeypatch.setattr(watchdog, "EYES", ())
    assert guarded.hours(5) == []
    assert len(asked) == 3  # until none is left
    assert guarded.hours(24) == []
    assert len(asked) == 4
    assert {round(age / 86_400) for age in asked} == {guarded.dog.of.history_days} == {180}


def test_the_command_checks_once_with_the_installations_own_channels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Uses Dagster's own storage, without daemon, queue and warehouse. The watchdog survives a failed check."""
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    with hook() as web, environment(tmp_path, ALERT_WEBHOOK_URL=web.url):
        of = settings()
        assert watch.run(of, ["--once"]) == 0
        assert not of.database.exists()
        with Outbox(of.dagster_home / "alerts.sqlite").transaction() as memory:
            began = int(time.time()) - 3600
            memory.move(watchdog.BEGAN, began)
        assert watch.run(of, ["--once"]) == 0
        assert web.subjects == ["[ai_usage] FAILED Dagster's daemon is silent"]
        monkeypatch.setattr(watch, "alerts_of", lambda _: 1 / 0)
        assert watch.run(of, ["--once"]) == 1
    assert "could not look: ZeroDivisionError" in caplog.text
