"""Which claims hold a day back from the marts, and which days they hold: judged from the data, at the moment of asking.

A day with one of these claims false keeps its last good version in every mart; the other days of a run go on.
"""

from datetime import date

from ai_usage.partitions import Span
from ai_usage.warehouse.port import Warehouse

COST_PULLS = ("claude_cost_report", "claude_cost_totals", "claude_messages_usage")  # what Claude's money rests on
HOLDING_CLAIMS = ("no_day_is_missing", "grouped_lines_equal_console_figure", "cost_lines_are_unique")


def held_back(warehouse: Warehouse, span: Span) -> dict[date, list[str]]:
    """The days of the span that may not reach a mart, with the claims that are false on each."""
    held: dict[date, list[str]] = {}
    for claim in HOLDING_CLAIMS:
        wrong = warehouse.query(f"checks/{claim}", first_day=span.first, last_day=span.last, pulls=COST_PULLS)
        for day in sorted(set(wrong["activity_date"])):
            held.setdefault(day, []).append(claim)
    return held
