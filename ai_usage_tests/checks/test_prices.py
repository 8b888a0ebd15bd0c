"""The envelope of list prices: dated, and too narrow for a slip of a hundred."""

from datetime import date
from decimal import Decimal

import pytest
from genai_prices.data_snapshot import get_snapshot

from ai_usage.checks.prices import PRICE_OF, Envelope, UnknownPrice, token_envelope

MODELS = [m.id for p in get_snapshot().providers if p.id == "anthropic" for m in p.models]
DATES = [date(2026, 1, 1), date(2026, 3, 13), date(2026, 11, 20)]


def _envelopes() -> dict[tuple[str, str, date], Envelope]:
    found = {}
    for of in ((model, kind, day) for model in MODELS for kind in PRICE_OF for day in DATES):
        try:
            found[of] = token_envelope(*of)
        except UnknownPrice:  # a model that cannot cache has no price for it
            continue
    return found


def test_no_envelope_is_as_wide_as_a_slip_between_cents_and_dollars() -> None:
    envelopes = _envelopes()
    assert {model for model, _, _ in envelopes} == set(MODELS)
    assert {of: e for of, e in envelopes.items() if e.most > 25 * e.least} == {}


def test_any_list_price_is_caught_once_it_slips_by_a_hundred_either_way() -> None:
    for envelope in _envelopes().values():
        for paid in (envelope.least, envelope.most):
            assert envelope.holds(paid * 10_000, 10_000)
            assert not envelope.holds(paid * 10_000 * 100, 10_000)
            assert not envelope.holds(paid * 10_000 / 100, 10_000)


def test_a_price_is_that_of_its_day() -> None:
    before, since = (token_envelope("claude-opus-4-6", "output_tokens", day) for day in DATES[:2])
    assert before.most == since.most * Decimal("1.5")  # long prompts cost more until 2026-03-13


def test_what_has_no_published_price_is_named() -> None:
    with pytest.raises(UnknownPrice, match="model claude-novel-9"):
        token_envelope("claude-novel-9", "output_tokens", DATES[0])
    with pytest.raises(UnknownPrice, match="token type thoughts"):
        token_envelope("claude-opus-4-6", "thoughts", DATES[0])
    with pytest.raises(UnknownPrice, match="cache_read_input_tokens of model claude-2"):
        token_envelope("claude-2.1", "cache_read_input_tokens", DATES[0])
