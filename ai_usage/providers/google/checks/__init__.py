"""What is checked of Google's data alone. `GATING` are the checks that block a day of it."""

from ai_usage.check import Check
from ai_usage.providers.google.checks import export, licenses, list_prices, metrics

GATING = (export.gemini_costs_equal_export,)
CHECKS: tuple[Check, ...] = (*export.CHECKS, *list_prices.CHECKS, *metrics.CHECKS, *licenses.CHECKS)
