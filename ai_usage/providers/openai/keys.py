"""The API keys that the projects list."""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime

from ai_usage.ingest.rejections import keep_rejections
from ai_usage.providers.directory import Keys, ListedKey, stamps
from ai_usage.providers.openai.listed import ProjectKey
from ai_usage.providers.openai.tables import OPENAI_COSTS, OPENAI_USAGE
from ai_usage.warehouse.port import Warehouse
from ai_usage.warehouse.reading.field_types import address_of
from ai_usage.warehouse.reading.ledger_records import Records


def listed(warehouse: Warehouse) -> Iterator[ListedKey]:
    """The keys as listed last."""
    keys = warehouse.newest("openai_project_api_keys", None)
    yield from keys_of(keys)
    keep_rejections(warehouse, keys)


def keys_of(records: Records) -> Iterator[ListedKey]:
    """Each key of the list, with its project in place of a workspace. The owner is the user who has the key; a service
    account has no address.
    """
    projects = _projects(records)
    read = records.read(ProjectKey)
    for key, account, stamp in zip(read.values, read.lines["account"], stamps(read), strict=True):
        user = key.owner and key.owner.user
        yield ListedKey(
            account,
            key.id,
            key.name,
            projects.get((account, key.id)),
            _status(key, stamp.pulled_at),
            address_of(user.email) if user else None,
            stamp,
            is_of_service_account=key.owner is not None
            and (key.owner.type == "service_account" or key.owner.service_account is not None),
        )


def _projects(records: Records) -> Mapping[tuple[str, str], str]:
    """Account and key → its project, by the envelope: the records do not name it."""
    found: dict[tuple[str, str], str] = {}
    for account, envelope in records.versions.select("account", "envelope").iter_rows():
        for project, ids in json.loads(envelope).get("ids_by_project", {}).items():
            found |= {(account, key): project for key in ids}
    return found


def _status(key: ProjectKey, now: datetime) -> str | None:
    """Expired by the time of the list; else as the provider has the owner's access to the project."""
    is_expired = key.expires_at is not None and key.expires_at <= now.timestamp()
    return "expired" if is_expired else key.owner_project_access


KEYS = Keys(pulls=("openai_project_api_keys",), listed=listed, used_in=(OPENAI_COSTS, OPENAI_USAGE))
