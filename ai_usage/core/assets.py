"""The assets of core that span providers."""

from ai_usage.core import (
    accounts,
    closing,
    console_figures,
    invoices,
    keys,
    people,
    person_accounts,
    providers,
    pseudonyms,
    public_holidays,
    revisions,
    sheets,
    thresholds,
)

ASSETS = [
    asset
    for of in (
        providers,
        accounts,
        revisions,
        closing,
        console_figures,
        invoices,
        sheets,
        keys,
        people,
        person_accounts,
        pseudonyms,
        public_holidays,
        thresholds,
    )
    for asset in of.ASSETS
]
