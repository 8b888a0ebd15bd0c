"""The checks of Anthropic's data. `GATING` are those that block a day."""

from ai_usage.check import Check
from ai_usage.providers.anthropic.checks import allocation, list_prices, parity, reconciliation, uploads

GATING = (reconciliation.grouped_lines_equal_console_figure, reconciliation.cost_lines_are_unique)
CHECKS: tuple[Check, ...] = (
    *reconciliation.CHECKS,
    *list_prices.CHECKS,
    *allocation.CHECKS,
    *parity.CHECKS,
    *uploads.CHECKS,
)
