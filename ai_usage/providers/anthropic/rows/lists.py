"""The organization that sent the records, and rows of its workspaces."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from ai_usage.providers.anthropic.records.lists import Organization as OrganizationRecord
from ai_usage.providers.anthropic.records.lists import Workspace
from ai_usage.providers.anthropic.tables import DIM_WORKSPACE
from ai_usage.warehouse.reading.ledger_records import Records

DEFAULT_WORKSPACE = "Default"  # its name in the Console; the legacy reports give it as null


@dataclass(frozen=True)
class Organization:
    """The organization that sent the records, and what its workspaces are called; null is the default one."""

    id: str
    workspace_names: Mapping[str | None, str]


NO_ORGANIZATION = Organization("", {})  # where no answer names it


def organization(organizations: Records, workspaces: Records) -> Organization | None:
    """The newest organization that can be read; None before the first."""
    found = organizations.read(OrganizationRecord).values
    if not found:
        return None
    spaces = workspaces.read(Workspace).values
    names: dict[str | None, str] = {w.id: w.name or w.id for w in spaces}
    return Organization(found[-1].id, {**names, None: DEFAULT_WORKSPACE})


def workspace_rows(records: Records) -> pl.DataFrame:
    """Rows of `dim_workspace` of one account; its default workspace has one even if the provider does not list it."""
    got = records.read(Workspace).values
    stamps = records.versions.row(0, named=True)
    default_ids = json.loads(stamps["envelope"]).get("default_workspace_ids", [])
    unlisted = not any(w.id in default_ids for w in got)
    return DIM_WORKSPACE.frame(
        {
            "workspace_id": [w.id for w in got] + [None] * unlisted,
            "workspace_name": [w.name or w.id for w in got] + [DEFAULT_WORKSPACE] * unlisted,
            "is_default": [w.id in default_ids for w in got] + [True] * unlisted,
            "created_at": [w.created_at for w in got] + [None] * unlisted,
            "archived_at": [w.archived_at for w in got] + [None] * unlisted,
            "account": [stamps["account"]] * (len(got) + unlisted),
            "pull_id": [stamps["pull_id"]] * (len(got) + unlisted),
            "ingestion_timestamp": [stamps["pulled_at"]] * (len(got) + unlisted),
        }
    )
