"""Claude's marts: the run's days that may pass, rebuilt from core by the SELECT of the mart's name."""

from datetime import date

import dagster as dg

from ai_usage.charts import trend
from ai_usage.core.claude import claude_costs
from ai_usage.core.holding import held_back
from ai_usage.layers import daily_asset, note
from ai_usage.marts.tables import CLAUDE_TOTAL_EXPENSES
from ai_usage.partitions import Span, span_of_run
from ai_usage.warehouse.port import Warehouse
from ai_usage.warehouse.table import Table


@daily_asset("marts", CLAUDE_TOTAL_EXPENSES, group="marts", kinds={"sql", "duckdb"}, deps=[claude_costs])
def claude_total_expenses(context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Warehouse]) -> None:
    """What Claude charged on each UTC day: one figure a day, the one to hold against the Console and the invoice.
    A day that does not add up keeps its last good version here, and says so.
    """
    span = span_of_run(context)
    if not warehouse.pulled_days("claude_cost_report"):
        return note(context, "marts/claude_total_expenses", None, skipped="raw/claude_cost_report was never pulled")
    held = rebuild_days(warehouse, CLAUDE_TOTAL_EXPENSES, span)
    for day, claims in held.items():
        context.log.warning("%s is held back, its last good version stays: %s", day, ", ".join(claims))
        note(context, "marts/claude_total_expenses", day, held_back_by=claims)
    days = warehouse.ask(
        f"select expense_date, cost_usd, status from {CLAUDE_TOTAL_EXPENSES.address} "
        "where expense_date between @first_day and @last_day order by expense_date",
        first_day=span.first,
        last_day=span.last,
    )
    for day, cost, status in days.iter_rows():
        note(context, "marts/claude_total_expenses", day, cost_usd=str(cost), status=status)
    if picture := trend(warehouse, CLAUDE_TOTAL_EXPENSES, "cost_usd", up_to=span.last):
        note(context, "marts/claude_total_expenses", span.last, trend=picture)
    return None


def rebuild_days(warehouse: Warehouse, table: Table, span: Span) -> dict[date, list[str]]:
    """Replace the span's days of a mart, all but those held back, which are returned with the reasons."""
    if table.date_column is None:
        raise ValueError(f"{table.name} has no days")
    with warehouse.connected():
        held = held_back(warehouse, span)
        rows = warehouse.query(f"marts/{table.name}", first_day=span.first, last_day=span.last)
        good = rows.filter(~rows[table.date_column].is_in(list(held)))
        pinned = table.frame({name: good[name] for name in table.columns})
        warehouse.replace_days(table, [day for day in span.days if day not in held], pinned)
    return held


ASSETS = [claude_total_expenses]
