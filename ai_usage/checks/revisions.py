"""Is every restatement recorded, and told: a total that changed without a word would make a closed month a lie."""

from collections.abc import Mapping
from datetime import date
from functools import partial
from typing import Any

import dagster as dg

from ai_usage.checks.runner import Rows, Verdict, daily_check, snapshot_check, some, wrong_rows
from ai_usage.ingest.ledger_writes import Source
from ai_usage.partitions import Span
from ai_usage.providers.anthropic.pulls import SOURCE as CLAUDE
from ai_usage.providers.cursor.pulls import SOURCE as CURSOR
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


STANDS = "reported_spend_stands"
PULLS = ("claude_cost_report", "cursor_usage_events")


def _stands(warehouse: Warehouse) -> Verdict | None:
    if not any(warehouse.pulled_days(pull) for pull in PULLS):
        return None
    return judge_restatements(warehouse.query(f"checks/{STANDS}").to_dicts())


def judge_restatements(rows: Rows) -> Verdict:
    """What the vendors restated lately, each day in a sentence."""
    if not rows:
        return Verdict.right("No settled day was restated in the last week.")
    told = [{"named": f"{row['provider']}, {row['restated_date']}", "said": _restated(row), **row} for row in rows]
    return Verdict.warning(some((row["said"] for row in told), between=" "), told)


def _restated(row: Mapping[str, Any]) -> str:
    return (
        f"{row['restated_date']} of {row['provider']} came to {row['old_usd']:,.2f} USD until "
        f"{row['revised_at']:%Y-%m-%d %H:%M} UTC, and to {row['new_usd']:,.2f} since: {row['change_usd']:+,.2f} USD."
    )


reported_spend_stands = snapshot_check(
    STANDS,
    dg.AssetKey(["core", "spend_versions"]),
    _stands,
    source=(CLAUDE, CURSOR),
    description="No day was restated in the last week that was settled: asked about three days after it, or later.",
    pull=PULLS,
)

CHECKS = [
    reported_spend_stands,
    _claim("claude_costs", CLAUDE, "anthropic", "claude_cost_report"),
    _claim("cursor_usage_events", CURSOR, "cursor", "cursor_usage_events"),
]
