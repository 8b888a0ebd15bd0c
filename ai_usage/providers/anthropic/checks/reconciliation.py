"""Checks that amounts reconcile: cost lines with the Console's figure, usage with cost, Claude Code with the bill."""

from collections.abc import Mapping
from typing import Any

from ai_usage.check import Check, DailyCheck, Result, each_day, failed, warned
from ai_usage.providers.anthropic.pulls import SOURCE

SQL = "providers/anthropic/checks/"


def _difference(row: Mapping[str, Any]) -> str:
    if row["lines_usd"] is None and row["console_usd"] is None:
        return f"There are {row['billable_tokens']:,} billable tokens and no cost."
    lines, console = ("nothing" if v is None else f"{v:,f} USD" for v in (row["lines_usd"], row["console_usd"]))
    return f"The lines add up to {lines}, the Console reports {console}: {row['difference_usd']:+,f} USD."


grouped_lines_equal_console_figure = DailyCheck(
    name="grouped_lines_equal_console_figure",
    provider="anthropic",
    asset="core/claude_costs",
    title="lost pages, a dropped default workspace, anything doubled",
    description="The cost lines of a day add up to the Console's own ungrouped figure, exactly.",
    severity="failed",
    sources=(SOURCE,),
    pulls=("claude_cost_report", "claude_cost_totals", "claude_messages_usage"),
    also_reads=("core/claude_daily_cost", "core/claude_usage_tokens"),
    sql=f"{SQL}grouped_lines_equal_console_figure",
    evaluate=each_day(f"{SQL}grouped_lines_equal_console_figure", lambda rows: failed(_difference(rows[0]), rows)),
    gates_day=True,
)

cost_lines_are_unique = DailyCheck(
    name="cost_lines_are_unique",
    provider="anthropic",
    asset="core/claude_costs",
    title="a cost line twice, ungrouped totals among grouped lines",
    description="No cost line appears twice, and no ungrouped total appears among the grouped lines.",
    severity="failed",
    sources=(SOURCE,),
    pulls=("claude_cost_report",),
    sql=f"{SQL}cost_lines_are_unique",
    evaluate=each_day(
        f"{SQL}cost_lines_are_unique",
        lambda rows: failed(f"{len(rows)} cost lines appear twice or are ungrouped totals among grouped lines.", rows),
    ),
    gates_day=True,
)


def _code_beyond_costs(row: Mapping[str, Any]) -> Result:
    why = f"Claude Code estimates {row['estimated_usd']:,f} USD of {row['billed_usd']:,f} USD billed for all tokens."
    beyond_any_discount = row["estimated_usd"] > 2 * row["billed_usd"]
    return failed(why, [row]) if beyond_any_discount else warned(why, [row])


claude_code_is_part_of_claude_costs = DailyCheck(
    name="claude_code_is_part_of_claude_costs",
    provider="anthropic",
    asset="core/claude_costs",
    title="Claude Code's estimate above the whole bill",
    description="Claude Code's estimate for API customers is no more than the bill it is a part of.",
    severity="failed",
    sources=(SOURCE,),
    pulls=("claude_cost_report", "claude_code_usage"),
    also_reads=("core/claude_code_usage_stats",),
    sql=f"{SQL}claude_code_is_part_of_claude_costs",
    evaluate=each_day(f"{SQL}claude_code_is_part_of_claude_costs", lambda rows: _code_beyond_costs(rows[0])),
    is_optional=True,
)


def _unbilled(rows: list[dict[str, Any]]) -> Result:
    tokens = sum(row["tokens"] for row in rows)
    if rows[0]["is_whole_day_unbilled"]:
        return failed(f"{tokens:,} tokens and no cost on this day.", rows)
    return warned(
        f"{tokens:,} tokens in {len(rows)} groups without cost. Refused requests have tokens and no cost.", rows
    )


usage_without_cost_is_explained = DailyCheck(
    name="usage_without_cost_is_explained",
    provider="anthropic",
    asset="core/claude_usage_tokens",
    title="tokens for which nothing was charged",
    description="Tokens without cost are Priority Tier, which is billed elsewhere; any others are named.",
    severity="failed",
    sources=(SOURCE,),
    pulls=("claude_cost_report", "claude_messages_usage"),
    also_reads=("core/claude_costs",),
    sql=f"{SQL}usage_without_cost_is_explained",
    evaluate=each_day(f"{SQL}usage_without_cost_is_explained", _unbilled),
)

CHECKS: list[Check] = [
    grouped_lines_equal_console_figure,
    cost_lines_are_unique,
    claude_code_is_part_of_claude_costs,
    usage_without_cost_is_explained,
]
