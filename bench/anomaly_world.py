"""Companies with planted anomalies, for `bench`: what each person and API key is billed for usage on each day, and what
a reader should be alerted to. They share no code and no constant with the detection or with the simulated providers.

Keys are of several kinds: some work at night and know no weekend, some only on workdays, some on Mondays, some run
large batches at random, some are small trials. People use models by themselves, a few of them very unevenly. Weekends,
public holidays and the days around Christmas are quiet, the company grows, levels wander, and now and then new people
join a team: nothing of this is an anomaly. Equal arguments make equal companies.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from math import exp, log
from random import Random
from typing import NamedTuple

from ai_usage.partitions import Span
from bench.forecast_world import HOLIDAYS, QUIET

SPAN = Span(date(2025, 8, 4), date(2026, 7, 31))
MEASURED = Span(date(2025, 10, 6), SPAN.last)  # after nine weeks of history; Christmas is in it
SIZES = {30: 8, 300: 20, 3_000: 60}  # people: of a team on average
MODELS = {  # provider: models with their price relative to the usual one, cheapest first
    "anthropic": {"small": 0.4, "usual": 1.0, "large": 4.0},
    "openai": {"mini": 0.4, "standard": 1.0, "pro": 5.0},
}
STYLES = {"nightly": 0.3, "workday": 0.4, "monday": 0.1, "batch": 0.1, "trial": 0.1}  # shares of keys
FATES = {  # of a key when its owner left the company: only the second is worth an alert
    "in use": 0.7,  # the owner is there
    "left": 0.12,  # and the key is still used
    "stopped": 0.06,  # long ago, with its owner
    "passed on": 0.06,  # the sheet names a new owner
    "service": 0.06,  # the key is of a service account
}
SUCCESSOR = "successor@example.com"
STOPPED_ON = date(2025, 8, 31)
PLANTED = ("runaway key", "expensive model", "person", "slow leak", "stopped key", "new key", "new model")
PLANTS_OF_A_KIND = {30: 2, 300: 5, 3_000: 8}
AFTERMATH = timedelta(days=35)  # so long an anomaly can move what later days are compared with
CENTS = Decimal("0.01")


class Cost(NamedTuple):
    """What a person or a key was billed on a day."""

    day: date
    provider: str
    team: str
    api_key: str | None
    person: str | None
    model: str
    usd: Decimal


@dataclass(frozen=True)
class Planted:
    """What happens to `subject`, a key, person or model. An alert is in time from `first` to `last_in_time`."""

    kind: str
    size: str  # small, medium or large, where there are sizes
    subject: str
    provider: str
    team: str
    models: frozenset[str]
    factor: float
    first: date
    last: date  # of its effect
    last_in_time: date


@dataclass
class Key:
    """An API key that something of a team uses."""

    name: str
    provider: str
    team: str
    owner: str
    style: str
    usd: float  # on a busy day
    noise: float
    model: str
    fate: str  # one of FATES
    level: float = 1.0
    first: date = SPAN.first
    batch_days: int = 0
    plants: list[Planted] = field(default_factory=list)

    @property
    def is_in_use(self) -> bool:
        """All the time, by its owner."""
        return self.first == SPAN.first and self.fate == "in use"


@dataclass
class Person:
    """Somebody who uses a provider's models without a key of the company's."""

    address: str
    provider: str
    team: str
    usd: float
    noise: float
    active: float  # share of workdays
    first: date = SPAN.first
    plants: list[Planted] = field(default_factory=list)


@dataclass(frozen=True)
class World:
    """A company."""

    people: int
    seed: int

    def made(self) -> tuple[list[Cost], list[Planted], list[Key]]:
        """Its costs, what was planted, and its keys."""
        dice = Random(f"anomalies {self.people} {self.seed}")  # noqa: S311  # no secret
        teams = [f"Team {number + 1:02}" for number in range(max(3, self.people // SIZES[self.people]))]
        people, keys = self._people(dice, teams), self._keys(dice, teams)
        plants = list(self._plants(dice, keys, people))
        return list(self._costs(dice, keys, people)), plants, keys

    def _people(self, dice: Random, teams: Sequence[str]) -> list[Person]:
        """One in twenty is uneven. A tenth joins later, several to a team on one day."""
        found = []
        joining = {team: dice.choice(MEASURED.days) for team in dice.sample(teams, max(1, len(teams) // 3))}
        for number in range(self.people):
            team = dice.choice(teams)
            is_uneven = dice.random() < 0.05
            found.append(
                Person(
                    address=f"person{number + 1:04}@example.com",
                    provider=dice.choice(list(MODELS)),
                    team=team,
                    usd=dice.lognormvariate(1.2, 0.7) * (4 if is_uneven else 1),
                    noise=1.3 if is_uneven else dice.uniform(0.3, 0.7),
                    active=dice.uniform(0.3, 0.95),
                    first=joining[team] if team in joining and dice.random() < 0.3 else SPAN.first,
                )
            )
        return found

    def _keys(self, dice: Random, teams: Sequence[str]) -> list[Key]:
        return [
            self._key(dice, f"key_{number + 1:03}", dice.choice(teams), number)
            for number in range(max(16, self.people // 12))
        ]

    def _key(self, dice: Random, name: str, team: str, number: int) -> Key:
        style = dice.choices(list(STYLES), list(STYLES.values()))[0]
        provider = dice.choice(list(MODELS))
        usd = dice.uniform(0.3, 4) if style == "trial" else min(600.0, dice.lognormvariate(3.4, 0.8))
        return Key(
            name=name,
            provider=provider,
            team=team,
            owner=f"owner{number + 1:03}@example.com",
            style=style,
            usd=usd,
            noise=dice.uniform(0.08, 0.35),
            model=list(MODELS[provider])[0 if dice.random() < 0.5 else 1],
            fate=dice.choices(list(FATES), list(FATES.values()))[0],
        )

    def _plants(self, dice: Random, keys: list[Key], people: list[Person]) -> Iterator[Planted]:
        """As many of each kind, on workdays; those of one key or person are apart by more than its aftermath."""
        workdays = [day for day in MEASURED.days if day.isoweekday() < 6 and day not in HOLIDAYS]
        for kind in PLANTED:
            for number in range(PLANTS_OF_A_KIND[self.people]):
                if plant := self._plant(dice, kind, number, workdays, keys, people):
                    yield plant

    def _plant(
        self, dice: Random, kind: str, number: int, workdays: list[date], keys: list[Key], people: list[Person]
    ) -> Planted | None:
        lasts, in_time = LENGTHS[kind]
        size = ("small", "medium", "large")[number % 3] if kind in FACTORS else ""
        factor = dice.uniform(*FACTORS[kind][size]) if size else 0.0
        if kind == "new key":
            key = self._key(dice, f"new_key_{number + 1}", keys[number % len(keys)].team, 900 + number)
            key.fate, key.first = "in use", dice.choice(workdays[:-10])
            keys.append(key)
            return self._of(kind, size, key, key.name, factor, key.first, key.first, in_time)
        free = [key for key in keys if key.style in {"nightly", "workday"} and key.usd > 15 and key.is_in_use]
        for _ in range(200):
            first = dice.choice(workdays[: -lasts.days or None] if lasts.days < 60 else workdays[:-10])
            on: Key | Person = dice.choice(people) if kind == "person" else dice.choice(free)
            if isinstance(on, Person) and (on.noise > 1 or on.first > first - AFTERMATH):
                continue
            if any(one.first <= first + lasts + AFTERMATH and first <= one.last + AFTERMATH for one in on.plants):
                continue
            name = on.address if isinstance(on, Person) else on.name
            subject = f"{on.provider}-next-{number + 1}" if kind == "new model" else name
            plant = self._of(kind, size, on, subject, factor, first, min(first + lasts, SPAN.last), in_time)
            on.plants.append(plant)
            return plant
        return None

    def _of(
        self, kind: str, size: str, on: Key | Person, subject: str, factor: float, first: date, last: date,
        in_time: timedelta,
    ) -> Planted:  # fmt: skip
        dear = list(MODELS[on.provider])[-1]
        usual = on.model if isinstance(on, Key) else list(MODELS[on.provider])[1]
        models = {"expensive model": {usual, dear}, "new model": {subject}}.get(kind, {usual})
        return Planted(
            kind, size, subject, on.provider, on.team, frozenset(models), factor, first, last, first + in_time
        )

    def _costs(self, dice: Random, keys: list[Key], people: list[Person]) -> Iterator[Cost]:
        growth = dice.uniform(0.01, 0.05)  # a month
        for number, day in enumerate(SPAN.days):
            level = exp(growth * number / 30)
            for key in keys:
                if day < key.first or (key.fate == "stopped" and day > STOPPED_ON):
                    continue
                if day.isoweekday() == 1:
                    key.level *= exp(dice.gauss(0, 0.05))
                model, usd = _planted_on(key, day, level * _of_key(dice, key, day))
                user = {"passed on": SUCCESSOR, "service": None}.get(key.fate, key.owner)
                yield from _cost(day, key.provider, key.team, key.name, user, model, usd)
            for person in people:
                if day >= person.first and dice.random() < person.active * _busy(day):
                    usd = level * person.usd * exp(person.noise * min(2.0, dice.gauss(0, 1)))
                    usd *= _factor(person.plants, day)
                    model = list(MODELS[person.provider])[1]
                    yield from _cost(day, person.provider, person.team, None, person.address, model, usd)
                elif any(plant.first <= day <= plant.last for plant in person.plants):
                    usd = level * person.usd * _factor(person.plants, day)
                    model = list(MODELS[person.provider])[1]
                    yield from _cost(day, person.provider, person.team, None, person.address, model, usd)


FOREVER = timedelta(days=400)
LENGTHS: dict[
    str, tuple[timedelta, timedelta]
] = {  # kind: its effect after the first day, and how late an alert may be
    "runaway key": (timedelta(days=2), timedelta(days=2)),
    "expensive model": (FOREVER, timedelta(days=3)),
    "person": (timedelta(0), timedelta(0)),
    "slow leak": (timedelta(days=27), timedelta(days=27)),
    "stopped key": (FOREVER, timedelta(days=3)),
    "new key": (timedelta(0), timedelta(days=7)),
    "new model": (FOREVER, timedelta(days=7)),
}
FACTORS: dict[str, dict[str, tuple[float, float]]] = {  # times the usual cost; of a leak at its end
    "runaway key": {"small": (2.5, 3.5), "medium": (4, 7), "large": (8, 20)},
    "person": {"small": (8, 12), "medium": (15, 25), "large": (30, 80)},
    "slow leak": {"small": (2.5, 3), "medium": (3.5, 5), "large": (6, 10)},
}


def _busy(day: date) -> float:
    if day.isoweekday() > 5 or day in HOLIDAYS:
        return 0.08
    return 0.35 if (day.month, day.day) in QUIET else 1.0


def _of_key(dice: Random, key: Key, day: date) -> float:
    """Its cost of an ordinary day."""
    noise = key.level * key.usd * dice.lognormvariate(0, key.noise)
    if key.style == "nightly":
        return noise
    if key.style == "monday":
        return noise * (4 if day.isoweekday() == 1 else 0.05)
    if key.style == "batch":
        if key.batch_days == 0 and day.isoweekday() < 6 and dice.random() < 1 / 8:
            key.batch_days = dice.randint(1, 2)
        key.batch_days, is_batch = max(0, key.batch_days - 1), key.batch_days > 0
        return noise * (dice.uniform(2, 6) if is_batch else 0.1)
    return noise * (0.05 + 0.95 * _busy(day))


def _planted_on(key: Key, day: date, usd: float) -> tuple[str, float]:
    """The model and cost of a key's day."""
    model = key.model
    for plant in key.plants:
        if not plant.first <= day <= plant.last:
            continue
        if plant.kind == "expensive model":
            prices = MODELS[key.provider]
            model = list(prices)[-1]
            usd *= prices[model] / prices[key.model]
        elif plant.kind == "new model":
            model = plant.subject
        elif plant.kind == "stopped key":
            usd = 0.0
    return model, usd * _factor(key.plants, day)


def _factor(plants: list[Planted], day: date) -> float:
    for plant in plants:
        if plant.factor and plant.first <= day <= plant.last:
            days = (plant.last - plant.first).days
            part = (day - plant.first).days / days if plant.kind == "slow leak" else 1.0
            return exp(part * log(plant.factor))
    return 1.0


def _cost(
    day: date, provider: str, team: str, key: str | None, person: str | None, model: str, usd: float
) -> Iterator[Cost]:
    billed = Decimal(usd).quantize(CENTS)
    if billed:
        yield Cost(day, provider, team, key, person, model, billed)
