"""The truth of a day at Cursor: its events, its daily rows, its commits, and what they add up to.

A day follows from (seed, date) alone; how much of it is visible, from an instant in epoch milliseconds.
Knows of no HTTP.
"""

import random
import uuid
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import groupby
from typing import NamedTuple

from ai_usage.simulator.cursor_calendar import DAY_MS, HOUR_MS, ONE_DAY, cycle, epoch_ms, midnight
from ai_usage.simulator.cursor_events import (
    CENT,
    CENTS_PER_REQUEST,
    MODELS,
    TOKENS_SINCE,
    CursorModel,
    Event,
    price,
)
from ai_usage.simulator.cursor_rows import Row, commit, daily_row
from ai_usage.simulator.cursor_team import TEAM_SINCE, CursorTeam, Seat, ServiceAccount
from ai_usage.simulator.rhythm import bustle


class Spend(NamedTuple):
    """What one caller used on one day."""

    chargeable: int = 0
    included: int = 0
    tenths: int = 0  # included requests of the old plan

    def plus(self, other: "Spend") -> "Spend":
        return Spend(*(a + b for a, b in zip(self, other, strict=True)))


@dataclass(frozen=True)
class CursorDay:
    """A UTC day as far as it is visible; events newest first, rows in the provider's own fields."""

    day: date
    events: Sequence[Event]
    rows: Sequence[Row]


def within(events: Sequence[Event], first: int, last: int) -> Sequence[Event]:
    """The events from `first` to `last`, both inclusive; `events` are sorted newest first."""
    begin = bisect_left(events, -last, key=lambda event: -event.timestamp)
    return events[begin : bisect_right(events, -first, key=lambda event: -event.timestamp)]


class CursorDays:
    """Every day of one team, made when asked for; only the last few dozen are kept."""

    def __init__(self, team: CursorTeam, seed: int, scale: float = 1) -> None:
        self.team, self.seed, self.scale = team, seed, scale
        self.plan = lru_cache(maxsize=800)(self._plan)
        self.events = lru_cache(maxsize=max(8, round(24 / scale)))(self._events)
        self.commits = lru_cache(maxsize=40)(self._commits)
        self._rows_until = lru_cache(maxsize=64)(self._rows)
        self._spend_until = lru_cache(maxsize=800)(self._spend)

    def visible(self, day: date, until: int) -> CursorDay:
        begin = epoch_ms(midnight(day))
        rows = [dict(row) for row in self.rows(day, until)]  # whoever changes them changes no answer
        return CursorDay(day, within(self.events(day), begin, until - 1), rows)

    def rows(self, day: date, until: int) -> Sequence[Row]:
        """One row per member of that day, including inactive ones; none before any of the day is visible."""
        return self._rows_until(day, self._part(day, until))

    def spend(self, day: date, until: int) -> dict[str, Spend]:
        """E-mail → spend; people without usage are not included."""
        return self._spend_until(day, self._part(day, until))

    def count(self, day: date) -> int:
        """The number of events of the whole day, without making them."""
        return sum(n for _, n in self.plan(day))

    def _part(self, day: date, until: int) -> int:
        begin = epoch_ms(midnight(day))
        return max(begin, min(until, begin + DAY_MS))

    def _plan(self, day: date) -> tuple[tuple[Seat | ServiceAccount, int], ...]:
        """Each caller, with the number of calls."""
        busy = bustle(day)
        if busy == 0 or day < TEAM_SINCE.date():
            return ()
        rng = random.Random(f"cursor-plan:{self.seed}:{day}")
        plan: list[tuple[Seat | ServiceAccount, int]] = []
        for seat in self.team.seats:
            n, is_at_it = rng.randint(25, 40), rng.random() < seat.attendance * busy
            here = seat.joined_at < midnight(day) and not seat.person.gone(midnight(day + ONE_DAY))
            if is_at_it and here and not seat.is_idle:
                plan.append((seat, max(1, round(n * self.scale))))
        robots = [(robot, rng.randint(20, 40) * (0.3 + 0.7 * busy)) for robot in self.team.service_accounts]
        return (*plan, *((robot, max(1, round(n * self.scale))) for robot, n in robots))

    def _events(self, day: date) -> tuple[Event, ...]:
        rng = random.Random(f"cursor:{self.seed}:{day}")
        models = [model for model in MODELS if model.since <= day < model.until]
        events: list[Event] = []
        for caller, n in self.plan(day):
            events += self._calls(rng, day, caller, n, models)
        if events:  # a day begins and ends on the very millisecond
            begin = epoch_ms(midnight(day))
            events[0] = events[0]._replace(timestamp=begin)
            events[-1] = events[-1]._replace(timestamp=begin + DAY_MS - 1)
        return tuple(sorted(events, key=lambda event: -event.timestamp))

    def _calls(
        self, rng: random.Random, day: date, caller: Seat | ServiceAccount, n: int, models: Sequence[CursorModel]
    ) -> Iterator[Event]:
        begin, rand = epoch_ms(midnight(day)), rng.random
        is_seat = isinstance(caller, Seat)
        favourite = models[int((caller.favourite if isinstance(caller, Seat) else 0.5) * len(models))]
        left = (caller.included_days if isinstance(caller, Seat) else 0) - (day - cycle(day)[0]).days
        included_until = begin + (DAY_MS if left > 0 else DAY_MS // 2 if left == 0 and is_seat else 0)
        threads = [str(uuid.UUID(int=rng.getrandbits(128), version=4)) for _ in range(n // 6 + 1)]
        event: Event | None = None
        for turn in range(n):
            if event is not None and turn > 1 and turn < n - 1 and rand() < 0.012:
                yield event  # the same call, counted twice by the provider and charged twice
                continue
            at = begin + int((6 + 14 * (rand() + rand()) / 2 if is_seat else 24 * rand()) * HOUR_MS)
            model = favourite if rand() < 0.6 else models[int(rand() * len(models))]
            is_max = rand() < 0.08
            thread = threads[turn // 6] if rand() < 0.85 else None
            common = (at, caller, model.name, at >= included_until, is_max, not is_seat or rand() < 0.03)
            if day < TOKENS_SINCE:
                tenths = model.tenths * (2 if is_max else 1)
                charged = tenths * CENTS_PER_REQUEST * CENT // 10
                event = Event(*common, tenths, None, 0, 0, 0, charged, thread)
            else:
                event = Event(*common, *price(rng, model, is_max=is_max), thread)
            yield event

    def _rows(self, day: date, until: int) -> Sequence[Row]:
        begin = epoch_ms(midnight(day))
        if until <= begin:
            return ()
        of_caller: dict[str, list[Event]] = {}
        for event in within(self.events(day), begin, until - 1):
            of_caller.setdefault(event.caller.id, []).append(event)
        rng = random.Random(f"tabs:{self.seed}:{day}")
        rows = []
        for n, seat in enumerate(self.team.seats):
            types = not seat.is_idle and rng.random() < 0.9 * bustle(day)
            tabs = int(rng.uniform(20, 300)) * types * (until - begin) // DAY_MS
            if seat.overlaps(midnight(day), midnight(day + ONE_DAY)):
                rows.append(daily_row(seat, n, day, of_caller.get(seat.id, []), tabs))
        return rows

    def _spend(self, day: date, until: int) -> dict[str, Spend]:
        spent: dict[str, Spend] = {}
        events = within(self.events(day), epoch_ms(midnight(day)), until - 1)
        for email, used in groupby(sorted(events, key=lambda event: event.email), key=lambda event: event.email):
            own = list(used)
            spent[email] = Spend(
                sum(event.charged for event in own if event.is_chargeable),
                sum(event.charged for event in own if not event.is_chargeable),
                sum(event.tenths for event in own if not event.is_chargeable and event.tokens is None),
            )
        return spent

    def _commits(self, day: date) -> Sequence[tuple[int, Row]]:
        """The commits, newest first, with the millisecond at which each became known."""
        rng = random.Random(f"commits:{self.seed}:{day}")
        found = []
        for seat in [caller for caller, _ in self.plan(day) if isinstance(caller, Seat)]:
            for _ in range(rng.randrange(4)):
                at = epoch_ms(midnight(day)) + int(rng.uniform(7, 20) * HOUR_MS)
                found.append((at + 5000, commit(rng, seat, at)))
        return sorted(found, key=lambda pair: (-pair[0], pair[1]["commitHash"]))
