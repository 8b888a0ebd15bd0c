"""How each application key uses Claude. Independent of the calendar: how busy a day is, is an argument."""

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

from ai_usage.simulator.claude_uses import NO_TOKENS, Use
from ai_usage.simulator.organization import ApiKey
from ai_usage.simulator.prices import LONG_CONTEXT_SINCE, SESSIONS_SINCE, WEB_SEARCH_SINCE, Model, newest


class Habit(NamedTuple):
    """One way in which a key uses Claude, day after day."""

    family: str
    service_tier: str
    context_window: str
    is_us: bool
    dollars: float
    shares: tuple[float, ...]  # of the money, by token type


@dataclass(frozen=True)
class Habits:
    """One application key's habits, and its delay in moving to a new model."""

    key: ApiKey
    ways: tuple[Habit, ...]
    lag: timedelta
    searches: int
    executes: bool
    has_agents: bool

    @property
    def dollars(self) -> float:
        return sum(way.dollars for way in self.ways)

    @classmethod
    def of(cls, key: ApiKey, rng: random.Random) -> "Habits":
        weight = rng.lognormvariate(0.0, 0.7) * 2.1
        families = ["sonnet", *rng.sample(("opus", "haiku", "sonnet", "lite"), 2)]
        ways = []
        for family in dict.fromkeys(families):
            shares = _shares(rng)
            plain = Habit(family, "standard", "0-200k", False, weight * rng.uniform(0.5, 1.5), shares)
            ways.append(plain)
            if family == "lite":  # cheap, and used only in the plain way that has no second price tier
                ways[-1] = plain._replace(dollars=weight * 0.1)
                continue
            for tier, window, us, odds in (
                ("batch", "0-200k", False, 0.45),
                ("standard", "200k-1M", False, 0.35 if family != "haiku" else 0),
                ("standard", "0-200k", True, 0.45),
                ("priority", "0-200k", False, 0.2),
            ):
                if rng.random() < odds:
                    ways.append(Habit(family, tier, window, us, weight * rng.uniform(0.2, 0.9), _shares(rng)))
        return cls(
            key,
            tuple(ways),
            timedelta(days=rng.choice((0, 0, 10, 45))),
            searches=rng.choice((0, 0, 0, 40, 300)),
            executes=rng.random() < 0.2,
            has_agents=key.name in ("agents", "incident-bot"),
        )

    def _caller(self, product: str) -> tuple[str, str, None, tuple[str, str], str]:
        return (self.key.id, self.key.workspace.id, None, actor(self.key), product)

    def use(self, habit: Habit, rng: random.Random, day: date, busy: float) -> Iterator[Use]:
        model = newest(habit.family, day - self.lag)
        if model is None or (habit.context_window != "0-200k" and day < LONG_CONTEXT_SINCE):
            return
        if not model.has_geo and (habit.is_us or habit.context_window != "0-200k"):
            return
        product = "message_batches_api" if habit.service_tier == "batch" else "messages_api"
        if self.has_agents and habit.service_tier == "standard" and day >= SESSIONS_SINCE:
            product = "managed_agents_api"
        tokens = tokens_worth(model, habit.dollars * busy * rng.uniform(0.5, 1.5), habit.shares)
        can_search = habit.service_tier == "standard" and model.family in ("opus", "sonnet") and day >= WEB_SEARCH_SINCE
        yield Use(
            *self._caller(product),
            model,
            habit.service_tier,
            habit.context_window,
            "us" if habit.is_us else geo(model),
            tokens,
            int(self.searches * busy * rng.random()) if can_search else 0,
            sum(tokens) // 20_000 + 1,
        )

    def machine(self, *, executions: int = 0, sessions: int = 0) -> Use:
        product = "managed_agents_api" if sessions else "messages_api"
        return Use(
            *self._caller(product),
            None,
            None,
            None,
            None,
            NO_TOKENS,
            executions=executions,
            sessions=sessions,
        )


def actor(key: ApiKey) -> tuple[str, str]:
    if key.principal is not None and key.principal.startswith("svac_"):
        return ("service_account_actor", key.principal)
    return ("api_actor", key.id)


def geo(model: Model) -> str:
    return "global" if model.has_geo else "not_available"


def _shares(rng: random.Random) -> tuple[float, ...]:
    parts = [
        rng.uniform(1, 5),
        rng.choice((0, 2, 3)) * rng.random(),
        rng.choice((0, 1, 2)) * rng.random(),
        rng.choice((0, 0, 0, 1)) * rng.random(),
        rng.uniform(2, 5),
    ]
    return tuple(part / sum(parts) for part in parts)


def tokens_worth(model: Model, dollars: float, shares: Iterable[float]) -> tuple[int, ...]:
    return tuple(
        int(share * dollars * 100_000_000 / float(cents)) if cents else 0
        for share, cents in zip(shares, model.cents, strict=True)
    )
