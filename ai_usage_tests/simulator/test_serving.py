"""Starting and stopping, from Python and from a shell."""

import signal
import socket
import subprocess
import sys
from datetime import UTC, datetime

import httpx
import pytest

from ai_usage.simulator import ADMIN_KEY, Simulator

COMMAND = [sys.executable, "-m", "ai_usage.simulator", "--port"]
PATHS = [
    "v1/organizations/cost_report?starting_at=2026-11-01T00:00:00Z",
    "v1/organizations/usage_report/claude_code?starting_at=2026-11-03",
    "v1/organizations/users",
]
HEADERS = {"x-api-key": ADMIN_KEY, "anthropic-version": "2023-06-01"}


@pytest.mark.usefixtures("_worlds_of_their_own")
def test_two_of_the_same_seed_send_the_same_bytes_and_leave_no_port_open() -> None:
    now = datetime(2026, 11, 20, tzinfo=UTC)
    with Simulator(seed=3, now=now) as one, Simulator(seed=3, now=now) as two:
        for path in PATHS:
            answers = {httpx.get(f"{s.anthropic_url}/{path}", headers=HEADERS).content for s in (one, two)}
            assert len(answers) == 1
    with pytest.raises(httpx.ConnectError):
        httpx.get(one.url)
    one.stop()


def test_a_clock_without_a_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        Simulator(now=datetime(2026, 11, 20)).now()  # noqa: DTZ001 - that is the point


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_prints_its_url_and_serves_until_it_is_stopped(number: signal.Signals) -> None:
    with subprocess.Popen([*COMMAND, "0", "--now", "2026-11-20T00:00:00Z"], stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        url = run.stdout.readline().strip()
        assert httpx.get(f"{url}/anthropic/v1/organizations/me", headers=HEADERS).status_code == 200
        run.send_signal(number)
        assert run.wait(timeout=10) == 0


def test_a_taken_port_is_one_clear_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        run = subprocess.run([*COMMAND, port], capture_output=True, text=True, timeout=20, check=False)
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr == f"The simulator cannot listen on port {port}: Address already in use.\n"
