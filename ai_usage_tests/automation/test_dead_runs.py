"""Only runs without a process are ended; the queue limits of runs; and a terminal that closes."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from time import time
from typing import Any

import dagster as dg
import pytest
import yaml  # type: ignore[import-untyped]

from ai_usage.automation import dead_runs, refresh, warehouse_resource
from ai_usage.automation.dead_runs import PROCESS, Process, end_the_dead, run_by_this_process
from ai_usage.automation.interrupts import heed_a_closed_terminal
from ai_usage.automation.refresh import BUILD, JOBS_AT_WORK, REFRESH_DAY, REFRESH_RANGE
from ai_usage.commands.__main__ import NO_RUNS
from ai_usage.commands.data_folder import end_dead_runs, prepare_instance
from ai_usage.commands.typed import COMMANDS
from ai_usage.definitions import defs
from ai_usage.layers import POOL
from ai_usage.places import ROOT
from ai_usage.settings import settings

HOST = socket.gethostname()
STARTED, FAILURE = dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.FAILURE


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as found:
        yield found


def run_of(instance: dg.DagsterInstance, tag: str | None, **more: Any) -> dg.DagsterRun:
    """A run in progress with the given tag; RUN in it stands for the run's id."""
    run = instance.create_run_for_job(defs.resolve_job_def("pull_cursor"), status=STARTED, **more)
    if tag is not None:
        instance.add_run_tags(run.run_id, {PROCESS: tag.replace("RUN", run.run_id)})
    return run


def ended(instance: dg.DagsterInstance) -> set[str]:
    return {run.run_id for run in instance.get_runs(dg.RunsFilter(statuses=[FAILURE]))}


@pytest.fixture
def dead_pid() -> int:
    """The number of a process that has ended."""
    child = subprocess.Popen(["/bin/true"])
    child.wait()
    return child.pid


def test_a_run_without_a_process_is_marked_as_failed_and_delays_no_sensor(
    instance: dg.DagsterInstance, dead_pid: int
) -> None:
    """Case 34."""
    dead = run_of(instance, f"{HOST} {dead_pid} {dead_runs.boot()} 1 RUN")
    assert refresh.under_way(instance, "pull_cursor") == []
    [run] = instance.get_runs(dg.RunsFilter(run_ids=[dead.run_id]))
    assert run.status == FAILURE
    message = instance.all_logs(run.run_id, of_type=dg.DagsterEventType.RUN_FAILURE)[0].message
    assert f"number {dead_pid} on {HOST}" in message


def test_a_number_given_again_is_not_taken_for_the_process(instance: dg.DagsterInstance) -> None:
    alive = run_of(instance, None)
    instance.add_run_tags(alive.run_id, run_by_this_process(alive.run_id))
    again = run_of(instance, f"{HOST} {os.getpid()} {dead_runs.boot()} 1 RUN")
    assert [run.run_id for run in end_the_dead(instance)] == [again.run_id]
    assert ended(instance) == {again.run_id}


def test_a_run_of_an_earlier_boot_is_dead_whatever_has_its_number_now(instance: dg.DagsterInstance) -> None:
    now = dead_runs.started(os.getpid())
    before = run_of(instance, f"{HOST} {os.getpid()} another-boot {now} RUN")
    assert [run.run_id for run in end_the_dead(instance)] == [before.run_id]


def test_a_process_that_ended_but_is_still_listed_is_gone(instance: dg.DagsterInstance) -> None:
    child = subprocess.Popen(["/bin/true"])
    try:
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        run_of(instance, f"{HOST} {child.pid} {dead_runs.boot()} {dead_runs.started(child.pid)} RUN")
        assert len(end_the_dead(instance)) == 1
    finally:
        child.wait()


def test_a_run_without_a_known_process_is_left_alone(instance: dg.DagsterInstance, dead_pid: int) -> None:
    """Tags of another host, none, unreadable ones, one from a re-execution; then one of an earlier release."""
    unknown = ("", "x", "x y", f"{HOST} -1 a b RUN", f"{HOST} ٣", f"{HOST}  ", f"elsewhere {dead_pid} a b RUN", None)
    for tag in unknown:
        run_of(instance, tag)
    parent = run_of(instance, f"{HOST} {dead_pid} {dead_runs.boot()} 1 RUN")
    inherited = instance.get_run_by_id(parent.run_id)
    assert inherited is not None
    run_of(instance, inherited.tags[PROCESS], parent_run_id=parent.run_id, root_run_id=parent.run_id)
    earlier = run_of(instance, f"{HOST} {dead_pid}")
    assert {run.run_id for run in end_the_dead(instance)} == ended(instance) == {parent.run_id, earlier.run_id}


def test_a_run_killed_between_its_start_and_its_tag_is_dead_once_the_tag_is_overdue(
    instance: dg.DagsterInstance, dead_pid: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    parent = run_of(instance, f"{HOST} {dead_pid} {dead_runs.boot()} 1 RUN")
    inherited = instance.get_run_by_id(parent.run_id)
    assert inherited is not None
    unnamed = run_of(instance, None)
    again = run_of(instance, inherited.tags[PROCESS], parent_run_id=parent.run_id, root_run_id=parent.run_id)
    queued = run_of(instance, None)  # not started: Dagster's own start timeout applies
    unreadable = run_of(instance, "x y")
    for run in (unnamed, again, unreadable):
        instance.report_dagster_event(dg.DagsterEvent("PIPELINE_START", run.job_name), run.run_id)
    assert {run.run_id for run in end_the_dead(instance)} == {parent.run_id}
    monkeypatch.setattr(dead_runs, "time", lambda: time() + dead_runs.UNNAMED_FOR + 1)
    assert {run.run_id for run in end_the_dead(instance)} == {unnamed.run_id, again.run_id}
    assert instance.get_runs_count(dg.RunsFilter(run_ids=[queued.run_id], statuses=[STARTED])) == 1


def test_a_run_that_ended_while_it_was_checked_keeps_its_status(
    instance: dg.DagsterInstance, dead_pid: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = run_of(instance, f"{HOST} {dead_pid} {dead_runs.boot()} 1 RUN")
    listed = instance.get_run_records()
    instance.report_run_canceled(run)
    monkeypatch.setattr(type(instance), "get_run_records", lambda *_, **__: listed)
    assert end_the_dead(instance) == []


def test_every_command_ends_dead_runs_first_and_continues_if_the_records_are_damaged(
    tmp_path: Path, dead_pid: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", "")
    of = replace(settings(), data_dir=tmp_path)
    end_dead_runs(of)  # there is no instance yet, and none is created
    assert not of.dagster_home.exists()
    prepare_instance(of)
    with dg.DagsterInstance.get() as instance:
        run_of(instance, "unreadable")
        dead = run_of(instance, f"{HOST} {dead_pid} {dead_runs.boot()} 1 RUN")
    end_dead_runs(of)
    with dg.DagsterInstance.get() as instance:
        assert ended(instance) == {dead.run_id}
    assert capsys.readouterr().err == "A run of pull_cursor had died and is marked as failed.\n"
    (of.dagster_home / "history" / "runs.db").write_bytes(b"no database" * 1000)
    end_dead_runs(of)
    assert "Dagster's records of runs cannot be read or written (" in capsys.readouterr().err
    assert {name.replace("-", "_") for name in COMMANDS} - NO_RUNS >= {"backfill", "build", "demo", "doctor", "ui"}


def test_only_a_build_is_published_without_waiting_for_builds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs that pull data wait until no build is in progress."""
    seen: list[str] = []

    def noted(name: str) -> Any:
        @contextmanager
        def of_a_run(folder: Path) -> Iterator[None]:
            seen.append(name)
            yield

        return of_a_run

    monkeypatch.setattr(warehouse_resource, "building", noted("building"))
    monkeypatch.setattr(warehouse_resource, "between_builds", noted("between builds"))
    monkeypatch.setattr(warehouse_resource, "settings", lambda: replace(settings(), data_dir=tmp_path))
    with dg.DagsterInstance.ephemeral() as instance:
        defs.resolve_job_def("look_at_freshness").execute_in_process(instance=instance, raise_on_error=False)
        assert seen == ["between builds"]
        owners = defs.resolve_job_def(BUILD).get_subset(asset_selection={dg.AssetKey(["core", "dim_person"])})
        owners.execute_in_process(instance=instance, raise_on_error=False)
    assert seen == ["between builds", "building"]


def test_without_linuxs_proc_the_systems_own_programs_are_asked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked = []

    def answer(*command: str) -> str:
        asked.append(command[0])
        return {"ps": " Thu Nov 26 19:04:58 2026 \n", "sysctl": "B00T-1D\n"}[command[0]]

    monkeypatch.setattr(dead_runs, "PROC", tmp_path)
    monkeypatch.setattr(dead_runs, "_answer", answer)
    monkeypatch.setattr(dead_runs, "boot", dead_runs.boot.__wrapped__)
    tag = run_by_this_process("run-1")[PROCESS]
    assert tag == f"{HOST} {os.getpid()} B00T-1D Thu_Nov_26_19:04:58_2026 run-1"
    assert not Process(HOST, os.getpid(), *tag.split()[2:4]).is_gone
    assert Process(HOST, os.getpid(), "B00T-1D", "Thu_Nov_26_19:04:59_2026").is_gone
    assert asked[:2] == ["sysctl", "ps"]


def looking() -> dg.JobDefinition:
    return defs.resolve_job_def("look_at_freshness")


def test_every_run_carries_its_process_before_anything_is_opened_and_its_longest_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that was killed while it opened the sheet's resource stayed in progress for a day."""
    monkeypatch.setenv("AI_USAGE_DATA_DIR", str(tmp_path / "data"))
    (tmp_path / "home").mkdir()
    with dg.DagsterInstance.local_temp(str(tmp_path / "home")) as instance:
        monkeypatch.setattr(warehouse_resource, "warehouse_of", lambda *_, **__: 1 / 0)
        result = dg.execute_job(dg.reconstructable(looking), instance, raise_on_error=False)
        [run] = instance.get_runs(dg.RunsFilter(run_ids=[result.run_id]))
    assert not result.success
    assert run.tags[PROCESS].split() == run_by_this_process(run.run_id)[PROCESS].split()
    for name in (*JOBS_AT_WORK, "look_at_freshness"):
        assert defs.resolve_job_def(name).run_tags["dagster/max_runtime"] == str(settings().max_run_hours * 3600), name
    config = yaml.safe_load((ROOT / "dagster.yaml").read_text(encoding="utf-8"))
    assert config["run_monitoring"]["max_runtime_seconds"] == settings().max_run_hours * 3600


# The queue limits of runs.


def pools(job: str) -> set[str]:
    """The pools that a run of the job occupies, as Dagster computes them."""
    with dg.DagsterInstance.ephemeral() as instance:
        run = instance.create_run_for_job(defs.resolve_job_def(job))
    return set(run.run_op_concurrency.all_pools or ()) if run.run_op_concurrency else set()


def test_no_pull_keeps_a_build_or_another_providers_pull_waiting() -> None:
    assert pools(BUILD) == {POOL}
    assert [pools(job) for job in ("pull_claude", "pull_cursor", "pull_sheet", "refresh_sheet")] == [
        {"raw_claude"}, {"raw_cursor"}, {"raw_sheets"}, {"raw_sheets"},
    ]  # fmt: skip
    assert pools(REFRESH_DAY) == pools(REFRESH_RANGE) == {"refresh"}
    assert pools("look_at_freshness") == set()
    config = yaml.safe_load((ROOT / "dagster.yaml").read_text(encoding="utf-8"))["concurrency"]
    everything = set().union(*(pools(job) for job in JOBS_AT_WORK))
    assert config["runs"]["max_concurrent_runs"] > len(everything) + 1  # one run per pool, and one without a pool


# A terminal that closes.

COMMAND = """
import os, signal, sys, time
from ai_usage.automation.interrupts import heed_a_closed_terminal
from dagster._core.errors import DagsterExecutionInterruptedError
from dagster._utils.interrupts import capture_interrupts, raise_interrupts_as
heed_a_closed_terminal()
with capture_interrupts():
    try:
        with raise_interrupts_as(DagsterExecutionInterruptedError):
            os.kill(os.getpid(), signal.SIGHUP)
            time.sleep(20)
    except DagsterExecutionInterruptedError:
        print("interrupted as Dagster interrupts", flush=True)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGHUP)
        time.sleep(20)
print("not ended")
"""


def test_a_closed_terminal_ends_a_command_and_its_run_as_sigterm_does() -> None:
    done = subprocess.run([sys.executable, "-c", COMMAND], capture_output=True, text=True, cwd=ROOT, check=False)
    assert (done.stdout, done.returncode) == ("interrupted as Dagster interrupts\n", -signal.SIGTERM)


def test_under_nohup_a_closed_terminal_ends_nothing() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        heed_a_closed_terminal()
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
