"""The company at OpenAI: its projects, API keys, service accounts and members, and since when. Knows of no usage.

The people are those of the organization. Everything has the dates between which it existed, so any clock works.
"""

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from ai_usage.simulator.organization import Organization, Person

SINCE = datetime(2024, 9, 2, 9, tzinfo=UTC)
WORKSPACE_SINCE = datetime(2026, 2, 1, tzinfo=UTC)  # the seats of ChatGPT, and Codex with them
ARCHIVED_AT = datetime(2026, 11, 10, 15, tzinfo=UTC)
DELETED_AT = datetime(2026, 11, 12, 11, tzinfo=UTC)

PROJECTS = {  # name → the day it was made; the first is the default one
    "Default project": "2024-09-02",
    "Customer search": "2024-10-14",
    "Support voice": "2025-01-20",
    "Data pipelines": "2024-11-11",
    "Internal tools": "2025-03-10",
    "Old prototypes": "2024-09-23",
}
ARCHIVED = "Old prototypes"
SERVICE_ACCOUNTS = {  # name → its project
    "search-indexer": "Customer search",
    "voice-gateway": "Support voice",
    "etl-nightly": "Data pipelines",
    "tools-bot": "Internal tools",
    "prototype-runner": "Old prototypes",
}
# name | project | its owner: a service account, or the number of a person in the organization | the day it was made
KEYS = """
    search prod | Customer search | search-indexer | 2024-10-15
    search experiments | Customer search | 33 | 2024-11-04
    relevance evals | Customer search | 21 | 2025-02-03
    voice gateway | Support voice | voice-gateway | 2025-01-21
    transcripts | Support voice | 65 | 2025-04-07
    nightly etl | Data pipelines | etl-nightly | 2024-11-12
    batch enrichment | Data pipelines | etl-nightly | 2025-05-19
    notebooks | Data pipelines | 25 | 2024-12-02
    codex ci | Internal tools | tools-bot | 2025-03-11
    changelog cron | Internal tools | 13 | 2025-03-24
    docs assistant | Internal tools | 9 | 2025-06-16
    image drafts | Internal tools | 82 | 2025-08-04
    playground | Default project | 2 | 2024-09-03
    hackathon | Default project | 41 | 2026-05-11
    old demo | Old prototypes | prototype-runner | 2024-09-24
"""
DELETED = "hackathon"
OWNERS = (1, 9)  # of the organization at OpenAI, by the number of the person
MEMBERS = 48  # developers; Support and Design have some more
ALSO = {"Support": 5, "Design": 3}
NESTED_EVERY, BARE_EVERY = 9, 7  # members with an address only within `user`; project members without an address
SEAT_EVERY = 2  # each second developer has a seat of ChatGPT
BY_FIVES = 5


@dataclass(frozen=True)
class Project:
    id: str
    name: str
    created_at: datetime
    archived_at: datetime | None = None

    def is_archived(self, now: datetime) -> bool:
        return self.archived_at is not None and self.archived_at <= now


@dataclass(frozen=True)
class ServiceAccount:
    id: str
    name: str
    project: Project
    created_at: datetime


@dataclass(frozen=True)
class Member:
    """A person as a user of the organization."""

    id: str
    number: int
    person: Person
    added_at: datetime
    role: str
    has_seat: bool

    def present(self, now: datetime) -> bool:
        return self.added_at <= now and not self.person.gone(now)

    def has_joined(self, now: datetime) -> bool:
        """Whether the person has joined the ChatGPT workspace; purchased seats are never returned."""
        return self.has_seat and max(self.added_at, WORKSPACE_SINCE) <= now


@dataclass(frozen=True)
class Key:
    """A project's API key. A deleted key is in no list, and an archived project has none."""

    id: str
    name: str
    project: Project
    owner: Member | ServiceAccount
    created_at: datetime
    deleted_at: datetime | None = None

    @property
    def user_id(self) -> str | None:
        """The person's user id; reports name no user of a service account's key."""
        return self.owner.id if isinstance(self.owner, Member) else None

    def exists(self, now: datetime) -> bool:
        return self.created_at <= now and (self.deleted_at is None or self.deleted_at > now)

    def serves(self, at: datetime) -> bool:
        return self.exists(at) and not self.project.is_archived(at)

    def has_access(self, now: datetime) -> bool:
        """Whether the owner still has access to the project."""
        return isinstance(self.owner, ServiceAccount) or self.owner.present(now)


@dataclass(frozen=True)
class Company:
    """The whole company; the same seed gives the same company."""

    organization: Organization
    id: str
    workspace_id: str
    projects: tuple[Project, ...]
    service_accounts: tuple[ServiceAccount, ...]
    members: tuple[Member, ...]
    keys: tuple[Key, ...]
    _keys: dict[str, Key] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_keys", {key.name: key for key in self.keys})

    def key(self, name: str) -> Key:
        return self._keys[name]

    def email(self, user_id: str) -> str:
        return next(member.person.email for member in self.members if member.id == user_id)

    def seats(self, at: datetime) -> int:
        """The number of purchased ChatGPT seats, a multiple of five."""
        joined = sum(member.has_joined(at) for member in self.members)
        return -(-joined // BY_FIVES) * BY_FIVES

    def of_project(self, project: Project, now: datetime) -> list[Member]:
        """The project's members: owners of its keys, and the organization's owners."""
        owners = {key.user_id for key in self.keys if key.project is project}
        return [m for m in self.members if m.present(now) and (m.id in owners or m.role == "owner")]


def company(organization: Organization, seed: int) -> Company:
    projects = {
        name: Project(_id("proj_", seed, name), name, _at(day), ARCHIVED_AT if name == ARCHIVED else None)
        for name, day in PROJECTS.items()
    }
    robots = {
        name: ServiceAccount(_id("svc_acct_", seed, name), name, projects[project], projects[project].created_at)
        for name, project in SERVICE_ACCOUNTS.items()
    }
    members = {member.number: member for member in _members(organization, seed)}
    return Company(
        organization=organization,
        id=_id("org-", seed),
        workspace_id=_id("ws-", seed),
        projects=tuple(projects.values()),
        service_accounts=tuple(robots.values()),
        members=tuple(members.values()),
        keys=tuple(_key(line, seed, projects, robots, members) for line in KEYS.strip().splitlines()),
    )


def _members(organization: Organization, seed: int) -> list[Member]:
    people = organization.developers()[:MEMBERS]
    for team, size in ALSO.items():
        people += [person for person in organization.people if person.team == team][:size]
    return [
        Member(
            id=_id("user-", seed, person.id),
            number=(number := organization.people.index(person)),
            person=person,
            added_at=max(person.added_at, SINCE + timedelta(days=n % 12)),
            role="owner" if number in OWNERS else "reader",
            has_seat=n < MEMBERS and n % SEAT_EVERY == 0,
        )
        for n, person in enumerate(people)
    ]


def _key(
    line: str, seed: int, projects: dict[str, Project], robots: dict[str, ServiceAccount], members: dict[int, Member]
) -> Key:
    name, project, owner, day = (part.strip() for part in line.split("|"))
    owned: Member | ServiceAccount = members[int(owner)] if owner.isdigit() else robots[owner]
    came = owned.added_at if isinstance(owned, Member) else owned.created_at
    deleted = DELETED_AT if name == DELETED else None
    return Key(_id("key_", seed, name), name, projects[project], owned, max(_at(day), came), deleted)


def _at(day: str) -> datetime:
    return datetime.fromisoformat(f"{day}T09:00:00+00:00")


def _id(prefix: str, *parts: object) -> str:
    return f"{prefix}Simulated{hashlib.sha256(repr(('openai', prefix, *parts)).encode()).hexdigest()[:15]}"
