"""The range of list prices: dated, and narrow enough to detect an error by a factor of 100."""

from datetime import date
from decimal import Decimal

import pytest
from genai_prices.data_snapshot import get_snapshot

from ai_usage.providers.anthropic.list_prices import PRICE_OF, Envelope, UnknownPrice, token_envelope

MODELS = [m.id for p in get_snapshot().providers if p.id == "anthropic" for m in p.models]
DATES = [date(2026, 1, 1), date(2026, 3, 12), date(2026, 3, 13), date(2026, 11, 20)]
OPUS, OUTPUT = "claude-opus-4-6", "output_tokens"


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
    assert {of: e for of, e in envelopes.items() if e.most > 27 * e.least} == {}


def test_any_list_price_is_caught_once_it_slips_by_a_hundred_either_way() -> None:
    for envelope in _envelopes().values():
        for paid in (envelope.least, envelope.most):
            assert envelope.holds(paid * 10_000, 10_000)
            assert not envelope.holds(paid * 10_000 * 100, 10_000)
            assert not envelope.holds(paid * 10_000 / 100, 10_000)


def test_a_price_is_that_of_its_day() -> None:
    before, since = (token_envelope(OPUS, OUTPUT, day) for day in DATES[1:3])
    assert before.most == since.most * Decimal("1.5")  # long prompts cost more until 2026-03-13


def times(day: date, model: str = OPUS, listed: int = 25, **known: str) -> Decimal:
    """The upper limit of a model's output cost, as a multiple of its list price."""
    return token_envelope(model, OUTPUT, day, **known).most * 10**6 / listed


@pytest.mark.parametrize(
    ("model", "listed", "day", "most"),
    [
        (OPUS, 25, date(2026, 2, 4), "1.5"),  # the day before the mode began; long prompts cost 1.5 times
        (OPUS, 25, date(2026, 2, 5), "9"),
        (OPUS, 25, date(2026, 5, 12), "6"),
        (OPUS, 25, date(2026, 7, 24), "6"),
        (OPUS, 25, date(2026, 7, 25), "1"),
        ("claude-opus-4-7", 25, date(2026, 5, 11), "1"),
        ("claude-opus-4-7", 25, date(2026, 6, 25), "6"),
        ("claude-opus-4-8", 25, date(2026, 11, 30), "2"),
        ("claude-opus-4-8", 25, date(2026, 12, 1), "1"),
        ("claude-opus-5-5", 20, date(2026, 11, 20), "2"),
        ("claude-fable-5-2", 40, date(2026, 11, 20), "2"),
        ("claude-sonnet-5-5", 10, date(2026, 11, 20), "1"),
    ],
)
def test_fast_mode_is_priced_where_and_while_it_is_sold(model: str, listed: int, day: date, most: str) -> None:
    """Case 19: six times list is a price of Opus 4.6 from February to summer 2026, and at no other time."""
    assert times(day, model, listed, inference_geo="global") == Decimal(most)


def test_a_fast_line_at_six_times_list_is_a_list_price_until_the_mode_ends() -> None:
    """Case 19: a line at 6× list (fast mode of Opus 4.6, February to summer 2026)."""
    spring = token_envelope(OPUS, OUTPUT, date(2026, 5, 12), service_tier="standard", inference_geo="not_available")
    autumn = token_envelope(OPUS, OUTPUT, date(2026, 9, 1), service_tier="standard", inference_geo="not_available")
    assert spring.holds(Decimal(150), 10**6)
    assert not autumn.holds(Decimal(150), 10**6)


def test_the_us_cost_a_tenth_more_and_batch_is_never_fast() -> None:
    day = date(2026, 5, 12)
    assert times(day, inference_geo="us") == times(day) == Decimal("6.6")
    assert times(day, service_tier="batch", inference_geo="us") == Decimal("0.55")
    assert times(day, service_tier="batch", inference_geo="global") == Decimal("0.5")
    older = ("claude-opus-4-5-20251101", "claude-haiku-4-5-20251001")
    assert [times(day, model, listed) for model, listed in zip(older, (25, 5), strict=True)] == [1, 1]


def test_what_has_no_published_price_is_named() -> None:
    with pytest.raises(UnknownPrice, match="model claude-novel-9"):
        token_envelope("claude-novel-9", "output_tokens", DATES[0])
    with pytest.raises(UnknownPrice, match="token type thoughts"):
        token_envelope("claude-opus-4-6", "thoughts", DATES[0])
    with pytest.raises(UnknownPrice, match="cache_read_input_tokens of model claude-2"):
        token_envelope("claude-2.1", "cache_read_input_tokens", DATES[0])
