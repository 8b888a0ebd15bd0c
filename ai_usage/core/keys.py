"""The owner of each API key: from the sheet, else the creator of the key. What providers and people know of keys, in
one table.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import dagster as dg

from ai_usage.ingest.day_replacement import GROUP, KINDS
from ai_usage.ingest.ledger_writes import InWarehouse
from ai_usage.layers import note, snapshot_asset
from ai_usage.providers.directory import ListedKey
from ai_usage.providers.registry import PROVIDERS
from ai_usage.sheet.owners import KeyId, Seen, Statement, statements
from ai_usage.sheet.tabs import API_KEY_MAPPING, Row, read_tab
from ai_usage.warehouse.port import Warehouse
from ai_usage.warehouse.table import STAMPS, Table, boolean, day, string

DIM_API_KEY_MAPPING = Table(
    name="dim_api_key_mapping",
    grain="the owner of one API key over the days of ownership",
    question="Who owns an API key, and which keys have no owner?",
    example="select provider, api_key_name, mapped_by, creator_email from ai_usage_analytics.dim_api_key_mapping "
    "where user_email is null and team_name is null order by provider, api_key_name",
    date_column=None,
    columns={
        "api_key_id": string("as in the provider's usage report", required=True),
        "provider": string(
            "the provider of the key: as in the sheet, else the one that lists it; null where neither is known"
        ),
        "account": string("the account that lists the key; null for a key that none lists"),
        "api_key_name": string("as the provider calls it, else as the sheet does"),
        "workspace_id": string("null in the default workspace, and for a key that no account lists"),
        "status": string(
            "as the provider has it: active, inactive, archived, expired; null for a key it does not list"
        ),
        "user_email": string("lower-case; null where no owner is named"),
        "team_name": string("as the sheet calls it"),
        "description": string("in the sheet's words"),
        "creator_email": string("who made the key, lower-case; null if that is not a member, or not listed"),
        "is_of_service_account": boolean("whether it is of no person, but of a service account; null if not listed"),
        "mapped_by": string("sheet, key_creator (who made the key), none", required=True),
        "valid_from": day("the first day; null since ever", required=False),
        "valid_to": day("exclusive; null until further notice", required=False),
        **STAMPS,
    },
)

MAPPING = dg.AssetKey(["raw", API_KEY_MAPPING.pull])
WITH_KEYS = {provider.key: provider.keys for provider in PROVIDERS if provider.keys}
LISTS = [dg.AssetKey(["raw", pull]) for of in WITH_KEYS.values() for pull in of.pulls]
DEFAULT = next((key for key, of in WITH_KEYS.items() if of.takes_unnamed), "")

SEEN_NOWHERE = f"""
with seen as (
    select
        provider,
        api_key_id
    from {DIM_API_KEY_MAPPING.address}
    where account is not null
    {{used}}
)

select
    keys.provider,
    keys.api_key_id,
    max(keys.api_key_name) as api_key_name,
    max(keys.user_email) as user_email
from {DIM_API_KEY_MAPPING.address} as keys
left join seen on keys.provider = seen.provider and keys.api_key_id = seen.api_key_id
where
    keys.mapped_by = 'sheet'
    and keys.provider in unnest(@providers)
    and seen.api_key_id is null
group by keys.provider, keys.api_key_id
order by keys.provider, keys.api_key_id
"""

Listed = Mapping[KeyId, ListedKey]


@snapshot_asset("core", DIM_API_KEY_MAPPING, group=GROUP, kinds=KINDS, deps=[MAPPING, *LISTS])
def dim_api_key_mapping(context: dg.AssetExecutionContext, warehouse: InWarehouse) -> None:
    """Owners of API keys with their dates: from the sheet, otherwise the creator of the key."""
    with warehouse.connected():
        listed = listed_keys(warehouse)
        history = key_history(warehouse, listed)
        rows = list(mapping_rows(statements(history), listed))
        if not (rows or history):
            return note(context, "core/dim_api_key_mapping", None, skipped="neither keys nor a sheet were ever pulled")
        columns = {name: [row[name] for row in rows] for name in DIM_API_KEY_MAPPING.columns}
        warehouse.replace_all(DIM_API_KEY_MAPPING, DIM_API_KEY_MAPPING.frame(columns))
    now = [row["mapped_by"] for row in rows if row["valid_to"] is None]
    by = {f"mapped_by_{how}": now.count(how) for how in ("sheet", "key_creator", "none")}
    return note(context, "core/dim_api_key_mapping", None, **{"dagster/row_count": len(rows)}, **by)


def listed_keys(warehouse: Warehouse) -> Listed:
    """Every key that an account lists; if several accounts of a provider list it, from the first."""
    found: dict[KeyId, ListedKey] = {}
    for provider, of in WITH_KEYS.items():
        for key in of.listed(warehouse):
            found.setdefault((provider, key.api_key_id), key)
    return found


def key_history(warehouse: Warehouse, listed: Listed) -> list[Seen]:
    """The good rows of the tab api_key_mapping in each pull that changed it. A tab with an unusable header removes no
    owner. A key that no provider lists, such as a deleted one, keeps its owner too: its ids are opaque, and its cost
    still has an owner.
    """
    history = warehouse.history(API_KEY_MAPPING.pull)
    providers = _providers_by_id(listed)
    seen: list[Seen] = []
    before = None
    for pull_id, at, content in history.versions.select("pull_id", "pulled_at", "content_hash").iter_rows():
        if content != before:
            lines = history.lines.filter(history.lines["pull_id"] == pull_id)
            found = read_tab(API_KEY_MAPPING, lines["record"].to_list())
            if found.has_header:
                seen.append(
                    Seen(at, pull_id, {(provider_of(row, providers), row["api_key_id"]): row for row in found.good})
                )
        before = content
    return seen


def provider_of(row: Row, providers: Mapping[str, Sequence[str]]) -> str:
    """The provider that a row of the tab means: the one it names, else the only one that lists the key (`providers`, by
    key), else the one that takes keys without a provider; empty where there is none.
    """
    listed_by = providers.get(row["api_key_id"], ())
    return row.get("provider") or (listed_by[0] if len(listed_by) == 1 else DEFAULT)


def _providers_by_id(listed: Listed) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for provider, key_id in listed:
        found.setdefault(key_id, []).append(provider)
    return found


def mapping_rows(stated: Mapping[KeyId, list[Statement]], listed: Listed) -> Iterator[dict[str, Any]]:
    """Rows of `dim_api_key_mapping`: each key's periods, without a gap."""
    for key_id in sorted({*stated, *listed}):
        key = listed.get(key_id)
        periods = stated.get(key_id, [])
        ends: list[date | None] = [*(later.since for later in periods[1:]), None]
        if not periods or periods[0].since is not None:
            end = periods[0].since if periods else None
            stamp = key.stamp if key else (periods[0].seen.pull_id, periods[0].seen.at)
            yield _row(key_id, key, None, (None, end), stamp)
        for period, end in zip(periods, ends, strict=False):
            yield _row(key_id, key, period, (period.since, end), (period.seen.pull_id, period.seen.at))


def _row(
    key_id: KeyId,
    key: ListedKey | None,
    stated: Statement | None,
    valid: tuple[date | None, date | None],
    stamp: tuple[Any, Any],
) -> dict[str, Any]:
    row = stated.row if stated else None
    creator = key and key.creator_email
    return {
        "api_key_id": key_id[1],
        "provider": key_id[0],
        "account": key and key.account,
        "api_key_name": key.name if key else row and row["api_key_name"],
        "workspace_id": key and key.workspace_id,
        "status": key and key.status,
        "user_email": row["user_email"] if row else creator,
        "team_name": row and row["team_name"],
        "description": row and row["description"],
        "creator_email": creator,
        "is_of_service_account": key and key.is_of_service_account,
        "mapped_by": "sheet" if row else "key_creator" if creator else "none",
        "valid_from": valid[0],
        "valid_to": valid[1],
        "pull_id": stamp[0],
        "ingestion_timestamp": stamp[1],
    }


def keys_seen_nowhere() -> str:
    """GoogleSQL that lists the sheet's keys of these `@providers` that no account lists and no usage has. The cost of a
    deleted key still goes to its owner; a key that occurs nowhere may be a typing error.
    """
    used = [
        f"union distinct\n    select\n        '{provider}' as provider,\n        api_key_id\n    from {table.address}\n"
        "    where api_key_id is not null"
        for provider, of in WITH_KEYS.items()
        for table in of.used_in
    ]
    return SEEN_NOWHERE.format(used="\n    ".join(used))


ASSETS = [dim_api_key_mapping]
