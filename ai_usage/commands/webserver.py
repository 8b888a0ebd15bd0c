"""The Dagster UI as a process of its own, for a deployment: what `make ui` starts beside the daemon."""

import os
from collections.abc import Sequence
from pathlib import Path

from ai_usage.commands.data_folder import asked_port, prepare_instance
from ai_usage.commands.typed import parser
from ai_usage.places import SHIPPED
from ai_usage.settings import Settings
from ai_usage.webserver.requests import Site
from ai_usage.webserver.server import serve

WORKSPACE = SHIPPED / "workspace.yaml"


def run(of: Settings, argv: Sequence[str]) -> int:
    arguments = parser("webserver", __doc__, add_help=False)
    # The options of `dagster-webserver`: there -h is the host.
    arguments.add_argument("--help", action="help")
    arguments.add_argument(
        "-h", "--host", default="127.0.0.1", help="the address to listen on, behind a proxy with a login"
    )
    arguments.add_argument("-p", "--port", default="3000")
    arguments.add_argument(
        "--path-prefix", default="", help="where a proxy serves the UI below a path, such as /dagster"
    )
    arguments.add_argument("-w", "--workspace", type=Path, default=WORKSPACE, help="where the code servers are")
    asked = arguments.parse_args(argv)
    if not os.environ.get("DAGSTER_HOME"):
        prepare_instance(of)
    serve(
        Site.of(of),
        workspace=asked.workspace,
        host=asked.host,
        port=asked_port(asked.port),
        path_prefix=asked.path_prefix,
    )
    return 0
