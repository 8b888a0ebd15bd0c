"""Processes that run together until a person or the system stops them: if one ends by itself, all end.

Each has its own process group with all its children, including runs. A signal for this process (Ctrl-C, SIGTERM, a
closed terminal) reaches them only through `stop`, so that none is left behind. If this process is killed, a guard ends
them: this module as a program, which reads the groups and then the end of its input.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from types import FrameType

from ai_usage.errors import AiUsageError
from ai_usage.places import PACKAGE

LOOK_EVERY = 0.2  # seconds
TIME_TO_STOP = 15.0  # seconds
STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class ServiceEnded(AiUsageError):
    """A process that should run until it is stopped has ended."""


@dataclass
class Services:
    """The started processes, by name. Each inherits the descriptors in `keep_open`."""

    cwd: str
    guard: subprocess.Popen[str]
    keep_open: Sequence[int] = ()
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    is_asked_to_stop: bool = False

    def start(self, name: str, command: Sequence[str]) -> None:
        self.processes[name] = subprocess.Popen(  # noqa: S603 - our own commands
            command, cwd=self.cwd, stdin=subprocess.DEVNULL, pass_fds=self.keep_open, start_new_session=True
        )
        print(self.processes[name].pid, file=self.guard.stdin, flush=True)

    def go_on(self) -> bool:
        """Wait a moment; false if they should stop. `ServiceEnded` if one has ended by itself."""
        time.sleep(LOOK_EVERY)
        for name, process in self.processes.items():
            if process.poll() is not None and not self.is_asked_to_stop:
                raise ServiceEnded(
                    f"The {name} has ended by itself ({_how(process.returncode)}); the rest was stopped."
                )
        return not self.is_asked_to_stop

    def stop(self) -> None:
        """End them all, and what they started."""
        end([process.pid for process in self.processes.values()], self._reap)
        for process in self.processes.values():
            process.wait()
        self.guard.kill()
        self.guard.communicate()

    def _reap(self) -> None:
        for process in self.processes.values():
            process.poll()  # else it would stay as a zombie, and its group with it

    def _ask_to_stop(self, _number: int, _frame: FrameType | None) -> None:
        self.is_asked_to_stop = True


@contextmanager
def together(cwd: str, keep_open: Sequence[int] = ()) -> Iterator[Services]:
    """Services that end with the block. Signals to stop do not interrupt it: `go_on` is set when one comes."""
    guard = subprocess.Popen(
        [sys.executable, "-m", "ai_usage.commands.services"],
        cwd=PACKAGE.parent,
        stdin=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    services = Services(cwd, guard, keep_open)
    before = {number: signal.getsignal(number) for number in STOPS}
    try:
        for number in STOPS:
            if before[number] != signal.SIG_IGN:  # as nohup leaves SIGHUP
                signal.signal(number, services._ask_to_stop)  # noqa: SLF001 - its own, where it is made
        yield services
    finally:
        services.stop()
        for number, handler in before.items():
            signal.signal(number, handler)


def end(groups: list[int], reap: Callable[[], None]) -> None:
    """Ask process groups to end, and kill those that have not ended after a while. A run that is stopped so records
    that it failed.
    """
    groups = _signal(groups, signal.SIGTERM)
    latest = time.monotonic() + TIME_TO_STOP
    while groups and time.monotonic() < latest:
        time.sleep(LOOK_EVERY)
        reap()
        groups = _signal(groups, 0)
    _signal(groups, signal.SIGKILL)


def _signal(groups: list[int], number: int) -> list[int]:
    """Send a signal to these process groups. Returns those that still exist."""
    there = []
    for group in groups:
        with suppress(ProcessLookupError, PermissionError):  # the latter of a group of zombies on macOS
            os.killpg(group, number)
            there.append(group)
    return there


def _how(code: int) -> str:
    return f"exit code {code}" if code >= 0 else f"signal {signal.Signals(-code).name}"


if __name__ == "__main__":
    end([int(line) for line in sys.stdin], lambda: None)
