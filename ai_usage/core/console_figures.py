"""What consoles and invoices showed, as people wrote it into the sheet: now, and ever since."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import dagster as dg
import polars as pl

from ai_usage.core.sheets import checked
from ai_usage.ingest.day_replacement import GROUP, KINDS
from ai_usage.ingest.ledger_writes import InWarehouse
from ai_usage.layers import note, snapshot_asset
from ai_usage.sheet import tabs
from ai_usage.sheet.newest import read_newest
from ai_usage.sheet.tabs import TabRows, read_tab
from ai_usage.warehouse.port import Warehouse
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


@dataclass
class Figure:
    """A row of the tab console_figures over the tab's versions: as it was last there, since when, and until when."""

    row: tabs.Row
    first_seen_at: datetime
    pull_id: str
    pulled_at: datetime
    removed_at: datetime | None = None


def figures_ever_seen(warehouse: Warehouse) -> list[Figure]:
    """Every figure that any version of the tab had, those of the newest one first, as they stand there. A version
    with a header that cannot be used removes none.
    """
    history = warehouse.history(tabs.CONSOLE_FIGURES.pull)
    figures: dict[tuple[Any, ...], Figure] = {}
    first: dict[tuple[Any, ...], datetime] = {}
    found, before = TabRows(), None
    for pull_id, at, content in history.versions.select("pull_id", "pulled_at", "content_hash").iter_rows():
        if content != before:
            lines = history.lines.filter(history.lines["pull_id"] == pull_id)
            found = read_tab(tabs.CONSOLE_FIGURES, lines["record"].to_list())
        before = content
        if not found.has_header:
            continue
        there = {(*_figure(row), row["covers"]): row for row in found.good}
        for key, row in there.items():
            figures[key] = Figure(row, first.setdefault(_figure(row), at), pull_id, at)
        for key in figures.keys() - there.keys():
            figures[key].removed_at = figures[key].removed_at or at
    return sorted(figures.values(), key=lambda one: (one.removed_at is not None, one.row["row_number"]))


def _figure(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in FIGURE)


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
        rows = figure_rows(figures_ever_seen(warehouse))
        warehouse.replace_all(CONSOLE_FIGURES, rows)
    left_out = len({rejection.row_number for rejection in read[1].rejections})
    in_sheet = rows["removed_at"].null_count()
    return note(context, "core/console_figures", None, **{"dagster/row_count": in_sheet}, rows_left_out=left_out)


def figure_rows(figures: Sequence[Figure]) -> pl.DataFrame:
    """Rows of `console_figures`."""
    own: dict[str, list[Any]] = {
        "first_seen_at": [one.first_seen_at for one in figures],
        "removed_at": [one.removed_at for one in figures],
        "pull_id": [one.pull_id for one in figures],
        "ingestion_timestamp": [one.pulled_at for one in figures],
    }
    columns = CONSOLE_FIGURES.columns
    return CONSOLE_FIGURES.frame({name: own.get(name) or [o.row[name] for o in figures] for name in columns})


ASSETS = [console_figures]
