"""`make ui`: the Dagster UI and its daemon on this machine's loopback, over the data that the other commands made."""

import argparse
import os
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

import dagster as dg

from ai_usage.commands.shell import DAEMON, OUT, in_use, prepare_instance
from ai_usage.errors import SettingError
from ai_usage.layers import POOL
from ai_usage.settings import ROOT, Settings

LOOPBACK = "127.0.0.1"


def run(of: Settings, argv: Sequence[str]) -> int:
    arguments = argparse.ArgumentParser(prog="make ui", description=__doc__)
    arguments.add_argument("--port", default="3000")
    port = asked_port(arguments.parse_args(argv).port)
    refuse_a_taken_port(port)
    prepare_instance(of)
    with in_use(of, DAEMON, alone=f"make ui is already running on the data in {of.data_dir}: stop that one first."):
        limit_the_pool()
        OUT.print(
            f"Dagster UI: [bold]http://{LOOPBACK}:{port}[/] in about ten seconds (Ctrl-C stops it). "
            "Below: a line for each run that ends, warnings and errors.",
            soft_wrap=True,
        )
        _become_dagster(of, port)
    return 0


def _become_dagster(of: Settings, port: int) -> None:
    os.chdir(of.dagster_home)  # beside its own dagster.yaml: run from the root, Dagster would warn of the one there
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    os.environ["PYTHONWARNINGS"] = "ignore:Function `dev_command` is superseded"
    dagster = str(Path(sys.executable).parent / "dagster")
    # Replaces this process, so that Ctrl-C and SIGTERM reach dagster's own supervisor of webserver and daemon.
    # Its services log at INFO each look of each sensor: what a run did is told by the run (dagster.yaml, event_log.py).
    quiet = ["--log-level", "warning"]
    workspace = str(ROOT / "workspace.yaml")
    os.execv(dagster, [dagster, "dev", "-w", workspace, "-h", LOOPBACK, "-p", str(port), *quiet])  # noqa: S606


def asked_port(text: str) -> int:
    """The port that a person typed; `SettingError` if it is none."""
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 2**16):
        raise SettingError(f"PORT={text} is not a port; write a number from 1024 to 65535, such as PORT=3000.")
    return int(text)


def limit_the_pool() -> None:
    """Make the pool's limit known before the first run: the queue's very first pass does not see the default yet."""
    with dg.DagsterInstance.get() as instance:
        instance.event_log_storage.set_concurrency_slots(POOL, 1)


def refuse_a_taken_port(port: int) -> None:
    """`SettingError` if another program listens on the port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            raise SettingError(
                f"Port {port} on {LOOPBACK} cannot be used ({error.strerror}); "
                f"stop what has it, or choose another: make ui PORT={port + 1 if 1024 <= port < 65535 else 3001}."
            ) from error
