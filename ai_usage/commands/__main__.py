"""`python -m ai_usage.commands NAME …`: what the Makefile calls. Settles the settings, then loads the command.

Definitions are built from the environment when they are imported, so a command's module is imported last.
"""

import gc
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

from dotenv import load_dotenv
from rich.markup import escape

from ai_usage.commands.shell import ERR, OUT
from ai_usage.errors import AiUsageError, WarehouseError
from ai_usage.settings import ROOT, Settings, read_settings

NEARLY_NOTHING = 2**20  # bytes
COMMANDS = (
    *("demo", "backfill", "doctor", "ui", "bench", "docs", "sheet_template"),
    *("export_focus", "as_of", "build", "dashboards", "metabase"),
)


def main(argv: Sequence[str]) -> int:
    """The command's exit code; what the reader can mend is one sentence and exit 2."""
    if not argv or argv[0] not in COMMANDS:
        ERR.print(f"Say one of: {', '.join(COMMANDS)}.")
        return 2
    try:
        of = command_settings()
        with a_full_disk_named(of.data_dir):
            command = import_module(f"ai_usage.commands.{argv[0]}")
            gc.freeze()  # what was imported stays: searching it for garbage again takes a quarter of a second
            return int(command.run(of, argv[1:]))
    except AiUsageError as error:
        ERR.print(f"[bold red]Error:[/] {escape(str(error))}", soft_wrap=True)
        return 2
    except KeyboardInterrupt:
        return 130


@contextmanager
def a_full_disk_named(folder: Path) -> Iterator[None]:
    """Whatever writes first to a full disk fails in words of its own, Dagster's databases among it: say it plainly."""
    try:
        yield
    except AiUsageError:
        raise
    except Exception as error:
        if folder.exists() and shutil.disk_usage(folder).free < NEARLY_NOTHING:
            raise WarehouseError(
                f"No space left in {folder}. What was committed stands; free some space and run it again."
            ) from error
        raise


def command_settings() -> Settings:
    """The settings, where a machine without any vendor's key gets the built-in vendors."""
    load_dotenv(ROOT / ".env")
    found = read_settings(dict(os.environ))
    if not found.simulate and not found.any_vendor_key and not os.environ.get("AI_USAGE_SIMULATE"):
        os.environ["AI_USAGE_SIMULATE"] = "1"
        found = read_settings(dict(os.environ))
        OUT.print("[yellow]No vendor key is set: the built-in, simulated vendors answer.[/]")
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
