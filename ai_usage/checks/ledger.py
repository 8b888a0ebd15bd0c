"""Does raw still hold what was pulled: no record lost, doubled or altered since. What was never pulled is
completeness' business.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from functools import partial
from typing import Any

import dagster as dg

from ai_usage.checks.runner import IT_IS_SO, Verdict, daily_check, snapshot_check, some, wrong_rows
from ai_usage.ingest.ledger_writes import Source
from ai_usage.partitions import Span
from ai_usage.providers.anthropic import tables as claude
from ai_usage.providers.anthropic.audit_log import tables as uploads
from ai_usage.providers.anthropic.provider import ANTHROPIC
from ai_usage.providers.anthropic.pulls import SOURCE as CLAUDE
from ai_usage.providers.cursor import tables as cursor
from ai_usage.providers.cursor.provider import CURSOR as CURSOR_PROVIDER
from ai_usage.providers.cursor.pulls import SOURCE as CURSOR
from ai_usage.settings import settings
from ai_usage.sheet import tables as sheets
from ai_usage.sheet.pulls import SOURCE as SHEET
from ai_usage.warehouse.ledger import CLOCKS_DIFFER, pull_ids_until_now
from ai_usage.warehouse.port import Warehouse
from ai_usage.warehouse.table import PULLS

CLAIM = "ledger_is_whole"
UPLOADS = Source(resource="uploads", key_variable="AI_USAGE_UPLOADS_DIR")
NO_DAY = Span(date(1970, 1, 1), date(1970, 1, 1))  # snapshots are of none


def ledger_is_whole(
    source: Source,
    asset: dg.AssetKey,
    pulls: Collection[str],
    *,
    relies_on: Sequence[str],
    holds_its_day: bool = False,
    is_optional: bool = False,
) -> dg.AssetChecksDefinition:
    """Whether the newest version of each daily pull stands in raw as it was pulled. The check waits for the pulls it
    relies on alone: what another pull lacks is told, but must not keep the money waiting.
    """
    return daily_check(
        CLAIM,
        asset,
        partial(_broken_days, list(pulls)),
        source=source,
        description=f"Each record of {', '.join(pulls)} stands in raw as it was pulled: once, and as it was sent.",
        relies_on=relies_on,
        also_reads=[key for pull in relies_on if (key := dg.AssetKey(["raw", pull])) != asset],
        holds_its_day=holds_its_day,
        is_optional=is_optional,
    )


def _broken_days(pulls: Sequence[str], warehouse: Warehouse, span: Span) -> Mapping[date, Verdict]:
    found = wrong_rows(warehouse, CLAIM, span, pulls=pulls, with_hashes=True)
    return {day: _broken(rows) for day, rows in found.items() if day}


def snapshots_are_whole(source: Source, asset: dg.AssetKey, pulls: Sequence[str]) -> dg.AssetChecksDefinition:
    """The same of a source's snapshots."""
    return snapshot_check(
        CLAIM,
        asset,
        partial(_broken_snapshots, pulls),
        source=source,
        description=f"Each record of {', '.join(pulls)} stands in raw as it was pulled: once, and as it was sent.",
        pull=pulls[0],
        also_reads=[key for pull in pulls if (key := dg.AssetKey(["raw", pull])) != asset],
    )


def _broken_snapshots(pulls: Sequence[str], warehouse: Warehouse) -> Verdict | None:
    if not _was_pulled(warehouse, pulls):
        return None
    rows = [
        row
        for found in wrong_rows(warehouse, CLAIM, NO_DAY, pulls=list(pulls), with_hashes=True).values()
        for row in found
    ]
    return _broken(rows) if rows else IT_IS_SO


def _was_pulled(warehouse: Warehouse, pulls: Sequence[str]) -> bool:
    there = warehouse.ask(f"select pull from {PULLS.address} where pull in unnest(@pulls) limit 1", pulls=list(pulls))
    return not there.is_empty()


def _broken(rows: Sequence[Mapping[str, Any]]) -> Verdict:
    return Verdict.error(f"{'; '.join(map(_what_is_broken, rows))}.", rows)


def _what_is_broken(row: Mapping[str, Any]) -> str:
    if row["commits"] != 1:
        return (
            f"raw/{row['pull']} has {row['commits']} rows in {PULLS.address} for the pull its records are of, not one"
        )
    said = f"raw/{row['pull']} holds {row['records_standing']} of the {row['records']} records that were pulled"
    return said if row["records"] != row["records_standing"] else f"{said}, but not as they were sent"


OF_THE_FUTURE = f"""
select pull, activity_date, pull_id, coalesce(asked_at, pulled_at) as asked_at
from {PULLS.address}
where pull in unnest(@pulls) and (coalesce(asked_at, pulled_at) > @by or pull_id > @ids_by)
order by pulled_at, pull, activity_date
"""


def no_pull_is_of_the_future(source: Source, asset: dg.AssetKey, pulls: Sequence[str]) -> dg.AssetChecksDefinition:
    """Whether every pull was made by now: one of the future is of a clock that was wrong, and versions are in an order
    that nobody can rely on.
    """
    return snapshot_check(
        "no_pull_is_of_the_future",
        asset,
        partial(_of_the_future, list(pulls)),
        source=source,
        description="No pull has an instant that is still to come: the machine's clock was right each time.",
        pull=tuple(pulls),
        is_optional=True,
        is_about_now=True,
    )


def _of_the_future(pulls: Sequence[str], warehouse: Warehouse) -> Verdict | None:
    if not _was_pulled(warehouse, pulls):
        return None
    now = settings().now()
    asked = {"pulls": pulls, "by": now + CLOCKS_DIFFER, "ids_by": pull_ids_until_now()}
    rows = warehouse.ask(OF_THE_FUTURE, **asked).to_dicts()
    if not rows:
        return IT_IS_SO
    latest = max(row["asked_at"] for row in rows)
    return Verdict.warning(
        f"{len(rows)} pulls of {some(sorted({row['pull'] for row in rows}))} are of the future, up to "
        f"{latest:%Y-%m-%d %H:%M} UTC, by a clock that was wrong. Later pulls count all the same.",
        rows,
    )


CHECKS = [
    *(
        no_pull_is_of_the_future(source, dg.AssetKey(["raw", pulls[0]]), pulls)
        for source, pulls in (
            (CLAUDE, [*claude.DAILY_PULLS, *claude.SNAPSHOT_PULLS]),
            (CURSOR, [*cursor.DAILY_PULLS, *cursor.SNAPSHOT_PULLS]),
            (UPLOADS, list(uploads.DAILY_PULLS)),
            (SHEET, list(sheets.PULLS)),
        )
    ),
    ledger_is_whole(
        CLAUDE,
        dg.AssetKey(["core", "claude_costs"]),
        claude.DAILY_PULLS,
        relies_on=ANTHROPIC.gate.pulls,
        holds_its_day=True,
    ),
    ledger_is_whole(
        CURSOR,
        dg.AssetKey(["core", "cursor_usage_events"]),
        cursor.DAILY_PULLS,
        relies_on=CURSOR_PROVIDER.gate.pulls,
        holds_its_day=True,
    ),
    ledger_is_whole(
        UPLOADS,
        dg.AssetKey(["raw", uploads.AUDIT_LOG]),
        uploads.DAILY_PULLS,
        relies_on=[uploads.AUDIT_LOG],
        is_optional=True,
    ),
    snapshots_are_whole(CLAUDE, dg.AssetKey(["core", "dim_workspace"]), list(claude.SNAPSHOT_PULLS)),
    snapshots_are_whole(CURSOR, dg.AssetKey(["core", "dim_cursor_member"]), list(cursor.SNAPSHOT_PULLS)),
    snapshots_are_whole(SHEET, dg.AssetKey(["raw", sheets.PULLS[0]]), sheets.PULLS),
]
