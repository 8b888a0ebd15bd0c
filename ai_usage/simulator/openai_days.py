"""The truth of a day at OpenAI, and how much of it the provider knows by now.

A day follows from (seed, date) alone. What is visible of it follows from the clock: a running day has only its elapsed
minutes; until 24 hours after its end a few uses are missing or too small. Knows of no HTTP and of no report's shape.
"""

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from ai_usage.simulator import rhythm
from ai_usage.simulator.openai_company import SINCE, Company
from ai_usage.simulator.openai_habits import DASHBOARD, HABITS, PROJECT_TOOLS, TOOLS, chat, of_tool, uses_of_key
from ai_usage.simulator.openai_prices import newest
from ai_usage.simulator.openai_uses import MINUTES, Line, OpenAiDay, Use

SETTLED_AFTER = timedelta(hours=24)
CREDIT_DAY, CREDIT, CREDIT_USD = 3, "Service credit", Decimal("-7.50")  # each month
ATTENDANCE = 0.75  # how likely people are to use their own keys on a day at work
BY_HAND = 8  # people a day in the dashboard
HALF_DAY = MINUTES // 2


class Version(NamedTuple):
    """Determines how much of a day is visible; equal versions show equal figures."""

    minutes: int
    is_settled: bool


def version(day: date, now: datetime) -> Version:
    began = datetime.combine(day, time(), UTC)
    minutes = max(0, min(MINUTES, (now - began) // timedelta(minutes=5) * 5))
    return Version(minutes, now >= began + timedelta(days=1) + SETTLED_AFTER)


class OpenAiDays:
    """Every day of one company, made when first asked for."""

    def __init__(self, company: Company, seed: int) -> None:
        self.company, self.seed = company, seed
        self.final = lru_cache(maxsize=400)(self._final)
        self.visible = lru_cache(maxsize=400)(self._visible)

    def _final(self, day: date) -> OpenAiDay:
        """The complete day, including endpoints that the organization is not offered."""
        bustle, much = rhythm.bustle(day), rhythm.level(day)
        if day < SINCE.date():
            return OpenAiDay(day, ())
        credits_ = (self._credit(),) if day.day == CREDIT_DAY else ()
        if bustle == 0:
            return OpenAiDay(day, (), credits_)
        rng = random.Random(f"openai:{self.seed}:{day}")
        busy = much * (0.35 + 0.65 * bustle)
        uses = (
            *self._key_uses(rng, day, bustle, busy),
            *self._project_uses(rng, day, busy),
            *self._dashboard_uses(rng, day, bustle, busy),
        )
        return OpenAiDay(day, uses, credits_)

    def _visible(self, day: date, seen: Version, *, decisions: bool = False) -> OpenAiDay:
        """`decisions`: whether the organization is offered that endpoint; else it neither uses nor pays for it."""
        whole = self.final(day)
        if not seen.minutes:
            return OpenAiDay(day, ())
        uses = tuple(use for use in whole.uses if decisions or use.endpoint != "decisions")
        if not seen.is_settled:
            uses = tuple(self._arrived(day, uses))
        return OpenAiDay(day, uses, whole.credits).between(0, seen.minutes)

    def _arrived(self, day: date, uses: tuple[Use, ...]) -> Iterator[Use]:
        late = list(range(len(uses)))
        random.Random(f"openai-late:{self.seed}:{day}").shuffle(late)
        few = 1 + len(late) // 20
        missing, partial = set(late[:few]), set(late[few : 2 * few])
        for n, use in enumerate(uses):
            if n not in missing:
                yield use.between(0, HALF_DAY) if n in partial else use

    def _credit(self) -> Line:
        return Line(CREDIT, self.company.projects[0].id, None, None, CREDIT_USD)

    def _key_uses(self, rng: random.Random, day: date, bustle: float, busy: float) -> Iterator[Use]:
        noon = datetime.combine(day, time(12), UTC)
        for key in self.company.keys:
            if key.name not in HABITS and key.name not in TOOLS:
                raise ValueError(f"nothing uses the key {key.name}")
            is_used = rng.random() < (ATTENDANCE * bustle if key.user_id and key.name != "changelog cron" else 1)
            own = random.Random(f"openai-key:{self.seed}:{key.id}:{day}")
            if is_used and key.serves(noon):
                yield from uses_of_key(key, own, day, busy)

    def _project_uses(self, rng: random.Random, day: date, busy: float) -> Iterator[Use]:
        noon = datetime.combine(day, time(12), UTC)
        for project in self.company.projects:
            for tool in PROJECT_TOOLS.get(project.name, ()):
                much = rng.uniform(0.7, 1.3)
                if project.created_at <= noon:
                    yield from of_tool(tool, day, busy * much, (project.id, None, None))

    def _dashboard_uses(self, rng: random.Random, day: date, bustle: float, busy: float) -> Iterator[Use]:
        noon = datetime.combine(day, time(12), UTC)
        present = [member for member in self.company.members if member.present(noon)]
        model = newest(DASHBOARD.family, day)
        for member in rng.sample(present, min(BY_HAND, len(present))):
            much = rng.uniform(0.4, 1.6)
            if model is not None and rng.random() < bustle:
                yield chat(DASHBOARD, model, busy * much, (self.company.projects[0].id, None, member.id))
