"""Is every restatement recorded: a total that changed without its version would make a closed month a lie."""

from collections.abc import Mapping
from datetime import date
from functools import partial
from typing import Any

import dagster as dg

from ai_usage.checks.verdicts import Verdict, daily_check, wrong_rows
from ai_usage.partitions import Span
from ai_usage.sources.claude.pulls import SOURCE as CLAUDE
from ai_usage.sources.cursor.pulls import SOURCE as CURSOR
from ai_usage.sources.pulling import Source
from ai_usage.warehouse.port import Warehouse

CLAIM = "revisions_are_recorded"


def _recorded(warehouse: Warehouse, span: Span, provider: str) -> Mapping[date, Verdict]:
    return {day: _verdict(rows[0]) for day, rows in wrong_rows(warehouse, CLAIM, span, provider=provider).items()}


def _verdict(row: Mapping[str, Any]) -> Verdict:
    built = f"The day comes to {row['built_usd']:,f} USD"
    if row["newest_usd"] is None:
        return Verdict.error(f"{built}, and core/spend_versions has no version of it.", [row])
    newest = f"{row['newest_usd']:,f} USD"
    if row["difference_usd"]:
        return Verdict.error(
            f"{built}, the newest of its {row['versions']} recorded versions to {newest}: "
            f"{row['difference_usd']:+,f} USD that no revision tells of.",
            [row],
        )
    if row["gaps"] or row["open_versions"] != 1:
        return Verdict.error(
            f"{built}, as its newest version does, but among the {row['versions']} versions there are {row['gaps']} "
            f"gaps and {row['open_versions']} open ones, not one: a version was lost or stands twice.",
            [row],
        )
    return Verdict.warning(
        f"{built}, as its newest version does, but {row['unrecorded_versions']} versions of the ledger are not in "
        "core/spend_versions: they cannot be read, or it was not built since.",
        [row],
    )


def _claim(table: str, source: Source, provider: str, pull: str) -> dg.AssetChecksDefinition:
    return daily_check(
        CLAIM,
        dg.AssetKey(["core", table]),
        partial(_recorded, provider=provider),
        source=source,
        description="What a day comes to now is its newest recorded version, and each version was known until the "
        "next one came: no total changes without its revision.",
        relies_on=[pull],
        also_reads=[dg.AssetKey(["core", "spend_versions"])],
    )


CHECKS = [
    _claim("claude_costs", CLAUDE, "anthropic", "claude_cost_report"),
    _claim("cursor_usage_events", CURSOR, "cursor", "cursor_usage_events"),
]
