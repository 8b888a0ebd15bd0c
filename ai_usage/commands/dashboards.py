"""`make dashboards`: writes every board's page from the warehouse as it is. It pulls nothing and builds no mart."""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from ai_usage.automation.warehouse_resource import warehouse_of
from ai_usage.commands.terminal import OUT
from ai_usage.commands.typed import parser
from ai_usage.dashboards import site
from ai_usage.dashboards.assets import site_folder, write_board
from ai_usage.dashboards.boards import boards
from ai_usage.errors import SettingError
from ai_usage.places import COMMAND
from ai_usage.settings import Settings
from ai_usage.warehouse.open import is_there
from ai_usage.warehouse.port import Warehouse
from ai_usage.warehouse.readers import show_readers


def run(of: Settings, argv: Sequence[str]) -> int:
    parser("dashboards", __doc__).parse_args(argv)
    if not is_there(of):
        raise SettingError(
            f"There is no warehouse yet, so there is nothing to show: {COMMAND} demo, or {COMMAND} backfill."
        )
    for path, seconds in write_all(warehouse_of(of, is_read_only=True), of):
        OUT.print(f"  · {path.name:<28}{path.stat().st_size / 1e6:>8.2f} MB{seconds:>8.2f} s", soft_wrap=True)
    show_readers(of.published_database)
    tell_where(of)
    return 0


def write_all(warehouse: Warehouse, of: Settings) -> Iterator[tuple[Path, float]]:
    """Each board's page once it is written, and the seconds that took."""
    with warehouse.connected():
        for board in boards():
            began = time.perf_counter()
            yield write_board(warehouse, board, of), time.perf_counter() - began


def tell_where(of: Settings) -> None:
    """Print where a browser opens the boards."""
    OUT.print(f"Dashboards: [bold]{(site_folder(of) / site.INDEX).as_uri()}[/]", soft_wrap=True)
