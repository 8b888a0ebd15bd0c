"""`python -m ai_usage.commands NAME …`: what the Makefile calls. Settles the settings, then loads the command.

Definitions are built from the environment when they are imported, so a command's module is imported last.
"""

import signal

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C during the imports below ends them without a traceback

import gc
import os
import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from importlib import import_module
from pathlib import Path

from rich.markup import escape

from ai_usage.automation.interrupts import heed_a_closed_terminal
from ai_usage.commands.data_folder import end_dead_runs, in_use
from ai_usage.commands.terminal import ERR, OUT
from ai_usage.errors import AiUsageError, SettingError, WarehouseError, interruption
from ai_usage.settings import Settings, environment, read_settings, refuse_a_pretended_clock
from ai_usage.warehouse.durable_files import OWNER_ONLY

NEARLY_NOTHING, LITTLE = 2**20, 2**26  # bytes
IO_ERROR = "disk I/O error"  # in SQLite's words
COMMANDS = (
    *("demo", "backfill", "doctor", "ui", "docs", "sheet_template"),
    *("export_focus", "as_of", "build", "dashboards", "metabase", "reset", "erase_person", "watch", "webserver"),
    *("backup", "restore"),
)
PULL = {"demo", "backfill", "ui"}  # commands that ask vendors for figures, and keep them
ASK = {*PULL, "doctor"}  # commands that ask vendors
RUN = {*PULL, "build", "watch", "backup"}  # commands that `make reset` and `make restore` wait for
NO_RUNS = {"docs", "reset", "restore", "sheet_template", "watch", "webserver"}  # look for no dead runs first


def main(argv: Sequence[str]) -> int:
    """The command's exit code; what the reader can mend is one sentence and exit 2."""
    if not argv or argv[0] not in COMMANDS:
        ERR.print(f"Say one of: {', '.join(COMMANDS)}.")
        return 2
    before = os.umask(OWNER_ONLY)
    try:
        of = command_settings(says_so=argv[0] in ASK)
        with a_full_disk_named(of.data_dir), a_damaged_log_named(of.dagster_home), ExitStack() as held:
            command = import_module(f"ai_usage.commands.{argv[0]}")
            OUT.redact = ERR.redact = pseudonyms(of) if of.has_pseudonyms else str
            gc.freeze()  # what was imported stays: searching it for garbage again takes a quarter of a second
            if argv[0] in PULL:
                refuse_what_cannot_be_pulled(of, is_ui=argv[0] == "ui")
            if argv[0] in RUN:
                held.enter_context(in_use(of))
            if argv[0] not in NO_RUNS:
                end_dead_runs(of)
            return int(command.run(of, argv[1:]))
    except BaseException as error:
        if interruption(error):
            ERR.print("Stopped. What was committed stands: run it again to go on.")
            return 130
        if not isinstance(error, AiUsageError):
            raise
        ERR.print(f"[bold red]Error:[/] {escape(str(error))}", soft_wrap=True)
        return 2
    finally:
        os.umask(before)


def pseudonyms(of: Settings) -> Callable[[str], str]:
    """Replaces every name in what a command prints."""
    from ai_usage.warehouse.duckdb.published_people import redaction  # noqa: PLC0415 - the settings are settled by now

    return redaction(of)


def refuse_what_cannot_be_pulled(of: Settings, *, is_ui: bool) -> None:
    """`AiUsageError` where there is nobody to ask, and where what they answer would join data of the other kind. The UI
    shows what is there, so it needs nobody to ask.
    """
    from ai_usage.warehouse.duckdb.data_origin import data_are_simulated  # noqa: PLC0415 - the settings are settled by now
    from ai_usage.warehouse.origin import mixture  # noqa: PLC0415

    held = data_are_simulated(of)
    if held is not None and held != of.simulate:
        raise mixture(str(of.database), is_simulated=of.simulate)
    refuse_a_pretended_clock(of)
    if not (of.simulate or of.any_source):
        from ai_usage.providers.registry import PROVIDERS  # noqa: PLC0415 - takes a second, and most commands need none

        advice = (
            "No provider is configured, and AI_USAGE_SIMULATE=0 keeps the simulated ones out: set "
            f"{' or '.join(of.source.key_variable for of in PROVIDERS)} in .env (make doctor says what each opens)"
        )
        if not is_ui:
            raise SettingError(f"{advice}. Nothing was pulled.")
        ERR.print(f"[yellow]{advice}. Nothing will be pulled.[/]", soft_wrap=True)


@contextmanager
def a_full_disk_named(folder: Path) -> Iterator[None]:
    """Whatever writes first to a full disk fails in words of its own, Dagster's databases among it: say it plainly."""
    try:
        yield
    except AiUsageError:
        raise
    except Exception as error:
        said = texts(error)
        if folder.exists() and is_full(shutil.disk_usage(folder).free, said):
            raise WarehouseError(
                f"No space left in {folder}. What was committed stands; free some space and run it again."
            ) from error
        if IO_ERROR in said:
            raise WarehouseError(
                f"{folder} cannot be written any more ({IO_ERROR}): a quota is used up, or the disk is broken. "
                "What was committed stands; mend it and run it again."
            ) from error
        raise


def texts(error: BaseException) -> str:
    """What an error says, and those that caused it."""
    said = []
    cause: BaseException | None = error
    while cause:
        said.append(str(cause))
        cause = cause.__cause__ or cause.__context__
    return "\n".join(said)


def is_full(free: int, said: str) -> bool:
    """Whether an error is of a disk without space. A process that breaks off frees some, so what it said counts too:
    SQLite's `IO_ERROR` is of a lack of space where there is little.
    """
    signs = ("database or disk is full", "No space left", *([IO_ERROR] if free < LITTLE else []))
    return free < NEARLY_NOTHING or any(sign in said for sign in signs)


@contextmanager
def a_damaged_log_named(folder: Path) -> Iterator[None]:
    """Dagster's own databases are not the warehouse, which is whole without them: say which of the two is damaged."""
    try:
        yield
    except Exception as error:
        cause: BaseException | None = error
        while cause and not isinstance(cause, sqlite3.DatabaseError):
            cause = cause.__cause__ or cause.__context__
        if not any(sign in str(cause) for sign in ("malformed", "not a database")):
            raise
        raise WarehouseError(
            f"Dagster's records of runs in {folder} are damaged ({cause}). Delete that folder, and leave the warehouse "
            "beside it: the UI forgets past runs, the data stay."
        ) from error


def command_settings(*, says_so: bool = True) -> Settings:
    """The settings, where a machine without any vendor's key gets the built-in vendors."""
    found = read_settings(environment())
    if not found.simulate and not found.any_provider_key and not os.environ.get("AI_USAGE_SIMULATE"):
        os.environ["AI_USAGE_SIMULATE"] = "1"
        found = read_settings(dict(os.environ))
        if says_so:
            OUT.print("[yellow]No provider's key is set: the built-in, simulated providers answer.[/]")
    return found


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)
    heed_a_closed_terminal()
    sys.exit(main(sys.argv[1:]))
