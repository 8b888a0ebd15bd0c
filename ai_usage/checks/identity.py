"""Is everything there once."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import dagster as dg

from ai_usage.checks.verdicts import Verdict, daily_check, wrong_rows
from ai_usage.partitions import Span
from ai_usage.sources.claude.pulls import SOURCE as CLAUDE
from ai_usage.sources.cursor.pulls import SOURCE as CURSOR
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


def _events_too_many(warehouse: Warehouse, span: Span) -> Mapping[date, Verdict]:
    return {
        day: Verdict.error(_too_many(rows[0]), rows)
        for day, rows in wrong_rows(warehouse, "no_event_counted_twice", span).items()
    }


def _too_many(row: Mapping[str, Any]) -> str:
    if row["of_another_day"]:
        return f"{row['of_another_day']} events happened on another day: they are there, too."
    return f"{row['events']} events of {row['versions']} versions stand for the {row['records'] or 0} that were pulled."


no_event_counted_twice = daily_check(
    "no_event_counted_twice",
    dg.AssetKey(["core", "cursor_usage_events"]),
    _events_too_many,
    source=CURSOR,
    description="No event stands on two days, and none more often than Cursor sent it; equal events did happen.",
    relies_on=["cursor_usage_events"],
    holds_its_day=True,
)

CHECKS = [cost_lines_are_unique, no_event_counted_twice]
