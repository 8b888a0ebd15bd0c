"""The accounts as a table, for SQL and people: those that the settings name, and those that the ledger has pulls of."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import dagster as dg

from ai_usage.accounts import credentials_by_account
from ai_usage.ingest.day_replacement import GROUP, KINDS
from ai_usage.ingest.ledger_writes import InWarehouse
from ai_usage.layers import note, snapshot_asset
from ai_usage.providers.directory import AccountName
from ai_usage.providers.provider import Provider
from ai_usage.providers.registry import PROVIDERS
from ai_usage.settings import Settings, settings
from ai_usage.warehouse.port import Warehouse
from ai_usage.warehouse.table import PULLS, Table, boolean, instant, string

DIM_ACCOUNT = Table(
    name="dim_account",
    grain="one account at a provider that is configured, or was ever pulled",
    question="Which accounts are configured, and since when are they pulled?",
    example="select provider, account, account_name, is_configured, first_pulled_at from "
    "ai_usage_analytics.dim_account order by provider, account",
    date_column=None,
    columns={
        "provider": string("as in dim_provider", required=True),
        "account": string("its name here, as in ai_spend", required=True),
        "account_name": string("the provider's name of it; null where it sends none"),
        "provider_account_id": string("the provider's own id of it; null where it sends none"),
        "credentials": string("the kinds of keys that it has, never a key: admin, analytics; null where it has none"),
        "is_configured": boolean("whether the settings name it; only such accounts are pulled", required=True),
        "is_expected": boolean(
            "whether its days are expected: it is configured, or no account of its provider is",
            required=True,
            before="true",
        ),
        "first_pulled_at": instant("when it was first pulled; null before that"),
    },
)

FIRST_PULLS = f"""
select account, min(coalesce(asked_at, pulled_at)) as first_pulled_at
from {PULLS.address}
where source = @provider
group by account
order by account
"""


# It has no pull as its parent: every build contains it, whatever was pulled, even if a pull failed.
@snapshot_asset("core", DIM_ACCOUNT, group=GROUP, kinds=KINDS)
def dim_account(context: dg.AssetExecutionContext, warehouse: InWarehouse) -> None:
    """Accounts: name at the provider, kinds of keys, and whether the account is still configured."""
    with warehouse.connected():
        rows = [row for provider in PROVIDERS for row in rows_of(provider, settings(), warehouse)]
        columns = {name: [row[name] for row in rows] for name in DIM_ACCOUNT.columns}
        warehouse.replace_all(DIM_ACCOUNT, DIM_ACCOUNT.frame(columns))
    note(context, "core/dim_account", None, **{"dagster/row_count": len(rows)})


def rows_of(provider: Provider, of: Settings, warehouse: Warehouse) -> list[dict[str, Any]]:
    """Rows of `dim_account`, of one provider."""
    first_pulls = dict(warehouse.ask(FIRST_PULLS, provider=provider.key).iter_rows())
    names = provider.accounts.names(warehouse) if provider.accounts else {}
    return account_rows(provider.key, credentials_by_account(of, provider.account_fields), first_pulls, names)


def account_rows(
    provider: str,
    configured: Mapping[str, Iterable[str]],
    first_pulls: Mapping[str, datetime],
    names: Mapping[str, AccountName],
) -> list[dict[str, Any]]:
    """The same, from what is known about each account: configured ones first, in their order.

    A machine without keys builds from another machine's pulls: there every account must have its days.
    """
    return [
        {
            "provider": provider,
            "account": account,
            "account_name": names[account].name if account in names else None,
            "provider_account_id": names[account].id if account in names else None,
            "credentials": ", ".join(kind.removesuffix("_key") for kind in configured.get(account, ())) or None,
            "is_configured": account in configured,
            "is_expected": account in configured or not configured,
            "first_pulled_at": first_pulls.get(account),
        }
        for account in dict.fromkeys([*configured, *first_pulls])
    ]


ASSETS = [dim_account]
