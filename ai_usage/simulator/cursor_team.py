"""Who of the company has a Cursor seat, since when, and under which ids. Knows of no usage.

Every member has two ids that share nothing but the e-mail: a `user_…` string and a number.
"""

import hashlib
import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ai_usage.simulator.organization import Organization, Person

TEAM_SINCE = datetime(2024, 9, 3, 9, tzinfo=UTC)
ALSO = {"Design": 6, "Support": 2}  # seats outside the coding teams
IDLE_EVERY = 17  # each seventeenth seat is paid for and never used
GROUPS = {"Platform": "Platform", "Data": "Data", "Web": "Apps", "Mobile": "Apps"}  # team → billing group


@dataclass(frozen=True)
class Seat:
    """A member of the Cursor team, and how eagerly they use it."""

    person: Person
    id: str
    number: int
    role: str
    joined_at: datetime
    is_idle: bool
    attendance: float  # how likely they are to use it on a day at work
    included_days: int  # so far into the cycle does the included usage last
    favourite: float  # which of the day's models they prefer, from 0 to 1

    @property
    def email(self) -> str:
        return self.person.email

    @property
    def group(self) -> str | None:
        return GROUPS.get(self.person.team)

    def overlaps(self, start: datetime, end: datetime) -> bool:
        """Whether any of the membership lies between; `end` is exclusive."""
        return self.joined_at < end and (self.person.left_at is None or self.person.left_at > start)


@dataclass(frozen=True)
class ServiceAccount:
    """A caller that is not a person, although its events have an e-mail."""

    id: str
    name: str

    @property
    def email(self) -> str:
        return f"{self.name}@service-accounts.example.com"


@dataclass(frozen=True)
class CursorTeam:
    seats: tuple[Seat, ...]
    service_accounts: tuple[ServiceAccount, ...]


def cursor_team(organization: Organization, seed: int) -> CursorTeam:
    people = organization.developers()
    for team, size in ALSO.items():
        people += [person for person in organization.people if person.team == team][:size]
    seats = []
    for n, person in enumerate(people):
        own = random.Random(f"seat:{seed}:{person.id}")
        seats.append(
            Seat(
                person=person,
                id="user_01" + hashlib.sha256(f"cursor:{seed}:{person.id}".encode()).hexdigest()[:24].upper(),
                number=18_000_000 + seed % 1000 * 1_000_000 + n * 7919,
                role={0: "owner", len(people) - 1: "free-owner"}.get(n, "member"),
                joined_at=max(person.added_at, TEAM_SINCE + timedelta(days=n % 20 * 9)),
                is_idle=n % IDLE_EVERY == IDLE_EVERY - 1 or n == len(people) - 1,
                attendance=own.uniform(0.3, 0.9),
                included_days=own.randrange(3, 29),
                favourite=own.random(),
            )
        )
    robots = tuple(ServiceAccount(f"sa_simulated_{n}", name) for n, name in enumerate(("nightly-bot", "review-bot"), 1))
    return CursorTeam(tuple(seats), robots)
