"""What Cursor answers about people and their money: the members, the cycle's spend, the billing groups."""

from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any

import msgspec

from ai_usage.simulator.cursor_calendar import ONE_DAY, cycle, days_between, epoch_ms, iso, midnight, settled
from ai_usage.simulator.cursor_days import CursorDays, Spend
from ai_usage.simulator.cursor_events import cents_json, tenths_json
from ai_usage.simulator.cursor_team import Seat
from ai_usage.simulator.queries import Body, Query

MOST = 1000


class CursorSpend:
    """Answers over the days of one team, read at the simulator's clock."""

    def __init__(self, days: CursorDays, clock: Callable[[], datetime]) -> None:
        self.days, self.clock = days, clock

    def members(self, query: Query) -> Any:
        query.refuse_unread()
        now = self.clock()
        return {
            "teamMembers": [
                _who(seat, "id") | {"role": seat.role, "isRemoved": seat.person.gone(now)}
                for seat in self.days.team.seats
                if seat.joined_at <= now
            ]
        }

    def spend(self, body: Body) -> Any:
        sought = (body.text("searchTerm") or "").lower()
        order = body.text("sortBy", ("amount", "date", "user")) or "date"
        is_descending = body.text("sortDirection", ("asc", "desc")) == "desc"
        page, size = body.whole("page", 1), body.whole("pageSize", 100, MOST)
        body.refuse_unread()
        now = self.clock()
        first, _ = cycle(now.date())
        spent = self._spent(list(days_between(first, now.date())))
        seats = [
            seat
            for seat in self.days.team.seats
            if seat.overlaps(midnight(first), now) and sought in f"{seat.person.name} {seat.email}".lower()
        ]
        keys: dict[str, Callable[[Seat], Any]] = {
            "amount": lambda seat: spent.get(seat.email, Spend()).chargeable,
            "date": lambda seat: seat.joined_at,
            "user": lambda seat: seat.person.name,
        }
        seats.sort(key=keys[order], reverse=is_descending)
        return {
            "teamMemberSpend": [_spend_line(s, spent) for s in seats[(page - 1) * size : page * size]],
            "subscriptionCycleStart": epoch_ms(midnight(first)),
            "totalMembers": len(seats),
            "totalPages": -(-len(seats) // size),
        }

    def _spent(self, days: Sequence[date]) -> dict[str, Spend]:
        """The visible spend of each caller on these days."""
        sums: dict[str, Spend] = {}
        for day in days:
            for email, spend in self.days.spend(day, settled(self.clock())).items():
                sums[email] = sums.get(email, Spend()).plus(spend)
        return sums

    def groups(self, query: Query) -> Any:
        now = self.clock()
        asked = query.day("billingCycle") if query.one("billingCycle") else now.date()
        query.refuse_unread()
        first, following = cycle(asked)
        days = list(days_between(first, min(now.date(), following - ONE_DAY)))
        seats = [seat for seat in self.days.team.seats if seat.overlaps(midnight(first), midnight(following))]
        names = sorted({seat.group for seat in seats if seat.group})
        return {
            "groups": [self._group(f"group_simulated_{name.lower()}", name, seats, days) for name in names],
            "unassignedGroup": self._group("group_unassigned", None, seats, days),
            "billingCycle": {
                "cycleStart": iso(epoch_ms(midnight(first))),
                "cycleEnd": iso(epoch_ms(midnight(following))),
            },
        }

    def _group(self, group_id: str, name: str | None, seats: Sequence[Seat], days: Sequence[date]) -> Any:
        now, spent = self.clock(), self._spent(days)
        own = [seat for seat in seats if seat.group == name]
        made = "2024-09-03T09:00:00.000Z"
        lines: dict[bool, list[Any]] = {False: [], True: []}
        for seat in own:
            left = seat.person.left_at if seat.person.gone(now) else None
            dates = {"joinedAt": iso(epoch_ms(seat.joined_at)), "leftAt": iso(epoch_ms(left)) if left else None}
            line = _who(seat, "userId") | dates
            lines[left is not None].append(line | {"spendCents": _raw(spent.get(seat.email, Spend()).chargeable)})
        daily = [(day, self._spent([day])) for day in days]
        return {
            "id": group_id,
            "name": name or "Unassigned",
            "type": "BILLING",
            "directoryGroupId": None,
            "memberCount": len(lines[False]),
            "createdAt": made,
            "updatedAt": made,
            "spendCents": _raw(_chargeable(own, spent)),
            "currentMembers": lines[False],
            "formerMembers": lines[True],
            "dailySpend": [{"date": str(d), "spendCents": _raw(_chargeable(own, used))} for d, used in daily],
        }


def _who(seat: Seat, id_name: str) -> dict[str, Any]:
    return {id_name: seat.id, "name": seat.person.name, "email": seat.email}


def _spend_line(seat: Seat, spent: dict[str, Spend]) -> dict[str, Any]:
    """Cents and dollars side by side, as the provider has them."""
    used, tight = spent.get(seat.email, Spend()), seat.number % 5 == 0
    return _who(seat, "userId") | {
        "role": seat.role,
        "spendCents": _raw(used.chargeable),
        "overallSpendCents": _raw(used.chargeable + used.included),
        "fastPremiumRequests": msgspec.Raw(tenths_json(used.tenths).encode()),
        "hardLimitOverrideDollars": 250 if tight else 0,
        "monthlyLimitDollars": 500 if seat.number % 3 == 0 else None,
        "effectivePerUserLimitDollars": 250 if tight else 500,
    }


def _chargeable(seats: Sequence[Seat], spent: dict[str, Spend]) -> int:
    return sum(spent.get(seat.email, Spend()).chargeable for seat in seats)


def _raw(amount: int) -> msgspec.Raw:
    return msgspec.Raw(cents_json(amount).encode())
