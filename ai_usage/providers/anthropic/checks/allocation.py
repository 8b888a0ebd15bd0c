"""Checks that the allocation of the bill to keys and people loses nothing."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from ai_usage.check import Check, DailyCheck, Result, each_day, failed
from ai_usage.providers.anthropic.pulls import SOURCE

SQL = "providers/anthropic/checks/"


def _lost(rows: Sequence[dict[str, Any]]) -> Result:
    costs, shares, attributed = (
        sum((row[f"{name}_usd"] for row in rows), Decimal()) for name in ("costs", "shares", "attributed")
    )
    row = rows[0]
    return failed(
        f"The allocation differs from the bill by {attributed - costs:+,f} USD: {costs:,f} USD charged, {shares:,f} in "
        f"shares, {attributed:,f} attributed; of {row['token_type'] or row['cost_type']} in {row['workspace_id']}"
        f"{f', and {len(rows) - 1} more' if len(rows) > 1 else ''}.",
        rows,
    )


allocation_loses_nothing = DailyCheck(
    name="allocation_loses_nothing",
    provider="anthropic",
    asset="marts/claude_attributed_costs",
    title="a share lost or counted twice when a cost is allocated",
    description="The allocated shares of each kind of cost add up exactly to what was charged.",
    severity="failed",
    sources=(SOURCE,),
    pulls=("claude_cost_report",),
    also_reads=("marts/claude_cost_shares",),
    sql=f"{SQL}allocation_loses_nothing",
    evaluate=each_day(f"{SQL}allocation_loses_nothing", _lost),
    compares_marts=True,
)


def _mismeasured(rows: Sequence[dict[str, Any]]) -> Result:
    row = rows[0]
    to = row["api_key_id"] or row["user_email"] or "usage without a key"
    what = " ".join(part for part in (row["model"], row["kind"]) if part)
    return failed(
        f"{to} was allocated {row['allocated_usd']:,f} USD of {what} in {row['workspace_id']}, analytics measured "
        f"{row['measured_usd']:,f} USD{f'; and {len(rows) - 1} more' if len(rows) > 1 else ''}.",
        rows,
    )


allocated_cost_is_the_measured_cost = DailyCheck(
    name="allocated_cost_is_the_measured_cost",
    formerly="payers_cost_what_was_measured",
    provider="anthropic",
    asset="marts/claude_cost_shares",
    title="a key or person with an allocated cost that differs from the measured one",
    description="Where analytics and cost lines agree on a thing's cost, each key's and actor's total is the measured "
    "one.",
    severity="failed",
    sources=(SOURCE,),
    pulls=("claude_analytics_cost",),
    also_reads=("core/claude_costs", "core/claude_analytics_costs"),
    sql=f"{SQL}allocated_cost_is_the_measured_cost",
    evaluate=each_day(f"{SQL}allocated_cost_is_the_measured_cost", _mismeasured),
    is_optional=True,
    compares_marts=True,
)

CHECKS: list[Check] = [allocation_loses_nothing, allocated_cost_is_the_measured_cost]
