"""Answers of spend_limits/effective: the limit of each member of the Enterprise organization. Its seats include all use
there is, so nothing is used of any limit.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from starlette.requests import Request

from ai_usage.simulator.organization import Organization
from ai_usage.simulator.queries import Query

MOST = 20
AMOUNTS = ("20000", "50000", None, "0")  # cents; null is unlimited


class ClaudeLimits:
    """Answers over one organization's people, read at the simulator's clock."""

    def __init__(self, organization: Organization, clock: Callable[[], datetime]) -> None:
        self.organization, self.clock = organization, clock

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
        following = query.next_page(offset + limit, len(people))
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
                "amount": AMOUNTS[number % len(AMOUNTS)],
                "currency": "USD",
                "period_to_date_spend": "0",
            }
            for number, person in people[offset : offset + limit]
        ]
        return {"data": items, "has_more": following is not None, "next_page": following}
