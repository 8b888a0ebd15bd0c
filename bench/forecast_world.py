"""Companies for measuring forecasts, for `bench`: each day's billed cost by provider and team, and purchased seats.

They share no parameter with the simulated providers, so that a forecast that was tuned on those meets unknown data. A
company has a size, a shape (growing, shrinking, seasonal, or a provider that arrives in mid-year) and a seed.
Each team uses each provider: people who are active by chance, with heavy-tailed days; the level of a team, and that of
the company, wanders from week to week; nightly jobs do not know weekends; batch runs and new models come at random.
Weekends, public holidays and the quiet days of Christmas are low. Seats have a price a month and change on some dates.
Equal arguments make equal companies.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import NamedTuple

from ai_usage.partitions import ONE_DAY, Span

SHAPES = ("growing", "shrinking", "seasonal", "new_provider")
SIZES = (30, 300, 3_000)  # people
PROVIDERS = {"anthropic": 0.45, "cursor": 0.35, "openai": 0.2}  # shares of usage
NEWCOMER, NEWCOMER_SHARE = "google", 0.3
SPAN = Span(date(2024, 10, 7), date(2026, 9, 30))  # two years, from a Monday; a forecast of October is not measured
TEAM_SIZE = {30: 8, 300: 25, 3_000: 120}  # people on average
USD_A_DAY = 3.5  # an active person's usage
SEAT_USD = {"anthropic": 30, "cursor": 40, "openai": 25}
QUIET = [(12, 24), (12, 27), (12, 28), (12, 29), (12, 30), (12, 31)]  # month, day: many are on leave
MONTH = 30.4  # days
CENTS = Decimal("0.01")


def easter(year: int) -> date:
    """Easter Sunday, by Gauss's rule in the form of Meeus."""
    a, b, c = year % 19, year // 100, year % 100
    d = (19 * a + b - b // 4 - (b - (b + 8) // 25 + 1) // 3 + 15) % 30
    e = (32 + 2 * (b % 4) + 2 * (c // 4) - d - c % 4) % 7
    f = d + e - 7 * ((a + 11 * d + 22 * e) // 451) + 114
    return date(year, f // 31, f % 31 + 1)


def holidays(year: int) -> Mapping[date, str]:
    """Germany's public holidays, by law."""
    moving = {"Good Friday": -2, "Easter Monday": 1, "Ascension Day": 39, "Whit Monday": 50}
    fixed = {"New Year": (1, 1), "Labor Day": (5, 1), "German Unity Day": (10, 3)}
    fixed |= {"Christmas Day": (12, 25), "Second Day of Christmas": (12, 26)}
    return {
        **{date(year, month, day): name for name, (month, day) in fixed.items()},
        **{easter(year) + timedelta(days=after): name for name, after in moving.items()},
    }


HOLIDAYS = {day: name for year in (2024, 2025, 2026) for day, name in holidays(year).items()}


class Cost(NamedTuple):
    """What a team paid a provider on a day."""

    day: date
    provider: str
    team: str
    usage_usd: Decimal
    seats_usd: Decimal


@dataclass(frozen=True)
class Seats:
    """One line of the sheet's tab `seats`."""

    provider: str
    seats: int
    seat_price_usd: int
    valid_from: date
    valid_to: date | None


@dataclass
class Wandering:
    """A factor that moves from week to week and returns to 1 slowly."""

    dice: Random
    step: float  # standard deviation of a week
    log: float = 0.0
    returns: float = 0.97  # of its distance from 1, each week

    def move(self) -> None:
        self.log = self.returns * self.log + self.dice.gauss(0, self.step)

    @property
    def factor(self) -> float:
        return math.exp(self.log)


@dataclass
class Series:
    """One team's use of one provider."""

    provider: str
    team: str
    people: int
    usd: float  # an active person's day
    active: float  # share of people on a working day
    weekend: float  # share of a working day
    nightly_usd: float  # a job that knows no weekends
    heavy: float  # how unequal people's days are: the standard deviation of their logarithms
    level: Wandering
    batch_days: int = 0  # that a batch run goes on
    batch_usd: float = 0.0
    model: float = 1.0  # what new models and prices made of it


@dataclass(frozen=True)
class World:
    """A company. `costs` and `seats` are all there is to know about it."""

    people: int
    shape: str
    seed: int
    span: Span = field(default=SPAN)

    @property
    def name(self) -> str:
        return f"{self.people} people, {self.shape.replace('_', ' ')}"

    def costs(self) -> Iterator[Cost]:
        """Day after day."""
        dice = Random(f"{self.people} {self.shape} {self.seed}")  # noqa: S311  # no secret
        monthly = self._monthly_growth(dice)
        restless = dice.uniform(0.5, 2.0)  # some companies are steadier than others
        series, company = list(self._series(dice, restless)), Wandering(dice, 0.02 * restless)
        seats = self.seats()
        for number, day in enumerate(self.span.days):
            if day.isoweekday() == 1:
                for moved in (company, *(one.level for one in series)):
                    moved.move()
            trend = self._trend(number, day, monthly) * company.factor
            for one in series:
                usage = self._usage(dice, one, day, trend * self._share(one.provider, number))
                paid = _seat_cost(seats, one, day, self.people)
                if usage or paid:
                    yield Cost(day, one.provider, one.team, Decimal(usage).quantize(CENTS), paid)

    def seats(self) -> Sequence[Seats]:
        """Each provider's seats change twice, on a day of the month that is not its first."""
        dice = Random(f"seats {self.people} {self.shape} {self.seed}")  # noqa: S311
        lines = []
        for provider, price in SEAT_USD.items():
            changes = sorted(dice.sample(self.span.days[60:], 2))
            count = max(1, round(self.people * dice.uniform(0.2, 0.6)))
            starts, ends = (self.span.first, *changes), (*changes, None)
            for start, end in zip(starts, ends, strict=True):
                lines.append(Seats(provider, count, price, start, end))
                grown = {"shrinking": (0.7, 0.95), "growing": (1.1, 1.6)}.get(self.shape, (0.9, 1.3))
                count = max(1, round(count * dice.uniform(*grown)))
        return lines

    def _monthly_growth(self, dice: Random) -> float:
        return {"growing": dice.uniform(0.035, 0.07), "shrinking": dice.uniform(-0.05, -0.025)}.get(
            self.shape, dice.uniform(0.0, 0.02)
        )

    def _series(self, dice: Random, restless: float) -> Iterator[Series]:
        """More teams in a larger company, of unequal sizes; not every team uses every provider."""
        teams = max(3, self.people // TEAM_SIZE[self.people])
        sizes = [dice.lognormvariate(0, 0.6) for _ in range(teams)]
        for number, size in enumerate(sizes):
            people = max(2, round(self.people * size / sum(sizes)))
            for provider in (*PROVIDERS, NEWCOMER):
                if provider != "anthropic" and dice.random() < 0.25:
                    continue
                nightly = dice.uniform(0.1, 0.8) * people if dice.random() < 0.3 else 0.0
                yield Series(
                    provider=provider,
                    team=f"Team {number + 1:02}",
                    people=people,
                    usd=USD_A_DAY * dice.lognormvariate(0, 0.4),
                    active=dice.uniform(0.3, 0.8),
                    weekend=dice.uniform(0.02, 0.15),
                    nightly_usd=nightly,
                    heavy=dice.uniform(0.8, 1.4),
                    level=Wandering(dice, 0.05 * restless),
                )

    def _trend(self, number: int, day: date, monthly: float) -> float:
        """Of the whole company: growth slows down, as it does; a season has its low in summer."""
        months = number / MONTH
        grown = math.exp(math.log1p(monthly) * (months if months < 18 else 18 + (months - 18) / 2))
        season = math.cos(2 * math.pi * (day.timetuple().tm_yday - 40) / 365) if self.shape == "seasonal" else 0.0
        return grown * (1 + 0.25 * season)

    def _share(self, provider: str, number: int) -> float:
        """In mid-year the newcomer arrives, over three months, and takes a part of what the others have."""
        arrived = 0.0
        if self.shape == "new_provider":
            arrived = 1 / (1 + math.exp(-(number - 12.5 * MONTH) / 20)) if number >= 10 * MONTH else 0.0
        if provider == NEWCOMER:
            return 3 * NEWCOMER_SHARE * arrived
        return 3 * PROVIDERS[provider] * (1 - NEWCOMER_SHARE * arrived / 2)

    def _usage(self, dice: Random, one: Series, day: date, level: float) -> float:
        if level == 0:
            return 0.0
        if dice.random() < 1 / 400:  # a new model, or a price
            one.model *= dice.uniform(0.75, 1.35)
        expected = one.people * one.active * _busy(day, one.weekend) * level * one.level.factor
        active = max(0.0, dice.gauss(expected, math.sqrt(expected)))
        each = dice.lognormvariate(0, one.heavy / math.sqrt(max(1.0, active)))
        return one.model * (active * one.usd * each + one.nightly_usd * level) + _batch(dice, one, day)


def _busy(day: date, weekend: float) -> float:
    if day.isoweekday() > 5 or day in HOLIDAYS:
        return weekend
    quiet = 0.35 if (day.month, day.day) in QUIET else 1.0
    bridge = 0.6 if day - ONE_DAY in HOLIDAYS and day.isoweekday() == 5 else 1.0
    return quiet * bridge * (0.9 if day.isoweekday() == 5 else 1.0)


def _batch(dice: Random, one: Series, day: date) -> float:
    """Two or three times a year a team runs something large for a few days."""
    if one.batch_days == 0 and day.isoweekday() < 6 and dice.random() < 1 / 250:
        one.batch_days = dice.randint(1, 4)
        one.batch_usd = one.people * one.usd * dice.uniform(0.5, 2.5)
    if one.batch_days == 0:
        return 0.0
    one.batch_days -= 1
    return one.batch_usd * dice.uniform(0.7, 1.3)


def _seat_cost(seats: Sequence[Seats], one: Series, day: date, people: int) -> Decimal:
    """The team's part of the day's share of the month's price."""
    month_end = (day.replace(day=28) + timedelta(days=4)).replace(day=1) - ONE_DAY
    for line in seats:
        if line.provider == one.provider and line.valid_from <= day and (line.valid_to is None or day < line.valid_to):
            price = Decimal(line.seats * line.seat_price_usd * one.people) / people / month_end.day
            return price.quantize(Decimal("0.000001"))
    return Decimal(0)
