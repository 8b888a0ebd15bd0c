"""The range of Google's list prices: dated, by meter and tier, and narrow enough to detect an error of 100 times."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from genai_prices.data_snapshot import get_snapshot

from ai_usage.check import NotEvaluated, Result
from ai_usage.providers.google.checks.list_prices import evaluate_prices, unpriced
from ai_usage.providers.google.list_prices import PRICE_OF, TIMES, TOOLS, Envelope, UnknownPrice, envelope

DAY = date(2026, 11, 20)
MODELS = [model.id for of in get_snapshot().providers if of.id == "google" for model in of.models]
FLASH, MILLION = "gemini-2.5-flash", Decimal(10) ** 6


def listed(model: str | None, meter: str = "input_tokens", tier: str | None = None, day: date = DAY) -> Envelope:
    found = envelope(model, meter, tier, day)
    assert found is not None
    return found


def line(amount: str, at_list: str | None = None, units: str | None = "1000000", **more: Any) -> dict[str, Any]:
    """A SKU of a model's input, in the format of `priced_lines`."""
    given = {"sku_name": "Flash input", "model": FLASH, "meter": "input_tokens", "service_tier": None, "unit": "tokens"}
    money = {"amount_usd": Decimal(amount), "list_usd": None if at_list is None else Decimal(at_list)}
    return {**given, **money, "units": None if units is None else Decimal(units), **more}


def test_no_envelope_is_as_wide_as_a_slip_between_cents_and_dollars() -> None:
    found = []
    for model, meter, tier in ((model, meter, tier) for model in MODELS for meter in PRICE_OF for tier in TIMES):
        try:
            found.append(listed(model, meter, tier))
        except UnknownPrice:
            continue
    found += [listed(None, meter) for meter in TOOLS]
    assert len(found) > 300
    assert all(0 < of.least <= of.most < of.least * 100 for of in found)


@pytest.mark.parametrize(
    ("model", "price_list_has"), [("gemini-3-flash", "0.5"), ("claude-opus-4.5", "5"), (FLASH, "0.3")]
)
def test_a_model_is_found_by_the_name_that_the_price_list_has(model: str, price_list_has: str) -> None:
    found = listed(model)
    assert (found.least * MILLION, found.most * MILLION) == (
        Decimal(price_list_has) * Decimal("0.5"),
        Decimal(price_list_has) * Decimal("1.1"),
    )


def test_prices_are_those_of_the_day() -> None:
    assert listed("gemini-3.7-flash").most * 2 == listed("gemini-3.7-flash", day=date(2027, 1, 1)).most


def test_an_image_is_read_at_the_price_of_text_and_audio_at_its_own() -> None:
    assert listed(FLASH, "image_input_tokens") == listed(FLASH)
    assert listed(FLASH, "audio_input_tokens").most > listed(FLASH).most * 3


@pytest.mark.parametrize(
    ("model", "meter", "tier", "why"),
    [
        ("gemini-novel", "input_tokens", None, "model gemini-novel"),
        (None, "input_tokens", None, "model none"),
        (FLASH, "input_tokens", "provisioned", "service tier provisioned"),
        ("gemini-embedding-001", "output_tokens", None, "output_tokens of model gemini-embedding-001"),
    ],
)
def test_what_the_list_does_not_know_is_named(model: str | None, meter: str, tier: str | None, why: str) -> None:
    with pytest.raises(UnknownPrice, match=why):
        envelope(model, meter, tier, DAY)
    unknown = unpriced(DAY, [line("1", model=model, meter=meter, service_tier=tier)])
    assert dict(unknown) == {why: 1}


def test_a_meter_of_no_unit_has_no_price() -> None:
    assert envelope(None, "cache_storage", None, DAY) is None


PASSING = {
    "at list": line("0.3"),
    "batch": line("0.15"),
    "with its list cost": line("0.3", "0.3"),
    "a contract's discount": line("0.1", "0.3"),
    "priority": line("0.54", service_tier="priority"),
    "searches": line("0.35", meter="web_search", model=None, units="10", unit="requests"),
}
FAILING = {
    "cents as dollars": line("30"),
    "dollars as cents": line("0.003"),
    "both a hundredfold": line("30", "30"),
    "more than its list cost": line("0.31", "0.3"),
    "a hundredth of its list cost": line("0.003", "0.3"),
    "tokens as thousands": line("0.3", "0.3", units="1000"),
    "yen as dollars": line("45", "45"),
}


@pytest.mark.parametrize("given", PASSING.values(), ids=PASSING)
def test_a_list_price_passes(given: dict[str, Any]) -> None:
    found = evaluate_prices(DAY, [given])
    assert isinstance(found, Result)
    assert (found.status, found.why) == ("passed", "1 SKUs at list prices.")


@pytest.mark.parametrize("given", FAILING.values(), ids=FAILING)
def test_a_slip_fails_and_names_both_prices(given: dict[str, Any]) -> None:
    found = evaluate_prices(DAY, [given, line("0.3")])
    assert isinstance(found, Result)
    assert found.status == "failed"
    assert found.why.startswith("1 of 2 SKUs are not at a list price: Flash input at ")
    assert found.why.endswith("USD a million, listed 0.15 to 0.33.")
    [row] = found.rows
    assert row["sku_name"] == "Flash input"


def test_what_cannot_be_compared_is_counted_and_alone_evaluates_nothing() -> None:
    others = [line("1", model="gemini-novel"), line("1", units=None), line("1", unit="units")]
    found = evaluate_prices(DAY, [line("0.3"), *others])
    assert isinstance(found, Result)
    assert found.why == "1 SKUs at list prices. 2 SKUs have no unit that has a price. 1 SKUs have no list price."
    assert isinstance(evaluate_prices(DAY, others), NotEvaluated)
