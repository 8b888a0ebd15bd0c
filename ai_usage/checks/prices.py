"""Published list prices by day, as an envelope: the least and the most a unit may cost under any known condition.

The prices are `genai-prices`' own, dated; the multipliers are Anthropic's published ones. The dearest is
at most 22 times the cheapest, so that a slip between cents and dollars, a factor of 100, always falls outside.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import cache

from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import TieredPrices

BATCH = Decimal("0.5")  # the cheapest way to buy a token
FAST = Decimal(2)  # the dearest, which no dimension of the cost report tells
US_ONLY = Decimal("1.1")  # inference_geo us
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
class Envelope:
    """USD a unit, least and most."""

    least: Decimal
    most: Decimal

    def holds(self, amount_usd: Decimal, units: int) -> bool:
        """Whether so much for so many units is a list price, give or take a ten-thousandth of a cent a line."""
        slack = Decimal("1e-6")
        return self.least * units - slack <= amount_usd <= self.most * units + slack


class UnknownPrice(LookupError):
    """No published price for this model, kind of token or kind of cost."""


@cache
def token_envelope(model: str, token_type: str, day: date) -> Envelope:
    """What a token of a model could cost on a day; `UnknownPrice` if the price list does not know either."""
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
    million = Decimal(10) ** 6
    return Envelope(min(listed) * BATCH / million, max(listed) * FAST * US_ONLY / million)


SEARCH_ENVELOPE = Envelope(WEB_SEARCH * BATCH, WEB_SEARCH * US_ONLY)
