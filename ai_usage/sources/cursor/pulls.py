"""Cursor's raw assets: what each asks for, a run's days at a time."""

from collections.abc import Callable, Sequence

import dagster as dg

from ai_usage.layers import daily_asset, snapshot_asset
from ai_usage.sources.cursor.client import DAYS_A_REQUEST, CursorAdmin
from ai_usage.sources.cursor.tables import RAW_TABLES
from ai_usage.sources.http import NotFound, NotPermitted
from ai_usage.sources.pulling import InWarehouse, Source, held, note_not_open, pull_days, pull_snapshot
from ai_usage.warehouse.ledger import Answer

SOURCE = Source(resource="cursor_admin", key_variable="CURSOR_ADMIN_API_KEY")
GROUP = "raw_cursor"
KINDS = {"api", "duckdb"}

MaybeCursor = dg.ResourceParam[CursorAdmin | None]


@daily_asset("raw", RAW_TABLES["cursor_daily_usage"], group=GROUP, kinds=KINDS)
def cursor_daily_usage(context: dg.AssetExecutionContext, cursor_admin: MaybeCursor, warehouse: InWarehouse) -> None:
    """Each member's day, idle members included, as sent."""
    pull_days(
        context,
        SOURCE,
        cursor_admin,
        warehouse,
        "cursor_daily_usage",
        CursorAdmin.daily_usage,
        at_most=DAYS_A_REQUEST,
    )


@daily_asset("raw", RAW_TABLES["cursor_usage_events"], group=GROUP, kinds=KINDS)
def cursor_usage_events(context: dg.AssetExecutionContext, cursor_admin: MaybeCursor, warehouse: InWarehouse) -> None:
    """Each usage event with what was charged for it, in cents, as sent; equal events as many times as they happened."""
    pull_days(
        context,
        SOURCE,
        cursor_admin,
        warehouse,
        "cursor_usage_events",
        CursorAdmin.usage_events,
        at_most=DAYS_A_REQUEST,
    )


@daily_asset("raw", RAW_TABLES["cursor_ai_commits"], group=GROUP, kinds=KINDS)
def cursor_ai_commits(context: dg.AssetExecutionContext, cursor_admin: MaybeCursor, warehouse: InWarehouse) -> None:
    """Each commit with the lines that AI wrote in it, as sent but for its message, where the plan has AI Code Tracking.
    Asked in the same words as the last time, the vendor need not repeat what has not changed.
    """
    pull = "cursor_ai_commits"
    try:
        pull_days(
            context,
            SOURCE,
            cursor_admin,
            warehouse,
            pull,
            lambda admin, span: admin.ai_commits(span, held(warehouse, pull, span)),
            at_most=DAYS_A_REQUEST,
        )
    except (NotPermitted, NotFound) as error:
        note_not_open(context, pull, error)


def _snapshot(
    pull: str, description: str, ask: Callable[[CursorAdmin], Answer], *, after: Sequence[dg.AssetsDefinition] = ()
) -> dg.AssetsDefinition:
    def snapshot(context: dg.AssetExecutionContext, cursor_admin: MaybeCursor, warehouse: InWarehouse) -> None:
        pull_snapshot(context, SOURCE, cursor_admin, warehouse, pull, ask)

    snapshot.__doc__ = description
    return snapshot_asset("raw", RAW_TABLES[pull], group=GROUP, kinds=KINDS, deps=after)(snapshot)


cursor_spend = _snapshot(
    "cursor_spend", "The billing cycle's spend so far by member, cumulative, in cents, as sent.", CursorAdmin.spend
)
cursor_usage_events_today = _snapshot(
    "cursor_usage_events_today",
    "The events of the day that is not over yet, as sent, to hold the spend so far against: asked right after it.",
    CursorAdmin.usage_events_today,
    after=[cursor_spend],
)
cursor_members = _snapshot("cursor_members", "Everybody who is or was in the team, as sent.", CursorAdmin.members)
cursor_groups = _snapshot("cursor_groups", "Billing groups and who is in them, as sent.", CursorAdmin.groups)

ASSETS = [
    cursor_daily_usage,
    cursor_usage_events,
    cursor_ai_commits,
    cursor_spend,
    cursor_usage_events_today,
    cursor_members,
    cursor_groups,
]
