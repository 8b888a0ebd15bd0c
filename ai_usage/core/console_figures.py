"""Figures of consoles and invoices that people wrote into the sheet, current and former ones."""

import dagster as dg

from ai_usage.core.sheet_history import history_rows, rows_ever_seen
from ai_usage.core.sheets import checked
from ai_usage.ingest.day_replacement import GROUP, KINDS
from ai_usage.ingest.ledger_writes import InWarehouse
from ai_usage.layers import note, snapshot_asset
from ai_usage.sheet import tabs
from ai_usage.sheet.newest import read_newest
from ai_usage.warehouse.table import STAMPS, Table, day, dollars, instant, integer, string

CONSOLE_FIGURES = Table(
    name="console_figures",
    grain="the figure of a provider's console or invoice for one period, as it is or was in the sheet",
    question="Which console figures and invoices are in the sheet?",
    example="select provider, period_start, period_end, amount_usd, covers, source from "
    "ai_usage_analytics.console_figures where removed_at is null order by period_start, provider",
    date_column=None,
    columns={
        "row_number": integer("in the tab console_figures"),
        "provider": string("the provider", required=True),
        "account": string("its account, as in dim_account; null is all of them together"),
        "period_start": day("the first day"),
        "period_end": day("exclusive"),
        "workspace_id": string("null is all of them together"),
        "amount_usd": dollars("as it was shown"),
        "source": string("where it was read"),
        "note": string("in the writer's words"),
        "covers": string("usage, or usage_and_seats; null if the sheet does not have it"),
        "first_seen_at": instant(
            "the first pull of the tab with this figure: same provider, account, period, workspace and amount",
            required=True,
        ),
        "removed_at": instant("the first pull of the tab without it; null while it is in the sheet"),
        **STAMPS,
    },
)

FIGURE = ("provider", "account", "period_start", "period_end", "workspace_id", "amount_usd")


@snapshot_asset(
    "core", CONSOLE_FIGURES, group=GROUP, kinds=KINDS, deps=[dg.AssetKey(["raw", tabs.CONSOLE_FIGURES.pull])]
)
def console_figures(context: dg.AssetExecutionContext, warehouse: InWarehouse) -> None:
    """Figures of consoles and invoices, which the marts are reconciled with, with the time since which each is known
    and the time at which it left the sheet.
    """
    tab = tabs.CONSOLE_FIGURES
    with warehouse.connected():
        if (read := read_newest(warehouse, tab)) is None:
            return note(context, "core/console_figures", None, skipped=f"raw/{tab.pull} was never pulled")
        checked(tab, read[1])
        rows = history_rows(CONSOLE_FIGURES, rows_ever_seen(warehouse, tab, FIGURE, ("covers",)))
        warehouse.replace_all(CONSOLE_FIGURES, rows)
    left_out = len({rejection.row_number for rejection in read[1].rejections})
    in_sheet = rows["removed_at"].null_count()
    return note(context, "core/console_figures", None, **{"dagster/row_count": in_sheet}, rows_left_out=left_out)


ASSETS = [console_figures]
