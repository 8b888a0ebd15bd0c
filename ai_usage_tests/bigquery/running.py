"""The tests' side of the emulator: starts it, waits for it, and opens each warehouse in a separate project."""

import secrets
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from google.cloud import bigquery

from ai_usage.places import ROOT
from ai_usage.warehouse.bigquery.client import BigQueryAt
from ai_usage.warehouse.bigquery.engine import BigQueryWarehouse
from ai_usage.warehouse.bigquery.jobs import Jobs
from ai_usage.warehouse.table import Table
from ai_usage_tests import staying_open

ENVIRONMENT = ROOT / ".venv-bigquery"
SCRIPT = Path(__file__).with_name("emulator.py")
NOT_READY = f"The emulator is not set up in {ENVIRONMENT.name}: run `make test`, which does that before the tests."
STARTS_WITHIN = 60.0


def now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Emulator:
    """A running emulator."""

    host: str
    _open: list[object] = field(default_factory=list)

    def client(self, project: str = "") -> bigquery.Client:
        """A client of an empty project, or of the named one."""
        given = project or f"p-{secrets.token_hex(4)}"
        lent = BigQueryAt(project=given, location="US", emulator_host=self.host).get_client()
        self._open.append(lent)
        return lent.__enter__()

    def warehouse(
        self, tables: Sequence[Table], *, project: str = "", clock: Callable[[], datetime] = now, **more: object
    ) -> BigQueryWarehouse:
        jobs = Jobs(self.client(project), max_bytes_billed=10**10, wait=0.01)
        return BigQueryWarehouse(jobs, tables, clock, **more)  # type: ignore[arg-type]


def is_ready() -> bool:
    return (ENVIRONMENT / "ready").exists()


@contextmanager
def emulator(*left_out: str) -> Iterator[Emulator]:
    """An empty emulator, without the patches in `left_out`."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [ENVIRONMENT / "bin" / "python", SCRIPT, str(port), *left_out],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    staying_open.looks_at_nothing(process)
    try:
        _wait(process, port)
        yield Emulator(f"http://127.0.0.1:{port}")
    finally:
        process.terminate()
        process.communicate(timeout=30)


def _wait(process: "subprocess.Popen[str]", port: int) -> None:
    give_up = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < give_up:
        if process.poll() is not None:
            raise RuntimeError(f"the emulator ended with {process.returncode}: {process.communicate()[1]}")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"the emulator did not start within {STARTS_WITHIN:.0f} s")
