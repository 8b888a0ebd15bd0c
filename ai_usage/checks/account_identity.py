"""Checks that no organization is behind two accounts: its days would count twice, and every other check would pass."""

from ai_usage.check import Check, Finding, NotEvaluated, SnapshotCheck, failed, passed, some
from ai_usage.core.accounts import DIM_ACCOUNT
from ai_usage.providers.registry import PROVIDERS
from ai_usage.warehouse.port import Warehouse

NAME = "organizations_have_one_account"
SQL = f"checks/{NAME}"
NAMED = [provider for provider in PROVIDERS if provider.accounts]  # their organizations have an id
PULLS = tuple(pull for provider in NAMED if provider.accounts for pull in provider.accounts.pulls)
KNOWN_IDS = f"select count(provider_account_id) as known from {DIM_ACCOUNT.address}"


def _one_account_each(warehouse: Warehouse) -> Finding | None:
    if not warehouse.ask(KNOWN_IDS).item():
        if all(warehouse.newest(pull, None).versions.is_empty() for pull in PULLS):
            return None
        return NotEvaluated("No id of an organization is known: core/dim_account has none.")
    doubled = warehouse.query(SQL).to_dicts()
    if not doubled:
        return passed("Each organization has one account.")
    named = (
        f"accounts {row['accounts']} of {row['provider']} are one organization, "
        f"{row['account_name'] or row['provider_account_id']}"
        for row in doubled
    )
    return failed(f"Days count twice: {some(named, between='; ')}.", doubled)


organizations_have_one_account = SnapshotCheck(
    name=NAME,
    asset="core/dim_account",
    evaluate=_one_account_each,
    sources=tuple(provider.source for provider in NAMED),
    title="an organization behind two accounts, which counts twice",
    severity="failed",
    sql=SQL,
    description="No two accounts of a provider, configured or pulled, are the same organization by the provider's id.",
    pulls=PULLS,
)

CHECKS: list[Check] = [organizations_have_one_account]
