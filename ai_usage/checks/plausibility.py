"""Can it be: counts that contradict themselves. They concern no money, are kept as sent, and told as warnings."""

from collections.abc import Mapping
from datetime import date
from functools import partial

import dagster as dg

from ai_usage.checks.runner import Verdict, daily_check, some, wrong_rows
from ai_usage.partitions import Span
from ai_usage.providers.cursor.pulls import SOURCE as CURSOR
from ai_usage.warehouse.port import Warehouse


def _members_days(claim: str, what: str, warehouse: Warehouse, span: Span) -> Mapping[date, Verdict]:
    return {
        day: Verdict.warning(f"{len(rows)} members' days {what}: {some(row['user_email'] for row in rows)}.", rows)
        for day, rows in wrong_rows(warehouse, claim, span).items()
    }


def _of_usage(claim: str, what: str, description: str) -> dg.AssetChecksDefinition:
    return daily_check(
        claim,
        dg.AssetKey(["core", "cursor_usage_stats"]),
        partial(_members_days, claim, what),
        source=CURSOR,
        description=description,
        relies_on=["cursor_daily_usage"],
    )


acceptance_counts_are_possible = _of_usage(
    "acceptance_counts_are_possible",
    "have more accepted than shown, or less than nothing",
    "Nobody accepted more completions than were shown, nor more lines than there are; no count is negative.",
)
active_flag_agrees_with_activity = _of_usage(
    "active_flag_agrees_with_activity",
    "are flagged active without a trace, or inactive with requests",
    "Whom Cursor calls active left some trace, and whom it calls inactive made no request.",
)

CHECKS = [acceptance_counts_are_possible, active_flag_agrees_with_activity]
