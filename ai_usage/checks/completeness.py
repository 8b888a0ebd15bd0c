"""Is everything there: every day pulled, pulls recent, and nothing in them that nobody knows yet."""

import json
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

import dagster as dg

from ai_usage.checks.events import Sightings
from ai_usage.checks.runner import (
    IT_IS_SO,
    Rows,
    Verdict,
    daily_check,
    sighting_check,
    snapshot_check,
    some,
    wrong_rows,
)
from ai_usage.ingest.drift import drift
from ai_usage.ingest.ledger_writes import Source
from ai_usage.marts import gate
from ai_usage.partitions import Span
from ai_usage.providers.anthropic import tables as claude
from ai_usage.providers.anthropic.provider import ANTHROPIC
from ai_usage.providers.anthropic.pulls import SOURCE as CLAUDE
from ai_usage.providers.cursor import tables as cursor
from ai_usage.providers.cursor.provider import CURSOR as CURSOR_PROVIDER
from ai_usage.providers.cursor.pulls import SOURCE as CURSOR
from ai_usage.settings import settings
from ai_usage.sheet.pulls import SOURCE as SHEET
from ai_usage.sheet.tabs import TABS
from ai_usage.warehouse.ledger import CLOCKS_DIFFER, Records
from ai_usage.warehouse.port import Warehouse
from ai_usage.warehouse.table import PULLS

RECENT = timedelta(hours=36)  # each source is asked daily
SILENT_DAYS, REMEMBERED = 3, timedelta(days=35)
KNOWN_BESIDE = {"starting_at", "ending_at", "data_refreshed_at", "default_workspace_ids"}
KNOWN_BESIDE |= {"period", "subscriptionCycleStart", "totalMembers", "totalPages", "billingCycle", "etags"}


def no_day_is_missing(
    source: Source,
    table: str,
    pulls: Sequence[str],
    *,
    asked_by: Sequence[str] = (),
    also_reads: Sequence[str] = (),
    is_optional: bool = False,
) -> dg.AssetChecksDefinition:
    """Whether each report that a core table rests on was pulled, and stands in core with every record. A day that
    `asked_by` asked the provider about needs it too; where it `is_optional`, only once the provider has answered it.
    """
    return daily_check(
        "no_day_is_missing",
        dg.AssetKey(["core", table]),
        partial(_missing_days, pulls),
        source=source,
        description=f"Each day's {', '.join(pulls)} was pulled and stands in core whole; an empty answer is an answer.",
        relies_on=pulls,
        asked_by=asked_by,
        also_reads=[dg.AssetKey(["core", other]) for other in also_reads],
        holds_its_day=True,
        is_optional=is_optional,
    )


def _missing_days(pulls: Sequence[str], warehouse: Warehouse, span: Span) -> Mapping[date, Verdict]:
    found = wrong_rows(warehouse, "no_day_is_missing", span, pulls=list(pulls))
    return {day: Verdict.error(f"{'; '.join(map(_missing, rows))}.", rows) for day, rows in found.items()}


def _missing(row: Mapping[str, Any]) -> str:
    if row["records"] is None:
        return f"{row['pull']} was never pulled"
    rejected = f", {row['rejected_records']} of which cannot be used" if row["rejected_records"] else ""
    older = f", and {older} of an older version" if (older := row["rows_of_older_versions"]) else ""
    return f"core holds {row['rows_in_core']} of the {row['records']} records of {row['pull']}{rejected}{older}"


READABLE = "Each record of {} can be used: what carries money, identity or the day is readable."


def records_are_readable(
    source: Source,
    table: str,
    pulls: Sequence[str],
    *,
    billing: bool = False,
    is_optional: bool = False,
    also_reads: Sequence[str] = (),
) -> dg.AssetChecksDefinition:
    """Whether a table's pulls came without a record that could not be used. One of a bill blocks its day; one of
    another report is missing there, and blocks nothing.
    """
    return daily_check(
        gate.READABLE,
        dg.AssetKey(["core", table]),
        partial(_rejected_days, pulls, Verdict.error if billing else Verdict.warning),
        source=source,
        description=READABLE.format(", ".join(pulls)),
        relies_on=pulls,
        also_reads=[dg.AssetKey(["core", other]) for other in also_reads],
        holds_its_day=billing,
        is_optional=is_optional,
    )


def _rejected_days(
    pulls: Sequence[str], wrong: Callable[[str, Rows], Verdict], warehouse: Warehouse, span: Span
) -> Mapping[date, Verdict]:
    found = wrong_rows(warehouse, gate.READABLE, span, pulls=list(pulls))
    return {day: wrong(_rejected(rows), rows) for day, rows in found.items()}


def snapshots_are_readable(source: Source, table: str, pulls: Sequence[str]) -> dg.AssetChecksDefinition:
    """The same of a source's snapshots: a record that cannot be used is missing there, the others are not."""
    return snapshot_check(
        gate.READABLE,
        dg.AssetKey(["core", table]),
        partial(_rejected_snapshots, pulls),
        source=source,
        description=READABLE.format(", ".join(pulls)),
        pull=tuple(pulls),
    )


def _rejected_snapshots(pulls: Sequence[str], warehouse: Warehouse) -> Verdict | None:
    there = warehouse.ask(f"select pull from {PULLS.address} where pull in unnest(@pulls) limit 1", pulls=list(pulls))
    if there.is_empty():
        return None
    rows = warehouse.query("checks/snapshot_records_are_readable", pulls=list(pulls)).to_dicts()
    return Verdict.warning(_rejected(rows), rows) if rows else IT_IS_SO


def _rejected(rows: Rows) -> str:
    total = sum(row["records"] for row in rows)
    named = some((f"{row['pull']}: {row['field']}: {row['reason']} ({row['records']}×)" for row in rows), between="; ")
    return f"{total} {'record' if total == 1 else 'records'} cannot be used: {named}."


READ_BY_CORE = {  # records_are_readable names what cannot be used of them
    *ANTHROPIC.gate.billing,
    *("claude_messages_usage_by_speed", "claude_code_usage", "claude_analytics_cost", "claude_enterprise_users"),
    *("claude_organization", "claude_workspaces", "claude_api_keys", "claude_users"),
    *CURSOR_PROVIDER.gate.billing,
    *("cursor_daily_usage", "cursor_ai_commits", "cursor_members", "cursor_spend"),
}


def _drifted(pull: str, of: type, warehouse: Warehouse, span: Span | None, sightings: Sightings) -> None:
    said = warehouse.newest(pull, span)
    for at, day in said.versions.select("pulled_at", "activity_date").iter_rows():
        unknown, records = _drift(said, of, day)
        sightings.add(day or at.date(), unknown, records)


def _drift(said: Records, of: type, day: date | None) -> tuple[Counter[str], int]:
    """What is unknown in a day's records, and how many records there are; of a directory the day is None."""
    lines = said.lines.filter(said.lines["activity_date"].eq_missing(day))
    unknown = drift(lines["record"], of, are_rejections_known=said.pull in READ_BY_CORE)
    for envelope in said.versions.filter(said.versions["activity_date"].eq_missing(day))["envelope"]:
        beside = json.loads(envelope).keys() - KNOWN_BESIDE
        unknown.update(f"unknown field {name} beside the records" for name in beside)
    return unknown, lines.height


DRIFT = "Every field and value is one that the provider's contract names; others are kept in raw and named here."


def schema_drift(
    source: Source, daily: Mapping[str, type], snapshots: Mapping[str, type], optional: Collection[str] = ()
) -> list[dg.AssetChecksDefinition]:
    """Whether a source's raw records hold only what is known: one result per pull and run, whatever its days."""
    return [
        sighting_check(
            "schema_drift",
            dg.AssetKey(["raw", pull]),
            partial(_drifted, pull, of),
            source=source,
            description=DRIFT,
            warning="Kept in raw, but the contract does not name it",
            pulls=[pull],
            is_daily=pull in daily,
            is_optional=pull in optional,
        )
        for pull, of in (*daily.items(), *snapshots.items())
    ]


def _is_recent(pull: str, warehouse: Warehouse, *, is_daily: bool) -> Verdict | None:
    newest = warehouse.ask(
        "select max(coalesce(asked_at, pulled_at)) as pulled_at, max(activity_date) as newest_day "
        f"from {PULLS.address} where pull = @pull and coalesce(asked_at, pulled_at) <= @by",  # none is of the future
        pull=pull,
        by=settings().now() + CLOCKS_DIFFER,
    ).row(0, named=True)
    return recency(newest["pulled_at"], newest["newest_day"], is_daily=is_daily, now=settings().now())


def recency(pulled_at: datetime | None, newest_day: date | None, *, is_daily: bool, now: datetime) -> Verdict | None:
    """Whether the last pull is young enough, and reached a day that is."""
    if pulled_at is None:
        return None
    said = f"Last pulled {pulled_at:%Y-%m-%d %H:%M} UTC" + (f", up to {newest_day}." if is_daily else ".")
    too_old = now - pulled_at > RECENT
    behind = is_daily and (newest_day is None or newest_day < (now - RECENT).date() - timedelta(days=1))
    return Verdict.warning(said) if too_old or behind else Verdict.right(said)


def pull_is_recent(
    source: Source, daily: Collection[str], snapshots: Collection[str], optional: Collection[str] = ()
) -> list[dg.AssetChecksDefinition]:
    """Whether a source is still being asked, pull by pull."""
    return [
        snapshot_check(
            "pull_is_recent",
            dg.AssetKey(["raw", pull]),
            partial(_is_recent, pull, is_daily=pull in daily),
            source=source,
            description=f"The vendor was asked within {RECENT.total_seconds() / 3600:.0f} hours, up to yesterday.",
            pull=pull,
            is_optional=pull in optional,
            is_about_now=True,
        )
        for pull in (*daily, *snapshots)
    ]


DAYS_HEARD = f"""
select activity_date, records
from {PULLS.address}
where pull = @pull and activity_date >= @first_day
qualify row_number() over (partition by activity_date order by pulled_at desc, pull_id desc) = 1
order by activity_date
"""


def _is_silent(pull: str, warehouse: Warehouse) -> Verdict | None:
    now = settings().now()
    if not (ever := warehouse.pulled_days(pull)):
        return None
    rows = warehouse.ask(DAYS_HEARD, pull=pull, first_day=now.date() - REMEMBERED).rows()
    return silence(ever[-1], dict(rows), yesterday=now.date() - timedelta(days=1))


def silence(newest: date, heard: Mapping[date, int], *, yesterday: date) -> Verdict:
    """Whether a source still tells of something: it was heard of lately, and not of empty days alone."""
    behind = (yesterday - newest).days
    if behind >= SILENT_DAYS:
        return Verdict.error(f"Nothing is known since {newest}, {behind} days: what they cost is unknown, not 0.")
    told = [day for day, records in heard.items() if records]
    empty = sum(day > max(told) for day in heard) if told else 0
    if empty >= SILENT_DAYS:
        return Verdict.error(
            f"The last {empty} days came without a record, after {len(told)} days with some: either nobody works with "
            "it any more, or this key no longer sees who does."
        )
    return Verdict.right(f"Days are known up to {newest}, the last with records is {max(told, default='unknown')}.")


source_is_not_silent = [
    snapshot_check(
        "source_is_not_silent",
        dg.AssetKey(["raw", pull]),
        partial(_is_silent, pull),
        source=source,
        description=f"Some day of the last {SILENT_DAYS} is known, and has a record: what is not heard of is not $0.",
        pull=pull,
        is_about_now=True,
    )
    for source, pull in ((CLAUDE, "claude_cost_report"), (CURSOR, "cursor_usage_events"))
]


def _members_without_a_row(warehouse: Warehouse, span: Span) -> Mapping[date, Verdict]:
    return {
        day: Verdict.error(f"{len(rows)} members have no row: {some(row['user_email'] for row in rows)}.", rows)
        for day, rows in wrong_rows(warehouse, "every_member_has_a_row", span).items()
    }


every_member_has_a_row = daily_check(
    "every_member_has_a_row",
    dg.AssetKey(["core", "cursor_usage_stats"]),
    _members_without_a_row,
    source=CURSOR,
    description="Each member of the Cursor team has a row each day, idle or not: else idle seats would go unseen.",
    relies_on=["cursor_daily_usage"],
    also_reads=[dg.AssetKey(["core", "dim_cursor_member"]), dg.AssetKey(["raw", "cursor_groups"])],
)

CHECKS = [
    no_day_is_missing(
        CLAUDE, "claude_costs", ANTHROPIC.gate.pulls, also_reads=["claude_daily_cost", "claude_usage_tokens"]
    ),
    no_day_is_missing(
        CLAUDE, "claude_code_usage_stats", ["claude_code_usage"], asked_by=ANTHROPIC.gate.pulls, is_optional=True
    ),
    no_day_is_missing(CURSOR, "cursor_usage_events", ["cursor_usage_events"], asked_by=CURSOR_PROVIDER.gate.pulls),
    no_day_is_missing(CURSOR, "cursor_usage_stats", ["cursor_daily_usage"], asked_by=CURSOR_PROVIDER.gate.pulls),
    records_are_readable(
        CLAUDE,
        "claude_costs",
        ANTHROPIC.gate.billing,
        billing=True,
        also_reads=["claude_daily_cost", "claude_usage_tokens"],
    ),
    records_are_readable(CLAUDE, "claude_code_usage_stats", ["claude_code_usage"], is_optional=True),
    records_are_readable(CLAUDE, "claude_usage_tokens_by_speed", ["claude_messages_usage_by_speed"], is_optional=True),
    records_are_readable(CLAUDE, "claude_analytics_costs", ["claude_analytics_cost"], is_optional=True),
    records_are_readable(CLAUDE, "claude_usage_stats", ["claude_enterprise_users"], is_optional=True),
    snapshots_are_readable(CLAUDE, "dim_workspace", ["claude_organization", "claude_workspaces"]),
    snapshots_are_readable(CLAUDE, "dim_api_key_mapping", ["claude_api_keys"]),
    snapshots_are_readable(CLAUDE, "dim_person", ["claude_users"]),
    records_are_readable(CURSOR, "cursor_usage_events", CURSOR_PROVIDER.gate.billing, billing=True),
    records_are_readable(CURSOR, "cursor_usage_stats", ["cursor_daily_usage"]),
    records_are_readable(CURSOR, "cursor_ai_commits", ["cursor_ai_commits"], is_optional=True),
    snapshots_are_readable(CURSOR, "dim_cursor_member", ["cursor_members"]),
    snapshots_are_readable(CURSOR, "cursor_spend_daily", ["cursor_spend"]),
    every_member_has_a_row,
    *source_is_not_silent,
    *schema_drift(CLAUDE, claude.DAILY_PULLS, claude.SNAPSHOT_PULLS, claude.OPTIONAL_PULLS),
    *pull_is_recent(
        CLAUDE,
        [pull for pull in claude.DAILY_PULLS if pull not in claude.PULLS_WHERE_NEEDED],
        claude.SNAPSHOT_PULLS,
        claude.OPTIONAL_PULLS,
    ),
    *schema_drift(CURSOR, cursor.DAILY_PULLS, cursor.SNAPSHOT_PULLS, cursor.OPTIONAL_PULLS),
    *pull_is_recent(SHEET, (), [tab.pull for tab in TABS.values()], [t.pull for t in TABS.values() if t.is_optional]),
    *pull_is_recent(CURSOR, cursor.DAILY_PULLS, cursor.SNAPSHOT_PULLS, cursor.OPTIONAL_PULLS),
]
