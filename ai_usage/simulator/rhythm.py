"""When the company works, and how much it uses by then. Knows of no provider."""

from datetime import date
from math import exp

HOLIDAYS = ((1, 2), (5, 1), (12, 24), (12, 25), (12, 26), (12, 31))
IDLE = (1, 1)


def bustle(day: date) -> float:
    """The share of people at work: 0 on 1 January, little on holidays and weekends."""
    if (day.month, day.day) == IDLE:
        return 0
    if (day.month, day.day) in HOLIDAYS:
        return 0.05
    return (0.95, 1, 1, 0.97, 0.85, 0.2, 0.15)[day.weekday()]


def level(day: date) -> float:
    """How much the company uses by then: 1 at the start of 2026, never above 2."""
    years = (day - date(2026, 1, 1)).days / 365
    return round(2 / (1 + exp(-1.2 * years)), 4)
