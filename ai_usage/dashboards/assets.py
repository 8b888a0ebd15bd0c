"""The boards as assets: one for each file of `dashboards/`, rebuilt whenever the marts that its cards read are.

Each writes one HTML file into `<data folder>/site`. With pseudonyms on, no page has an address.
"""

import time
from datetime import timedelta
from pathlib import Path

import dagster as dg
from sqlglot import exp

from ai_usage import runbook_page
from ai_usage.checks.result_table import CHECK_RESULTS, keep_results
from ai_usage.dashboards import cards, site
from ai_usage.dashboards.all_boards import write_figures
from ai_usage.dashboards.boards import OF_FRESHNESS, OF_KNOWN_DAYS, Board, boards
from ai_usage.dashboards.site import Site
from ai_usage.layers import OWNERS, POOL, built, was_built
from ai_usage.marts.assets import through_views
from ai_usage.marts.files import marts
from ai_usage.partitions import ONE_DAY
from ai_usage.redaction import Redaction
from ai_usage.settings import Settings, secrets, settings
from ai_usage.warehouse.googlesql import parsed, read
from ai_usage.warehouse.origin import is_simulated
from ai_usage.warehouse.port import Warehouse

LAYER = GROUP = "dashboards"
SETTLES = timedelta(hours=12)  # after which a day that is over should be known


def asset_of(board: Board) -> dg.AssetsDefinition:
    """The asset that a board's file declares."""

    def written(context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Warehouse]) -> None:
        began = time.perf_counter()
        if CHECK_RESULTS.name in tables_read(board):
            keep_results(warehouse, context.instance, context.run.run_id)  # what this run found so far
        path = write_board(warehouse, board, settings())
        context.add_output_metadata(
            {
                "page": dg.MetadataValue.path(str(path)),
                "megabytes": round(path.stat().st_size / 1e6, 2),
                "seconds": round(time.perf_counter() - began, 2),
            },
            output_name=output,
        )

    output = f"{LAYER}__{board.name}"
    described = dg.AssetSpec(
        key=[LAYER, board.name],
        group_name=GROUP,
        description=f"{board.title}, for {board.reader}. {board.about}",
        deps=[dg.AssetKey(address) for address in sorted(_parents(board))],
        kinds={"html"},
        owners=OWNERS,
        tags={"layer": LAYER},
    )
    declare = dg.multi_asset(
        name=output, specs=[described], check_specs=[was_built(described.key)], can_subset=True, pool=POOL
    )
    return declare(built(written, described.key))


def _parents(board: Board) -> set[tuple[str, str]]:
    read_by_cards = marts_read(board)
    return {("marts", mart) for mart in read_by_cards} | through_views(read_by_cards)


def marts_read(board: Board) -> set[str]:
    """The marts that the board's page reads. Check results are not an asset."""
    return tables_read(board) & {mart.table.name for mart in marts()}


def tables_read(board: Board) -> set[str]:
    """The tables that the board's cards read, and those that their freshness is read from."""
    queries = [OF_FRESHNESS, OF_KNOWN_DAYS, *(card.name for card in board.cards)]
    selects = [parsed(read(f"dashboards/{name}")) for name in queries]
    return {table.name for select in selects for table in select.find_all(exp.Table) if table.db}


def write_board(warehouse: Warehouse, board: Board, of: Settings) -> Path:
    """Query the board's cards and write its page, the list of boards and the ZIP of all boards."""
    with warehouse.connected():
        freshness = cards.freshness_of(warehouse)
        results = {card.name: cards.result(warehouse, card, freshness) for card in board.cards}
        known = cards.known_days(warehouse)
        origin = is_simulated(warehouse)
    folder = site_folder(of)
    shows_simulated, redact = of.simulate if origin is None else origin, Redaction(secrets())
    write_figures(folder, board, results, boards=boards(), is_simulated=shows_simulated, redact=redact)
    made = Site(
        boards(),
        site.vega(folder),
        is_simulated=shows_simulated,
        made=f"Made {of.now():%-d %b %Y, %H:%M} UTC by ai_usage.",
        redact=redact,
    )
    site.write(folder, site.INDEX, made.index())
    site.write(folder, runbook_page.FILE, runbook_page.runbook_html())
    return site.write(
        folder, f"{board.name}.html", made.page(board, results, known, (of.now() - SETTLES).date() - ONE_DAY)
    )


def site_folder(of: Settings) -> Path:
    """The folder of the pages."""
    return of.data_dir / "site"


ASSETS = [asset_of(board) for board in boards()]
