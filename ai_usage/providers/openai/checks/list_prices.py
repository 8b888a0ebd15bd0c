"""Checks that each unit price is a published one, which finds amounts in cents that were read as dollars."""

from collections import Counter
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from ai_usage.check import Check, DailyCheck, Finding, NotEvaluated, RunCheck, Sightings, by_day, failed, passed
from ai_usage.partitions import Span
from ai_usage.providers.openai.list_prices import Envelope, UnknownPrice, envelope, unit_of
from ai_usage.providers.openai.pulls import SOURCE
from ai_usage.warehouse.port import Warehouse

LINES = "providers/openai/checks/priced_lines"

Line = Mapping[str, Any]


def _unit_prices(warehouse: Warehouse, span: Span) -> Mapping[date, Finding]:
    lines = warehouse.query(LINES, first_day=span.first, last_day=span.last)
    return {day: evaluate_prices(day, rows) for day, rows in by_day(lines).items()}


def evaluate_prices(day: date, lines: list[dict[str, Any]]) -> Finding:
    """Every line's unit price against the list. A line without a list price, or without units that it could be for, is
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
        elif not listed.holds(line["amount_usd"], line["units"]):
            beside.append(_beside_the_list(line, listed))
    unpriced = "".join(f" {n} × {what} without a unit that has a price." for what, n in sorted(without_units.items()))
    if beside:
        first = "{line_item} at {usd_a_million} USD a million, listed {listed_usd_a_million}".format_map(beside[0])
        return failed(f"{len(beside)} of {len(lines)} lines are not at a list price: {first}.{unpriced}", beside)
    priced = len(lines) - without_units.total() - unknown
    without_price = f" {unknown} lines have no list price." if unknown else ""
    if lines and not priced:
        return NotEvaluated(f"None of the {len(lines)} lines has a list price and units.{unpriced}{without_price}")
    return passed(f"{priced} lines at list prices.{unpriced}{without_price}")


def _envelope(line: Line, day: date) -> Envelope | None:
    return envelope(line["model"], line["meter"], line["service_tier"], day)


def _beside_the_list(line: Line, listed: Envelope) -> dict[str, Any]:
    """The line with its price and the list price per million units; these columns come first."""
    million = Decimal(10) ** 6
    least, most = (f"{(price * million).normalize():,f}" for price in (listed.least, listed.most))
    paid = f"{line['amount_usd'] / line['units'] * million:,.2f}"
    first = {"line_item": line["line_item"], "usd_a_million": paid}
    rest = {name: value for name, value in line.items() if name not in first}
    return {**first, "listed_usd_a_million": f"{least} to {most}", **rest}


openai_prices_are_published = DailyCheck(
    name="openai_prices_are_published",
    provider="openai",
    asset="core/openai_costs",
    title="a slip between cents and dollars, one meter taken for another",
    description="Cost per unit lies between the lowest and the highest published price of that model, meter and day: "
    "half of it for batch and flex, more for priority and fast modes.",
    severity="failed",
    sources=(SOURCE,),
    pulls=("openai_costs",),
    also_reads=("core/openai_usage", "marts/openai_line_units"),
    sql=LINES,
    evaluate=_unit_prices,
)


def _unpriced(warehouse: Warehouse, span: Span | None, sightings: Sightings) -> None:
    if span is None:
        return
    days = by_day(warehouse.query(LINES, first_day=span.first, last_day=span.last))
    for day in set(warehouse.pulled_days("openai_costs")) & set(span.days):
        lines = days.get(day, [])
        sightings.add(day, unpriced(day, lines), len(lines))


def unpriced(day: date, lines: list[dict[str, Any]]) -> Counter[str]:
    """Models and meters without a list price on a day → the number of lines."""
    unknown: Counter[str] = Counter()
    for line in lines:
        try:
            _envelope(line, day)
        except UnknownPrice as error:
            unknown[str(error)] += 1
    return unknown


every_cost_has_a_list_price = RunCheck(
    name="every_cost_has_a_list_price",
    provider="openai",
    asset="core/openai_costs",
    title="a model or kind of cost that the price list does not know",
    description="The published price list knows each model, meter and service tier. What it does not know is one "
    "warning each, with the days.",
    warning="The price list does not know",
    sources=(SOURCE,),
    pulls=("openai_costs",),
    also_reads=("marts/openai_line_units",),
    sql=LINES,
    look=_unpriced,
)

CHECKS: list[Check] = [openai_prices_are_published, every_cost_has_a_list_price]
