"""Published list prices by day, as a range: the lowest and highest price of a unit under the possible conditions of a
line. The base prices are from `genai-prices`, dated and with their tiers of prompt length; a `Mode`, also dated and
with its source, multiplies them.

No range is as wide as 1 to 100, so an amount in cents that was read as dollars is always outside.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import cache

from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import TieredPrices

ONE = Decimal(1)
WEB_SEARCH = Decimal(10) / 1000  # a search, whatever the model

# The cost report's token types, as genai-prices names their prices (USD per million).
PRICE_OF = {
    "uncached_input_tokens": "input_mtok",
    "output_tokens": "output_mtok",
    "cache_read_input_tokens": "cache_read_mtok",
    "cache_creation.ephemeral_5m_input_tokens": "cache_write_mtok",
    "cache_creation.ephemeral_1h_input_tokens": "cache_write_1h_mtok",
}


@dataclass(frozen=True)
class Mode:
    """A way to buy tokens, and how many times the base price they then cost, from `since` until `until`, that day
    included. `models` is what their ids look like.
    """

    name: str
    times: Decimal
    models: re.Pattern[str]
    since: date
    until: date
    source: str

    def holds(self, model: str, day: date) -> bool:
        return self.since <= day <= self.until and self.models.search(model) is not None


ANY = re.compile("")
OPEN = date.max
PRICING = "platform.claude.com/docs/en/about-claude/pricing"

BATCH = Mode("batch", Decimal("0.5"), ANY, date(2024, 10, 8), OPEN, PRICING)
US_ONLY = Mode(
    "inference_geo us", Decimal("1.1"), re.compile(r"(opus|sonnet|haiku)-([5-9]|4-[6-9])\b|fable|mythos"),
    date(2026, 2, 5), OPEN, PRICING,
)  # fmt: skip
FAST = (
    Mode(
        "fast", Decimal(6), re.compile("opus-4-6"), date(2026, 2, 5), date(2026, 7, 24),
        "platform.claude.com/docs/en/build-with-claude/fast-mode in spring 2026: 30 and 150 USD a million, half of it "
        "until February 16. Since summer such requests run at standard speed and price: anomalyco/models.dev#4123",
    ),
    Mode(
        "fast", Decimal(6), re.compile("opus-4-7"), date(2026, 5, 12), date(2026, 7, 24),
        "code.claude.com/docs/en/fast-mode: removed on July 24, 2026; price: anomalyco/models.dev#1764",
    ),
    Mode(
        "fast", Decimal(2), re.compile("opus-4-8"), date(2026, 5, 28), date(2026, 11, 30),
        "code.claude.com/docs/en/fast-mode: removed on November 30, 2026; price: " + PRICING,
    ),
    Mode("fast", Decimal(2), re.compile(r"opus-[5-9]|fable|mythos"), date(2026, 7, 24), OPEN, PRICING),
)  # fmt: skip

# The provider publishes no price of `flex` tokens, nor of contracts. Half of list, which batch is, is the least that
# passes for any tier; the cost report has no Priority Tier.
LEAST = BATCH.times


@dataclass(frozen=True)
class Envelope:
    """USD a unit, least and most."""

    least: Decimal
    most: Decimal

    def holds(self, amount_usd: Decimal, units: int) -> bool:
        """Whether this amount for this number of units is a list price, with a tolerance of 0.0001 cents per line."""
        slack = Decimal("1e-6")
        return self.least * units - slack <= amount_usd <= self.most * units + slack


class UnknownPrice(LookupError):
    """No published price for this model, kind of token or kind of cost."""


@cache
def token_envelope(
    model: str, token_type: str, day: date, *, service_tier: str | None = None, inference_geo: str | None = None
) -> Envelope:
    """The price range of a model's token on a day; `UnknownPrice` if the price list lacks the model or the kind of
    token. A tier or geography of None is any.
    """
    if token_type not in PRICE_OF:
        raise UnknownPrice(f"token type {token_type}")
    try:
        _, found = get_snapshot().find_provider_model(model, None, "anthropic", None)
    except LookupError as error:
        raise UnknownPrice(f"model {model}") from error
    prices = found.get_prices(datetime.combine(day, time(12), UTC))
    price = getattr(prices, PRICE_OF[token_type], None)
    if price is None:
        raise UnknownPrice(f"{token_type} of model {model}")
    listed = [price.base, *(t.price for t in price.tiers)] if isinstance(price, TieredPrices) else [price]
    most = max(_times(model, day, service_tier)) * (_us_only(model, day) if inference_geo in {None, "us"} else ONE)
    million = Decimal(10) ** 6
    return Envelope(min(listed) * LEAST / million, max(listed) * most / million)


def _times(model: str, day: date, service_tier: str | None) -> Iterator[Decimal]:
    """What may multiply the base price. No text of a line is needed for fast mode, and it takes no batch."""
    if service_tier == "batch":
        yield BATCH.times
        return
    yield ONE
    yield from (mode.times for mode in FAST if mode.holds(model, day))


def _us_only(model: str, day: date) -> Decimal:
    return US_ONLY.times if US_ONLY.holds(model, day) else ONE


SEARCH_ENVELOPE = Envelope(WEB_SEARCH * LEAST, WEB_SEARCH * US_ONLY.times)
