"""Prepares the data folder: its Dagster instance, its locks, and the runs that died in it."""

import fcntl
import logging
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.markup import escape

from ai_usage.commands.terminal import ERR
from ai_usage.errors import AiUsageError, SettingError, WarehouseError
from ai_usage.places import SHIPPED
from ai_usage.settings import Settings
from ai_usage.warehouse.durable_files import FULL

USERS = ".in_use"  # locked, shared, while a command works on the data folder
DAEMON = ".ui"  # locked by the one `make ui`
RESERVE = ".reserve"  # space for recording that a run failed, in case of a full disk
RESERVED = 2**20  # bytes


def prepare_instance(of: Settings) -> None:
    """Make the data folder and the Dagster home in it; later processes find it through DAGSTER_HOME."""
    with _writing_in(of.data_dir):
        make_data_dir(of)
        of.dagster_home.mkdir(parents=True, exist_ok=True)
        if not of.has_postgres:
            shutil.copyfile(SHIPPED / "dagster.yaml", of.dagster_home / "dagster.yaml")
        (of.data_dir / RESERVE).write_bytes(bytes(RESERVED))
        if of.is_start_remembered and not of.first_day_file.exists():
            of.first_day_file.write_text(f"{of.start_date}\n", encoding="utf-8")
    use_instance(of)


def has_instance(of: Settings) -> bool:
    """Whether there may be runs of an earlier process."""
    return of.has_postgres or (of.dagster_home / "dagster.yaml").exists()


def end_dead_runs(of: Settings) -> None:
    """Mark runs as failed if their process is gone, and print them. If Dagster's records cannot be used, that is
    printed and the command goes on: it may not need them.
    """
    if not has_instance(of):
        return
    import dagster as dg  # noqa: PLC0415 - takes a second, and Ctrl-C must work before

    from ai_usage.automation.dead_runs import end_the_dead  # noqa: PLC0415

    use_instance(of)
    try:
        with dg.DagsterInstance.get() as instance:
            for run in end_the_dead(instance):
                ERR.print(f"[yellow]A run of {run.job_name} had died and is marked as failed.[/]", soft_wrap=True)
    except Exception as error:  # noqa: BLE001 - of any storage
        why = escape(f"{type(error).__name__}: {next(iter(str(error).splitlines()), '')}")
        ERR.print(f"[yellow]Dagster's records of runs cannot be read or written ({why}).[/]", soft_wrap=True)


def use_instance(of: Settings) -> None:
    """Let Dagster find its home in the data folder, without a log line for each run that ends: a command prints the
    outcome of its own run. With its records in Postgres, its home is the deployment's.
    """
    if not of.has_postgres:
        os.environ["DAGSTER_HOME"] = str(of.dagster_home)
    elif not (Path(os.environ.get("DAGSTER_HOME") or os.devnull) / "dagster.yaml").is_file():
        raise SettingError(
            "DAGSTER_POSTGRES_URL is set, so DAGSTER_HOME must be a folder with a dagster.yaml that uses it, such as "
            "the folder deploy of this project."
        )
    logging.getLogger("ai_usage.runs").setLevel(logging.CRITICAL)


def asked_port(text: str) -> int:
    """The port that a person typed; `SettingError` if it is none."""
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 2**16):
        raise SettingError(f"PORT={text} is not a port; write a number from 1024 to 65535, such as PORT=3000.")
    return int(text)


def make_data_dir(of: Settings) -> None:
    """Make the data folder, accessible to its owner only. An existing one stays as it is, except that the group that
    may read the published copy, if set, must be able to pass through it.
    """
    if not of.data_dir.exists():
        of.data_dir.mkdir(parents=True, mode=0o700)
        of.data_dir.chmod(of.data_dir_mode)
    elif of.is_published_for_group and not of.data_dir.stat().st_mode & stat.S_IXGRP:
        of.data_dir.chmod(stat.S_IMODE(of.data_dir.stat().st_mode) | stat.S_IXGRP)


@contextmanager
def in_use(of: Settings, name: str = USERS, *, alone: str = "") -> Iterator[int]:
    """Hold the data folder, so that `make reset` waits for us. With `alone` no other process may hold it: if one does,
    `alone` is the error's message. A process that inherits the descriptor holds the folder too, until it ends.
    """
    with _writing_in(of.data_dir):
        make_data_dir(of)
        file = os.open(of.data_dir / name, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB if alone else fcntl.LOCK_SH)
        except BlockingIOError:
            raise WarehouseError(alone) from None
        yield file
    finally:
        os.close(file)


@contextmanager
def _writing_in(folder: Path) -> Iterator[None]:
    try:
        yield
    except AiUsageError:
        raise
    except OSError as error:
        if error.errno in FULL:
            raise WarehouseError(f"No space left in {folder}. Free some space and run it again.") from error
        raise WarehouseError(
            f"{folder} cannot be written ({error.strerror}). Set AI_USAGE_DATA_DIR to a folder you may write."
        ) from error
