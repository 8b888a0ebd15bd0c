"""What the sheet's tabs become: good rows typed, bad ones told. Whose keys are is `keys`' business, who is who
`people`'s.
"""

import warnings
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import dagster as dg
import pandas as pd
import polars as pl
from dagster_pandas import PandasColumn, create_dagster_pandas_dataframe_type

from ai_usage.core.rebuild import GROUP, KINDS
from ai_usage.errors import AiUsageError
from ai_usage.layers import note, snapshot_asset
from ai_usage.sources.claude.pulls import claude_api_keys
from ai_usage.sources.pulling import InWarehouse
from ai_usage.sources.sheets import tables, tabs
from ai_usage.sources.sheets.tabs import TABS, Tab, TabRows, read_tab
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


Columns = Mapping[str, Sequence[Any]]
FIGURE = ("provider", "period_start", "period_end", "workspace_id", "amount_usd")


def _from_tab(
    table: Table,
    tab: Tab,
    description: str,
    more: Callable[[Warehouse, TabRows], Columns] = lambda _warehouse, _found: {},
) -> dg.AssetsDefinition:
    """The asset of a tab's good rows. `more` has the columns that are in no cell."""

    def built(context: dg.AssetExecutionContext, warehouse: InWarehouse) -> None:
        with warehouse.connected():
            newest = warehouse.newest(tab.pull, None)
            if newest.versions.is_empty():
                return note(context, f"core/{table.name}", None, skipped=f"raw/{tab.pull} was never pulled")
            found = read_tab(tab, newest.lines["record"].to_list())
            rows = tab_rows(table, checked(tab, found), newest, more(warehouse, found))
            warehouse.replace_all(table, rows)
        left_out = len({rejection.row_number for rejection in found.rejections})
        return note(context, f"core/{table.name}", None, **{"dagster/row_count": rows.height}, rows_left_out=left_out)

    built.__doc__ = description
    return snapshot_asset("core", table, group=GROUP, kinds=KINDS, deps=[dg.AssetKey(["raw", tab.pull])])(built)


def tab_rows(table: Table, frame: pd.DataFrame, records: Records, more: Columns) -> pl.DataFrame:
    """A tab's good rows as its table has them."""
    beside = {**more, **stamps(records, len(frame))}
    return table.frame({name: frame[name].tolist() for name in table.columns if name not in beside} | beside)


def figures_first_seen(warehouse: Warehouse, found: TabRows) -> Columns:
    """Since when each row of the tab console_figures has been known, by every version of the tab."""
    history = warehouse.history(tabs.CONSOLE_FIGURES.pull)
    first: dict[tuple[Any, ...], datetime] = {}
    before = None
    for pull_id, at, content in history.versions.select("pull_id", "pulled_at", "content_hash").iter_rows():
        if content != before:
            lines = history.lines.filter(history.lines["pull_id"] == pull_id)
            for row in read_tab(tabs.CONSOLE_FIGURES, lines["record"].to_list()).good:
                first.setdefault(_figure(row), at)
        before = content
    return {"first_seen_at": [first[_figure(row)] for row in found.good]}


def _figure(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in FIGURE)


def stamps(records: Records, rows: int) -> dict[str, list[Any]]:
    """The stamps of a snapshot, for so many rows."""
    [(pull_id, pulled_at)] = records.versions.select("pull_id", "pulled_at").rows()
    return {"pull_id": [pull_id] * rows, "ingestion_timestamp": [pulled_at] * rows}


console_figures = _from_tab(
    tables.CONSOLE_FIGURES,
    tabs.CONSOLE_FIGURES,
    "What consoles and invoices showed, to hold the marts against, and since when it has been known here.",
    figures_first_seen,
)
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


def read_newest(warehouse: Warehouse, tab: Tab) -> tuple[Records, TabRows] | None:
    """A tab as it stands, with what is wrong in it; None if it was never pulled."""
    newest = warehouse.newest(tab.pull, None)
    if newest.versions.is_empty():
        return None
    return newest, read_tab(tab, newest.lines["record"].to_list())


def rejection_rows(records: Records, found: TabRows) -> pl.DataFrame:
    """Rows of `sheet_rejections`, of one tab."""
    names = ("tab", "row_number", "column_name", "value_shape", "reason")
    columns = {name: [getattr(rejection, name) for rejection in found.rejections] for name in names}
    return tables.SHEET_REJECTIONS.frame(columns | stamps(records, len(found.rejections)))


ASSETS = [console_figures, budgets, seats, sheet_rejections]
