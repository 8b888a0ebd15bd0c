"""The organization's lists as the Admin API sends them: workspaces, API keys, users; paged by id.

Each list holds what exists by the simulator's clock.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from starlette.requests import Request

from ai_usage.simulator.organization import ApiKey, Organization, Person, Workspace
from ai_usage.simulator.queries import Query, RefusalError, rfc3339

RENAMED = "2026-10-21"  # the API version that has `scope` and `user_id`
USER_ROLES = "user developer billing admin claude_code_user managed owner primary_owner membership_admin"


class ClaudeLists:
    """Answers for the lists of people, keys and workspaces."""

    def __init__(self, organization: Organization, clock: Callable[[], datetime]) -> None:
        self.organization = organization
        self.clock = clock

    def workspaces(self, query: Query, request: Request) -> Any:
        now, wanted = self.clock(), query.all("ids")
        archived, default = query.flag("include_archived"), query.flag("include_default")
        shown = [
            self._workspace(space, now)
            for space in self.organization.workspaces
            if (default or space is not self.organization.default_workspace)
            and (archived or space.archived_at is None or space.archived_at > now)
            and space.created_at <= now
            and (not wanted or space.id in wanted)
        ]
        return _id_page(query, shown)

    def _workspace(self, space: Workspace, now: datetime) -> dict[str, Any]:
        ended = space.archived_at if space.archived_at and space.archived_at <= now else None
        return {
            "id": space.id,
            "type": "workspace",
            "name": space.name,
            "created_at": rfc3339(space.created_at),
            "archived_at": rfc3339(ended) if ended else None,
            "display_color": f"#{space.id[-6:]}",
            "data_residency": {
                "workspace_geo": "us",
                "allowed_inference_geos": "unrestricted",
                "default_inference_geo": "global",
            },
            "tags": {"cost_center": space.name.lower().replace(" ", "-")},
            "compartment_id": None,
            "external_key_id": None,
            "user_profile_id": None,
        }

    def api_keys(self, query: Query, request: Request) -> Any:
        now, version = self.clock(), request.headers["anthropic-version"]
        status = query.one("status", ("active", "inactive", "archived", "expired"))
        space, creator = query.one("workspace_id"), query.one("created_by_user_id")
        shown = [
            self._api_key(key, now, version)
            for key in self.organization.api_keys
            if key.created_at <= now
            and status in (None, key.status(now))
            and space in (None, key.workspace.id)
            and creator in (None, key.created_by)
        ]
        return _id_page(query, shown)

    def _api_key(self, key: ApiKey, now: datetime, version: str) -> dict[str, Any]:
        is_default = key.workspace is self.organization.default_workspace
        expires = key.ends_at if key.end == "expired" else None
        is_renamed = version == RENAMED
        place: dict[str, Any] = (
            {"scope": {"type": "workspace", "workspace_id": key.workspace.id}}
            if is_renamed
            else {"workspace_id": None if is_default else key.workspace.id}
        )
        return {
            "id": key.id,
            "type": "api_key",
            "name": key.name,
            "status": key.status(now),
            "created_at": rfc3339(key.created_at),
            "created_by": _identity(key.created_by),
            "expires_at": rfc3339(expires) if expires else None,
            "partial_key_hint": f"sk-ant-api03-Sim...{key.id[-4:]}",
            "principal": _named_identity(key.principal) if is_renamed else _identity(key.principal),
            **place,
        }

    def users(self, query: Query, request: Request) -> Any:
        now, email, roles = self.clock(), query.one("email"), query.all("roles", USER_ROLES.split())
        shown = [
            _user(person)
            for person in self.organization.people
            if person.present(now) and email in (None, person.email) and (not roles or person.role in roles)
        ]
        return _id_page(query, shown)


def _id_page(query: Query, items: list[dict[str, Any]]) -> dict[str, Any]:
    """A page of a list; cursors are the ids of its first and last item."""
    limit, after, before = query.limit(20, 1000), query.one("after_id"), query.one("before_id")
    ids = [item["id"] for item in items]
    if after is not None and before is not None:
        raise RefusalError("after_id and before_id exclude each other")
    for cursor in (after, before):
        if cursor is not None and cursor not in ids:
            raise RefusalError(f"{cursor}: not in this list")
    if before is not None:
        end = ids.index(before)
        page, has_more = items[max(0, end - limit) : end], end > limit
    else:
        start = ids.index(after) + 1 if after is not None else 0
        page, has_more = items[start : start + limit], start + limit < len(items)
    return {
        "data": page,
        "has_more": has_more,
        "first_id": page[0]["id"] if page else None,
        "last_id": page[-1]["id"] if page else None,
    }


def _identity(of: str | None) -> dict[str, str] | None:
    return of and {"id": of, "type": "service_account" if of.startswith("svac_") else "user"}  # type: ignore[return-value]


def _named_identity(of: str | None) -> dict[str, str] | None:
    if of is None:
        return None
    kind = "service_account" if of.startswith("svac_") else "user"
    return {"type": f"{kind}_actor", f"{kind}_id": of}


def _user(person: Person) -> dict[str, Any]:
    return {
        "id": person.id,
        "type": "user",
        "email": person.email,
        "name": person.name,
        "role": person.role,
        "added_at": rfc3339(person.added_at),
    }
