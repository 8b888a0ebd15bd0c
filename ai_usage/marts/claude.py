"""Claude's marts."""

import dagster as dg

from ai_usage.core.claude import claude_costs
from ai_usage.core.holding import CLAUDE
from ai_usage.layers import daily_asset
from ai_usage.marts.rebuild import GROUP, KINDS, rebuild
from ai_usage.marts.tables import CLAUDE_TOTAL_EXPENSES
from ai_usage.warehouse.port import Warehouse


@daily_asset("marts", CLAUDE_TOTAL_EXPENSES, group=GROUP, kinds=KINDS, deps=[claude_costs])
def claude_total_expenses(context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Warehouse]) -> None:
    """What Claude charged on each UTC day: one figure a day, the one to hold against the Console and the invoice.
    A day that does not add up keeps its last good version here, and says so.
    """
    rebuild(context, warehouse, CLAUDE_TOTAL_EXPENSES, holding=CLAUDE, money="cost_usd")


ASSETS = [claude_total_expenses]
