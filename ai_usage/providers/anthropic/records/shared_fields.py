"""Field types that several of Claude's records share: the values they are known to take, and currencies."""

from datetime import date
from typing import Annotated

from ai_usage.ingest.drift import Known
from ai_usage.money import USD, Rates, currency_name
from ai_usage.warehouse.reading.field_types import Carries, Unfit

ServiceTier = Annotated[str, Known("standard", "batch", "priority", "priority_on_demand", "flex", "flex_discount")]
ContextWindow = Annotated[str, Known("0-200k", "200k-1M")]
InferenceGeo = Annotated[str, Known("global", "us", "not_available")]
Speed = Annotated[str, Known("standard", "fast")]
TokenType = Annotated[
    str,
    Known(
        "uncached_input_tokens",
        "output_tokens",
        "cache_read_input_tokens",
        "cache_creation.ephemeral_5m_input_tokens",
        "cache_creation.ephemeral_1h_input_tokens",
    ),
]
CostType = Annotated[str, Known("tokens", "web_search", "code_execution", "session_usage")]
Currency = Annotated[str, Carries.CURRENCY]  # one without a rate is rejected by name


def unfit_currency(field: str, currency: str, day: date | None, rates: Rates) -> Unfit | None:
    """What keeps an amount from being dollars; None if nothing does."""
    if currency == USD or rates.usd_per_unit(currency, day) is not None:
        return None
    name = currency_name(currency)[:12]
    when = f"on {day}" if day else "known"
    return Unfit(field, f"{name} has no rate to USD {when}: AI_USAGE_CURRENCY_RATES names none", "text")
