"""`make erase-person ADDRESS=…`: takes a person's identity out of the data folder. What they cost stays, under an
address that identifies no person. It asks first; a run that was killed is finished by running it again.
"""

from collections.abc import Sequence
from pathlib import Path

from rich.markup import escape

from ai_usage.commands.as_of import FOLDER as AS_OF
from ai_usage.commands.dashboards import write_all
from ai_usage.commands.data_folder import in_use
from ai_usage.commands.export_focus import FOLDER as EXPORTS
from ai_usage.commands.leftovers import files_with, rewrite_folder, warehouses
from ai_usage.commands.reset import delete, refuse_a_busy_warehouse
from ai_usage.commands.terminal import ERR, OUT
from ai_usage.commands.typed import parser
from ai_usage.commands.warehouse_file import warehouse_file
from ai_usage.dashboards.assets import site_folder
from ai_usage.errors import SettingError, WarehouseError
from ai_usage.places import COMMAND
from ai_usage.settings import ADDRESS, Settings
from ai_usage.warehouse.duckdb.engine import DuckDBWarehouse
from ai_usage.warehouse.duckdb.erasure import Erasure, begin, is_begun, refuse_views_of_others, rewrite
from ai_usage.warehouse.duckdb.identity import Identity, identity_of, words_of
from ai_usage.warehouse.duckdb.spare_copy import spares
from ai_usage.warehouse.readers import readers_copy


def run(of: Settings, argv: Sequence[str]) -> int:
    arguments = parser("erase-person", __doc__)
    arguments.add_argument("address", nargs="?", default="", help="ADDRESS, the person's e-mail address")
    arguments.add_argument("--yes", action="store_true", help="do not ask (YES=1)")
    asked = arguments.parse_args(argv)
    address = asked.address.strip().lower()
    if not ADDRESS.fullmatch(address):
        raise SettingError("ADDRESS must be an e-mail address; write for example ADDRESS=ada@example.com.")
    if not of.database.exists():
        raise WarehouseError(f"There is no warehouse in {of.data_dir}: nothing was erased.")
    busy = f"A command is working in {of.data_dir}, or {COMMAND} ui is: stop it first. Nothing was erased."
    with in_use(of, alone=busy):
        refuse_a_busy_warehouse(of)
        warehouse = warehouse_file(of)
        refuse_views_of_others(warehouse)
        identity = identity_of(warehouse, address)
        if identity is None and not is_begun(warehouse, address):
            ERR.print(f"Nothing in the warehouse names {escape(address)}: nothing was erased.", soft_wrap=True)
            return 1
        if not (asked.yes or _is_wanted(of, identity, address)):
            ERR.print("Nothing was erased.")
            return 2
        erasure = begin(warehouse, address, identity)
        return _erase(of, warehouse, erasure, identity or Identity([address]), is_known=identity is not None)


def _is_wanted(of: Settings, identity: Identity | None, address: str) -> bool:
    known = identity or Identity([address])
    OUT.print(f"To be erased in {of.data_dir}, for good:", soft_wrap=True)
    for what, names in (("addresses", known.addresses), ("names", known.names), ("names of API keys", known.keys)):
        if names:
            OUT.print(f"  {what}: {escape(', '.join(sorted(names)))}", soft_wrap=True)
    OUT.print(
        f"Records and amounts stay, under an address that identifies no person. {AS_OF}/ and {EXPORTS}/ are deleted; "
        "both can be made again. Copies outside the folder, such as backups, stay as they are (docs/privacy.md).",
        soft_wrap=True,
    )
    try:
        return OUT.input("Erase this? It cannot be undone. [y/N] ").strip().lower() in {"y", "yes"}
    except EOFError:
        OUT.print()
        ERR.print(f"No one answered. In a script: {COMMAND} erase-person ADDRESS=… YES=1.", soft_wrap=True)
        return False


def made_of_the_warehouse(of: Settings) -> list[Path]:
    """Files that are deleted and rebuilt from the warehouse, including what killed processes left of them."""
    left = [
        path.with_name(path.name + end) for path in (of.database, of.published_database) for end in (".tmp", ".wal")
    ]
    left = [path for path in left if path.name != f"{of.database.name}.wal"]
    return [
        *(of.data_dir / AS_OF, of.data_dir / EXPORTS, of.published_database, of.published_database.with_suffix(".tmp")),
        *spares(of.published_database),
        readers_copy(of.published_database),
        *(path for kind in ("*.html*", "*.zip*") for path in site_folder(of).glob(kind)),
        *left,
    ]


def _erase(of: Settings, warehouse: DuckDBWarehouse, erasure: Erasure, identity: Identity, *, is_known: bool) -> int:
    """The warehouse is rewritten last: if this is killed before, it still has the identity to erase."""
    for path in made_of_the_warehouse(of):
        if path.exists():
            delete(path)
    elsewhere = rewrite_folder(of.dagster_home, erasure.erased.text) if of.dagster_home.exists() else 0
    counts = rewrite(warehouse, erasure, words_of(identity) if is_known else None)
    warehouse.publish_anew()
    list(write_all(warehouse, of))
    OUT.print(
        f"Erased: {counts.total():,} rows of {len(counts)} tables now have {erasure.replacement}, and {elsewhere:,} "
        "rows and files of Dagster and the alerts. Row counts and sums of every table are what they were.",
        soft_wrap=True,
    )
    if of.has_postgres:
        OUT.print(
            "[yellow]Dagster's records in Postgres were not rewritten: logs and check results there may name the "
            f"person for up to {of.history_days} more days (AI_USAGE_HISTORY_DAYS).[/]",
            soft_wrap=True,
        )
    OUT.print(
        "Remove the person from the sheet and from uploaded files too. What providers still send of them is rewritten "
        "as it comes in.",
        soft_wrap=True,
    )
    left = files_with(of.data_dir, identity.addresses)
    ours = {of.database, of.published_database, readers_copy(of.published_database)}
    ours |= {file.with_name(f"{file.name}.wal") for file in ours}
    copies = [file for file in warehouses(of.data_dir) if file not in ours]
    for file in sorted({*left, *copies}):
        why = "is a copy of a warehouse, and may name them" if file in copies else "still has the address"
        ERR.print(f"[bold red]✗[/] {escape(str(file))} {why}: it was left alone; delete it.", soft_wrap=True)
    return 1 if left or copies else 0
