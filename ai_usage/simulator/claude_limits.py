"""Answers of spend_limits/effective: the limit of each member of the Enterprise organization, and what they used of it
since the first of the month by UTC: the money of their own sign-ins. Use that a seat includes is not in it.
"""

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any

from starlette.requests import Request

from ai_usage.simulator.claude_code_days import API_PEOPLE
from ai_usage.simulator.claude_days import ClaudeDays, Version, version, workbench_people
from ai_usage.simulator.claude_reports import plain
from ai_usage.simulator.queries import Query

MOST = 20
AMOUNTS = ("20000", "50000", None, "0")  # cents; null is unlimited, 0 is included use only
AMOUNTS_OF_SPENDERS = ("30000", "50000", None)  # of people who pay for use of their own


class ClaudeLimits:
    """Answers over one organization's people, read at the simulator's clock."""

    def __init__(self, days: ClaudeDays, clock: Callable[[], datetime]) -> None:
        self.days, self.organization, self.clock = days, days.organization, clock
        spenders = (*self.organization.developers()[:API_PEOPLE], *workbench_people(self.organization))
        self._spenders = frozenset(person.id for person in spenders)
        self._of_day = lru_cache(maxsize=64)(self._spent_on)

    def effective(self, query: Query, request: Request) -> Any:
        now, wanted = self.clock(), query.all("user_ids")
        periods = query.all("period", ("monthly",))
        limit, offset = query.limit(MOST, MOST), query.offset()
        query.refuse_unread()
        people = [
            (number, person)
            for number, person in enumerate(self.organization.people)
            if person.present(now) and (not wanted or person.id in wanted)
        ]
        following, spent = query.next_page(offset + limit, len(people)), self.spent(now)
        items = [
            {
                "type": "effective_spend_limit",
                "actor": {
                    "type": "user_actor",
                    "user_id": person.id,
                    "email_address": person.email,
                    "name": person.name,
                    "deleted": False,
                },
                "scope": {"type": "user", "user_id": person.id},
                "source": {"type": "organization"},
                "spend_limit_id": f"spl_simulated_{number:04d}",
                "period": periods[0] if periods else "monthly",
                "amount": self._amount(number, person.id),
                "currency": "USD",
                "period_to_date_spend": plain(spent.get(person.id, Decimal())),
            }
            for number, person in people[offset : offset + limit]
        ]
        return {"data": items, "has_more": following is not None, "next_page": following}

    def spent(self, now: datetime) -> Mapping[str, Decimal]:
        """Cents of each person in the month so far, as the provider knows it at an instant."""
        sums: dict[str, Decimal] = {}
        for n in range(now.day):
            day = now.date().replace(day=1) + timedelta(days=n)
            for person_id, cents in self._of_day(day, version(day, now)).items():
                sums[person_id] = sums.get(person_id, Decimal()) + cents
        return sums

    def _amount(self, number: int, person_id: str) -> str | None:
        among = AMOUNTS_OF_SPENDERS if person_id in self._spenders else AMOUNTS
        return among[number % len(among)]

    def _spent_on(self, day: date, seen: Version) -> Mapping[str, Decimal]:
        sums: dict[str, Decimal] = {}
        for charge in self.days.visible(day, seen).charges:
            kind, actor = charge.use.actor
            if kind == "user_actor":
                sums[actor] = sums.get(actor, Decimal()) + charge.cents
        return sums
