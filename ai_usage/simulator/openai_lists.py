"""The lists of OpenAI's Admin API: projects, users, keys and who owns them; paged by the last id.

Each list holds what exists by the simulator's clock.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from ai_usage.simulator.openai_company import (
    BARE_EVERY,
    NESTED_EVERY,
    SINCE,
    Company,
    Key,
    Member,
    Project,
    ServiceAccount,
)
from ai_usage.simulator.openai_parameters import OpenAiRefusalError, listed
from ai_usage.simulator.openai_reports import epoch
from ai_usage.simulator.queries import Query, RefusalError

DEFAULT_LIMIT, MOST = 20, 100
ACCESS = ("active", "inactive", "any")
ADMIN_KEYS = {"key_admin_simulated1": "ai_usage", "key_admin_simulated2": "terraform"}


class OpenAiLists:
    """Answers for the lists of people, keys and workspaces."""

    def __init__(self, company: Company, clock: Callable[[], datetime]) -> None:
        self.company, self.clock = company, clock

    def projects(self, query: Query, _: str) -> Any:
        now, archived = self.clock(), query.flag("include_archived")
        made = [project for project in self.company.projects if project.created_at <= now]
        return _page(query, [_project(p, now) for p in made if archived or not p.is_archived(now)])

    def users(self, query: Query, _: str) -> Any:
        now, emails = self.clock(), listed(query, "emails")
        present = [m for m in self.company.members if m.present(now) and (not emails or m.person.email in emails)]
        shown = [self._user(member, now) for member in present]
        robot = self.company.service_accounts[0]
        if robot.created_at <= now and not emails:
            shown.append(_robot_user(robot))
        return _page(query, shown)

    def admin_keys(self, query: Query, _: str) -> Any:
        now, order = self.clock(), query.one("order", ("asc", "desc"))
        owner = next(member for member in self.company.members if member.role == "owner")
        keys = [_admin_key(key_id, name, owner, now) for key_id, name in ADMIN_KEYS.items() if owner.present(now)]
        return _page(query, keys[::-1] if order == "desc" else keys)

    def api_keys(self, query: Query, project_id: str) -> Any:
        """Without `owner_project_access=any`, the keys of people without access are left out."""
        now, project = self.clock(), self._project(project_id)
        access = query.one("owner_project_access", ACCESS) or "active"
        keys = [key for key in self.company.keys if key.project is project and key.exists(now)]
        wanted = [key for key in keys if access in ("any", _access(key, now))]
        return _page(query, [_api_key(key, now) for key in wanted])

    def service_accounts(self, query: Query, project_id: str) -> Any:
        now, project = self.clock(), self._project(project_id)
        robots = [r for r in self.company.service_accounts if r.project is project and r.created_at <= now]
        return _page(query, [{"object": "organization.project.service_account", **_robot(robot)} for robot in robots])

    def project_users(self, query: Query, project_id: str) -> Any:
        members = self.company.of_project(self._project(project_id), self.clock())
        return _page(query, [_project_user(member) for member in members])

    def _project(self, project_id: str) -> Project:
        now = self.clock()
        found = [p for p in self.company.projects if p.id == project_id and p.created_at <= now]
        if not found:
            raise RefusalError(f"No such project: {project_id}", 404)
        return found[0]

    def _user(self, member: Member, now: datetime) -> dict[str, Any]:
        """Some have their address only within `user`, in the case in which they typed it."""
        person, added = member.person, epoch(member.added_at)
        base = {"id": member.id, "object": "organization.user", "added_at": added, "role": member.role}
        user = {"id": member.id, "object": "user", "email": person.email, "name": person.name}
        if member.number % NESTED_EVERY == NESTED_EVERY - 1:
            return base | {"user": user | {"email": person.email.title()}}
        projects = [p for p in self.company.projects if member in self.company.of_project(p, now)]
        return base | {
            "created": added,
            "email": person.email,
            "name": person.name,
            "is_default": False,
            "is_service_account": False,
            "is_scim_managed": True,
            "is_scale_tier_authorized_purchaser": False,
            "api_key_last_used_at": None,
            "technical_level": None,
            "developer_persona": None,
            "user": user | {"picture": None, "enabled": True, "banned": False, "banned_at": None},
            "projects": {
                "object": "list",
                "data": [{"id": p.id, "name": p.name, "role": "owner"} for p in projects if p.created_at <= now],
            },
        }


def _page(query: Query, items: list[dict[str, Any]]) -> dict[str, Any]:
    """A list that goes on after the last id of the page before."""
    limit, after = query.limit(DEFAULT_LIMIT, MOST), query.one("after")
    ids = [item["id"] for item in items]
    if after is not None and after not in ids:
        raise OpenAiRefusalError(f"No item with id '{after}' in this list.", "after")
    start = ids.index(after) + 1 if after is not None else 0
    page = items[start : start + limit]
    return {
        "object": "list",
        "data": page,
        "has_more": start + limit < len(items),
        "first_id": page[0]["id"] if page else None,
        "last_id": page[-1]["id"] if page else None,
    }


def _project(project: Project, now: datetime) -> dict[str, Any]:
    ended = project.archived_at if project.is_archived(now) else None
    return {
        "id": project.id,
        "object": "organization.project",
        "created_at": epoch(project.created_at),
        "name": project.name,
        "status": "archived" if ended else "active",
        "archived_at": epoch(ended) if ended else None,
        "external_key_id": None,
        "residency": None,
    }


def _robot(robot: ServiceAccount) -> dict[str, Any]:
    return {"id": robot.id, "name": robot.name, "role": "member", "created_at": epoch(robot.created_at)}


def _robot_user(robot: ServiceAccount) -> dict[str, Any]:
    return {
        "id": f"user-{robot.id}",
        "object": "organization.user",
        "added_at": epoch(robot.created_at),
        "email": None,
        "name": robot.name,
        "role": "reader",
        "is_service_account": True,
    }


def _access(key: Key, now: datetime) -> str:
    return "active" if key.has_access(now) else "inactive"


def _api_key(key: Key, now: datetime) -> dict[str, Any]:
    owner: dict[str, Any]
    if isinstance(key.owner, ServiceAccount):
        owner = {"type": "service_account", "service_account": _robot(key.owner)}
    else:
        person = key.owner.person
        user = {"id": key.owner.id, "email": person.email, "name": person.name, "role": key.owner.role}
        owner = {"type": "user", "user": user | {"created_at": epoch(key.owner.added_at)}}
    used = now - timedelta(hours=1)
    return {
        "object": "organization.project.api_key",
        "id": key.id,
        "name": key.name,
        "redacted_value": f"sk-simulated...{key.id[-4:]}",
        "created_at": epoch(key.created_at),
        "last_used_at": epoch(used) if key.serves(now) and used > key.created_at else None,
        "owner_project_access": _access(key, now),
        "owner": owner,
        "expires_at": None,
    }


def _project_user(member: Member) -> dict[str, Any]:
    """Some come without an address and a name."""
    added = epoch(member.added_at)
    base = {"object": "organization.project.user", "id": member.id, "role": "member", "added_at": added}
    if member.number % BARE_EVERY == BARE_EVERY - 1:
        return base
    return base | {"email": member.person.email, "name": member.person.name}


def _admin_key(key_id: str, name: str, owner: Member, now: datetime) -> dict[str, Any]:
    return {
        "object": "organization.admin_api_key",
        "id": key_id,
        "name": name,
        "redacted_value": f"sk-admin...{key_id[-4:]}",
        "created_at": epoch(SINCE),
        "last_used_at": epoch(now - timedelta(hours=1)),
        "expires_at": None,
        "owner": {
            "type": "user",
            "object": "organization.user",
            "id": owner.id,
            "name": owner.person.name,
            "created_at": epoch(owner.added_at),
            "role": owner.role,
        },
    }
