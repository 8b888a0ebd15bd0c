"""`make backup TO=…`: a checked copy of what no provider sends again, the warehouse, and of what alerts remember, in a
folder of its own below TO. Runs may go on: it waits until no step has the warehouse. Dagster's records of past runs are
not in it: the UI would forget them, the data would not.
"""

import hashlib
import json
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from rich.markup import escape

from ai_usage.alerts.resource import FILE as ALERTS
from ai_usage.catalog import TABLES
from ai_usage.commands.terminal import OUT
from ai_usage.commands.typed import parser
from ai_usage.commands.warehouse_file import warehouse_file
from ai_usage.errors import SettingError, WarehouseError
from ai_usage.places import COMMAND
from ai_usage.settings import Settings
from ai_usage.warehouse.duckdb.engine import DuckDBWarehouse
from ai_usage.warehouse.durable_files import sync
from ai_usage.warehouse.ledger_check import broken_pulls
from ai_usage.warehouse.migrations import VERSION
from ai_usage.warehouse.origin import is_simulated
from ai_usage.warehouse.table import PULLS

WAREHOUSE, FIRST_DAY, MANIFEST = "ai_usage.duckdb", "first_day", "manifest.json"
DAYS = (
    f"select min(activity_date) as a, max(activity_date) as b, count(distinct activity_date) as c from {PULLS.address}"
)


@dataclass(frozen=True)
class Contents:
    """What a warehouse holds, every block of it read."""

    is_simulated: bool | None
    first_day: date | None
    last_day: date | None
    days: int
    rows: dict[str, int]  # by table
    broken: list[str]  # days and snapshots with a newest version that differs in raw from what was pulled

    def __str__(self) -> str:
        kind = {None: "no data", True: "SIMULATED data", False: "REAL data"}[self.is_simulated]
        of = f" of {self.days} days, {self.first_day} to {self.last_day}" if self.days else ""
        return f"{kind}{of}, {sum(self.rows.values()):,} rows in {len(self.rows)} tables"


def run(of: Settings, argv: Sequence[str]) -> int:
    arguments = parser("backup", __doc__)
    arguments.add_argument("to", nargs="?", default="", help="TO, a folder, on another disk best")
    to = arguments.parse_args(argv).to
    if not to:
        raise SettingError(f"Name a folder: {COMMAND} backup TO=/mnt/backups, preferably on another disk.")
    if not of.database.exists():
        raise SettingError(f"Nothing was ever pulled into {of.database}: there is nothing to back up.")
    target = Path(to).expanduser().resolve() / f"ai_usage_{of.now():%Y-%m-%dT%H%M%SZ}"
    with _unfinished(target) as folder:
        found = write(of, folder)
    OUT.print(f"{found}.", soft_wrap=True)
    for what in found.broken:
        OUT.print(f"[yellow]! {escape(what)} was already damaged in the ledger[/]: ledger_is_whole", soft_wrap=True)
    OUT.print(f"Backed up and read back: {target}", soft_wrap=True)
    OUT.print("Not in it: Dagster's records of past runs, pages, exports. Back up .env and the sheet's files yourself.")
    return 1 if found.broken else 0


def write(of: Settings, folder: Path) -> Contents:
    """Copy everything into a folder, read it back, and describe it in a manifest."""
    copy, warehouse = folder / WAREHOUSE, warehouse_file(of)
    with warehouse.connected():
        warehouse.copy_to(copy)
        if digest(copy) != digest(of.database):
            raise WarehouseError(f"{copy} is not what {of.database} is: the disk did not keep what was written.")
    if (alerts := of.dagster_home / ALERTS).exists():
        copy_sqlite(alerts, folder / ALERTS)
    if of.first_day_file.exists():
        shutil.copyfile(of.first_day_file, folder / FIRST_DAY)
    found = contents(copy)
    manifest = {
        "made_at": of.now().isoformat(),
        "shape": VERSION,
        "is_simulated": found.is_simulated,
        "days": [str(found.first_day), str(found.last_day), found.days],
        "rows": found.rows,
        "sha256": {path.name: digest(path) for path in sorted(folder.iterdir())},
    }
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    for path in (*folder.iterdir(), folder):
        path.chmod(0o700 if path.is_dir() else 0o600)
        sync(path)
    return found


def contents(file: Path) -> Contents:
    """The contents of a warehouse's file; `WarehouseError` if any of it cannot be read, or is of a newer release."""
    warehouse = DuckDBWarehouse(file, file, [], _no_clock, is_read_only=True)
    with warehouse.connected() as db:
        there = {f"{schema}.{name}" for schema, name in db.execute(
            "select schema_name, table_name from duckdb_tables() where not internal").fetchall()}  # fmt: skip
        rows = {
            table: db.execute(f"select count(*) as n, max(hash(one)) from {table} as one").fetchall()[0][0]
            for table in sorted(there)
        }
        if PULLS.address not in there:
            raise WarehouseError(f"{file} is no warehouse of ours: {PULLS.address} is not in it.")
        [[first], [last], [days]] = warehouse.ask(DAYS).to_dict(as_series=False).values()
        return Contents(is_simulated(warehouse), first, last, days, rows, _broken(warehouse, there, first, last))


def _broken(warehouse: DuckDBWarehouse, there: set[str], first: date | None, last: date | None) -> list[str]:
    ledgers = [table for table in TABLES if table.is_ledger]
    if not all(table.address in there for table in ledgers):  # of an earlier release
        return []
    pulls = [table.name for table in ledgers]
    found = broken_pulls(warehouse, pulls, first or date.min, last or date.max, with_hashes=True)
    return [
        f"raw/{row['pull']}" + (f" of {row['activity_date']}" if row["activity_date"] else "")
        for row in found.to_dicts()
    ]


def _no_clock() -> Any:
    raise AssertionError("a backup is only read")


def digest(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def copy_sqlite(source: Path, target: Path) -> None:
    """A checked copy of a SQLite file as of one instant, even while others write to it."""
    try:
        with closing(sqlite3.connect(f"{source.as_uri()}?mode=ro", uri=True)) as db, \
                closing(sqlite3.connect(target)) as copy:  # fmt: skip
            db.backup(copy)
            [(found,)] = copy.execute("pragma integrity_check").fetchall()
    except sqlite3.Error as error:
        raise WarehouseError(
            f"{source} cannot be copied ({error}). Delete it: alerts begin anew without it."
        ) from error
    if found != "ok":
        raise WarehouseError(f"{source} is damaged ({found}). Delete it: alerts begin anew without it.")


@contextmanager
def _unfinished(target: Path) -> Iterator[Path]:
    """A folder that is renamed to `target` on success, and deleted otherwise."""
    if target.exists():
        raise SettingError(f"{target} is there already: wait a second.")
    folder = target.with_name(f".{target.name}.unfinished")
    try:
        folder.mkdir(parents=True, mode=0o700)
    except OSError as error:
        raise SettingError(f"{target.parent} cannot be written ({error.strerror}): choose another TO.") from error
    try:
        yield folder
        folder.replace(target)
        sync(target.parent)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
