"""Checks that amounts reconcile: cost lines with the total, cost with its usage, usage with its cost."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from ai_usage.check import Check, DailyCheck, Result, Rows, each_day, failed, passed, some, warned
from ai_usage.providers.openai.line_items import names_a_use
from ai_usage.providers.openai.pulls import SOURCE
from ai_usage.providers.openai.tables import OPTIONAL_PULLS, USAGE_PULLS

SQL = "providers/openai/checks/"
USAGE = tuple(pull for pull in USAGE_PULLS.values() if pull not in OPTIONAL_PULLS)


def _difference(row: Mapping[str, Any]) -> str:
    lines = f"{row['lines_usd']:,f} USD in {row['line_count']} grouped cost lines"
    if row["total_usd"] is None:
        return f"There are {lines} and no total of the day."
    return f"There are {lines}, the total is {row['total_usd']:,f} USD: {row['difference_usd']:+,f} USD."


grouped_costs_equal_total = DailyCheck(
    name="grouped_costs_equal_total",
    provider="openai",
    asset="core/openai_costs",
    title="lost pages, a project without its costs, anything doubled",
    description="The grouped cost lines of a day add up to the total that OpenAI reports without grouping, exactly.",
    severity="failed",
    sources=(SOURCE,),
    pulls=("openai_costs", "openai_cost_totals"),
    also_reads=("core/openai_daily_cost",),
    sql=f"{SQL}grouped_costs_equal_total",
    evaluate=each_day(f"{SQL}grouped_costs_equal_total", lambda rows: failed(_difference(rows[0]), rows)),
    gates_day=True,
)


def _without_use(rows: Rows) -> Result:
    usd = sum((row["amount_usd"] for row in rows), Decimal())
    named = some((f"{row['line_item']} ({row['amount_usd']:,.2f} USD)" for row in rows), between="; ")
    lines = sum(row["line_count"] for row in rows)
    if not any(names_a_use(row["model"], row["meter"]) for row in rows):
        return passed(f"{usd:,.2f} USD in {lines} cost lines name no model: {named}.")
    return warned(f"{usd:,.2f} USD in {lines} cost lines have no usage behind them: {named}.", rows)


every_cost_line_has_usage = DailyCheck(
    name="every_cost_line_has_usage",
    provider="openai",
    asset="core/openai_costs",
    title="a cost that no usage report explains",
    description="Each cost line that names a model or tool has usage of its meter, in its project, key, model and "
    "tier. Others are listed with their cost.",
    severity="warned",
    sources=(SOURCE,),
    pulls=("openai_costs", *USAGE),
    also_reads=("core/openai_usage", "marts/openai_line_units"),
    sql=f"{SQL}every_cost_line_has_usage",
    evaluate=each_day(f"{SQL}every_cost_line_has_usage", _without_use),
)


def _unbilled(rows: Rows) -> Result:
    if rows[0]["is_whole_day_unbilled"]:
        return failed(f"There is usage and no cost on this day: {_units(rows)}.", rows)
    return warned(f"{len(rows)} kinds of usage have no cost: {_units(rows)}.", rows)


def _units(rows: Rows) -> str:
    parts = (
        " ".join(str(part) for part in (f"{row['units']:,} {row['unit']}", "of", row["model"], row["meter"]) if part)
        for row in rows
    )
    return some(parts, at_most=3, between="; ")


usage_has_cost = DailyCheck(
    name="usage_has_cost",
    provider="openai",
    asset="core/openai_usage",
    title="usage for which nothing was billed",
    description="Usage of each priced meter has a cost line on its day. Moderations and storage may be free.",
    severity="failed",
    sources=(SOURCE,),
    pulls=("openai_costs", *USAGE),
    also_reads=("core/openai_costs", "marts/openai_line_units"),
    sql=f"{SQL}usage_has_cost",
    evaluate=each_day(f"{SQL}usage_has_cost", _unbilled),
)

CHECKS: list[Check] = [grouped_costs_equal_total, every_cost_line_has_usage, usage_has_cost]
