"""What the sheet's tabs become: good rows typed, bad ones listed. Owners of keys are `keys`' business, who is who
`people`'s, figures of consoles `console_figures`'.
"""

import warnings
from typing import Any

import dagster as dg
import pandas as pd
import polars as pl
from dagster_pandas import PandasColumn, create_dagster_pandas_dataframe_type

from ai_usage.errors import AiUsageError
from ai_usage.ingest.day_replacement import GROUP, KINDS
from ai_usage.ingest.ledger_writes import InWarehouse
from ai_usage.layers import note, snapshot_asset
from ai_usage.sheet import tabs
from ai_usage.sheet.newest import read_newest
from ai_usage.sheet.tabs import TABS, Tab, TabRows, read_tab
from ai_usage.warehouse.ledger import Records
from ai_usage.warehouse.table import STAMPS, Table, day, dollars, integer, string

SHEET_REJECTIONS = Table(
    name="sheet_rejections",
    grain="one cell, or one row, of the sheet that could not be used",
    date_column=None,
    columns={
        "tab": string("the tab", required=True),
        "row_number": integer("as people see it: the first row is 1"),
        "column_name": string("the column that is wrong", required=True),
        "value_shape": string("what the cell looks like: letters as a, digits as 9", required=True),
        "reason": string("why the row was rejected", required=True),
        **STAMPS,
    },
)

BUDGETS = Table(
    name="budgets",
    grain="one month's budget of one scope",
    date_column=None,
    columns={
        "row_number": integer("in the tab budgets"),
        "month": string("YYYY-MM", required=True),
        "scope": string("total, provider, team, cost_center", required=True),
        "scope_name": string("the provider, team or cost center; null for total"),
        "amount_usd": dollars("planned"),
        **STAMPS,
    },
)

SEATS = Table(
    name="seats",
    grain="purchased seats of one plan, over the days for which they are valid",
    date_column=None,
    columns={
        "row_number": integer("in the tab seats"),
        "provider": string("the provider", required=True),
        "plan": string("as the provider calls it", required=True),
        "seat_price_usd": dollars("a seat and calendar month"),
        "seats": integer("how many"),
        "valid_from": day("the first day; null since ever", required=False),
        "valid_to": day("exclusive; null until further notice", required=False),
        **STAMPS,
    },
)

PEOPLE = Table(
    name="people",
    grain="the sheet's entry for one person over the days for which it is valid",
    date_column=None,
    columns={
        "row_number": integer("in the tab people"),
        "user_email": string("lower-case", required=True),
        "name": string("of the person"),
        "team_name": string("of the person"),
        "cost_center": string("of the person"),
        "manager_email": string("lower-case"),
        "valid_from": day("the first day; null since ever", required=False),
        "valid_to": day("exclusive; null until further notice", required=False),
        "leave_from": day("the first day of a leave; null since ever, where leave_to has a day", required=False),
        "leave_to": day("exclusive; null until further notice, where leave_from has a day", required=False),
        **STAMPS,
    },
)


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
    contract = CONTRACTS[tab.name].type_check(None, frame)  # type: ignore[arg-type]
    if not contract.success:
        raise AiUsageError(f"Rows of the tab {tab.name} do not fit its columns: {contract.description}")
    return frame


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


def stamps(records: Records, rows: int) -> dict[str, list[Any]]:
    """The stamps of a snapshot, for so many rows."""
    [(pull_id, pulled_at)] = records.versions.select("pull_id", "pulled_at").rows()
    return {"pull_id": [pull_id] * rows, "ingestion_timestamp": [pulled_at] * rows}


budgets = _from_tab(BUDGETS, tabs.BUDGETS, "What was planned, by month: in all, by provider, team and cost center.")
seats = _from_tab(SEATS, tabs.SEATS, "Which seats were bought at what price, from when until when.")
people = _from_tab(PEOPLE, tabs.PEOPLE, "Teams, cost centers, managers and leaves of people, from when until when.")


@snapshot_asset(
    "core",
    SHEET_REJECTIONS,
    group=GROUP,
    kinds=KINDS,
    deps=[dg.AssetKey(["raw", tab.pull]) for tab in TABS.values()],
)
def sheet_rejections(context: dg.AssetExecutionContext, warehouse: InWarehouse) -> None:
    """The sheet's rejected rows, with the reason: they are used once they are corrected in the sheet."""
    with warehouse.connected():
        frames = [rejection_rows(*read) for tab in TABS.values() if (read := read_newest(warehouse, tab))]
        if not frames:
            return note(context, "core/sheet_rejections", None, skipped="no tab was ever pulled")
        rows = pl.concat(frames)
        warehouse.replace_all(SHEET_REJECTIONS, rows)
    return note(context, "core/sheet_rejections", None, **{"dagster/row_count": rows.height})


def rejection_rows(records: Records, found: TabRows) -> pl.DataFrame:
    """Rows of `sheet_rejections`, of one tab."""
    names = ("tab", "row_number", "column_name", "value_shape", "reason")
    columns = {name: [getattr(rejection, name) for rejection in found.rejections] for name in names}
    return SHEET_REJECTIONS.frame(columns | stamps(records, len(found.rejections)))


ASSETS = [budgets, seats, people, sheet_rejections]
