"""Processes that run together end together, with the processes that they started."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ai_usage.commands import services as module
from ai_usage.commands.services import STOPS, ServiceEnded, Services, together
from ai_usage.places import ROOT

PATIENCE = 60.0  # seconds, on a machine that is busy with other tests
WITH_A_CHILD = """
import os, signal, subprocess, sys, time
if sys.argv[2:]: signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
with open(sys.argv[1] + ".new", "w") as file: file.write(f"{os.getpid()} {child.pid}")
os.replace(sys.argv[1] + ".new", sys.argv[1])
time.sleep(600)
"""


def until(is_so: Callable[[], bool], within: float = PATIENCE) -> None:
    end = time.monotonic() + within
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.05)


def runs(pid: int) -> bool:
    """Whether it runs; a zombie only waits for its parent."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def command(file: Path, *more: str) -> list[str]:
    return [sys.executable, "-c", WITH_A_CHILD, str(file), *more]


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at processes in /proc")
@pytest.mark.parametrize("number", STOPS)
def test_ctrl_c_sigterm_and_a_closed_terminal_leave_no_process_behind(tmp_path: Path, number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with together(str(tmp_path)) as services:
        for name in ("one", "two"):
            services.start(name, command(tmp_path / name))
        until(lambda: {"one", "two"} <= {file.name for file in tmp_path.iterdir()})
        assert services.go_on()
        os.kill(os.getpid(), number)
        assert not services.go_on()
    pids = [int(pid) for name in ("one", "two") for pid in (tmp_path / name).read_text(encoding="ascii").split()]
    assert len(pids) == 4
    until(lambda: not any(map(runs, pids)))
    assert signal.getsignal(number) == before


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at processes in /proc")
def test_what_does_not_end_when_asked_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TIME_TO_STOP", 0.5)
    with together(str(tmp_path)) as services:
        services.start("deaf one", command(tmp_path / "pids", "is deaf"))
        until((tmp_path / "pids").exists)
    pids = [int(pid) for pid in (tmp_path / "pids").read_text(encoding="ascii").split()]
    until(lambda: not any(map(runs, pids)))


@pytest.mark.parametrize(
    ("last_words", "how"), [("sys.exit(3)", "exit code 3"), ("os.kill(os.getpid(), 9)", "signal SIGKILL")]
)
def test_one_that_ends_by_itself_is_named_and_ends_the_others(tmp_path: Path, last_words: str, how: str) -> None:
    ended: list[Services] = []

    def run() -> None:
        with together("/") as services:
            ended.append(services)
            services.start("daemon", command(tmp_path / "pids"))
            services.start("webserver", [sys.executable, "-c", f"import os, sys; {last_words}"])
            until(lambda: not services.go_on())

    with pytest.raises(ServiceEnded, match=f"The webserver has ended by itself \\({how}\\)"):
        run()
    assert all(process.returncode is not None for process in ended[0].processes.values())


def test_a_terminal_that_closes_ends_nothing_that_was_started_to_outlive_it() -> None:
    """Like nohup."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with together("/") as services:
            os.kill(os.getpid(), signal.SIGHUP)
            assert services.go_on()
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at processes in /proc")
def test_a_supervisor_that_is_killed_leaves_no_process_behind(tmp_path: Path) -> None:
    body = f"""
from ai_usage.commands.services import together
with together({str(tmp_path)!r}) as services:
    services.start("one", {command(tmp_path / "pids")!r})
    while services.go_on():
        pass
"""
    supervisor = subprocess.Popen([sys.executable, "-c", body], cwd=ROOT)
    until((tmp_path / "pids").exists)
    supervisor.kill()
    assert supervisor.wait(PATIENCE) == -signal.SIGKILL
    pids = [int(pid) for pid in (tmp_path / "pids").read_text(encoding="ascii").split()]
    until(lambda: not any(map(runs, pids)))
