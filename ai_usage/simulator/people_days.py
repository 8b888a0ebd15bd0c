"""What each person did with claude.ai on a day, and with Claude Code on a seat. Knows of no HTTP.

A day follows from (seed, date) alone. Its figures are computed at 10:00 UTC of the next day, and again on
the two mornings after; until the last one a few of them are a little too small.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from ai_usage.simulator.claude_code_days import ClaudeCodeRecord, claude_code_records
from ai_usage.simulator.organization import Organization, Person
from ai_usage.simulator.rhythm import bustle, level

COMPUTED_AT = timedelta(hours=10)
FINAL = 3  # mornings after which a day's figures stand still
MISSING_PERCENT = {1: 6, 2: 2, FINAL: 0}
NEVER_USES = 9  # each ninth colleague has a seat and no use for it
OFFICE_TEAMS = ("Finance", "Marketing", "People")
COWORK_TEAMS = ("Support", "Marketing", "Design")


@dataclass(frozen=True)
class PersonDay:
    """One colleague's day, of which something happened; sessions in Claude Code that an API key pays for are apart."""

    person: Person
    conversations: int
    messages: int
    projects: int
    files: int
    thinking: int  # of the messages
    searches: int
    office: int  # messages in Excel and Word
    cowork: int
    claude_code: tuple[ClaudeCodeRecord, ...]

    def is_anything(self) -> bool:
        return bool(self.messages or self.office or self.cowork or self.claude_code)

    def short_of(self, percent: int) -> "PersonDay":
        """As it looks while so many percent of the larger figures are still to come."""
        names = ("messages", "thinking", "searches", "office", "cowork")
        return replace(self, **{name: (n := getattr(self, name)) - n * percent // 100 for name in names})


def morning(day: date, now: datetime) -> int:
    """How often the day's figures have been computed by now: 0 means not ready, `FINAL` that they stand."""
    return max(0, min(FINAL, (latest_ready(now) - day).days + 1))


def latest_ready(now: datetime) -> date:
    """The newest day there are figures of."""
    return (now.astimezone(UTC) - COMPUTED_AT).date() - timedelta(days=1)


class PeopleDays:
    """Every day of one organization's people, made when first asked for."""

    def __init__(self, organization: Organization, seed: int) -> None:
        self.organization, self.seed = organization, seed
        self.final = lru_cache(maxsize=400)(self._final)

    def visible(self, day: date, now: datetime) -> tuple[PersonDay, ...]:
        """By person, in the organization's order; no one before the day is ready."""
        mornings = morning(day, now)
        people = self.final(day) if mornings else ()
        if not people or mornings == FINAL:
            return people
        late = random.Random(f"late-person:{self.seed}:{day}").randrange(len(people)) if mornings == 1 else None
        return tuple(one.short_of(MISSING_PERCENT[mornings]) for n, one in enumerate(people) if n != late)

    def _final(self, day: date) -> tuple[PersonDay, ...]:
        busy, much = bustle(day), level(day)
        if busy == 0:
            return ()
        coded: dict[str, list[ClaudeCodeRecord]] = {}
        for record in claude_code_records(self.organization, self.seed, day, busy, much):
            if record.person_id and record.subscription and any(record.counts):
                coded.setdefault(record.person_id, []).append(record)
        return tuple(one for one in self._people(day, busy, much, coded) if one.is_anything())

    def _people(
        self, day: date, busy: float, much: float, coded: dict[str, list[ClaudeCodeRecord]]
    ) -> Iterator[PersonDay]:
        rng = random.Random(f"people:{self.seed}:{day}")
        for n, person in enumerate(self.organization.people):
            own = random.Random(f"chats:{self.seed}:{person.id}")
            attendance, liking, dice = own.uniform(0.35, 0.95), own.lognormvariate(2.6, 0.6), rng.random()
            here = person.added_at.date() < day and (person.left_at is None or person.left_at.date() > day)
            if not here:
                continue
            chats = n % NEVER_USES != NEVER_USES - 1 and dice < attendance * busy
            messages = int(liking * much * rng.uniform(0.4, 2)) + 1 if chats else 0
            yield PersonDay(
                person=person,
                conversations=-(-messages // rng.randint(3, 9)),
                messages=messages,
                projects=min(messages, rng.choice((0, 0, 1, 1, 2, 3))),
                files=min(messages, rng.choice((0, 0, 0, 1, 2, 5))),
                thinking=messages * rng.randrange(30) // 100,
                searches=messages * rng.randrange(20) // 100,
                office=rng.randint(2, 30) if chats and person.team in OFFICE_TEAMS and rng.random() < 0.5 else 0,
                cowork=rng.randint(3, 40) if chats and person.team in COWORK_TEAMS and rng.random() < 0.3 else 0,
                claude_code=tuple(coded.get(person.id, ())),
            )
