"""Whose money it is: nothing lost between the cost report and ai_spend, and every amount of one kind, with a method."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import dagster as dg

from ai_usage.checks.runner import Rows, Verdict, daily_check, some, wrong_rows
from ai_usage.marts.gate import blocked_days
from ai_usage.partitions import Span
from ai_usage.providers.anthropic.provider import ANTHROPIC
from ai_usage.providers.anthropic.pulls import SOURCE as FROM_CLAUDE
from ai_usage.providers.cursor.provider import CURSOR as CURSOR_PROVIDER
from ai_usage.providers.cursor.pulls import SOURCE as FROM_CURSOR
from ai_usage.providers.provider import Gate
from ai_usage.providers.registry import PROVIDERS
from ai_usage.warehouse.port import Warehouse

SHARES, ATTRIBUTED, EXPENSES, API_EXPENSES, TOTALS, CURSOR_EXPENSES, AI_SPEND = (
    dg.AssetKey(["marts", table])
    for table in (
        "claude_cost_shares",
        "claude_attributed_costs",
        "claude_expenses",
        "api_usage_expenses",
        "claude_total_expenses",
        "cursor_expenses",
        "ai_spend",
    )
)
EITHER = (FROM_CLAUDE, FROM_CURSOR)
PULLS_OF_EITHER = ("claude_cost_report", "cursor_usage_events")


def unless_held(warehouse: Warehouse, span: Span, found: Mapping[date, Verdict], by: Gate) -> Mapping[date, Verdict]:
    """The verdicts, softened on days held back: there the marts keep their last good version, and so must differ."""
    held = blocked_days(warehouse, span, by) if found else {}
    return {
        day: Verdict.warning(f"Held back by {', '.join(held[day])}, so the marts lag: {verdict.why}", verdict.rows)
        if day in held
        else verdict
        for day, verdict in found.items()
    }


def _allocation(warehouse: Warehouse, span: Span) -> Mapping[date, Verdict]:
    found = wrong_rows(warehouse, "allocation_loses_nothing", span)
    return unless_held(warehouse, span, {day: _lost(rows) for day, rows in found.items()}, ANTHROPIC.gate)


def _lost(rows: Rows) -> Verdict:
    costs, shares, attributed = (
        sum((row[f"{name}_usd"] for row in rows), Decimal()) for name in ("costs", "shares", "attributed")
    )
    row = rows[0]
    return Verdict.error(
        f"Not divided whole, by {attributed - costs:+,f} USD: {costs:,f} USD charged, {shares:,f} in shares, "
        f"{attributed:,f} attributed; of {row['token_type'] or row['cost_type']} in {row['workspace_id']}"
        f"{f', and {len(rows) - 1} more' if len(rows) > 1 else ''}.",
        rows,
    )


allocation_loses_nothing = daily_check(
    "allocation_loses_nothing",
    ATTRIBUTED,
    _allocation,
    source=FROM_CLAUDE,
    description="What payers are given of each kind of cost adds up to what was charged, to the last digit.",
    relies_on=["claude_cost_report"],
    also_reads=[SHARES],
)


def _measured(warehouse: Warehouse, span: Span) -> Mapping[date, Verdict]:
    found = wrong_rows(warehouse, "payers_cost_what_was_measured", span)
    return unless_held(warehouse, span, {day: _mismeasured(rows) for day, rows in found.items()}, ANTHROPIC.gate)


def _mismeasured(rows: Rows) -> Verdict:
    row = rows[0]
    payer = row["api_key_id"] or row["user_email"] or "a payer without a key"
    what = " ".join(part for part in (row["model"], row["kind"]) if part)
    return Verdict.error(
        f"{payer} was allocated {row['allocated_usd']:,f} USD of {what} in {row['workspace_id']}, analytics measured "
        f"{row['measured_usd']:,f} USD{f'; and {len(rows) - 1} more' if len(rows) > 1 else ''}.",
        rows,
    )


payers_cost_what_was_measured = daily_check(
    "payers_cost_what_was_measured",
    SHARES,
    _measured,
    source=FROM_CLAUDE,
    description="Where analytics and cost lines agree on a thing's cost, each key's and actor's total is the measured "
    "one.",
    relies_on=["claude_analytics_cost"],
    also_reads=[dg.AssetKey(["core", "claude_costs"]), dg.AssetKey(["core", "claude_analytics_costs"])],
    is_optional=True,
)


def _expenses_of(provider: str, holding: Gate) -> Any:
    def judge(warehouse: Warehouse, span: Span) -> Mapping[date, Verdict]:
        found = {
            day: mine
            for day, rows in wrong_rows(warehouse, "expenses_equal_costs", span).items()
            if (mine := [row for row in rows if row["provider"].startswith(provider)])
        }
        return unless_held(warehouse, span, {day: _unequal(rows) for day, rows in found.items()}, holding)

    return judge


VOICES = {
    "core_usd": "core",
    "total_usd": "claude_total_expenses",
    "expenses_usd": "expenses",
    "api_and_beside_usd": "api_usage_expenses with what is beside",
    "spend_usd": "ai_spend",
}


def _unequal(rows: Rows) -> Verdict:
    row = rows[0]
    wanted = [
        name for name in VOICES if row["provider"] == "anthropic" or name not in {"total_usd", "api_and_beside_usd"}
    ]
    wanted = [name for name in wanted if not (row["provider"] == "cursor seats" and name == "core_usd")]
    said = ", ".join(f"{VOICES[name]} {row[name]:,f}" for name in wanted)
    apart = max(row[name] for name in wanted) - min(row[name] for name in wanted)
    return Verdict.error(f"The tables differ by {apart:,f} USD of {row['provider']}: {said}.", rows)


claude_expenses_equal_costs = daily_check(
    "expenses_equal_costs",
    EXPENSES,
    _expenses_of("anthropic", ANTHROPIC.gate),
    source=FROM_CLAUDE,
    description="Cost lines, the day's total, expenses by platform, API expenses with the rest, and ai_spend agree.",
    relies_on=["claude_cost_report"],
    also_reads=[TOTALS, API_EXPENSES, AI_SPEND],
)
cursor_expenses_equal_costs = daily_check(
    "expenses_equal_costs",
    CURSOR_EXPENSES,
    _expenses_of("cursor", CURSOR_PROVIDER.gate),
    source=FROM_CURSOR,
    description="What chargeable events were charged, expenses and ai_spend agree; and so do seats.",
    relies_on=["cursor_usage_events"],
    also_reads=[AI_SPEND],
)


def _mixed(warehouse: Warehouse, span: Span) -> Mapping[date, Verdict]:
    found = wrong_rows(warehouse, "billed_and_estimated_never_mixed", span)
    return {day: Verdict.error(_mixture(rows), rows) for day, rows in found.items()}


def _mixture(rows: Rows) -> str:
    row = rows[0]
    if row["trouble"] == "not what subscribers used":
        return (
            f"Claude Code's estimates come to {row['estimated_usd']:,f} USD, subscribers' own to "
            f"{row['billed_usd']:,f}: API customers' are part of the bill and may not stand beside it."
        )
    billed, estimated = (row[name] or Decimal() for name in ("billed_usd", "estimated_usd"))
    return (
        f"{row['row_count']} rows of {row['provider']} {row['meter']} have {row['trouble']}: "
        f"{billed:,f} USD billed, {estimated:,f} USD estimated."
    )


billed_and_estimated_never_mixed = daily_check(
    "billed_and_estimated_never_mixed",
    AI_SPEND,
    _mixed,
    source=EITHER,
    description="A row is billed or estimated, never both, and no estimate of what is billed already stands beside it.",
    relies_on=PULLS_OF_EITHER,
)


def _without_method(warehouse: Warehouse, span: Span) -> Mapping[date, Verdict]:
    found = wrong_rows(warehouse, "every_dollar_has_a_method", span)
    return {
        day: Verdict.error(
            some(
                (
                    f"{row['usd'] or Decimal():,f} USD of {row['provider']} by {row['attribution_method']}: "
                    f"{row['trouble']}"
                    for row in rows
                ),
                between="; ",
            )
            + ".",
            rows,
        )
        for day, rows in found.items()
    }


every_dollar_has_a_method = daily_check(
    "every_dollar_has_a_method",
    AI_SPEND,
    _without_method,
    source=EITHER,
    description="Each amount says how its person was found, and truly; what is nobody's stands as unattributed.",
    relies_on=PULLS_OF_EITHER,
)


def _blind(warehouse: Warehouse, span: Span) -> Mapping[date, Verdict]:
    found = wrong_rows(warehouse, "checks_can_see_data", span)
    blocked = {provider.key: blocked_days(warehouse, span, provider.gate) if found else {} for provider in PROVIDERS}
    wrong = {day: [row for row in rows if day not in blocked[row["provider"]]] for day, rows in found.items()}
    return {
        day: Verdict.error(
            f"Nothing to judge in marts/{some((row['table_name'] for row in rows), between=', marts/')}, though core "
            f"has {max(row['core_rows'] for row in rows)} rows: materialize the day.",
            rows,
        )
        for day, rows in wrong.items()
        if rows
    }


checks_can_see_data = daily_check(
    "checks_can_see_data",
    AI_SPEND,
    _blind,
    source=EITHER,
    description="Where core has money of a day that is not blocked, so has every mart that checks read: no check "
    "passes for want of data.",
    relies_on=PULLS_OF_EITHER,
    also_reads=[TOTALS, SHARES, ATTRIBUTED, EXPENSES, CURSOR_EXPENSES],
)

CHECKS = [
    allocation_loses_nothing,
    payers_cost_what_was_measured,
    claude_expenses_equal_costs,
    cursor_expenses_equal_costs,
    billed_and_estimated_never_mixed,
    every_dollar_has_a_method,
    checks_can_see_data,
]
