"""The checks of OpenAI's data. `GATING` are those that block a day."""

from ai_usage.check import Check
from ai_usage.providers.openai.checks import allocation, codex, list_prices, reconciliation

GATING = (reconciliation.grouped_costs_equal_total,)
CHECKS: tuple[Check, ...] = (
    *reconciliation.CHECKS,
    *list_prices.CHECKS,
    *allocation.CHECKS,
    *codex.CHECKS,
)
