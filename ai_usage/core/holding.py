"""Which claims hold a day back from the marts, and which days they hold: judged from the data, at the moment of asking.

A day with one of these claims false keeps its last good version in every mart; the other days of a run go on.
"""

from dataclasses import dataclass, field
from datetime import date

import polars as pl

from ai_usage.core.grain import repeated
from ai_usage.ingest.day_replacement import DAYS_AT_ONCE
from ai_usage.partitions import Span
from ai_usage.providers.anthropic.tables import CLAUDE_DAILY_COST, CLAUDE_USAGE_TOKENS
from ai_usage.warehouse.port import Warehouse
from ai_usage.warehouse.table import Table

READABLE, GRAIN = "records_are_readable", "grain_is_unique"


@dataclass(frozen=True)
class Holding:
    """What a vendor's money rests on: reports that must be there, the bill among them, whose every record must be
    readable, tables that must have each row once, and claims that must be true.
    """

    pulls: tuple[str, ...]
    billing: tuple[str, ...]
    claims: tuple[str, ...]
    tables: tuple[Table, ...] = field(default=(), compare=False)  # a table has no hash


CLAUDE = Holding(
    pulls=("claude_cost_report", "claude_cost_totals", "claude_messages_usage"),
    billing=("claude_cost_report", "claude_cost_totals", "claude_messages_usage"),  # usage decides who pays a line
    claims=(
        "no_day_is_missing",
        READABLE,
        "ledger_is_whole",
        "grouped_lines_equal_console_figure",
        "cost_lines_are_unique",
        GRAIN,
    ),
    tables=(CLAUDE_DAILY_COST, CLAUDE_USAGE_TOKENS),
)
CURSOR = Holding(
    pulls=("cursor_usage_events", "cursor_daily_usage"),
    billing=("cursor_usage_events",),
    claims=("no_day_is_missing", READABLE, "ledger_is_whole", "no_event_counted_twice"),
)
HOLDINGS = {"claude": CLAUDE, "cursor": CURSOR}


def held_back(warehouse: Warehouse, span: Span, by: Holding) -> dict[date, list[str]]:
    """The days of the span that may not reach a mart, with the claims that are false on each."""
    held: dict[date, list[str]] = {}
    for days in span.cut(at_most=DAYS_AT_ONCE):
        for claim in by.claims:
            for day in sorted(set(_wrong(warehouse, claim, days, by)["activity_date"])):
                held.setdefault(day, []).append(claim)
    return held


def _wrong(warehouse: Warehouse, claim: str, days: Span, by: Holding) -> pl.DataFrame:
    if claim == GRAIN:
        return repeated(warehouse, by.tables, days)
    pulls = by.billing if claim == READABLE else by.pulls
    return warehouse.query(f"checks/{claim}", first_day=days.first, last_day=days.last, pulls=pulls, with_hashes=False)
