"""What is checked of OpenAI's data alone. `GATING` are the checks that block a day of it."""

from ai_usage.check import Check
from ai_usage.providers.openai.checks import allocation, codex, list_prices, reconciliation

GATING = (reconciliation.grouped_costs_equal_total,)
CHECKS: tuple[Check, ...] = (
    *reconciliation.CHECKS,
    *list_prices.CHECKS,
    *allocation.CHECKS,
    *codex.CHECKS,
)
