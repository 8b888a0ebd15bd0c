"""What is checked of Cursor's data alone. `GATING` are the checks that block a day of it."""

from ai_usage.check import Check
from ai_usage.providers.cursor.checks import billing_cycle, events, members, seats

GATING = (events.no_event_counted_twice,)
CHECKS: tuple[Check, ...] = (*events.CHECKS, *billing_cycle.CHECKS, *members.CHECKS, *seats.CHECKS)
