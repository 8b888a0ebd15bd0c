"""What each person did with Codex on a seat of the ChatGPT workspace on a day. Credits are no money.

A day follows from (seed, date) alone; what is reported of it grows with its minutes, twelve hours late.
"""

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from ai_usage.simulator import rhythm
from ai_usage.simulator.openai_company import WORKSPACE_SINCE, Company, Member

LAG = timedelta(hours=12)
MINUTES = 1440
CLIENTS = ("cli", "ide", "cloud")
NEVER_USES = 6  # each sixth seat is paid for and never used
NO_ACTOR = 8  # of each eighth one the report has the id alone
NO_LINES = 5
CENT = Decimal("0.01")


class Client(NamedTuple):
    """One way into Codex; `credits_` in hundredths."""

    name: str
    threads: int
    turns: int
    credits_: int
    uncached: int
    cached: int
    output: int

    def until(self, minutes: int) -> "Client":
        return Client(self.name, *(n * minutes // MINUTES for n in self[1:]))

    def plus(self, other: "Client") -> "Client":
        return Client(self.name, *(one + two for one, two in zip(self[1:], other[1:], strict=True)))


class CodexDay(NamedTuple):
    """One person's day. Without `has_actor` the report names the id alone; without `lines` it has none."""

    member: Member
    model: str
    has_actor: bool
    clients: tuple[Client, ...]
    lines: tuple[int, int] | None

    @property
    def credits_(self) -> Decimal:
        return sum(client.credits_ for client in self.clients) * CENT

    def until(self, minutes: int) -> "CodexDay":
        clients = tuple(part for client in self.clients if any((part := client.until(minutes))[1:]))
        lines = self.lines and (self.lines[0] * minutes // MINUTES, self.lines[1] * minutes // MINUTES)
        return self._replace(clients=clients, lines=lines)


class CodexDays:
    """Every day of the workspace, made when first asked for."""

    def __init__(self, company: Company, seed: int) -> None:
        self.company, self.seed = company, seed
        self.final = lru_cache(maxsize=200)(lambda day: tuple(self._final(day)))

    def visible(self, day: date, now: datetime) -> tuple[CodexDay, ...]:
        """The visible days of the members, in their order; members without activity have none."""
        passed = (now - LAG - datetime.combine(day, time(), UTC)) // timedelta(minutes=1)
        minutes = max(0, min(MINUTES, passed))
        parts = (one.until(minutes) for one in self.final(day)) if minutes else ()
        return tuple(part for part in parts if part.clients)

    def _final(self, day: date) -> Iterator[CodexDay]:
        bustle, much = rhythm.bustle(day), rhythm.level(day)
        noon = datetime.combine(day, time(12), UTC)
        seats = [member for member in self.company.members if member.has_seat] if noon >= WORKSPACE_SINCE else []
        for n, member in enumerate(seats):
            own = random.Random(f"codex:{self.seed}:{member.id}:{day}")
            is_there = member.present(noon) and n % NEVER_USES != NEVER_USES - 1
            if is_there and own.random() < 0.8 * bustle:
                clients = tuple(_client(own, name, much) for name in CLIENTS[: own.randint(1, len(CLIENTS))])
                added = own.randint(20, 600)
                lines = None if n % NO_LINES == NO_LINES - 1 else (added, added * own.randint(5, 60) // 100)
                model = "gpt-5.6-codex" if day < date(2026, 10, 12) else "gpt-6-codex"
                yield CodexDay(member, model, n % NO_ACTOR != NO_ACTOR - 1, clients, lines)


def _client(rng: random.Random, name: str, much: float) -> Client:
    threads = rng.randint(1, 5)
    turns = threads * rng.randint(2, 9)
    uncached = int(turns * rng.uniform(1500, 6000) * much)
    cached, output = uncached * rng.randint(3, 8), uncached * rng.randint(8, 25) // 100
    return Client(name, threads, turns, turns * rng.randint(20, 90), uncached, cached, output)
