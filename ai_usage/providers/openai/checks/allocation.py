"""Checks that the allocation of the bill to keys and people loses nothing, and how much of it is allocated."""

from collections import Counter
from decimal import Decimal

from ai_usage.check import Check, DailyCheck, Result, Row, Rows, RunCheck, Sightings, by_day, each_day, failed
from ai_usage.partitions import Span
from ai_usage.providers.openai.pulls import SOURCE
from ai_usage.warehouse.port import Warehouse

SQL = "providers/openai/checks/"


def _lost(rows: Rows) -> Result:
    costs, shares, attributed = (
        sum((row[f"{name}_usd"] for row in rows), Decimal()) for name in ("costs", "shares", "attributed")
    )
    row = rows[0]
    what = row["line_item"] or row["meter"]
    of_key = f" of {row['api_key_id']}" if row["api_key_id"] else ""
    return failed(
        f"The allocation differs from the bill by {attributed - costs:+,f} USD: {costs:,f} USD billed, {shares:,f} in "
        f"shares, {attributed:,f} attributed; {what}{of_key}"
        f"{f', and {len(rows) - 1} more' if len(rows) > 1 else ''}.",
        rows,
    )


allocation_loses_nothing = DailyCheck(
    name="allocation_loses_nothing",
    provider="openai",
    asset="marts/openai_attributed_costs",
    title="a share lost or counted twice when a cost is allocated",
    description="The shares of each cost line add up exactly to it, and a key's measured cost is that of its lines.",
    severity="failed",
    sources=(SOURCE,),
    pulls=("openai_costs",),
    also_reads=("marts/openai_cost_shares", "core/openai_costs"),
    sql=f"{SQL}allocation_loses_nothing",
    evaluate=each_day(f"{SQL}allocation_loses_nothing", _lost),
    compares_marts=True,
)

LOST = {
    "project_id,line_item": "API keys are not billed separately: their costs are allocated by use",
    "line_item": "neither projects nor API keys are billed separately: their costs are allocated by use",
}
LOST_WITHOUT_GROUPING = "nothing is billed separately: no cost can be allocated or priced"


def _coarser(warehouse: Warehouse, span: Span | None, sightings: Sightings) -> None:
    if span is None:
        return
    found = warehouse.query(f"{SQL}openai_costs_are_grouped_by_key", first_day=span.first, last_day=span.last)
    days = by_day(found)
    for day in set(warehouse.pulled_days("openai_costs")) & set(span.days):
        lost = {_what_is_lost(row): row["line_count"] for row in days.get(day, [])}
        sightings.add(day, Counter(lost), sum(lost.values()))


def _what_is_lost(row: Row) -> str:
    grouped = f"grouped by {row['grouped_by'].replace(',', ' and ')}" if row["grouped_by"] else "not grouped"
    return f"costs of account {row['account']} {grouped}: {LOST.get(row['grouped_by'], LOST_WITHOUT_GROUPING)}"


openai_costs_are_grouped_by_key = RunCheck(
    name="openai_costs_are_grouped_by_key",
    provider="openai",
    asset="core/openai_costs",
    title="costs that OpenAI does not report key by key",
    description="The cost report is grouped by project, line item and API key. Where OpenAI refuses that, one warning "
    "per account reports what is lost.",
    warning="OpenAI refused to group",
    sources=(SOURCE,),
    pulls=("openai_costs",),
    sql=f"{SQL}openai_costs_are_grouped_by_key",
    look=_coarser,
)

CHECKS: list[Check] = [allocation_loses_nothing, openai_costs_are_grouped_by_key]
