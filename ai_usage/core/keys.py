"""Whose API keys are: by the sheet, else by who made the key; what vendors and people say of keys, in one table."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import dagster as dg

from ai_usage.ingest.day_replacement import GROUP, KINDS
from ai_usage.ingest.ledger_writes import InWarehouse
from ai_usage.ingest.rejections import keep_rejections
from ai_usage.layers import note, snapshot_asset
from ai_usage.providers.anthropic import pulls as claude
from ai_usage.providers.anthropic.records import ApiKey
from ai_usage.providers.anthropic.users import emails_of_users
from ai_usage.sheet.owners import Seen, Statement, statements
from ai_usage.sheet.tables import DIM_API_KEY_MAPPING
from ai_usage.sheet.tabs import API_KEY_MAPPING, read_tab
from ai_usage.warehouse.ledger import Records
from ai_usage.warehouse.port import Warehouse

ANTHROPIC = "anthropic"  # whose keys are listed, and meant where the sheet names no provider
MAPPING = dg.AssetKey(["raw", API_KEY_MAPPING.pull])


@snapshot_asset(
    "core",
    DIM_API_KEY_MAPPING,
    group=GROUP,
    kinds=KINDS,
    deps=[MAPPING, claude.claude_api_keys, claude.claude_users],
)
def dim_api_key_mapping(context: dg.AssetExecutionContext, warehouse: InWarehouse) -> None:
    """Who answers for each API key, since when and until when: the sheet's word, else whoever made the key."""
    with warehouse.connected():
        listed = warehouse.newest("claude_api_keys", None)
        history = key_history(warehouse)
        rows = list(mapping_rows(statements(history), listed, emails_of_users(warehouse)))
        if not (rows or history):
            return note(context, "core/dim_api_key_mapping", None, skipped="neither keys nor a sheet were ever pulled")
        columns = {name: [row[name] for row in rows] for name in DIM_API_KEY_MAPPING.columns}
        warehouse.replace_all(DIM_API_KEY_MAPPING, DIM_API_KEY_MAPPING.frame(columns))
        keep_rejections(warehouse, listed)
    now = [row["mapped_by"] for row in rows if row["valid_to"] is None]
    by = {f"mapped_by_{how}": now.count(how) for how in ("sheet", "key_creator", "none")}
    return note(context, "core/dim_api_key_mapping", None, **{"dagster/row_count": len(rows)}, **by)


def key_history(warehouse: Warehouse) -> list[Seen]:
    """The tab api_key_mapping as each pull that changed it found it, good rows alone. A tab whose header could not be
    used takes no key from its owner. A key that the provider does not list, as one that was deleted, has its owner too:
    ids are opaque, and what it cost is still somebody's.
    """
    history = warehouse.history(API_KEY_MAPPING.pull)
    seen: list[Seen] = []
    before = None
    for pull_id, at, content in history.versions.select("pull_id", "pulled_at", "content_hash").iter_rows():
        if content != before:
            lines = history.lines.filter(history.lines["pull_id"] == pull_id)
            found = read_tab(API_KEY_MAPPING, lines["record"].to_list())
            if found.has_header:
                seen.append(Seen(at, pull_id, {row["api_key_id"]: row for row in found.good}))
        before = content
    return seen


def mapping_rows(
    said: Mapping[str, list[Statement]], listed: Records, emails: Mapping[str, str]
) -> Iterator[dict[str, Any]]:
    """Rows of `dim_api_key_mapping`: each key's periods, without a gap."""
    read = listed.read(ApiKey)
    stamps = read.lines.select("pull_id", "ingestion_timestamp").iter_rows()
    keys = {key.id: (key, *stamp) for key, stamp in zip(read.values, stamps, strict=True)}
    for key_id in sorted({*said, *keys}):
        key, pull_id, pulled_at = keys.get(key_id, (None, None, None))
        maker = emails.get(key.created_by.id or "") if key and key.created_by else None
        periods = said.get(key_id, [])
        ends: list[date | None] = [*(later.since for later in periods[1:]), None]
        if not periods or periods[0].since is not None:
            end = periods[0].since if periods else None
            stamp = (pull_id, pulled_at) if key else (periods[0].seen.pull_id, periods[0].seen.at)
            yield _row(key_id, key, None, maker, (None, end), stamp)
        for period, end in zip(periods, ends, strict=False):
            yield _row(key_id, key, period, maker, (period.since, end), (period.seen.pull_id, period.seen.at))


def _row(
    key_id: str,
    key: ApiKey | None,
    said: Statement | None,
    maker: str | None,
    valid: tuple[date | None, date | None],
    stamp: tuple[Any, Any],
) -> dict[str, Any]:
    row = said.row if said else None
    return {
        "api_key_id": key_id,
        "provider": (row and row["provider"]) or ANTHROPIC,
        "api_key_name": key.name if key else row and row["api_key_name"],
        "workspace_id": key and (key.workspace_id or (key.scope and key.scope.workspace_id)),
        "status": key and key.status,
        "user_email": row["user_email"] if row else maker,
        "team_name": row and row["team_name"],
        "description": row and row["description"],
        "creator_email": maker,
        "mapped_by": "sheet" if row else "key_creator" if maker else "none",
        "valid_from": valid[0],
        "valid_to": valid[1],
        "pull_id": stamp[0],
        "ingestion_timestamp": stamp[1],
    }


ASSETS = [dim_api_key_mapping]
