"""Every check: those of each provider's data, and those that span providers."""

from ai_usage.check import Check
from ai_usage.checks import (
    account_identity,
    anomalies,
    close_acts,
    completeness,
    figures,
    grain,
    ledger,
    money,
    owners,
    people,
    readable,
    revisions,
    sheet,
    spending,
)
from ai_usage.providers.registry import PROVIDERS

CHECKS: tuple[Check, ...] = (
    *completeness.CHECKS,
    *readable.CHECKS,
    *ledger.CHECKS,
    *close_acts.CHECKS,
    *grain.CHECKS,
    *money.CHECKS,
    *account_identity.CHECKS,
    *revisions.CHECKS,
    *(check for provider in PROVIDERS for check in provider.checks),
    *figures.CHECKS,
    *owners.CHECKS,
    *people.CHECKS,
    *sheet.CHECKS,
    *spending.CHECKS,
    *anomalies.CHECKS,
)
FORMERLY = {
    check.formerly: check.name for check in CHECKS if check.formerly
}  # results of earlier releases → today's name
