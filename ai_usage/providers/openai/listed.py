"""Records of OpenAI's lists: projects, users, API keys, service accounts. What they show of a secret
(`redacted_value`) stays in raw.
"""

from typing import Annotated

import msgspec

from ai_usage.ingest.drift import Known
from ai_usage.warehouse.reading.field_types import Address, Id, Seconds

Role = Annotated[str, Known("owner", "reader", "member", "none")]
OwnerType = Annotated[str, Known("user", "service_account")]


class Project(msgspec.Struct, frozen=True):
    """One item of `projects`, the archived ones included."""

    id: Id
    object: str | None = None
    name: str | None = None
    status: Annotated[str, Known("active", "archived")] | None = None
    created_at: Seconds | None = None
    archived_at: Seconds | None = None
    external_key_id: str | None = None
    residency: str | None = None


class UserDetails(msgspec.Struct, frozen=True):
    id: Id | None = None
    object: str | None = None
    email: Address | None = None
    name: str | None = None
    picture: str | None = None
    enabled: bool | None = None
    banned: bool | None = None
    banned_at: Seconds | None = None


class ProjectOfUser(msgspec.Struct, frozen=True):
    id: str | None = None
    name: str | None = None
    role: Role | None = None


class ProjectsOfUser(msgspec.Struct, frozen=True):
    object: str | None = None
    data: list[ProjectOfUser] | None = None


class User(msgspec.Struct, frozen=True):
    """One item of `users`. The address may stand in `user` alone."""

    id: Id
    object: str | None = None
    email: Address | None = None
    name: str | None = None
    role: Role | None = None
    added_at: Seconds | None = None
    created: Seconds | None = None
    api_key_last_used_at: Seconds | None = None
    is_default: bool | None = None
    is_service_account: bool | None = None
    is_scim_managed: bool | None = None
    is_scale_tier_authorized_purchaser: bool | None = None
    technical_level: str | None = None
    developer_persona: str | None = None
    user: UserDetails | None = None
    projects: ProjectsOfUser | None = None

    @property
    def address(self) -> str | None:
        return self.email or (self.user and self.user.email) or None

    @property
    def called(self) -> str | None:
        return self.name or (self.user and self.user.name) or None


class KeyUser(msgspec.Struct, frozen=True):
    id: Id | None = None
    email: Address | None = None
    name: str | None = None
    role: Role | None = None
    created_at: Seconds | None = None


class KeyServiceAccount(msgspec.Struct, frozen=True):
    id: Id | None = None
    name: str | None = None
    role: Role | None = None
    created_at: Seconds | None = None


class KeyOwner(msgspec.Struct, frozen=True):
    type: OwnerType | None = None
    user: KeyUser | None = None
    service_account: KeyServiceAccount | None = None


class ProjectKey(msgspec.Struct, frozen=True):
    """One item of `projects/{id}/api_keys`. It does not name its project: the pull's envelope does."""

    id: Id
    object: str | None = None
    name: str | None = None
    redacted_value: str | None = None
    created_at: Seconds | None = None
    last_used_at: Seconds | None = None
    expires_at: Seconds | None = None
    owner_project_access: Annotated[str, Known("active", "inactive")] | None = None
    owner: KeyOwner | None = None


class ServiceAccount(msgspec.Struct, frozen=True):
    """One item of `projects/{id}/service_accounts`."""

    id: Id
    object: str | None = None
    name: str | None = None
    role: Role | None = None
    created_at: Seconds | None = None


class ProjectUser(msgspec.Struct, frozen=True):
    """One item of `projects/{id}/users`."""

    id: Id
    object: str | None = None
    email: Address | None = None
    name: str | None = None
    role: Role | None = None
    added_at: Seconds | None = None


class AdminKeyOwner(msgspec.Struct, frozen=True):
    type: OwnerType | None = None
    object: str | None = None
    id: Id | None = None
    name: str | None = None
    role: Role | None = None
    created_at: Seconds | None = None


class AdminKey(msgspec.Struct, frozen=True):
    """One item of `admin_api_keys`: the keys that read and change the organization."""

    id: Id
    object: str | None = None
    name: str | None = None
    redacted_value: str | None = None
    created_at: Seconds | None = None
    last_used_at: Seconds | None = None
    expires_at: Seconds | None = None
    owner: AdminKeyOwner | None = None
