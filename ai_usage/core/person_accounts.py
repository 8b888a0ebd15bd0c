"""Which accounts list a person as their member: one table over all providers."""

from collections.abc import Iterable, Mapping
from typing import Any

import dagster as dg

from ai_usage.core.people import LISTS, aliases_of
from ai_usage.ingest.day_replacement import GROUP, KINDS
from ai_usage.ingest.ledger_writes import InWarehouse
from ai_usage.layers import note, snapshot_asset
from ai_usage.providers.directory import Member
from ai_usage.providers.registry import PROVIDERS
from ai_usage.sheet.tabs import PERSON_ALIASES
from ai_usage.warehouse.table import STAMPS, Table, boolean, string

DIM_PERSON_ACCOUNT = Table(
    name="dim_person_account",
    grain="one user of one account at a provider who has an address",
    question="Which provider accounts does a person have?",
    example="select person_email, provider, account, account_user_id, is_member from "
    "ai_usage_analytics.dim_person_account order by person_email, provider",
    date_column=None,
    columns={
        "person_email": string("the person's one address, as in dim_person", required=True),
        "provider": string("the provider", required=True),
        "account": string("the account that lists the user", required=True),
        "account_user_id": string("as the provider has it; null where it sends none"),
        "user_email": string("as the account has it, lower-case", required=True),
        "is_member": boolean("in the account's list of members now, and not as a removed member", required=True),
        **STAMPS,
    },
)


@snapshot_asset(
    "core",
    DIM_PERSON_ACCOUNT,
    group=GROUP,
    kinds=KINDS,
    deps=[*LISTS, dg.AssetKey(["raw", PERSON_ALIASES.pull])],
)
def dim_person_account(context: dg.AssetExecutionContext, warehouse: InWarehouse) -> None:
    """Users of each provider's accounts, with the person that each one is."""
    with warehouse.connected():
        aliases = aliases_of(warehouse)
        rows = [
            row
            for provider in PROVIDERS
            if provider.people
            for row in account_rows(provider.key, provider.people.members(warehouse), aliases)
        ]
        if not rows:
            return note(context, "core/dim_person_account", None, skipped="no members were ever pulled")
        columns = {name: [row[name] for row in rows] for name in DIM_PERSON_ACCOUNT.columns}
        warehouse.replace_all(DIM_PERSON_ACCOUNT, DIM_PERSON_ACCOUNT.frame(columns))
    members = sum(row["is_member"] for row in rows)
    return note(context, "core/dim_person_account", None, **{"dagster/row_count": len(rows)}, members=members)


def account_rows(provider: str, members: Iterable[Member], aliases: Mapping[str, str]) -> list[dict[str, Any]]:
    """Rows of `dim_person_account`, for one provider. A user who is listed twice is a member if one entry is."""
    rows: dict[tuple[str, str | None, str], dict[str, Any]] = {}
    for member in members:
        row = {
            "person_email": aliases.get(member.user_email, member.user_email),
            "provider": provider,
            "account": member.account,
            "account_user_id": member.account_user_id,
            "user_email": member.user_email,
            "is_member": member.is_member,
            "pull_id": member.stamp.pull_id,
            "ingestion_timestamp": member.stamp.pulled_at,
        }
        kept = rows.setdefault((member.account, member.account_user_id, member.user_email), row)
        kept["is_member"] |= member.is_member
    return list(rows.values())


ASSETS = [dim_person_account]
