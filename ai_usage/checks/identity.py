"""Is everything there once."""

from collections.abc import Mapping
from datetime import date

import dagster as dg

from ai_usage.checks.verdicts import Verdict, daily_check, wrong_rows
from ai_usage.partitions import Span
from ai_usage.sources.claude.pulls import SOURCE as CLAUDE
from ai_usage.warehouse.port import Warehouse


def _repeated_lines(warehouse: Warehouse, span: Span) -> Mapping[date, Verdict]:
    return {
        day: Verdict.error(f"{len(rows)} cost lines stand twice or are ungrouped totals among grouped lines.", rows)
        for day, rows in wrong_rows(warehouse, "cost_lines_are_unique", span).items()
    }


cost_lines_are_unique = daily_check(
    "cost_lines_are_unique",
    dg.AssetKey(["core", "claude_costs"]),
    _repeated_lines,
    source=CLAUDE,
    description="No cost line stands twice, and no ungrouped total stands among the grouped lines.",
    relies_on=["claude_cost_report"],
    holds_its_day=True,
)

CHECKS = [cost_lines_are_unique]
