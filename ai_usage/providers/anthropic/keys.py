"""The API keys that the Console lists."""

from collections.abc import Iterator, Mapping

from ai_usage.ingest.rejections import keep_rejections
from ai_usage.providers.anthropic.people import emails_of_users
from ai_usage.providers.anthropic.records.lists import ApiKey
from ai_usage.providers.anthropic.tables import CLAUDE_ANALYTICS_COSTS, CLAUDE_USAGE_TOKENS
from ai_usage.providers.directory import Keys, ListedKey, stamps
from ai_usage.warehouse.port import Warehouse
from ai_usage.warehouse.reading.ledger_records import Records


def listed(warehouse: Warehouse) -> Iterator[ListedKey]:
    """The keys as listed last."""
    keys = warehouse.newest("claude_api_keys", None)
    yield from keys_of(keys, emails_of_users(warehouse))
    keep_rejections(warehouse, keys)


def keys_of(records: Records, emails: Mapping[str, str]) -> Iterator[ListedKey]:
    """Each key of the list. Its creator is known while they are a user: then `emails` has their address by their id."""
    read = records.read(ApiKey)
    for key, account, stamp in zip(read.values, read.lines["account"], stamps(read), strict=True):
        yield ListedKey(
            account,
            key.id,
            key.name,
            key.workspace_id or (key.scope and key.scope.workspace_id) or None,
            key.status,
            emails.get((key.created_by and key.created_by.id) or ""),
            stamp,
            is_of_service_account=key.created_by is not None and key.created_by.type == "service_account",
        )


KEYS = Keys(
    pulls=("claude_api_keys", "claude_users"),
    listed=listed,
    used_in=(CLAUDE_USAGE_TOKENS, CLAUDE_ANALYTICS_COSTS),
    takes_unnamed=True,  # before the sheet had a column for providers, it had only this provider's keys
)
