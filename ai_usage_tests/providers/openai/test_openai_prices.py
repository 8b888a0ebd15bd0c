"""The range of OpenAI's list prices: dated, by meter and tier, and narrow enough to detect an error of 100 times."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from genai_prices.data_snapshot import get_snapshot

from ai_usage.check import NotEvaluated, Result
from ai_usage.providers.openai.checks.list_prices import evaluate_prices, unpriced
from ai_usage.providers.openai.list_prices import PRICE_OF, TIMES, TOOLS, UNPRICED, Envelope, UnknownPrice, envelope

DAY = date(2026, 11, 20)
MODELS = [model.id for of in get_snapshot().providers if of.id == "openai" for model in of.models]
LUNA, MILLION = "gpt-5.6-luna", Decimal(10) ** 6


def listed(model: str | None, meter: str = "input_tokens", tier: str = "default", day: date = DAY) -> Envelope:
    found = envelope(model, meter, tier, day)
    assert found is not None
    return found


def line(amount: str, units: str | None, **more: Any) -> dict[str, Any]:
    """A cost line of a model's input, in the format of `priced_lines`."""
    given = {"line_item": "gpt-4o, input", "model": "gpt-4o", "meter": "input_tokens", "service_tier": "default"}
    money = {"amount_usd": Decimal(amount), "units": None if units is None else Decimal(units)}
    return {**given, "unit": "tokens", **money, **more}


def test_no_envelope_is_as_wide_as_a_slip_between_cents_and_dollars() -> None:
    found = []
    for model, meter, tier in ((model, meter, tier) for model in MODELS for meter in PRICE_OF for tier in TIMES):
        try:
            found.append(listed(model, meter, tier))
        except UnknownPrice:
            continue
    found += [listed(None, meter) for meter in TOOLS]
    assert len(found) > 500
    assert max(of.most / of.least for of in found) < 100
    assert min(of.least for of in found) > 0


@pytest.mark.parametrize(
    ("meter", "usd_a_million"),
    [
        ("input_tokens", "0.2"),
        ("cached_input_tokens", "0.02"),
        ("cache_write_tokens", "0.25"),
        ("output_tokens", "1.2"),
    ],
)
def test_each_meter_has_its_own_price(meter: str, usd_a_million: str) -> None:
    price = Decimal(usd_a_million)
    assert listed(LUNA, meter).holds(price, MILLION)
    assert not listed(LUNA, meter).holds(price * Decimal("2.3"), MILLION)
    assert not listed(LUNA, meter).holds(price * Decimal("0.49"), MILLION)


def test_long_prompts_may_cost_their_own_price() -> None:
    assert listed(LUNA).holds(Decimal("0.4"), MILLION)
    assert not listed("gpt-4o").holds(Decimal(5), MILLION)


@pytest.mark.parametrize(
    ("tier", "times", "passes"),
    [
        ("batch", "0.5", True),
        ("batch", "1", False),
        ("flex", "0.5", True),
        ("flex", "1", False),
        ("default", "1", True),
        ("default", "1.1", True),
        ("default", "2", False),
        ("priority", "2.5", True),
        ("priority", "4", False),
        ("fast", "6", True),
    ],
)
def test_a_tier_has_a_price_of_its_own(tier: str, times: str, passes: bool) -> None:  # noqa: FBT001
    assert listed("gpt-4o", tier=tier).holds(Decimal("2.5") * Decimal(times), MILLION) is passes


def test_units_that_are_no_tokens_are_priced_by_their_own() -> None:
    assert listed("tts-1", "characters").holds(Decimal(15), MILLION)
    assert listed("whisper-1", "audio_seconds").holds(Decimal("0.006"), Decimal(60))
    assert listed("text-embedding-3-small", "model_use").holds(Decimal("0.02"), MILLION)
    assert listed(None, "web_search").holds(Decimal("0.01"), Decimal(1))
    assert listed(None, "web_search").holds(Decimal("0.025"), Decimal(1))
    assert not listed(None, "web_search").holds(Decimal("0.05"), Decimal(1))
    assert listed(None, "file_search").holds(Decimal("2.5"), Decimal(1000))
    assert all(envelope(None, meter, "default", DAY) is None for meter in UNPRICED)


def test_a_dated_snapshot_is_priced_as_the_list_has_it_or_as_its_alias() -> None:
    assert listed("gpt-4o-2024-08-06") == listed("gpt-4o")
    assert listed("gpt-4o-2024-05-13").holds(Decimal(5), MILLION), "the first snapshot cost twice as much"
    assert listed("gpt-4o-2029-01-01") == listed("gpt-4o")


@pytest.mark.parametrize(
    ("model", "meter", "tier", "named"),
    [
        ("gpt-novel-9", "input_tokens", "default", "model gpt-novel-9"),
        (None, "input_tokens", "default", "model none"),
        ("gpt-4o", "thoughts", "default", "meter thoughts"),
        ("gpt-4o", "input_tokens", "scale", "service tier scale"),
        ("gpt-4o", "cache_write_tokens", "default", "cache_write_tokens of model gpt-4o"),
        ("gpt-4o", "model_use", "default", "model_use of model gpt-4o"),
    ],
)
def test_what_has_no_published_price_is_named(model: str | None, meter: str, tier: str, named: str) -> None:
    with pytest.raises(UnknownPrice, match=named):
        envelope(model, meter, tier, DAY)
    unknown = line("1", "1", model=model, meter=meter, service_tier=tier)
    assert dict(unpriced(DAY, [unknown, unknown, line("2.5", "1000000")])) == {named: 2}


def test_a_line_beside_the_list_is_shown_with_both_prices() -> None:
    found = evaluate_prices(DAY, [line("2.5", "1000000"), line("250", "1000000")])
    assert isinstance(found, Result)
    assert found.status == "failed"
    assert found.why == (
        "1 of 2 lines are not at a list price: gpt-4o, input at 250.00 USD a million, listed 1.25 to 2.75."
    )
    assert found.rows[0]["usd_a_million"] == "250.00"


def test_lines_that_cannot_be_evaluated_are_counted_and_alone_are_no_pass() -> None:
    unknown, without = line("1", "1", model="gpt-novel-9"), line("1", None)
    other_unit = line("1", "1", unit="gibibyte_hours")
    found = evaluate_prices(DAY, [unknown, without, other_unit, line("2.5", "1000000")])
    assert isinstance(found, Result)
    assert found.passed
    assert found.why == (
        "1 lines at list prices. 2 × input_tokens without a unit that has a price. 1 lines have no list price."
    )
    assert isinstance(evaluate_prices(DAY, [unknown, without]), NotEvaluated)
