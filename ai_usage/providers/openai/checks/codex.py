"""Checks that what a ChatGPT plan includes is billed once: as seats of the sheet."""

from decimal import Decimal

from ai_usage.check import Check, DailyCheck, Result, Rows, each_day, failed, some
from ai_usage.providers.openai.pulls import SOURCE

SQL = "providers/openai/checks/codex_is_not_billed_twice"


def _billed_twice(rows: Rows) -> Result:
    usd = sum((row["amount_usd"] or Decimal() for row in rows), Decimal())
    named = some(f"{row['platform']} {row['meter']} ({row['charge_type']})" for row in rows)
    return failed(
        f"{sum(row['row_count'] for row in rows)} rows with {usd:,.2f} USD bill what the ChatGPT plan includes: "
        f"{named}. Credits of Codex are no dollars, and ChatGPT's only cost is its seats.",
        rows,
    )


codex_is_not_billed_twice = DailyCheck(
    name="codex_is_not_billed_twice",
    provider="openai",
    asset="marts/ai_spend",
    title="credits of a ChatGPT plan as dollars beside its seats",
    description="Codex in a ChatGPT plan is billed with the plan's seats alone; its credits are never dollars.",
    severity="failed",
    sources=(SOURCE,),
    pulls=("openai_codex_usage",),
    also_reads=("core/codex_usage_stats",),
    sql=SQL,
    evaluate=each_day(SQL, _billed_twice),
    is_optional=True,
)

CHECKS: list[Check] = [codex_is_not_billed_twice]
