"""`make restore FROM=…`: puts a backup, or a single copy of the warehouse, in the warehouse's place. The backup is read
whole before anything is touched; it asks first, and keeps what was there beside it under another name.
"""

import json
import shutil
from collections.abc import Sequence
from io import FileIO
from pathlib import Path

from rich.markup import escape

from ai_usage.alerts.resource import FILE as ALERTS
from ai_usage.commands.backup import FIRST_DAY, MANIFEST, WAREHOUSE, contents, copy_sqlite, digest
from ai_usage.commands.data_folder import in_use, prepare_instance
from ai_usage.commands.reset import refuse_a_busy_warehouse
from ai_usage.commands.terminal import ERR, OUT
from ai_usage.commands.typed import parser
from ai_usage.commands.warehouse_file import warehouse_file
from ai_usage.errors import SettingError, WarehouseError
from ai_usage.places import COMMAND
from ai_usage.settings import Settings
from ai_usage.warehouse.durable_files import copy_whole, sync

ASIDE = "before_restore"


def run(of: Settings, argv: Sequence[str]) -> int:
    arguments = parser("restore", __doc__)
    arguments.add_argument("source", nargs="?", default="", help="FROM, the folder of a backup, or a DuckDB file")
    arguments.add_argument("--yes", action="store_true", help="do not ask (YES=1)")
    asked = arguments.parse_args(argv)
    source, file = _found(asked.source)
    refuse_what_changed(file.parent if source.is_dir() else None)
    found = contents(file)
    OUT.print(f"{file} holds {found}.", soft_wrap=True)
    busy = f"A command is working in {of.data_dir}, or {COMMAND} ui is: stop it first. Nothing was changed."
    with in_use(of, alone=busy):
        refuse_a_busy_warehouse(of)
        if of.database.exists() and not (asked.yes or _is_wanted(of)):
            ERR.print("Nothing was changed.")
            return 2
        kept = put_in_place(of, file)
        if source.is_dir():
            _put_the_rest_in_place(of, source)
        prepare_instance(of)
        warehouse_file(of).publish()
    if kept:
        OUT.print(f"What was there is kept as {escape(kept.name)}: delete it when all is well.", soft_wrap=True)
    OUT.print(
        f"Restored and published. Days that came since are pulled by {COMMAND} ui, or {COMMAND} backfill FROM=… TO=…"
    )
    return 0


def put_in_place(of: Settings, file: Path) -> Path | None:
    """Makes the file the warehouse. Keeps the old file beside it and returns its new name."""
    fresh = of.database.with_name(f"{of.database.name}.restored")
    with FileIO(file) as source:
        copy_whole(source, fresh, mode=0o600)
    kept = None
    if of.database.exists():
        kept = of.database.with_name(f"{of.database.name}.{ASIDE}_{of.now():%Y-%m-%dT%H%M%SZ}")
        if kept.exists():
            raise SettingError(f"{kept} is there already: move it away first. Nothing was changed.")
        for end in (".wal", ""):  # DuckDB finds a log by its file's name
            old = of.database.with_name(of.database.name + end)
            if old.exists():
                old.replace(kept.with_name(kept.name + end))
    fresh.replace(of.database)
    sync(of.data_dir)
    return kept


def refuse_what_changed(folder: Path | None) -> None:
    """`WarehouseError` if a file of a backup was changed since it was written."""
    if folder is None or not (folder / MANIFEST).is_file():
        return
    for name, expected in json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["sha256"].items():
        path = folder / name
        if not path.is_file() or digest(path) != expected:
            raise WarehouseError(f"{path} differs from what the backup wrote: take another one. Nothing was changed.")


def _found(text: str) -> tuple[Path, Path]:
    """The path that a person typed, and the warehouse's file there."""
    if not text:
        raise SettingError(f"Name a backup: {COMMAND} restore FROM=/mnt/backups/ai_usage_2026-11-05T060000Z")
    source = Path(text).expanduser().resolve()
    file = source / WAREHOUSE if source.is_dir() else source
    if not file.is_file():
        raise SettingError(f"{source} is no backup: there is no {file}.")
    return source, file


def _put_the_rest_in_place(of: Settings, source: Path) -> None:
    if (source / FIRST_DAY).is_file():
        shutil.copyfile(source / FIRST_DAY, of.first_day_file)
    if (source / ALERTS).is_file():
        of.dagster_home.mkdir(parents=True, exist_ok=True)
        copy_sqlite(source / ALERTS, of.dagster_home / ALERTS)


def _is_wanted(of: Settings) -> bool:
    try:
        there = str(contents(of.database))
    except WarehouseError as error:
        there = f"a warehouse that cannot be read ({error})"
    OUT.print(f"{of.database} holds {there}. It would be kept under another name.", soft_wrap=True)
    try:
        return OUT.input("Restore over it? [y/N] ").strip().lower() in {"y", "yes"}
    except EOFError:
        OUT.print()
        ERR.print(f"No one answered. In a script: {COMMAND} restore FROM=… YES=1")
        return False
