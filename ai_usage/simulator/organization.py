"""The simulated company: its people, teams, workspaces and API keys. Knows of no HTTP and of no usage.

Everybody and everything has the dates between which they existed, so one organization serves any clock.
"""

import hashlib
import random
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal

NAME = "Simulated Org"

FIRST_NAMES = (
    "Ada Alan Amara Anders Beatriz Chen Chloe Dmitri Elena Emeka Farah Felix Grace Hana Hugo Ines Ivan "
    "Jamal Jonas Kaito Katya Lars Leila Lina Mateo Maya Mina Nadia Noah Olga Omar Petra Priya Rafael Rosa "
    "Sami Sofia Tariq Uma Viktor Wanda Yara Yusuf Zoe"
)
LAST_NAMES = (
    "Abel Banerjee Castro Dahl Eriksen Fontaine Garcia Haddad Ito Jansen Kowalski Lindgren Moreau Nakamura "
    "Okafor Petrov Quist Rossi Santos Tanaka Ueda Varga Weber Xu Yilmaz Zeman"
)

TEAMS = {
    "Platform": 18,
    "Data": 14,
    "Web": 14,
    "Mobile": 10,
    "Security": 6,
    "Support": 12,
    "Marketing": 8,
    "Design": 6,
    "Finance": 6,
    "People": 6,
}
CODING_TEAMS = ("Platform", "Data", "Web", "Mobile", "Security")

WORKSPACES = {  # name → the day it was made; the first is the default one
    "Default": "2023-05-02",
    "Platform": "2023-09-12",
    "Data team": "2023-11-20",
    "Support assistant": "2024-06-03",
    "Claude Code": "2025-03-04",
    "Old experiments": "2023-06-15",
}
ARCHIVED = ("Old experiments", datetime(2026, 2, 1, tzinfo=UTC))

PURPOSES = {  # the application keys made in each workspace; a name may come twice, as in life
    "Default": "sandbox prototype notebook hackathon demo sandbox legacy-web",
    "Platform": "gateway gateway-canary code-review incident-bot changelog search evals agents docs-bot",
    "Data team": "etl etl enrichment batch-scoring classifier forecasting labelling warehouse-chat",
    "Support assistant": "chat-widget triage reply-drafts summaries translate-bot quality voice-notes",
    "Old experiments": "poc-agents poc-vision poc-search poc-voice",
}
CODE_KEYS = 14  # one for each developer who signs in to Claude Code with a key of their own
CI_KEYS = ("ci-runner", "ci-nightly")

KeyStatus = Literal["active", "inactive", "archived", "expired"]


@dataclass(frozen=True)
class Person:
    """A colleague, from the day they came to the day they left."""

    id: str
    name: str
    email: str
    team: str
    role: str
    added_at: datetime
    left_at: datetime | None = None

    def present(self, now: datetime) -> bool:
        return self.added_at <= now and not self.gone(now)

    def gone(self, now: datetime) -> bool:
        return self.left_at is not None and self.left_at <= now


@dataclass(frozen=True)
class Workspace:
    id: str
    name: str
    created_at: datetime
    archived_at: datetime | None = None


@dataclass(frozen=True)
class ApiKey:
    """A key, and what has become of it: it serves until `ends_at`, then has the status `end`."""

    id: str
    name: str
    workspace: Workspace
    created_at: datetime
    created_by: str | None
    principal: str | None
    ends_at: datetime | None = None
    end: KeyStatus = "inactive"

    def status(self, now: datetime) -> KeyStatus:
        return self.end if self.ends_at is not None and self.ends_at <= now else "active"

    def serves(self, at: datetime) -> bool:
        return self.created_at <= at and self.status(at) == "active"


@dataclass(frozen=True)
class Organization:
    """The whole company; the same seed gives the same company."""

    id: str
    people: tuple[Person, ...]
    service_accounts: tuple[str, ...]
    workspaces: tuple[Workspace, ...]
    api_keys: tuple[ApiKey, ...]
    name: str = NAME
    _people: dict[str, Person] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_people", {person.id: person for person in self.people})

    @property
    def default_workspace(self) -> Workspace:
        return self.workspaces[0]

    def person(self, person_id: str) -> Person:
        return self._people[person_id]

    def developers(self) -> list[Person]:
        return [person for person in self.people if person.team in CODING_TEAMS]


def organization(seed: int) -> Organization:
    rng = random.Random(f"organization:{seed}")
    people = _people(seed, rng)
    robots = tuple(_id("svac", seed, n) for n in range(3))
    workspaces = tuple(
        Workspace(_id("wrkspc", seed, name), name, _at(day), ARCHIVED[1] if name == ARCHIVED[0] else None)
        for name, day in WORKSPACES.items()
    )
    keys = _application_keys(seed, rng, workspaces, people, robots) + _code_keys(seed, workspaces, people, robots)
    return Organization(
        id=str(uuid.UUID(bytes=_digest("organization", seed)[:16], version=4)),
        people=people,
        service_accounts=robots,
        workspaces=workspaces,
        api_keys=keys,
    )


def _people(seed: int, rng: random.Random) -> tuple[Person, ...]:
    names = rng.sample(
        [f"{first} {last}" for first in FIRST_NAMES.split() for last in LAST_NAMES.split()],
        sum(TEAMS.values()),
    )
    teams = [team for team, size in TEAMS.items() for _ in range(size)]
    left = {5: _at("2025-11-14"), 13: _at("2026-10-02")}
    roles = {0: "admin", 1: "developer", 62: "billing", 88: "billing"}
    return tuple(
        Person(
            id=_id("user", seed, n),
            name=name,
            email=f"{name.lower().replace(' ', '.')}@example.com",
            team=team,
            role=roles.get(n, ("developer", "claude_code_user")[n % 2] if team in CODING_TEAMS else "user"),
            added_at=_at("2023-05-02") + timedelta(days=rng.randrange(240 if n % 4 else 1250), minutes=n),
            left_at=left.get(n),
        )
        for n, (name, team) in enumerate(zip(names, teams, strict=True))
    )


def _application_keys(
    seed: int,
    rng: random.Random,
    workspaces: tuple[Workspace, ...],
    people: tuple[Person, ...],
    robots: tuple[str, ...],
) -> tuple[ApiKey, ...]:
    named = [(space, purpose) for space in workspaces for purpose in PURPOSES.get(space.name, "").split()]
    keys = []
    for n, (workspace, name) in enumerate(named):
        created = workspace.created_at + timedelta(days=rng.randrange(30, 700 if n % 3 else 150), hours=9)
        ends: datetime | None = workspace.archived_at
        end: KeyStatus = "archived"
        if ends is None and n % 8 == 6:
            ends = created + timedelta(days=rng.randrange(200, 420))
            end = ("inactive", "expired", "archived")[n // 8 % 3]
        author = None if n % 11 == 4 else robots[n % 3] if n % 7 == 3 else people[n % 30 | 1].id
        principal = author if n % 9 else robots[n % 3]
        keys.append(
            ApiKey(_id("apikey", seed, n), name, workspace, created, author, principal, ends, end),
        )
    return tuple(keys)


def _code_keys(
    seed: int, workspaces: tuple[Workspace, ...], people: tuple[Person, ...], robots: tuple[str, ...]
) -> tuple[ApiKey, ...]:
    space = next(workspace for workspace in workspaces if workspace.name == "Claude Code")
    owners = [person for person in people if person.team in CODING_TEAMS and person.left_at is None][:CODE_KEYS]
    named = [(f"claude_code_key_{owner.email.split('@')[0]}", owner.id, owner.added_at) for owner in owners]
    named += [(name, robots[0], space.created_at) for name in CI_KEYS]
    return tuple(
        ApiKey(_id("apikey", seed, name), name, space, max(space.created_at, since), maker, maker)
        for name, maker, since in named
    )


def _at(day: str) -> datetime:
    return datetime.fromisoformat(f"{day}T09:00:00+00:00")


def _digest(*parts: object) -> bytes:
    return hashlib.sha256(repr(parts).encode()).digest()


def _id(prefix: str, *parts: object) -> str:
    return f"{prefix}_01Simulated{_digest(prefix, *parts).hex()[:13]}"
