"""Does it add up: lines with the Console's figure, money with tokens and list prices, Claude Code with the whole."""

from collections import Counter
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import dagster as dg

from ai_usage.checks.events import Sightings
from ai_usage.checks.prices import SEARCH_ENVELOPE, Envelope, UnknownPrice, token_envelope
from ai_usage.checks.runner import (
    Finding,
    NotJudged,
    Verdict,
    by_day,
    daily_check,
    sighting_check,
    wrong_rows,
)
from ai_usage.partitions import Span
from ai_usage.providers.anthropic.pulls import SOURCE as CLAUDE
from ai_usage.warehouse.port import Warehouse

CLAUDE_COSTS, CLAUDE_DAILY_COST, CLAUDE_USAGE_TOKENS, CLAUDE_CODE_USAGE_STATS = (
    dg.AssetKey(["core", table])
    for table in ("claude_costs", "claude_daily_cost", "claude_usage_tokens", "claude_code_usage_stats")
)


def _lines_against_console(warehouse: Warehouse, span: Span) -> Mapping[date, Verdict]:
    return {
        day: Verdict.error(_difference(rows[0]), rows)
        for day, rows in wrong_rows(warehouse, "grouped_lines_equal_console_figure", span).items()
    }


def _difference(row: Mapping[str, Any]) -> str:
    if row["lines_usd"] is None and row["console_usd"] is None:
        return f"No cost at all beside {row['billable_tokens']:,} billable tokens."
    lines, console = ("nothing" if v is None else f"{v:,f} USD" for v in (row["lines_usd"], row["console_usd"]))
    return f"Lines come to {lines}, the Console says {console}: {row['difference_usd']:+,f} USD."


grouped_lines_equal_console_figure = daily_check(
    "grouped_lines_equal_console_figure",
    CLAUDE_COSTS,
    _lines_against_console,
    source=CLAUDE,
    description="The cost lines of a day add up to the Console's own ungrouped figure, exactly.",
    relies_on=["claude_cost_report", "claude_cost_totals", "claude_messages_usage"],
    also_reads=[CLAUDE_DAILY_COST, CLAUDE_USAGE_TOKENS],
    holds_its_day=True,
)


def _implied_prices(warehouse: Warehouse, span: Span) -> Mapping[date, Finding]:
    lines = warehouse.query("checks/priced_lines", first_day=span.first, last_day=span.last)
    return {day: judge_prices(day, rows) for day, rows in by_day(lines).items()}


def judge_prices(day: date, lines: list[dict[str, Any]]) -> Finding:
    """Every line's implied unit price against the list. A line without a list price is not judged; which models have
    none is the result of `every_cost_has_a_list_price`.
    """
    dear: list[dict[str, Any]] = []
    unknown = 0
    without_units: Counter[str] = Counter()
    for line in lines:
        try:
            envelope = _envelope(line, day)
        except UnknownPrice:
            unknown += 1
            continue
        if envelope is None:
            without_units[line["cost_type"]] += 1
        elif not line["units"] or not envelope.holds(line["amount_usd"], line["units"]):
            dear.append(_beside_the_list(line, envelope))
    unpriced = "".join(f" {n} × {what} has no published unit." for what, n in sorted(without_units.items()))
    if dear:
        first = "{model} {token_type} at {usd_a_million} USD a million, listed {listed_usd_a_million}".format_map(
            dear[0]
        )
        return Verdict.error(f"{len(dear)} of {len(lines)} lines are not at a list price: {first}.{unpriced}", dear)
    without_price = f" {unknown} lines have no list price." if unknown else ""
    if lines and unknown == len(lines):
        return NotJudged(f"None of the {unknown} lines has a list price.")
    judged = len(lines) - without_units.total() - unknown
    return Verdict.right(f"{judged} lines at list prices.{unpriced}{without_price}")


def _envelope(line: Mapping[str, Any], day: date) -> Envelope | None:
    if line["token_type"] is not None:
        tier, geo = line["service_tier"], line["inference_geo"]
        return token_envelope(line["model"] or "none", line["token_type"], day, service_tier=tier, inference_geo=geo)
    if line["cost_type"] == "web_search":
        return SEARCH_ENVELOPE
    if line["cost_type"] in {"code_execution", "session_usage"}:
        return None  # the usage report has neither hours nor sessions to hold the money against
    raise UnknownPrice(f"cost type {line['cost_type']}")


def _beside_the_list(line: Mapping[str, Any], envelope: Envelope) -> dict[str, Any]:
    """The line with what a million of its units cost and what the list says, telling columns first."""
    million = Decimal(10) ** 6
    least, most = (f"{(price * million).normalize():,f}" for price in (envelope.least, envelope.most))
    paid = f"{line['amount_usd'] / line['units'] * million:,.2f}" if line["units"] else "no unit used"
    told = {"model": line["model"], "token_type": line["token_type"] or line["cost_type"], "usd_a_million": paid}
    rest = {name: value for name, value in line.items() if name not in told}
    return {**told, "listed_usd_a_million": f"{least} to {most}", **rest}


implied_price_is_a_list_price = daily_check(
    "implied_price_is_a_list_price",
    CLAUDE_COSTS,
    _implied_prices,
    source=CLAUDE,
    description="Money over units lies between the lowest and the highest published price of that model and day.",
    relies_on=["claude_cost_report", "claude_messages_usage"],
    also_reads=[CLAUDE_USAGE_TOKENS, dg.AssetKey(["marts", "claude_usage_by_line"])],
)


def _unpriced(warehouse: Warehouse, span: Span | None, sightings: Sightings) -> None:
    if span is None:
        return
    lines = warehouse.query("checks/priced_lines", first_day=span.first, last_day=span.last)
    days = by_day(lines)
    for day in set(warehouse.pulled_days("claude_cost_report")) & set(span.days):
        sightings.add(day, unpriced(day, days.get(day, [])), len(days.get(day, [])))


def unpriced(day: date, lines: list[dict[str, Any]]) -> Counter[str]:
    """What the price list does not know on a day, and in how many lines."""
    unknown: Counter[str] = Counter()
    for line in lines:
        try:
            _envelope(line, day)
        except UnknownPrice as error:
            unknown[str(error)] += 1
    return unknown


every_cost_has_a_list_price = sighting_check(
    "every_cost_has_a_list_price",
    CLAUDE_COSTS,
    _unpriced,
    source=CLAUDE,
    description="The published price list knows each model, kind of token and kind of cost. What it does not know is "
    "one warning per model, with the days.",
    warning="The price list does not know",
    pulls=["claude_cost_report", "claude_messages_usage"],
)


def _code_within_costs(warehouse: Warehouse, span: Span) -> Mapping[date, Verdict]:
    found = wrong_rows(warehouse, "claude_code_is_part_of_claude_costs", span)
    return {day: _code_verdict(rows[0]) for day, rows in found.items()}


def _code_verdict(row: Mapping[str, Any]) -> Verdict:
    said = f"Claude Code estimates {row['estimated_usd']:,f} USD of {row['billed_usd']:,f} USD billed for all tokens."
    beyond_any_discount = row["estimated_usd"] > 2 * row["billed_usd"]
    return Verdict.error(said, [row]) if beyond_any_discount else Verdict.warning(said, [row])


claude_code_is_part_of_claude_costs = daily_check(
    "claude_code_is_part_of_claude_costs",
    CLAUDE_COSTS,
    _code_within_costs,
    source=CLAUDE,
    description="Claude Code's estimate for API customers is no more than the bill it is a part of.",
    relies_on=["claude_cost_report", "claude_code_usage"],
    also_reads=[CLAUDE_CODE_USAGE_STATS],
    is_optional=True,
)


def _unbilled_usage(warehouse: Warehouse, span: Span) -> Mapping[date, Verdict]:
    found = wrong_rows(warehouse, "usage_without_cost_is_explained", span)
    return {day: _unbilled_verdict(rows) for day, rows in found.items()}


def _unbilled_verdict(rows: list[dict[str, Any]]) -> Verdict:
    tokens = sum(row["tokens"] for row in rows)
    if rows[0]["is_whole_day_unbilled"]:
        return Verdict.error(f"{tokens:,} tokens and no cost at all on this day.", rows)
    return Verdict.warning(f"{tokens:,} tokens in {len(rows)} groups without cost; refused requests do that.", rows)


usage_without_cost_is_explained = daily_check(
    "usage_without_cost_is_explained",
    CLAUDE_USAGE_TOKENS,
    _unbilled_usage,
    source=CLAUDE,
    description="Tokens without cost are Priority Tier, which is billed elsewhere; any others are named.",
    relies_on=["claude_cost_report", "claude_messages_usage"],
    also_reads=[CLAUDE_COSTS],
)

CHECKS = [
    grouped_lines_equal_console_figure,
    implied_price_is_a_list_price,
    every_cost_has_a_list_price,
    claude_code_is_part_of_claude_costs,
    usage_without_cost_is_explained,
]
