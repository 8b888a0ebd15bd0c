"""Cursor's typed facts. How a record becomes a row is `sources.cursor.rows`' business."""

import dagster as dg

from ai_usage.core.rebuild import GROUP, KINDS, rebuild
from ai_usage.layers import daily_asset, note, snapshot_asset
from ai_usage.sources.cursor import pulls, rows, tables
from ai_usage.sources.pulling import InWarehouse


@daily_asset("core", tables.CURSOR_USAGE_EVENTS, group=GROUP, kinds=KINDS, deps=[pulls.cursor_usage_events])
def cursor_usage_events(context: dg.AssetExecutionContext, warehouse: InWarehouse) -> None:
    """What people and service accounts did in Cursor, event by event, and what was charged for it."""
    rebuild(context, warehouse, tables.CURSOR_USAGE_EVENTS, pull="cursor_usage_events", shape=rows.event_rows)


@snapshot_asset("core", tables.DIM_CURSOR_MEMBER, group=GROUP, kinds=KINDS, deps=[pulls.cursor_members])
def dim_cursor_member(context: dg.AssetExecutionContext, warehouse: InWarehouse) -> None:
    """Everybody who is or was in the Cursor team."""
    with warehouse.connected():
        newest = warehouse.newest("cursor_members", None)
        if newest.versions.is_empty():
            return note(context, "core/dim_cursor_member", None, skipped="raw/cursor_members was never pulled")
        members = rows.member_rows(newest)
        warehouse.replace_all(tables.DIM_CURSOR_MEMBER, members)
    return note(context, "core/dim_cursor_member", None, **{"dagster/row_count": members.height})


ASSETS = [cursor_usage_events, dim_cursor_member]
