"""`ai-usage NAME …`, and `python -m ai_usage.commands NAME …`, which make calls. Reads the settings, then loads the
command.

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

from ai_usage.automation.interrupts import heed_a_closed_terminal, raise_what_destructors_drop
from ai_usage.commands.data_folder import end_dead_runs, in_use
from ai_usage.commands.terminal import ERR, OUT
from ai_usage.commands.typed import command_line, overview
from ai_usage.errors import AiUsageError, SettingError, WarehouseError, interruption
from ai_usage.places import COMMAND, HOME, ROOT
from ai_usage.settings import Settings, environment, read_settings, refuse_a_pretended_clock
from ai_usage.warehouse.durable_files import OWNER_ONLY

NEARLY_NOTHING, LITTLE = 2**20, 2**26  # bytes
IO_ERROR = "disk I/O error"  # in SQLite's words
PULL = {"demo", "backfill", "ui"}  # commands that pull from providers
ASK = {*PULL, "doctor"}  # commands that send requests to providers
RUN = {*PULL, "build", "close", "reopen", "watch", "backup"}  # commands that `make reset` and `make restore` wait for
# Commands that look for no dead runs first.
NO_RUNS = {
    "bigquery_check",
    "bigquery_setup",
    "docs",
    "reset",
    "restore",
    "sheet_template",
    "test_alert",
    "watch",
    "webserver",
}


def main(typed: Sequence[str]) -> int:
    """The command's exit code; an error that the reader can fix is one sentence and exit code 2."""
    if not typed or typed[0] in {"-h", "--help", "help"}:
        OUT.print(overview(), markup=False, soft_wrap=True)
        return 0 if typed else 2
    before = os.umask(OWNER_ONLY)
    try:
        argv = command_line(typed)
        os.environ[HOME] = str(ROOT)  # for the processes that it starts, in any folder
        of = command_settings(is_announced=argv[0] in ASK and not {"-h", "--help"} & {*argv})
        with a_full_disk_named(of.data_dir), a_damaged_log_named(of.dagster_home), ExitStack() as held:
            from ai_usage.commands.file_only import refuse_without_a_file  # noqa: PLC0415 - takes half a second

            command = import_module(f"ai_usage.commands.{argv[0]}")
            OUT.redact = ERR.redact = pseudonyms(of) if of.has_pseudonyms else str
            gc.freeze()  # imported objects stay alive: scanning them for garbage again takes a quarter of a second
            refuse_without_a_file(of, argv[0])
            if argv[0] in PULL:
                refuse_what_cannot_be_pulled(of, is_ui=argv[0] == "ui")
            if argv[0] in RUN:
                held.enter_context(in_use(of))
            if argv[0] not in NO_RUNS:
                end_dead_runs(of)
            return int(command.run(of, argv[1:]))
    except BaseException as error:
        if interruption(error):
            ERR.print("Stopped. What was committed is kept: run it again to continue.")
            return 130
        if not isinstance(error, AiUsageError):
            raise
        ERR.print(f"[bold red]Error:[/] {escape(str(error))}", soft_wrap=True)
        return 2
    finally:
        os.umask(before)


def pseudonyms(of: Settings) -> Callable[[str], str]:
    """Replaces every name in what a command prints."""
    from ai_usage.warehouse.published_people import redaction  # noqa: PLC0415 - the settings are settled by now

    return redaction(of)


def refuse_what_cannot_be_pulled(of: Settings, *, is_ui: bool) -> None:
    """`AiUsageError` if no provider is configured, or if simulated data would join real data or the reverse. The UI
    shows what is there, so it needs no provider.
    """
    from ai_usage.warehouse.data_origin import data_are_simulated  # noqa: PLC0415 - the settings are settled by now
    from ai_usage.warehouse.ledger import ANOTHER_FOLDER, ANOTHER_PROJECT, mixture  # noqa: PLC0415
    from ai_usage.warehouse.open import place_of  # noqa: PLC0415

    held = data_are_simulated(of)
    if held is not None and held != of.simulate:
        elsewhere = ANOTHER_PROJECT if of.is_bigquery else ANOTHER_FOLDER
        raise mixture(place_of(of), is_simulated=of.simulate, elsewhere=elsewhere)
    refuse_a_pretended_clock(of)
    if not (of.simulate or of.any_source):
        from ai_usage.providers.registry import PROVIDERS  # noqa: PLC0415 - takes a second, and most commands need none

        advice = (
            "No provider is configured, and AI_USAGE_SIMULATE=0 keeps the simulated ones out: set "
            f"{' or '.join(of.source.key_variable for of in PROVIDERS)} in .env "
            f"({COMMAND} doctor lists what each can read)"
        )
        if not is_ui:
            raise SettingError(f"{advice}. Nothing was pulled.")
        ERR.print(f"[yellow]{advice}. Nothing will be pulled.[/]", soft_wrap=True)


@contextmanager
def a_full_disk_named(folder: Path) -> Iterator[None]:
    """Turns the different errors that writers raise on a full disk, Dagster's databases included, into one clear
    error.
    """
    try:
        yield
    except AiUsageError:
        raise
    except Exception as error:
        messages = texts(error)
        if folder.exists() and is_full(shutil.disk_usage(folder).free, messages):
            raise WarehouseError(
                f"No space left in {folder}. What was committed is kept; free some space and run it again."
            ) from error
        if IO_ERROR in messages:
            raise WarehouseError(
                f"{folder} cannot be written any more ({IO_ERROR}): a quota is used up, or the disk is broken. "
                "What was committed is kept; fix it and run it again."
            ) from error
        raise


def texts(error: BaseException) -> str:
    """The messages of an error and of those that caused it."""
    messages = []
    cause: BaseException | None = error
    while cause:
        messages.append(str(cause))
        cause = cause.__cause__ or cause.__context__
    return "\n".join(messages)


def is_full(free: int, messages: str) -> bool:
    """Whether a full disk caused an error. A process that fails may free some space, so its messages count too:
    SQLite's `IO_ERROR` means a full disk if there is little space.
    """
    signs = ("database or disk is full", "No space left", *([IO_ERROR] if free < LITTLE else []))
    return free < NEARLY_NOTHING or any(sign in messages for sign in signs)


@contextmanager
def a_damaged_log_named(folder: Path) -> Iterator[None]:
    """Turns errors of damaged Dagster databases into one that names them. The warehouse does not need them."""
    try:
        yield
    except Exception as error:
        cause: BaseException | None = error
        while cause and not isinstance(cause, sqlite3.DatabaseError):
            cause = cause.__cause__ or cause.__context__
        if not any(sign in str(cause) for sign in ("malformed", "not a database")):
            raise
        raise WarehouseError(
            f"Dagster's records of runs in {folder} are damaged ({cause}). Delete that folder, but not the "
            "warehouse beside it: the UI loses past runs, the data stay."
        ) from error


def command_settings(*, is_announced: bool = True) -> Settings:
    """The settings. Without any provider's key the built-in, simulated providers are used."""
    found = read_settings(environment(ROOT / ".env"))
    if not found.simulate and not found.any_provider_key and not os.environ.get("AI_USAGE_SIMULATE"):
        os.environ["AI_USAGE_SIMULATE"] = "1"
        found = read_settings(dict(os.environ))
        if is_announced:
            OUT.print("[yellow]No provider's key is set: the built-in, simulated providers answer.[/]")
    return found


def start() -> int:
    """The entry point of the process."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    heed_a_closed_terminal()
    raise_what_destructors_drop()
    return main(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(start())
