"""`python -m bench`: reads the settings, then measures."""

import os
import sys

from rich.markup import escape

from ai_usage.commands.__main__ import command_settings
from ai_usage.commands.terminal import ERR
from ai_usage.errors import AiUsageError
from ai_usage.warehouse.durable_files import OWNER_ONLY

if __name__ == "__main__":
    os.umask(OWNER_ONLY)
    try:
        of = command_settings(is_announced="--worker" not in sys.argv)
        from bench.figures import run  # definitions are built from the settings when they are imported

        sys.exit(run(of, sys.argv[1:]))
    except AiUsageError as error:
        ERR.print(f"[bold red]Error:[/] {escape(str(error))}", soft_wrap=True)
        sys.exit(2)
