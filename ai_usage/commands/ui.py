"""`make ui`: the Dagster UI and its daemon on this machine's loopback, over the data that the other commands made."""

import json
import os
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import dagster as dg
from dagster._core.errors import DagsterUserCodeUnreachableError
from dagster._core.remote_origin import ManagedGrpcPythonEnvCodeLocationOrigin
from dagster._core.workspace.load_target import WorkspaceFileTarget
from dagster._grpc.client import DagsterGrpcClient

from ai_usage.commands.data_folder import DAEMON, asked_port, in_use, prepare_instance
from ai_usage.commands.services import Services, together
from ai_usage.commands.terminal import OUT
from ai_usage.commands.typed import parser
from ai_usage.errors import SettingError
from ai_usage.layers import POOL
from ai_usage.places import COMMAND, PACKAGE, SHIPPED
from ai_usage.settings import Settings

LOOPBACK = "127.0.0.1"
# Dagster's services log each sensor tick at INFO. A run logs its own work (dagster.yaml, event_log.py).
QUIET = ("--log-level", "warning")


def run(of: Settings, argv: Sequence[str]) -> int:
    arguments = parser("ui", __doc__)
    arguments.add_argument("--port", default="3000")
    arguments.add_argument("--workspace", type=Path, default=SHIPPED / "workspace.yaml")
    asked = arguments.parse_args(argv)
    port = asked_port(asked.port)
    refuse_a_taken_port(port)
    busy = f"{COMMAND} ui is already running on the data in {of.data_dir}: stop that one first."
    with in_use(of, DAEMON, alone=busy) as held, TemporaryDirectory(prefix="ai_usage_") as folder:
        prepare_instance(of)
        limit_the_pool()
        OUT.print(
            f"Dagster UI: [bold]http://{LOOPBACK}:{port}[/] in ten seconds to a minute (Ctrl-C stops it). "
            "Below: a line for each run that ends, warnings and errors.",
            soft_wrap=True,
        )
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(PACKAGE.parent), os.environ.get("PYTHONPATH")]))
        # They run in the folder of their own dagster.yaml: run from the root, Dagster would warn of the one there.
        with together(str(of.dagster_home), keep_open=[held]) as services:
            workspace = start_code_servers(services, asked.workspace, Path(folder))
            if not services.is_asked_to_stop:
                for name, command in commands(workspace, port).items():
                    services.start(name, command)
            while services.go_on():
                pass
    return 0


def commands(workspace: Path, port: int) -> dict[str, list[str]]:
    """The processes beside the code server: name → command."""
    ours = [sys.executable, "-m", "ai_usage.commands"]
    there = ["--workspace", str(workspace)]
    return {
        "webserver": [*ours, "webserver", "--host", LOOPBACK, "--port", str(port), *there],
        "daemon": [sys.executable, "-m", "dagster._daemon", "run", *QUIET, *there],
        "watchdog": [*ours, "watch"],
    }


def start_code_servers(services: Services, workspace: Path, folder: Path) -> Path:
    """Start a code server for each location of a workspace file, and write one that points to them. Only we
    can read the folder, so only we can connect to their sockets.
    """
    found = []
    for number, origin in enumerate(WorkspaceFileTarget([str(workspace)]).create_origins()):
        if not isinstance(origin, ManagedGrpcPythonEnvCodeLocationOrigin):
            raise SettingError(f"{workspace} names a code server; {COMMAND} ui starts its own, of a module or file.")
        at = str(folder / f"{number}.sock")
        dagster = [sys.executable, "-m", "dagster", "code-server", "start", "--socket", at, *QUIET]
        of = ["--location-name", origin.location_name, *origin.loadable_target_origin.get_cli_args()]
        services.start(f"code server of {origin.location_name}", [*dagster, *of])
        found.append({"grpc_server": {"socket": at, "location_name": origin.location_name}})
    for server in found:
        client = DagsterGrpcClient(socket=server["grpc_server"]["socket"])
        while services.go_on() and not _answers(client):
            pass
    file = folder / "workspace.yaml"
    file.write_text(json.dumps({"load_from": found}), encoding="utf-8")  # which is YAML, too
    return file


def _answers(client: DagsterGrpcClient) -> bool:
    try:
        client.ping("")
    except DagsterUserCodeUnreachableError:
        return False
    return True


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
                f"stop what has it, or choose another: {COMMAND} ui PORT={port + 1 if 1024 <= port < 65535 else 3001}."
            ) from error
