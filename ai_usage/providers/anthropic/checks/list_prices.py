"""Checks that each unit price is a published one, which finds amounts in cents that were read as dollars."""

from collections import Counter
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from ai_usage.check import Check, DailyCheck, Finding, NotEvaluated, RunCheck, Sightings, by_day, failed, passed
from ai_usage.partitions import Span
from ai_usage.providers.anthropic.list_prices import SEARCH_ENVELOPE, Envelope, UnknownPrice, token_envelope
from ai_usage.providers.anthropic.pulls import SOURCE
from ai_usage.warehouse.port import Warehouse

LINES = "providers/anthropic/checks/priced_lines"


def _unit_prices(warehouse: Warehouse, span: Span) -> Mapping[date, Finding]:
    lines = warehouse.query(LINES, first_day=span.first, last_day=span.last)
    return {day: evaluate_prices(day, rows) for day, rows in by_day(lines).items()}


def evaluate_prices(day: date, lines: list[dict[str, Any]]) -> Finding:
    """Every line's unit price against the list. A line without a list price is not evaluated; which models have none is
    the result of `every_cost_has_a_list_price`.
    """
    beside: list[dict[str, Any]] = []
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
            beside.append(_beside_the_list(line, envelope))
    unpriced = "".join(f" {n} × {what} has no published unit." for what, n in sorted(without_units.items()))
    if beside:
        first = "{model} {token_type} at {usd_a_million} USD a million, listed {listed_usd_a_million}".format_map(
            beside[0]
        )
        return failed(f"{len(beside)} of {len(lines)} lines are not at a list price: {first}.{unpriced}", beside)
    without_price = f" {unknown} lines have no list price." if unknown else ""
    if lines and unknown == len(lines):
        return NotEvaluated(f"None of the {unknown} lines has a list price.")
    priced = len(lines) - without_units.total() - unknown
    return passed(f"{priced} lines at list prices.{unpriced}{without_price}")


def _envelope(line: Mapping[str, Any], day: date) -> Envelope | None:
    if line["token_type"] is not None:
        tier, geo = line["service_tier"], line["inference_geo"]
        return token_envelope(line["model"] or "none", line["token_type"], day, service_tier=tier, inference_geo=geo)
    if line["cost_type"] == "web_search":
        return SEARCH_ENVELOPE
    if line["cost_type"] in {"code_execution", "session_usage"}:
        return None  # the usage report has neither hours nor sessions to compare the money with
    raise UnknownPrice(f"cost type {line['cost_type']}")


def _beside_the_list(line: Mapping[str, Any], envelope: Envelope) -> dict[str, Any]:
    """The line with its price and the list price per million units; these columns come first."""
    million = Decimal(10) ** 6
    least, most = (f"{(price * million).normalize():,f}" for price in (envelope.least, envelope.most))
    paid = f"{line['amount_usd'] / line['units'] * million:,.2f}" if line["units"] else "no unit used"
    first = {"model": line["model"], "token_type": line["token_type"] or line["cost_type"], "usd_a_million": paid}
    rest = {name: value for name, value in line.items() if name not in first}
    return {**first, "listed_usd_a_million": f"{least} to {most}", **rest}


unit_price_is_a_list_price = DailyCheck(
    name="unit_price_is_a_list_price",
    formerly="implied_price_is_a_list_price",
    provider="anthropic",
    asset="core/claude_costs",
    title="cents taken for dollars, a token type taken for another",
    description="Cost per unit lies between the lowest and the highest published price of that model and day.",
    severity="failed",
    sources=(SOURCE,),
    pulls=("claude_cost_report", "claude_messages_usage"),
    also_reads=("core/claude_usage_tokens", "marts/claude_usage_by_line"),
    sql=LINES,
    evaluate=_unit_prices,
)


def _unpriced(warehouse: Warehouse, span: Span | None, sightings: Sightings) -> None:
    if span is None:
        return
    days = by_day(warehouse.query(LINES, first_day=span.first, last_day=span.last))
    for day in set(warehouse.pulled_days("claude_cost_report")) & set(span.days):
        sightings.add(day, unpriced(day, days.get(day, [])), len(days.get(day, [])))


def unpriced(day: date, lines: list[dict[str, Any]]) -> Counter[str]:
    """Models and token types without a list price on a day → the number of lines."""
    unknown: Counter[str] = Counter()
    for line in lines:
        try:
            _envelope(line, day)
        except UnknownPrice as error:
            unknown[str(error)] += 1
    return unknown


every_cost_has_a_list_price = RunCheck(
    name="every_cost_has_a_list_price",
    provider="anthropic",
    asset="core/claude_costs",
    title="a model or kind of cost that the price list does not know",
    description="The published price list knows each model, kind of token and kind of cost. What it does not know is "
    "one warning per model, with the days.",
    warning="The price list does not know",
    sources=(SOURCE,),
    pulls=("claude_cost_report", "claude_messages_usage"),
    sql=LINES,
    look=_unpriced,
)

CHECKS: list[Check] = [unit_price_is_a_list_price, every_cost_has_a_list_price]
