"""Checks that the cost report reconciles with the newer analytics API. Not evaluated if the key may not read analytics,
or no day of them was pulled.
"""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from ai_usage.check import Check, DailyCheck, Result, Rows, by_day, failed, passed, some, warned, worst_of, wrong_rows
from ai_usage.partitions import Span
from ai_usage.providers.anthropic.pulls import SOURCE
from ai_usage.warehouse.port import Warehouse
from ai_usage.warehouse.table import ANALYTICS

CELLS = "providers/anthropic/checks/parity_cells"
PULLS = ("claude_cost_report", "claude_analytics_cost")
UNSETTLED_AT_MOST = Decimal("0.01")  # of the cost report: a smaller difference is no warning
CAUSES = {
    "outside_console_usd": "outside the Console",
    "priority_tier_usd": "Priority Tier",
    "restatement_usd": "restated since analytics were asked",
    "not_settled_usd": "provisional",
    "rounding_usd": "rounding",
    "unexplained_usd": "unexplained",
}
PARITY = f"select * from {ANALYTICS}.claude_parity where activity_date between @first_day and @last_day"


def _both_reports(warehouse: Warehouse, span: Span) -> Mapping[date, Result]:
    asked = set(span.days).intersection(*(warehouse.pulled_days(pull) for pull in PULLS))
    built = by_day(warehouse.ask(PARITY, first_day=span.first, last_day=span.last))
    cells = wrong_rows(warehouse, CELLS, span)
    lost = failed(
        "marts/claude_parity lacks the day, though both reports were pulled: it is blocked, or was never built."
    )
    return {day: _of_accounts(built[day], cells.get(day, ())) if day in built else lost for day in sorted(asked)}


def _of_accounts(rows: Rows, cells: Rows) -> Result:
    """The result of a day: each account is compared with its own analytics, and the worst result counts."""
    results = {
        row["account"]: evaluate_parity(row, [cell for cell in cells if cell["account"] == row["account"]])
        for row in rows
    }
    if len(results) == 1:
        return results.popitem()[1]
    return worst_of(results)


def evaluate_parity(row: Mapping[str, Any], cells: Rows) -> Result:
    """The result of a row of `claude_parity`; `cells` are where the two differ."""
    cells = sorted(cells, key=lambda cell: -abs(cell["difference_usd"]))
    if not row["has_analytics"]:
        return failed("marts/claude_parity lacks the day's analytics: build it.")
    if not row["difference_usd"]:
        why = f"Analytics and the cost report both have {row['cost_report_usd']:,f} USD"
    else:
        why = (
            f"Analytics have {row['analytics_usd']:,f} USD, the cost report has {row['cost_report_usd']:,f}: "
            f"{row['difference_usd']:+,f} USD"
        )
    parts = ", ".join(f"{row[column]:+,f} {name}" for column, name in CAUSES.items() if row[column])
    why += f", of which {parts}." if parts else "."
    if row["unexplained_usd"]:
        return failed(f"{why}{_largest(cells)}", cells)
    if abs(row["not_settled_usd"]) > UNSETTLED_AT_MOST * abs(row["cost_report_usd"]):
        return warned(f"{why}{_largest(cells)} Pull the day again tomorrow.", cells)
    if row["priority_tier_usd"]:
        return warned(
            f"{why}{_largest(cells)} It may be Priority Tier, which is in no cost report, or a duplicated row.",
            cells,
        )
    return passed(why)


def _largest(cells: Rows) -> str:
    if not cells:
        return ""
    named = some((_cell(cell) for cell in cells), at_most=3, between="; ")
    return f" Report against analytics, largest first: {named}."


def _cell(cell: Mapping[str, Any]) -> str:
    what = " ".join(
        str(part) for part in (cell["workspace_name"] or cell["workspace_id"], cell["model"], cell["kind"]) if part
    )
    return f"{what} {cell['cost_report_usd']:,f} against {cell['analytics_usd']:,f}"


cost_report_equals_analytics = DailyCheck(
    name="cost_report_equals_analytics",
    formerly="parity_holds",
    provider="anthropic",
    asset="marts/claude_parity",
    title="a cost report and analytics that differ without a known cause",
    description="Claude's cost report and its analytics API report the same cost; each difference has a known cause.",
    severity="failed",
    sources=(SOURCE,),
    pulls=PULLS,
    also_reads=("core/claude_costs", "core/claude_analytics_costs"),
    sql=CELLS,
    evaluate=_both_reports,
    is_optional=True,
)

CHECKS: list[Check] = [cost_report_equals_analytics]
