"""The checks of Cursor's data. `GATING` are those that block a day."""

from ai_usage.check import Check
from ai_usage.providers.cursor.checks import billing_cycle, events, members, seats

GATING = (events.no_event_counted_twice,)
CHECKS: tuple[Check, ...] = (*events.CHECKS, *billing_cycle.CHECKS, *members.CHECKS, *seats.CHECKS)
