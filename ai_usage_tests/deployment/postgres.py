"""A Postgres server for one test: Debian's server on a Unix socket, in a folder that is deleted with it."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep

import psycopg2  # type: ignore[import-untyped]

USER = "postgres"
BECOME = """import os, pwd, sys
user = pwd.getpwnam(sys.argv[1])
os.setgroups([])
os.setgid(user.pw_gid)
os.setuid(user.pw_uid)
os.execv(sys.argv[2], sys.argv[2:])
"""
PATIENCE = 60.0  # seconds, on a machine that is busy with other tests


def programs() -> Path | None:
    """The folder of `initdb` and `postgres`, if they are installed."""
    on_path = shutil.which("initdb")
    found = [Path(on_path).parent] if on_path else sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    return next((folder for folder in reversed(found) if (folder / "postgres").exists()), None)


def as_its_user(command: list[str]) -> list[str]:
    """Postgres refuses root. A small process changes the user: `subprocess` would copy the memory map of the tests'
    process for this, for which a busy machine may have no memory.
    """
    return [sys.executable, "-S", "-c", BECOME, USER, *command] if os.geteuid() == 0 else command


@dataclass
class Postgres:
    """The server's folder and process."""

    programs: Path
    folder: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The value of DAGSTER_POSTGRES_URL."""
        return f"postgresql+psycopg2://dagster@/postgres?host={self.folder}"

    def start(self) -> None:
        data = str(self.folder / "data")
        command = [
            str(self.programs / "postgres"),
            "-D",
            data,
            "-k",
            str(self.folder),
            "-c",
            "listen_addresses=",
            "-F",
            "-c",
            "jit=off",
        ]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                as_its_user(command), cwd="/", stdout=log, stderr=log, start_new_session=True
            )
        self._wait()

    def _wait(self) -> None:
        give_up = monotonic() + PATIENCE
        while True:
            try:
                psycopg2.connect(host=str(self.folder), user="dagster", dbname="postgres").close()
            except psycopg2.OperationalError:
                assert monotonic() < give_up, (self.folder / "log").read_text(encoding="utf-8", errors="replace")
                sleep(0.05)
            else:
                return

    def kill(self) -> None:
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(PATIENCE)


@contextmanager
def postgres(programs: Path) -> Iterator[Postgres]:
    """A running server, empty."""
    folder = Path(tempfile.mkdtemp(prefix="ai_usage_pg_"))  # short: a socket's path may have about a hundred characters
    made = Postgres(programs, folder)
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, USER)
        command = [str(programs / "initdb"), "-D", str(folder / "data"), "-U", "dagster", "-A", "trust", "--no-sync"]
        subprocess.run(as_its_user(command), cwd="/", check=True, capture_output=True)
        made.start()
        yield made
    finally:
        made.kill()
        shutil.rmtree(folder)
