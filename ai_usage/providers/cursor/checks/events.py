"""Checks that each event exists once, on its day."""

from collections.abc import Mapping
from typing import Any

from ai_usage.check import Check, DailyCheck, each_day, failed
from ai_usage.providers.cursor.pulls import SOURCE

SQL = "providers/cursor/checks/no_event_counted_twice"


def _too_many(row: Mapping[str, Any]) -> str:
    if row["of_another_day"]:
        return f"{row['of_another_day']} events happened on another day: they are there too."
    return f"{row['events']} events of {row['versions']} versions are in core; {row['records'] or 0} were pulled."


no_event_counted_twice = DailyCheck(
    name="no_event_counted_twice",
    provider="cursor",
    asset="core/cursor_usage_events",
    title="an event on two days, a day loaded twice",
    description="Each event is counted once, on the day it happened.",
    severity="failed",
    sources=(SOURCE,),
    pulls=("cursor_usage_events",),
    sql=SQL,
    evaluate=each_day(SQL, lambda rows: failed(_too_many(rows[0]), rows)),
    gates_day=True,
)

CHECKS: list[Check] = [no_event_counted_twice]
