"""Do Claude's two tellings of one bill agree: the cost report, and the newer analytics. Where the key may not read
analytics, or no day of them was pulled, there is nothing to judge.
"""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import dagster as dg

from ai_usage.checks.runner import Rows, Verdict, by_day, daily_check, some, wrong_rows
from ai_usage.partitions import Span
from ai_usage.providers.anthropic.pulls import SOURCE as CLAUDE
from ai_usage.warehouse.port import Warehouse
from ai_usage.warehouse.table import ANALYTICS

PULLS = ["claude_cost_report", "claude_analytics_cost"]
UNSETTLED_AT_MOST = Decimal("0.01")  # of the cost report: less is told, and no warning
CAUSES = {
    "outside_console_usd": "outside the Console",
    "priority_tier_usd": "Priority Tier",
    "restatement_usd": "restated since analytics were asked",
    "not_settled_usd": "not settled yet",
    "rounding_usd": "rounding",
    "unexplained_usd": "nothing explains",
}
PARITY = f"select * from {ANALYTICS}.claude_parity where activity_date between @first_day and @last_day"


def _two_tellings(warehouse: Warehouse, span: Span) -> Mapping[date, Verdict]:
    asked = set(span.days).intersection(*(warehouse.pulled_days(pull) for pull in PULLS))
    told = by_day(warehouse.ask(PARITY, first_day=span.first, last_day=span.last))
    cells = wrong_rows(warehouse, "claude_parity_cells", span)
    lost = Verdict.error("Not in marts/claude_parity, though both sides were pulled: held back, or never built.")
    return {day: judge_parity(told[day][0], cells.get(day, ())) if day in told else lost for day in sorted(asked)}


def judge_parity(row: Mapping[str, Any], cells: Rows) -> Verdict:
    """A day of `claude_parity`; `cells` are where the two differ."""
    cells = sorted(cells, key=lambda cell: -abs(cell["difference_usd"]))
    if not row["has_analytics"]:
        return Verdict.error("marts/claude_parity does not know of the day's analytics: build it.")
    if not row["difference_usd"]:
        said = f"Analytics and the cost report both come to {row['cost_report_usd']:,f} USD"
    else:
        said = (
            f"Analytics come to {row['analytics_usd']:,f} USD, the cost report to {row['cost_report_usd']:,f}: "
            f"{row['difference_usd']:+,f} USD"
        )
    parts = ", ".join(f"{row[column]:+,f} {name}" for column, name in CAUSES.items() if row[column])
    said += f", of which {parts}." if parts else "."
    if row["unexplained_usd"]:
        return Verdict.error(f"{said}{_dearest(cells)}", cells)
    if abs(row["not_settled_usd"]) > UNSETTLED_AT_MOST * abs(row["cost_report_usd"]):
        return Verdict.warning(f"{said}{_dearest(cells)} Ask again a day later.", cells)
    if row["priority_tier_usd"]:
        return Verdict.warning(
            f"{said}{_dearest(cells)} It may be Priority Tier, whose money is in no cost report, or a row too many.",
            cells,
        )
    return Verdict.right(said)


def _dearest(cells: Rows) -> str:
    if not cells:
        return ""
    named = some((_cell(cell) for cell in cells), at_most=3, between="; ")
    return f" Report against analytics, dearest first: {named}."


def _cell(cell: Mapping[str, Any]) -> str:
    what = " ".join(
        str(part) for part in (cell["workspace_name"] or cell["workspace_id"], cell["model"], cell["kind"]) if part
    )
    return f"{what} {cell['cost_report_usd']:,f} against {cell['analytics_usd']:,f}"


parity_holds = daily_check(
    "parity_holds",
    dg.AssetKey(["marts", "claude_parity"]),
    _two_tellings,
    source=CLAUDE,
    description="Claude's cost report and its analytics API tell the same money; a difference has a named cause.",
    relies_on=PULLS,
    also_reads=[dg.AssetKey(["core", "claude_costs"]), dg.AssetKey(["core", "claude_analytics_costs"])],
    is_optional=True,
)

CHECKS = [parity_holds]
