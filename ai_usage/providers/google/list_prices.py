"""Google's published list prices by day, as a range: the lowest and highest price of a unit under the possible
conditions of a SKU. The base prices are from `genai-prices`, dated and with their tiers of prompt length; the service
tier multiplies them.

No range is as wide as 1 to 100, so an amount in an unexpected unit or currency is outside.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import cache

from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import ModelInfo, TieredPrices

ONE, MILLION, THOUSAND = Decimal(1), Decimal(10) ** 6, Decimal(10) ** 3

# Meter → genai-prices' name of its price. All are for a million tokens.
PRICE_OF = {
    "input_tokens": "input_mtok",
    "cached_input_tokens": "cache_read_mtok",
    "output_tokens": "output_mtok",
    "audio_input_tokens": "input_audio_mtok",
    "audio_cached_input_tokens": "cache_audio_read_mtok",
    "audio_output_tokens": "output_audio_mtok",
    "image_input_tokens": "input_image_mtok",
    "image_cached_input_tokens": "cache_image_read_mtok",
    "image_output_tokens": "output_image_mtok",
    "video_input_tokens": "input_video_mtok",
    "video_output_tokens": "output_video_mtok",
}
# Of kinds that have no price of their own: images and videos are read at the price of text.
ELSE = {"input_image_mtok": "input_mtok", "input_video_mtok": "input_mtok", "cache_image_read_mtok": "cache_read_mtok"}
# USD a call, whatever the model, which the SKU does not name: 14 to 35 USD a thousand, by the generation of the model.
TOOLS = {"web_search": (Decimal(14) / THOUSAND, Decimal(35) / THOUSAND)}
# Tier → how many times the base price its tokens cost at most. Batch and flex are half; priority is at most double.
TIMES = {None: ONE, "batch": Decimal("0.5"), "flex": Decimal("0.5"), "priority": Decimal(2)}
LEAST = Decimal("0.5")  # of the base price in any tier: what batch costs
REGIONAL = Decimal("1.1")  # a region of the customer's choice costs a tenth more
DEEPEST = Decimal("0.05")  # of the list price: no contract's discount is larger


@dataclass(frozen=True)
class Envelope:
    """USD a unit, least and most."""

    least: Decimal
    most: Decimal

    def holds(self, amount_usd: Decimal, units: Decimal) -> bool:
        """Whether so much for so many units is a list price, give or take a ten-thousandth of a cent."""
        slack = Decimal("1e-6")
        return self.least * units - slack <= amount_usd <= self.most * units + slack


class UnknownPrice(LookupError):
    """No published price for this model, meter or tier."""


@cache
def envelope(model: str | None, meter: str, service_tier: str | None, day: date) -> Envelope | None:
    """The price range of a meter's unit on a day; None if the meter has no price per unit. `UnknownPrice` if the price
    list lacks the model, the meter or the tier.
    """
    if meter in TOOLS:
        least, most = TOOLS[meter]
        return Envelope(least * LEAST, most * REGIONAL)
    if meter not in PRICE_OF:
        return None
    if service_tier not in TIMES:
        raise UnknownPrice(f"service tier {service_tier}")
    prices = _listed(model).get_prices(datetime.combine(day, time(12), UTC))
    field = PRICE_OF[meter]
    price = getattr(prices, field, None)
    if price is None and field in ELSE:
        price = getattr(prices, ELSE[field], None)
    if price is None:
        raise UnknownPrice(f"{meter} of model {model}")
    listed = [price.base, *(tier.price for tier in price.tiers)] if isinstance(price, TieredPrices) else [price]
    return Envelope(min(listed) * LEAST / MILLION, max(listed) * TIMES[service_tier] * REGIONAL / MILLION)


def _listed(model: str | None) -> ModelInfo:
    """The model of the price list, which writes some with a hyphen for the dot, and previews by that name."""
    for name in (model, f"{model}-preview", model.replace(".", "-")) if model else ():
        try:
            return get_snapshot().find_provider_model(name, None, "google", None)[1]
        except LookupError:
            continue
    raise UnknownPrice(f"model {model or 'none'}")


def unit_of(meter: str) -> str:
    """The unit in which a priced meter is counted."""
    return "requests" if meter in TOOLS else "tokens"
