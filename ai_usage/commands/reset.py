"""`make reset`: deletes what the other commands made in the data folder, so that they start afresh. It asks first."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from rich.markup import escape

from ai_usage.commands.as_of import FOLDER as AS_OF
from ai_usage.commands.data_folder import DAEMON, RESERVE, USERS, in_use
from ai_usage.commands.export_focus import FOLDER as EXPORTS
from ai_usage.commands.terminal import ERR, OUT
from ai_usage.commands.typed import parser
from ai_usage.commands.warehouse_file import warehouse_file
from ai_usage.dashboards.assets import site_folder
from ai_usage.errors import WarehouseBusy, WarehouseError
from ai_usage.places import COMMAND
from ai_usage.settings import Settings
from ai_usage.warehouse.building import FILE as BUILDING
from ai_usage.warehouse.data_origin import data_are_simulated
from ai_usage.warehouse.duckdb.engine import DuckDBWarehouse
from ai_usage.warehouse.duckdb.spare_copy import spares
from ai_usage.warehouse.readers import readers_copy
from ai_usage.warehouse.table import PULLS
from ai_usage.warehouse.turns import FILE as WAITING

REAL = "delete real data"  # must be typed if days would be lost that no provider sends again
DAYS = (
    f"select min(activity_date) as a, max(activity_date) as b, count(distinct activity_date) as c from {PULLS.address}"
)


def run(of: Settings, argv: Sequence[str]) -> int:
    arguments = parser("reset", __doc__)
    arguments.add_argument("--yes", action="store_true", help="do not ask (YES=1); simulated data only")
    is_agreed = arguments.parse_args(argv).yes
    busy = f"A command is working in {of.data_dir}, or {COMMAND} ui is: stop it first. Nothing was deleted."
    if not made(of):
        OUT.print(f"There is nothing of ours in {of.data_dir}.", soft_wrap=True)
        return 0
    with in_use(of, alone=busy):
        refuse_a_busy_warehouse(of)
        is_harmless, what = _described(of)
        OUT.print(f"{of.data_dir} holds {what}. To be deleted:", soft_wrap=True)
        for path in made(of):
            OUT.print(f"  {escape(path.name):<28}{_bytes(path) / 1e6:>10.2f} MB")
        if not _is_wanted(is_agreed=is_agreed, is_harmless=is_harmless):
            ERR.print("Nothing was deleted.")
            return 2
        for path in (*made(of), *(of.data_dir / name for name in (BUILDING, WAITING, DAEMON, RESERVE, USERS))):
            delete(path)
    OUT.print(f"Deleted. {COMMAND} demo, {COMMAND} ui or {COMMAND} backfill start afresh.")
    return 0


def made(of: Settings) -> list[Path]:
    """The existing files that our commands make in the data folder. Dagster's records come first: if only they were
    left, missing days would count as built.
    """
    ours = [
        of.dagster_home,
        *(
            path.with_name(path.name + end)
            for path in (of.database, of.published_database)
            for end in ("", ".wal", ".tmp")
        ),
        of.published_database.with_suffix(".tmp"),
        *spares(of.published_database),
        readers_copy(of.published_database),
        of.published_database.with_suffix(".torn"),
        *sorted(of.data_dir.glob(f"{of.database.name}.*restore*")),  # what make restore kept
        site_folder(of),
        *(of.data_dir / name for name in (AS_OF, EXPORTS, "bench.json")),
        of.first_day_file,  # last: it is the first day of the data until all data is gone
    ]
    return [path for path in ours if path.exists() or path.is_symlink()]


def refuse_a_busy_warehouse(of: Settings) -> None:
    """`WarehouseError` if another process has the file open, such as a person's SQL tool."""
    if of.database.exists():
        try:
            with DuckDBWarehouse(of.database, of.database, (), of.now, patience=0.1, is_read_only=True).connected():
                return
        except WarehouseBusy:
            raise
        except WarehouseError:  # damaged: a reason to reset
            return


def _described(of: Settings) -> tuple[bool, str]:
    """Whether everything can be made again, and a description of what is deleted."""
    try:
        origin = data_are_simulated(of)
        if origin is None:
            return True, "no data yet"
        [first], [last], [days] = warehouse_file(of, is_read_only=True).ask(DAYS).to_dict(as_series=False).values()
    except WarehouseError as error:
        return False, f"a warehouse that cannot be read ({error})"
    kind = "SIMULATED data" if origin else "REAL data"
    return origin, f"{kind} of {days} days, {first} to {last}" if days else kind


def _is_wanted(*, is_agreed: bool, is_harmless: bool) -> bool:
    if is_harmless:
        return is_agreed or _answer("Delete this? Whatever else is in the folder stays. [y/N] ").lower() in {"y", "yes"}
    OUT.print(
        "Providers send only the last 30 to 365 days: older days cannot be pulled again. YES=1 does not answer this.",
        soft_wrap=True,
    )
    return _answer(f"Type '{REAL}' to delete it: ") == REAL


def _answer(question: str) -> str:
    try:
        return OUT.input(escape(question)).strip()
    except EOFError:
        OUT.print()
        ERR.print(
            f"No one answered. In a script: {COMMAND} reset YES=1, which deletes simulated data only.",
            soft_wrap=True,
        )
        return ""


def delete(path: Path) -> None:
    try:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise WarehouseError(
            f"{path} cannot be deleted ({error.strerror}); what is listed before it is gone."
        ) from error


def _bytes(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() and not path.is_symlink() else [path]
    return sum(file.lstat().st_size for file in files)
