"""The checks of Google's data. `GATING` are those that block a day."""

from ai_usage.check import Check
from ai_usage.providers.google.checks import export, licenses, list_prices, metrics

GATING = (export.gemini_costs_equal_export,)
CHECKS: tuple[Check, ...] = (*export.CHECKS, *list_prices.CHECKS, *metrics.CHECKS, *licenses.CHECKS)
