"""Is everything there once."""

from collections.abc import Mapping, Sequence
from datetime import date
from functools import partial
from typing import Any

import dagster as dg

from ai_usage.checks.runner import Verdict, by_day, daily_check, some, wrong_rows
from ai_usage.core.grain import repeated
from ai_usage.core.revisions import SPEND_VERSIONS
from ai_usage.ingest.ledger_writes import Source
from ai_usage.marts import gate
from ai_usage.partitions import Span
from ai_usage.providers.anthropic import tables as claude
from ai_usage.providers.anthropic.provider import ANTHROPIC
from ai_usage.providers.anthropic.pulls import SOURCE as CLAUDE
from ai_usage.providers.cursor import tables as cursor
from ai_usage.providers.cursor.pulls import SOURCE as CURSOR
from ai_usage.warehouse.port import Warehouse
from ai_usage.warehouse.table import Table


def _repeated_lines(warehouse: Warehouse, span: Span) -> Mapping[date, Verdict]:
    return {
        day: Verdict.error(f"{len(rows)} cost lines stand twice or are ungrouped totals among grouped lines.", rows)
        for day, rows in wrong_rows(warehouse, "cost_lines_are_unique", span).items()
    }


cost_lines_are_unique = daily_check(
    "cost_lines_are_unique",
    dg.AssetKey(["core", "claude_costs"]),
    _repeated_lines,
    source=CLAUDE,
    description="No cost line stands twice, and no ungrouped total stands among the grouped lines.",
    relies_on=["claude_cost_report"],
    holds_its_day=True,
)


def _events_too_many(warehouse: Warehouse, span: Span) -> Mapping[date, Verdict]:
    return {
        day: Verdict.error(_too_many(rows[0]), rows)
        for day, rows in wrong_rows(warehouse, "no_event_counted_twice", span).items()
    }


def _too_many(row: Mapping[str, Any]) -> str:
    if row["of_another_day"]:
        return f"{row['of_another_day']} events happened on another day: they are there, too."
    return f"{row['events']} events of {row['versions']} versions stand for the {row['records'] or 0} that were pulled."


no_event_counted_twice = daily_check(
    "no_event_counted_twice",
    dg.AssetKey(["core", "cursor_usage_events"]),
    _events_too_many,
    source=CURSOR,
    description="No event stands on two days, and none more often than Cursor sent it; equal events did happen.",
    relies_on=["cursor_usage_events"],
    holds_its_day=True,
)


def grain_is_unique(
    source: Source | tuple[Source, ...],
    table: Table,
    *others: Table,
    relies_on: Sequence[str],
    holds_its_day: bool = False,
    is_optional: bool = False,
) -> dg.AssetChecksDefinition:
    """Whether each row of these tables stands there once, by the key that the table declares."""
    tables = [table, *others]
    return daily_check(
        gate.GRAIN,
        dg.AssetKey(["core", table.name]),
        partial(_repeated_keys, tables),
        source=source,
        description=f"No row of {', '.join(t.name for t in tables)} stands twice: pages that overlap count once.",
        relies_on=relies_on,
        also_reads=[dg.AssetKey(["core", other.name]) for other in others],
        holds_its_day=holds_its_day,
        is_optional=is_optional,
    )


def _repeated_keys(tables: Sequence[Table], warehouse: Warehouse, span: Span) -> Mapping[date, Verdict]:
    return {
        day: Verdict.error(f"{len(rows)} keys stand more than once: {some(map(_repeated, rows), at_most=3)}.", rows)
        for day, rows in by_day(repeated(warehouse, tables, span)).items()
    }


def _repeated(row: Mapping[str, Any]) -> str:
    return f"{row['table_name']} has {row['times']} rows of {row['row_key']}"


GRAIN = [
    grain_is_unique(CLAUDE, *ANTHROPIC.gate.tables, relies_on=ANTHROPIC.gate.pulls, holds_its_day=True),
    grain_is_unique(
        CLAUDE,
        claude.CLAUDE_USAGE_TOKENS_BY_SPEED,
        relies_on=["claude_messages_usage_by_speed"],
        is_optional=True,
    ),
    grain_is_unique(CLAUDE, claude.CLAUDE_DAILY_TOKENS, relies_on=["claude_messages_usage"]),
    grain_is_unique(
        CLAUDE,
        claude.CLAUDE_CODE_USAGE_STATS,
        claude.CLAUDE_CODE_MODEL_USAGE,
        relies_on=["claude_code_usage"],
        is_optional=True,
    ),
    grain_is_unique(CLAUDE, claude.CLAUDE_ANALYTICS_COSTS, relies_on=["claude_analytics_cost"], is_optional=True),
    grain_is_unique(CLAUDE, claude.CLAUDE_USAGE_STATS, relies_on=["claude_enterprise_users"], is_optional=True),
    grain_is_unique(CURSOR, cursor.CURSOR_USAGE_STATS, relies_on=["cursor_daily_usage"]),
    grain_is_unique(CURSOR, cursor.CURSOR_AI_COMMITS, relies_on=["cursor_ai_commits"], is_optional=True),
    grain_is_unique(CURSOR, cursor.CURSOR_SPEND_DAILY, relies_on=["cursor_usage_events"]),
    grain_is_unique((CLAUDE, CURSOR), SPEND_VERSIONS, relies_on=["claude_cost_report", "cursor_usage_events"]),
]

CHECKS = [cost_lines_are_unique, no_event_counted_twice, *GRAIN]
