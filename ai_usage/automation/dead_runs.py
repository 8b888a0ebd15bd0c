"""Runs without a living process. They are marked as failed, so that nothing waits for them and an alert names them.

Dagster monitors processes that its daemon started, as long as that daemon lives. After a kill, a power cut or a command
that ended silently, its records show the run as in progress for ever, and the queue waits for it. So each run has a tag
with the process that runs it: host, process id, boot of the machine and start of the process, since ids are reused. The
tag also has the run's id, since a retried run inherits tags.
"""

import os
import socket
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from time import time

import dagster as dg

PROCESS = "ai_usage/process"  # a run's tag: the process that runs it
ENDED = {dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED}
UNDER_WAY = [status for status in dg.DagsterRunStatus if status not in ENDED]
DIED = "The process that ran it is gone"
UNKNOWN = "-"  # not available from the system, or missing in a tag of an earlier release
UNNAMED_FOR = 300.0  # seconds after its start for which a run may lack the tag: a live run sets it within one
PROC = Path("/proc")
GONE = {"Z", "X", "x"}  # states in which Linux still lists a process that has ended


@dataclass(frozen=True)
class Process:
    """A process as a run's tag names it."""

    host: str
    number: int
    boot: str = UNKNOWN
    started: str = UNKNOWN

    @classmethod
    def of(cls, run: dg.DagsterRun) -> "Process | None":
        """None if the run's tag names no process, or the process of the run that it retries."""
        host, number, *more = (run.tags.get(PROCESS, "") + " ").split(" ")
        if not host or not (number.isascii() and number.isdigit()):
            return None
        is_its_own = more[2:3] == [run.run_id] if len(more) > 1 else not run.parent_run_id  # of an earlier release
        return cls(host, int(number), *more[:2]) if is_its_own else None

    def __str__(self) -> str:
        return f"{self.host} {self.number} {self.boot} {self.started}"

    @property
    def is_gone(self) -> bool:
        """Whether it has surely ended. Processes of other hosts are unknown here: `max_runtime` ends their runs."""
        if self.host != socket.gethostname():
            return False
        if _differ(self.boot, boot()):
            return True
        return not _is_alive(self.number) or _differ(self.started, started(self.number))


def _differ(one: str, other: str) -> bool:
    return UNKNOWN not in (one, other) and one != other


def this_process() -> Process:
    return Process(socket.gethostname(), os.getpid(), boot(), started(os.getpid()))


def run_by_this_process(run_id: str) -> dict[str, str]:
    """The tag of a run that this process runs."""
    return {PROCESS: f"{this_process()} {run_id}"}


def runs_of_this_process(instance: dg.DagsterInstance) -> list[dg.DagsterRun]:
    """The runs in progress in this process."""
    ours = this_process()
    return [run for run in instance.get_runs(dg.RunsFilter(statuses=UNDER_WAY)) if Process.of(run) == ours]


def end_the_dead(instance: dg.DagsterInstance) -> list[dg.DagsterRun]:
    """Mark as failed, and return, the runs without a living process and those that started but never got a tag: a kill
    may come between Dagster's start event and the tag.
    """
    dead = []
    for record in instance.get_run_records(dg.RunsFilter(statuses=UNDER_WAY)):
        run = record.dagster_run
        process = Process.of(run)
        is_dead = process.is_gone if process else _should_be_named(record)
        if is_dead and _is_under_way(instance, run.run_id):
            which = f" (number {process.number} on {process.host})" if process else ""
            instance.report_run_failed(
                run, f"{DIED}{which}: it was killed, or the machine went down. What it pulled is kept."
            )
            dead.append(run)
    return dead


def _should_be_named(record: dg.RunRecord) -> bool:
    """Whether a run should have its own tag by now. A run with an unreadable tag is left alone."""
    run = record.dagster_run
    is_unnamed = PROCESS not in run.tags or run.tags[PROCESS].endswith(f" {run.parent_run_id}")
    is_started = run.status == dg.DagsterRunStatus.STARTED and record.start_time is not None
    return is_unnamed and is_started and time() - (record.start_time or 0) > UNNAMED_FOR


def _is_under_way(instance: dg.DagsterInstance, run_id: str) -> bool:
    """The current status: the run and its process may have ended since the runs were listed."""
    run = instance.get_run_by_id(run_id)
    return run is not None and run.status in UNDER_WAY


@cache
def boot() -> str:
    """An identifier of this boot of the machine."""
    file = PROC / "sys/kernel/random/boot_id"
    if file.is_file():
        return _word(file.read_text(encoding="ascii"))
    return _word(_answer("sysctl", "-n", "kern.bootsessionuuid"))  # macOS


def started(number: int) -> str:
    """When a process was started, in the system's own unit; `UNKNOWN` if there is no such process."""
    if (PROC / "self/stat").is_file():
        return (_stat(number) or ["", *[UNKNOWN] * 20])[19]  # ticks since boot
    return _word(_answer("ps", "-o", "lstart=", "-p", str(number)))


def _is_alive(number: int) -> bool:
    try:
        os.kill(number, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:  # another user's process
        return True
    return not (state := _stat(number)) or state[0] not in GONE


def _stat(number: int) -> list[str]:
    """Linux's fields of a process, from its state on: the name before it may contain spaces."""
    try:
        return (PROC / str(number) / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return []


def _answer(*command: str) -> str:
    """The output of a system program; empty if there is no such program."""
    try:
        done = subprocess.run(  # noqa: S603 - our own words
            command, env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}, capture_output=True, timeout=5, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode(errors="replace")


def _word(text: str) -> str:
    """A text as one word of a tag."""
    return "_".join(text.split()) or UNKNOWN
