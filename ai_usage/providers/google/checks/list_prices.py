"""Checks that each unit price is a published one, which finds amounts in an unexpected unit or currency."""

from collections import Counter
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from ai_usage.check import Check, DailyCheck, Finding, NotEvaluated, RunCheck, Sightings, by_day, failed, passed
from ai_usage.partitions import Span
from ai_usage.providers.google.list_prices import DEEPEST, Envelope, UnknownPrice, envelope, unit_of
from ai_usage.providers.google.pulls import SOURCE
from ai_usage.warehouse.port import Warehouse

LINES = "providers/google/checks/priced_lines"

Line = Mapping[str, Any]


def _unit_prices(warehouse: Warehouse, span: Span) -> Mapping[date, Finding]:
    lines = warehouse.query(LINES, first_day=span.first, last_day=span.last)
    return {day: evaluate_prices(day, rows) for day, rows in by_day(lines).items()}


def evaluate_prices(day: date, lines: list[dict[str, Any]]) -> Finding:
    """Every SKU's unit price against the list. A SKU without a list price, or without units that it could be for, is
    not evaluated; which models have none is the result of `every_cost_has_a_list_price`.
    """
    beside: list[dict[str, Any]] = []
    unknown = 0
    without_units: Counter[str] = Counter()
    for line in lines:
        try:
            listed = _envelope(line, day)
        except UnknownPrice:
            unknown += 1
            continue
        if listed is None or not line["units"] or line["unit"] != unit_of(line["meter"]):
            without_units[line["meter"]] += 1
        elif not _is_listed(line, listed):
            beside.append(_beside_the_list(line, listed))
    if beside:
        first = "{sku_name} at {usd_a_million} USD a million, listed {listed_usd_a_million}".format_map(beside[0])
        return failed(f"{len(beside)} of {len(lines)} SKUs are not at a list price: {first}.", beside)
    priced = len(lines) - without_units.total() - unknown
    unpriced = f" {without_units.total()} SKUs have no unit that has a price." if without_units else ""
    without_price = f" {unknown} SKUs have no list price." if unknown else ""
    if lines and not priced:
        return NotEvaluated(f"None of the {len(lines)} SKUs has a list price and units.{unpriced}{without_price}")
    return passed(f"{priced} SKUs at list prices.{unpriced}{without_price}")


def _is_listed(line: Line, listed: Envelope) -> bool:
    """Whether the row's own list cost is a list price, and its cost no more than that and no less than any contract
    allows; a row without a list cost is at a list price itself.
    """
    at_list, amount = line["list_usd"], line["amount_usd"]
    if at_list is None:
        return listed.holds(amount, line["units"])
    return listed.holds(at_list, line["units"]) and at_list * DEEPEST <= amount <= at_list + Decimal("1e-6")


def _envelope(line: Line, day: date) -> Envelope | None:
    return envelope(line["model"], line["meter"], line["service_tier"], day)


def _beside_the_list(line: Line, listed: Envelope) -> dict[str, Any]:
    """The SKU with its price and the list price per million units; these columns come first."""
    million = Decimal(10) ** 6
    least, most = (f"{(price * million).normalize():,f}" for price in (listed.least, listed.most))
    first = {"sku_name": line["sku_name"], "usd_a_million": f"{line['amount_usd'] / line['units'] * million:,.2f}"}
    rest = {name: value for name, value in line.items() if name not in first}
    return {**first, "listed_usd_a_million": f"{least} to {most}", **rest}


gemini_prices_are_published = DailyCheck(
    name="gemini_prices_are_published",
    provider="google",
    asset="core/gemini_costs",
    title="an amount in another unit or currency, one meter taken for another",
    description="The list cost per unit, in USD and before credits, lies between the lowest and the highest published "
    "price of that model, meter and day: half of it for batch and flex, double for priority. The cost is not above it.",
    severity="failed",
    sources=(SOURCE,),
    pulls=("gemini_billing",),
    sql=LINES,
    evaluate=_unit_prices,
)


def _unpriced(warehouse: Warehouse, span: Span | None, sightings: Sightings) -> None:
    if span is None:
        return
    days = by_day(warehouse.query(LINES, first_day=span.first, last_day=span.last))
    for day in set(warehouse.pulled_days("gemini_billing")) & set(span.days):
        lines = days.get(day, [])
        sightings.add(day, unpriced(day, lines), len(lines))


def unpriced(day: date, lines: list[dict[str, Any]]) -> Counter[str]:
    """Models and meters without a list price on a day → the number of SKUs."""
    unknown: Counter[str] = Counter()
    for line in lines:
        try:
            _envelope(line, day)
        except UnknownPrice as error:
            unknown[str(error)] += 1
    return unknown


every_cost_has_a_list_price = RunCheck(
    name="every_cost_has_a_list_price",
    provider="google",
    asset="core/gemini_costs",
    title="a model or kind of cost that the price list does not know",
    description="The published price list knows each model, meter and service tier. What it does not know is one "
    "warning each, with the days.",
    warning="The price list does not know",
    sources=(SOURCE,),
    pulls=("gemini_billing",),
    sql=LINES,
    look=_unpriced,
)

CHECKS: list[Check] = [gemini_prices_are_published, every_cost_has_a_list_price]
