"""Cursor's marts."""

import dagster as dg

from ai_usage.core.cursor import cursor_usage_events, cursor_usage_stats, dim_cursor_member, dim_cursor_plan
from ai_usage.core.holding import CURSOR
from ai_usage.core.sheets import seats
from ai_usage.layers import daily_asset
from ai_usage.marts.rebuild import GROUP, KINDS, rebuild
from ai_usage.marts.tables import CURSOR_EXPENSES
from ai_usage.warehouse.port import Warehouse


@daily_asset(
    "marts",
    CURSOR_EXPENSES,
    group=GROUP,
    kinds=KINDS,
    deps=[cursor_usage_stats, cursor_usage_events, dim_cursor_member, dim_cursor_plan, seats],
)
def cursor_expenses(context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Warehouse]) -> None:
    """What Cursor costs each day and person: the seat's share of the month, and usage billed on top of it. The legacy
    plans' formula stands beside as an estimate, never to be added.
    """
    rebuild(context, warehouse, CURSOR_EXPENSES, holding=CURSOR, money="billed_usd")


ASSETS = [cursor_expenses]
