"""Which claims hold a day back from the marts, and which days they hold: judged from the data, at the moment of asking.

A day with one of these claims false keeps its last good version in every mart; the other days of a run go on.
"""

from dataclasses import dataclass
from datetime import date

from ai_usage.core.rebuild import DAYS_AT_ONCE
from ai_usage.partitions import Span
from ai_usage.warehouse.port import Warehouse


@dataclass(frozen=True)
class Holding:
    """What a vendor's money rests on: reports that must be there, claims that must be true."""

    pulls: tuple[str, ...]
    claims: tuple[str, ...]


CLAUDE = Holding(
    pulls=("claude_cost_report", "claude_cost_totals", "claude_messages_usage"),
    claims=("no_day_is_missing", "ledger_is_whole", "grouped_lines_equal_console_figure", "cost_lines_are_unique"),
)
CURSOR = Holding(
    pulls=("cursor_usage_events", "cursor_daily_usage"),
    claims=("no_day_is_missing", "ledger_is_whole", "no_event_counted_twice"),
)
HOLDINGS = {"claude": CLAUDE, "cursor": CURSOR}


def held_back(warehouse: Warehouse, span: Span, by: Holding) -> dict[date, list[str]]:
    """The days of the span that may not reach a mart, with the claims that are false on each."""
    held: dict[date, list[str]] = {}
    for days in span.cut(at_most=DAYS_AT_ONCE):
        for claim in by.claims:
            wrong = warehouse.query(
                f"checks/{claim}", first_day=days.first, last_day=days.last, pulls=by.pulls, with_hashes=False
            )
            for day in sorted(set(wrong["activity_date"])):
                held.setdefault(day, []).append(claim)
    return held
