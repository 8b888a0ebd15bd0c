"""Turns the sheet's tabs into tables: good rows typed, bad rows listed. `keys` handles owners of keys, `people` people,
and `console_figures` the figures of consoles.
"""

from typing import TYPE_CHECKING, Any

import dagster as dg
import polars as pl

from ai_usage.ingest.day_replacement import GROUP, KINDS
from ai_usage.ingest.ledger_writes import InWarehouse
from ai_usage.layers import note, snapshot_asset
from ai_usage.sheet import tabs
from ai_usage.sheet.newest import read_newest
from ai_usage.sheet.tabs import TABS, Tab, TabRows, read_tab
from ai_usage.warehouse.reading.ledger_records import Records
from ai_usage.warehouse.table import STAMPS, Table, day, dollars, integer, string

if TYPE_CHECKING:
    from pandas import DataFrame

SHEET_REJECTIONS = Table(
    name="sheet_rejections",
    grain="one cell, or one row, of the sheet that could not be used",
    question="Which cells and rows of the sheet were rejected, and why?",
    example="select tab, row_number, column_name, reason from ai_usage_analytics.sheet_rejections order by tab, "
    "row_number",
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
    question="Which budgets are in the sheet?",
    example="select month, scope, scope_name, amount_usd from ai_usage_analytics.budgets order by month, scope, "
    "scope_name",
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
    question="Which seats were purchased, at which price, and until when?",
    example="select provider, plan, seats, seat_price_usd, valid_from, valid_to from ai_usage_analytics.seats order "
    "by provider, valid_from",
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
    question="In which team and cost center is a person, and since when?",
    example="select user_email, team_name, cost_center, valid_from, valid_to from ai_usage_analytics.people order by "
    "user_email, valid_from",
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


def checked(tab: Tab, found: TabRows) -> "DataFrame":
    """The good rows as a frame that fits the tab's contract: a row that was read by mistake stops here."""
    from ai_usage.core import tab_contract  # noqa: PLC0415 - to import pandas takes a sixth of a process's start

    return tab_contract.checked(tab, found)


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
            frame = checked(tab, found)
            beside = stamps(newest, len(frame))
            rows = table.frame({name: frame[name].tolist() for name in table.columns if name not in beside} | beside)
            warehouse.replace_all(table, rows)
        left_out = len({rejection.row_number for rejection in found.rejections})
        return note(context, f"core/{table.name}", None, **{"dagster/row_count": rows.height}, rows_left_out=left_out)

    built.__doc__ = description
    return snapshot_asset("core", table, group=GROUP, kinds=KINDS, deps=[dg.AssetKey(["raw", tab.pull])])(built)


def stamps(records: Records, rows: int) -> dict[str, list[Any]]:
    """The stamps of a snapshot, for so many rows."""
    [(pull_id, pulled_at)] = records.versions.select("pull_id", "pulled_at").rows()
    return {"pull_id": [pull_id] * rows, "ingestion_timestamp": [pulled_at] * rows}


budgets = _from_tab(BUDGETS, tabs.BUDGETS, "Budgets by month: in total, by provider, team and cost center.")
seats = _from_tab(SEATS, tabs.SEATS, "Purchased seats with their prices and dates.")
people = _from_tab(PEOPLE, tabs.PEOPLE, "Teams, cost centers, managers and leaves of people, with their dates.")


@snapshot_asset(
    "core",
    SHEET_REJECTIONS,
    group=GROUP,
    kinds=KINDS,
    deps=[dg.AssetKey(["raw", tab.pull]) for tab in TABS.values()],
)
def sheet_rejections(context: dg.AssetExecutionContext, warehouse: InWarehouse) -> None:
    """Rejected rows of the sheet with the reason of each. A row is used as soon as it is corrected in the sheet."""
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
