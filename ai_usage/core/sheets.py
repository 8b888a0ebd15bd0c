"""What the sheet's tabs become: good rows typed, bad ones told. Whose keys are is `keys`' business, who is who
`people`'s.
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import dagster as dg
import pandas as pd
import polars as pl
from dagster_pandas import PandasColumn, create_dagster_pandas_dataframe_type

from ai_usage.errors import AiUsageError
from ai_usage.ingest.day_replacement import GROUP, KINDS
from ai_usage.ingest.ledger_writes import InWarehouse
from ai_usage.layers import note, snapshot_asset
from ai_usage.providers.anthropic.pulls import claude_api_keys
from ai_usage.sheet import tables, tabs
from ai_usage.sheet.newest import read_newest
from ai_usage.sheet.tabs import TABS, Tab, TabRows, read_tab
from ai_usage.warehouse.ledger import Records
from ai_usage.warehouse.port import Warehouse
from ai_usage.warehouse.table import Table


def _contract(tab: Tab) -> dg.DagsterType:
    """A tab's good rows as a pandas frame must be: every column there, and none of the required ones empty."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)  # all of dagster-pandas calls itself so
        columns = [PandasColumn.exists(column.name, non_nullable=column.required) for column in tab.columns]
        contract: dg.DagsterType = create_dagster_pandas_dataframe_type(name=f"SheetTab_{tab.name}", columns=columns)
    return contract


CONTRACTS = {tab.name: _contract(tab) for tab in TABS.values()}


def checked(tab: Tab, found: TabRows) -> pd.DataFrame:
    """The good rows as a frame that fits the tab's contract: what reading let through by mistake stops here."""
    frame = pd.DataFrame(found.good, columns=["row_number", *(column.name for column in tab.columns)], dtype=object)
    verdict = CONTRACTS[tab.name].type_check(None, frame)  # type: ignore[arg-type]
    if not verdict.success:
        raise AiUsageError(f"Rows of the tab {tab.name} do not fit its columns: {verdict.description}")
    return frame


FIGURE = ("provider", "period_start", "period_end", "workspace_id", "amount_usd")


def _from_tab(
    table: Table,
    tab: Tab,
    description: str,
) -> dg.AssetsDefinition:
    """The asset of a tab's good rows."""

    def built(context: dg.AssetExecutionContext, warehouse: InWarehouse) -> None:
        with warehouse.connected():
            newest = warehouse.newest(tab.pull, None)
            if newest.versions.is_empty():
                return note(context, f"core/{table.name}", None, skipped=f"raw/{tab.pull} was never pulled")
            found = read_tab(tab, newest.lines["record"].to_list())
            rows = tab_rows(table, checked(tab, found), newest)
            warehouse.replace_all(table, rows)
        left_out = len({rejection.row_number for rejection in found.rejections})
        return note(context, f"core/{table.name}", None, **{"dagster/row_count": rows.height}, rows_left_out=left_out)

    built.__doc__ = description
    return snapshot_asset("core", table, group=GROUP, kinds=KINDS, deps=[dg.AssetKey(["raw", tab.pull])])(built)


def tab_rows(table: Table, frame: pd.DataFrame, records: Records) -> pl.DataFrame:
    """A tab's good rows as its table has them."""
    beside = stamps(records, len(frame))
    return table.frame({name: frame[name].tolist() for name in table.columns if name not in beside} | beside)


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
    whose header cannot be used removes none.
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


def stamps(records: Records, rows: int) -> dict[str, list[Any]]:
    """The stamps of a snapshot, for so many rows."""
    [(pull_id, pulled_at)] = records.versions.select("pull_id", "pulled_at").rows()
    return {"pull_id": [pull_id] * rows, "ingestion_timestamp": [pulled_at] * rows}


@snapshot_asset(
    "core", tables.CONSOLE_FIGURES, group=GROUP, kinds=KINDS, deps=[dg.AssetKey(["raw", tabs.CONSOLE_FIGURES.pull])]
)
def console_figures(context: dg.AssetExecutionContext, warehouse: InWarehouse) -> None:
    """What consoles and invoices showed, to reconcile the marts with, since when it has been known here, and when it
    left the sheet.
    """
    tab = tabs.CONSOLE_FIGURES
    with warehouse.connected():
        if (read := read_newest(warehouse, tab)) is None:
            return note(context, "core/console_figures", None, skipped=f"raw/{tab.pull} was never pulled")
        checked(tab, read[1])
        rows = figure_rows(figures_ever_seen(warehouse))
        warehouse.replace_all(tables.CONSOLE_FIGURES, rows)
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
    columns = tables.CONSOLE_FIGURES.columns
    return tables.CONSOLE_FIGURES.frame({name: own.get(name) or [o.row[name] for o in figures] for name in columns})


budgets = _from_tab(tables.BUDGETS, tabs.BUDGETS, "What was planned, by month: in all, by provider, by team.")
seats = _from_tab(tables.SEATS, tabs.SEATS, "Which seats were bought at what price, from when until when.")


@snapshot_asset(
    "core",
    tables.SHEET_REJECTIONS,
    group=GROUP,
    kinds=KINDS,
    deps=[*(dg.AssetKey(["raw", pull]) for pull in tables.PULLS), claude_api_keys],
)
def sheet_rejections(context: dg.AssetExecutionContext, warehouse: InWarehouse) -> None:
    """The sheet's rows that were left out, and why: mend them there, and they come in."""
    with warehouse.connected():
        frames = [rejection_rows(*read) for tab in TABS.values() if (read := read_newest(warehouse, tab))]
        if not frames:
            return note(context, "core/sheet_rejections", None, skipped="no tab was ever pulled")
        rows = pl.concat(frames)
        warehouse.replace_all(tables.SHEET_REJECTIONS, rows)
    return note(context, "core/sheet_rejections", None, **{"dagster/row_count": rows.height})


def rejection_rows(records: Records, found: TabRows) -> pl.DataFrame:
    """Rows of `sheet_rejections`, of one tab."""
    names = ("tab", "row_number", "column_name", "value_shape", "reason")
    columns = {name: [getattr(rejection, name) for rejection in found.rejections] for name in names}
    return tables.SHEET_REJECTIONS.frame(columns | stamps(records, len(found.rejections)))


ASSETS = [console_figures, budgets, seats, sheet_rejections]
