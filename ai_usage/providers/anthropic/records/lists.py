"""Records of the organization's lists: itself, its workspaces, API keys, users and spend limits."""

from typing import Annotated

import msgspec

from ai_usage.ingest.drift import Known
from ai_usage.warehouse.reading.field_types import Address, Cents, Id, Instant


class Organization(msgspec.Struct, frozen=True):
    id: Id
    name: str | None = None
    type: str | None = None


class Workspace(msgspec.Struct, frozen=True):
    """One item of `workspaces`."""

    id: Id
    name: str | None = None
    created_at: Instant | None = None
    archived_at: Instant | None = None
    type: str | None = None
    display_color: str | None = None
    data_residency: dict[str, object] | None = None
    tags: dict[str, object] | None = None
    compartment_id: str | None = None
    external_key_id: str | None = None
    user_profile_id: str | None = None


class Creator(msgspec.Struct, frozen=True):
    id: Id | None = None
    type: str | None = None


class Scope(msgspec.Struct, frozen=True):
    """Where a key is of use, from 2026-10-21 on."""

    type: str | None = None
    workspace_id: Id | None = None


class ApiKey(msgspec.Struct, frozen=True):
    """One item of `api_keys`; `principal` and the place are spelled differently from 2026-10-21 on."""

    id: Id
    name: str | None = None
    status: Annotated[str, Known("active", "inactive", "archived", "expired")] | None = None
    created_at: Instant | None = None
    type: str | None = None
    created_by: Creator | None = None
    expires_at: Instant | None = None
    partial_key_hint: str | None = None
    principal: dict[str, object] | None = None
    workspace_id: Id | None = None
    scope: Scope | None = None


class User(msgspec.Struct, frozen=True):
    """One item of `users`."""

    id: Id
    email: Address | None = None
    name: str | None = None
    role: (
        Annotated[
            str,
            Known(
                "user",
                "developer",
                "billing",
                "admin",
                "claude_code_user",
                "managed",
                "owner",
                "primary_owner",
                "membership_admin",
            ),
        ]
        | None
    ) = None
    added_at: Instant | None = None
    type: str | None = None


class LimitedActor(msgspec.Struct, frozen=True):
    type: str | None = None
    user_id: Id | None = None
    email_address: Address | None = None  # null once the account is deleted
    name: str | None = None
    deleted: bool | None = None


class SpendLimit(msgspec.Struct, frozen=True):
    """One effective limit. `amount` is always sent: null is unlimited, 0 is included use only."""

    amount: Cents | None
    period_to_date_spend: Cents | None = None  # may read 0 where it is not available
    currency: str | None = None
    period: str | None = None
    actor: LimitedActor | None = None
    scope: dict[str, object] | None = None
    source: dict[str, object] | None = None
    spend_limit_id: Id | None = None
    type: str | None = None
