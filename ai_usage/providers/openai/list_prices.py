"""Published list prices by day, as a range: the lowest and highest price of a unit under the possible conditions of a
line. The base prices are from `genai-prices`, dated and with their tiers of prompt length; the service tier multiplies
them.

No range is as wide as 1 to 100, so an amount in cents that was read as dollars is always outside.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import cache

from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import ModelInfo, TieredPrices

ONE, MILLION, THOUSAND, HOUR = Decimal(1), Decimal(10) ** 6, Decimal(10) ** 3, Decimal(3600)

# Meter → genai-prices' name of its price, the units that this price is for, and the unit that is counted.
PRICE_OF = {
    "input_tokens": ("input_mtok", MILLION, "tokens"),
    "cached_input_tokens": ("cache_read_mtok", MILLION, "tokens"),
    "cache_write_tokens": ("cache_write_mtok", MILLION, "tokens"),
    "output_tokens": ("output_mtok", MILLION, "tokens"),
    "audio_input_tokens": ("input_audio_mtok", MILLION, "tokens"),
    "audio_cached_input_tokens": ("cache_audio_read_mtok", MILLION, "tokens"),
    "audio_output_tokens": ("output_audio_mtok", MILLION, "tokens"),
    "image_input_tokens": ("input_image_mtok", MILLION, "tokens"),
    "image_cached_input_tokens": ("cache_image_read_mtok", MILLION, "tokens"),
    "image_output_tokens": ("output_image_mtok", MILLION, "tokens"),
    "model_use": ("input_mtok", MILLION, "tokens"),  # of embeddings: they have no other price
    "characters": ("input_mchars", MILLION, "characters"),
    "audio_seconds": ("audio_hours", HOUR, "seconds"),
}
UNPRICED = frozenset({"images", "code_interpreter", "storage"})  # by size, memory and time: no price of one unit
DATED = re.compile(r"-(20\d{2}-\d{2}-\d{2}|\d{4})$")

# USD a call, whatever the model, as platform.openai.com/docs/pricing has them: web searches are 10 USD a thousand, 25
# with the preview tool and a model that does not reason; searches of files are 2.50.
TOOLS = {
    "web_search": (Decimal(10) / THOUSAND, Decimal(25) / THOUSAND),
    "file_search": (Decimal("2.5") / THOUSAND, Decimal("2.5") / THOUSAND),
}

# Tier → how many times the base price its tokens cost at most. Batch and flex are half. Priority is published model by
# model, from 1.7 to 2.5 times; fast modes cost more, and genai-prices has neither. Scale tier is a contract.
TIMES = {
    "default": ONE,
    "batch": Decimal("0.5"),
    "flex": Decimal("0.5"),
    "priority": Decimal("2.5"),
    "fast": Decimal(6),
    "ultrafast": Decimal(6),
}
LEAST = Decimal("0.5")  # of the base price in any tier: what batch costs
REGIONAL = Decimal("1.1")  # processing in a region of the customer's choice costs a tenth more


@dataclass(frozen=True)
class Envelope:
    """USD a unit, least and most."""

    least: Decimal
    most: Decimal

    def holds(self, amount_usd: Decimal, units: Decimal) -> bool:
        """Whether so much for so many units is a list price, give or take a ten-thousandth of a cent a line."""
        slack = Decimal("1e-6")
        return self.least * units - slack <= amount_usd <= self.most * units + slack


class UnknownPrice(LookupError):
    """No published price for this model, meter or tier."""


@cache
def envelope(model: str | None, meter: str, service_tier: str, day: date) -> Envelope | None:
    """The price range of a meter's unit on a day; None if the meter has no price per unit. `UnknownPrice` if the price
    list lacks the model, the meter or the tier.
    """
    if meter in UNPRICED:
        return None
    if meter in TOOLS:
        least, most = TOOLS[meter]
        return Envelope(least * LEAST, most * REGIONAL)
    if meter not in PRICE_OF:
        raise UnknownPrice(f"meter {meter}")
    if service_tier not in TIMES:
        raise UnknownPrice(f"service tier {service_tier}")
    field, units, _ = PRICE_OF[meter]
    found = _listed(model)
    prices = found.get_prices(datetime.combine(day, time(12), UTC))
    price = getattr(prices, field, None)
    if price is None or (meter == "model_use" and getattr(prices, "output_mtok", None) is not None):
        raise UnknownPrice(f"{meter} of model {model}")
    listed = [price.base, *(tier.price for tier in price.tiers)] if isinstance(price, TieredPrices) else [price]
    return Envelope(min(listed) * LEAST / units, max(listed) * TIMES[service_tier] * REGIONAL / units)


def _listed(model: str | None) -> ModelInfo:
    """The model of the price list; a dated snapshot that it does not have is priced as its alias."""
    for name in (model, DATED.sub("", model or "")) if model else ():
        try:
            return get_snapshot().find_provider_model(str(name), None, "openai", None)[1]
        except LookupError:
            continue
    raise UnknownPrice(f"model {model or 'none'}")


def unit_of(meter: str) -> str:
    """The unit in which a priced meter is counted."""
    return "requests" if meter in TOOLS else PRICE_OF[meter][2]
