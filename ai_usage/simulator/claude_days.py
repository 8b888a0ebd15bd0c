"""The truth of a day at Claude, and how much of it the provider knows by now.

A day follows from (seed, date) alone. What is visible of it follows from the clock: a running day has only
its elapsed minutes; until 30 hours after its end a few uses are missing or too small; one day in ten is
restated five days later. Knows of no HTTP and of no report's shape.
"""

import random
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple

from ai_usage.simulator import rhythm
from ai_usage.simulator.claude_code_days import ClaudeCodeRecord, claude_code_records
from ai_usage.simulator.claude_habits import Habits, actor, geo, tokens_worth
from ai_usage.simulator.claude_uses import MINUTES, Day, Use
from ai_usage.simulator.organization import ApiKey, Organization, Person
from ai_usage.simulator.prices import CODE_EXECUTION_SINCE, SESSIONS_SINCE, TOKEN_TYPES, Model, newest

SETTLED_AFTER = timedelta(hours=30)
RESTATED_AFTER = timedelta(days=5)
CLAUDE_CODE_LAG = timedelta(hours=1)
SPIKE = 8  # on the second Tuesday of each month one key uses this many times as much


class Version(NamedTuple):
    """Determines how much of a day is visible; equal versions show equal figures."""

    minutes: int
    code_minutes: int
    is_settled: bool
    is_restated: bool


def version(day: date, now: datetime) -> Version:
    began = datetime.combine(day, time(), UTC)
    ended = began + timedelta(days=1)
    return Version(
        _minutes(now - began),
        _minutes(now - began - CLAUDE_CODE_LAG),
        now >= ended + SETTLED_AFTER,
        now >= ended + RESTATED_AFTER,
    )


def _minutes(passed: timedelta) -> int:
    return max(0, min(MINUTES, passed // timedelta(minutes=5) * 5))


def workbench_people(organization: Organization) -> tuple[Person, ...]:
    """The people who sometimes try prompts in the Console."""
    return organization.people[30::9]


class ClaudeDays:
    """Every day of one organization, made when first asked for."""

    def __init__(self, organization: Organization, seed: int) -> None:
        self.organization = organization
        self.seed = seed
        self.final = lru_cache(maxsize=128)(self._final)
        self.visible = lru_cache(maxsize=256)(self._visible)

    def _final(self, day: date) -> Day:
        """The complete day, before any restatement."""
        bustle, level = rhythm.bustle(day), rhythm.level(day)
        if bustle == 0:
            return Day(day, (), ())
        records = tuple(claude_code_records(self.organization, self.seed, day, bustle, level))
        rng = random.Random(f"day:{self.seed}:{day}")
        uses = [
            *self._key_uses(rng, day, bustle, level),
            *self._workbench_uses(rng, day, bustle, level),
            *self._claude_code_uses(records),
        ]
        return Day(day, tuple(uses), records)

    def _visible(self, day: date, seen: Version) -> Day:
        whole = self.final(day)
        uses: Iterable[Use] = whole.uses
        if not seen.is_settled:
            uses = self._arrived(day, whole.uses)
        elif seen.is_restated:
            uses = self._restated(day, whole.uses)
        records: Iterable[ClaudeCodeRecord] = whole.claude_code
        if seen.code_minutes < MINUTES:
            records = (record.until(seen.code_minutes) for record in records)
        shown = Day(day, tuple(uses), tuple(record for record in records if any(record.counts)))
        return shown.between(0, seen.minutes)

    def _arrived(self, day: date, uses: tuple[Use, ...]) -> Iterator[Use]:
        late = [n for n, use in enumerate(uses) if use.product != "claude_code"]
        random.Random(f"late:{self.seed}:{day}").shuffle(late)
        few = 1 + len(late) // 40
        missing, partial = set(late[:few]), set(late[few : 2 * few])
        for n, use in enumerate(uses):
            if n not in missing:
                yield use.between(0, 1000) if n in partial else use

    def _restated(self, day: date, uses: tuple[Use, ...]) -> Iterable[Use]:
        rng = random.Random(f"restated:{self.seed}:{day}")
        wrong = [n for n, use in enumerate(uses) if use.service_tier == "standard" and use.product == "messages_api"]
        if rng.random() >= 0.1 or not wrong:
            return uses
        chosen = rng.choice(wrong)
        use = uses[chosen]
        output = use.tokens[-1] * rng.choice((90, 97, 102)) // 100
        return (*uses[:chosen], use._replace(tokens=(*use.tokens[:-1], output)), *uses[chosen + 1 :])

    def _key_uses(self, rng: random.Random, day: date, bustle: float, level: float) -> Iterator[Use]:
        noon = datetime.combine(day, time(12), UTC)
        keys = [k for k in self.organization.api_keys if k.workspace.name != "Claude Code" and k.serves(noon)]
        second_tuesday = day.weekday() == 1 and 8 <= day.day <= 14
        biggest = sorted(keys, key=lambda key: self._habits(key).dollars)[-8:] if second_tuesday else []
        spiking = random.Random(f"spike:{self.seed}:{day}").choice(biggest) if biggest else None
        for key in keys:
            habits = self._habits(key)
            busy = level * (0.35 + 0.65 * bustle) * (SPIKE if key is spiking else 1)
            for habit in habits.ways if rng.random() < 0.25 + 0.75 * bustle else ():
                if rng.random() < 0.92:
                    yield from habits.use(habit, rng, day, busy)
            if habits.executes and day >= CODE_EXECUTION_SINCE:
                yield habits.machine(executions=int(rng.uniform(20, 200) * busy))
            if habits.has_agents and day >= SESSIONS_SINCE:
                yield habits.machine(sessions=int(rng.uniform(50, 400) * busy))

    @lru_cache(maxsize=256)  # noqa: B019 - as bounded as the keys are
    def _habits(self, key: ApiKey) -> "Habits":
        return Habits.of(key, random.Random(f"habits:{self.seed}:{key.id}"))

    def _workbench_uses(self, rng: random.Random, day: date, bustle: float, level: float) -> Iterator[Use]:
        people = [p for p in workbench_people(self.organization) if p.added_at.date() < day]
        spaces = [w for w in self.organization.workspaces[:3] if w.created_at.date() < day]
        for person in people:
            if rng.random() < 0.7 * bustle and not person.gone(datetime.combine(day, time(), UTC)):
                model = newest(rng.choice(("opus", "sonnet", "haiku")), day)
                if model is None:
                    continue
                caller = (None, rng.choice(spaces).id, None, ("user_actor", person.id), "claude_console")
                tokens = tokens_worth(model, rng.uniform(0.2, 2.5) * level, (0.4, 0, 0, 0, 0.6))
                yield Use(*caller, model, "standard", "0-200k", geo(model), tokens, requests=rng.randint(3, 40))

    def _claude_code_uses(self, records: Iterable[ClaudeCodeRecord]) -> Iterator[Use]:
        keys = {key.principal: key for key in self.organization.api_keys if key.workspace.name == "Claude Code"}
        keys |= {key.name: key for key in self.organization.api_keys if key.workspace.name == "Claude Code"}
        sums: dict[tuple[str | None, str | None, Model], Counter[int]] = {}
        for record in records:
            for model, used in record.models if record.subscription is None else ():
                into = sums.setdefault((record.person_id, record.key_name, model), Counter())
                for token_type, n in zip((0, 1, 2, 4), used, strict=True):
                    into[token_type] += n
        for (person_id, key_name, model), totals in sums.items():
            key = keys.get(person_id or key_name)
            yield Use(
                key.id if key else None,
                key.workspace.id if key else self.organization.default_workspace.id,
                None if key else person_id,
                ("user_actor", person_id) if person_id else actor(keys[key_name]),
                "claude_code",
                model,
                "standard",
                "0-200k",
                geo(model),
                tuple(totals[n] for n in range(len(TOKEN_TYPES))),
                requests=sum(totals.values()) // 60_000 + 1,
            )
