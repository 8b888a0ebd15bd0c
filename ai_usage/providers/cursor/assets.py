"""Cursor's typed facts. `rows` turns a record into a row; `spend` does so for cumulative figures."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from functools import cache

import dagster as dg
import polars as pl

from ai_usage.ingest.day_replacement import GROUP, KINDS, asked_days_by_account, rebuild, spans_with_few_records
from ai_usage.ingest.ledger_writes import InWarehouse
from ai_usage.ingest.rejections import keep_rejections
from ai_usage.layers import daily_asset, note, snapshot_asset
from ai_usage.partitions import ONE_DAY, Span, span_of_run
from ai_usage.providers.cursor import pulls, rows, tables
from ai_usage.providers.cursor.client import SETTLING
from ai_usage.providers.cursor.plans import read_plans
from ai_usage.providers.cursor.records import MemberSpend
from ai_usage.providers.cursor.spend import CYCLE_AT_MOST, Growth, growths, limit_rows, snapshots, spend_rows
from ai_usage.settings import settings
from ai_usage.warehouse.port import Warehouse
from ai_usage.warehouse.reading.ledger_records import Records

SPEND_DAILY = "core/cursor_spend_daily"
WITH_THE_DAY_BEFORE = dg.TimeWindowPartitionMapping(start_offset=-1)


@snapshot_asset("core", tables.DIM_CURSOR_PLAN, group=GROUP, kinds=KINDS)
def dim_cursor_plan(context: dg.AssetExecutionContext, warehouse: InWarehouse) -> None:
    """The team's Cursor plans with their prices, from the file that CURSOR_PLANS names."""
    plans = read_plans(settings().cursor_plans)
    warehouse.replace_all(tables.DIM_CURSOR_PLAN, rows.plan_rows(plans))
    if not plans:
        return note(
            context, "core/dim_cursor_plan", None, skipped="CURSOR_PLANS is not set: what a seat costs is not known"
        )
    return note(context, "core/dim_cursor_plan", None, **{"dagster/row_count": len(plans)})


@daily_asset(
    "core",
    tables.CURSOR_USAGE_STATS,
    group=GROUP,
    kinds=KINDS,
    deps=[pulls.cursor_daily_usage, dim_cursor_plan],
)
def cursor_usage_stats(context: dg.AssetExecutionContext, warehouse: InWarehouse) -> None:
    """Use of Cursor by member and day, with members who were not active. On a legacy plan it has the estimated cost."""
    plans = read_plans(settings().cursor_plans)
    rebuild(
        context,
        warehouse,
        tables.CURSOR_USAGE_STATS,
        pull="cursor_daily_usage",
        shape=lambda records: rows.usage_rows(records, plans),
    )


@daily_asset("core", tables.CURSOR_USAGE_EVENTS, group=GROUP, kinds=KINDS, deps=[pulls.cursor_usage_events])
def cursor_usage_events(context: dg.AssetExecutionContext, warehouse: InWarehouse) -> None:
    """Usage events of people and service accounts in Cursor, with their charges. An event without an address, such as
    one of a removed member, has the last known address of its person or service account.
    """

    @cache
    def pulled() -> dict[str, str]:
        usage = warehouse.newest("cursor_daily_usage", span_of_run(context))
        return rows.addresses_in(warehouse.newest("cursor_members", None), usage)

    def shaped(records: Records) -> pl.DataFrame:
        return rows.event_rows(records, last_addresses(warehouse, records, pulled))

    rebuild(context, warehouse, tables.CURSOR_USAGE_EVENTS, pull="cursor_usage_events", shape=shaped)


def last_addresses(warehouse: Warehouse, records: Records, pulled: Callable[[], Mapping[str, str]]) -> rows.Addresses:
    """The last known address of each person and service account with an event that has none, from every table that has
    their id. `pulled` has those of the run's days by user id, from the ledger: tables of these days may be built later.
    """
    if not rows.lacks_address(records):
        return rows.NO_ADDRESSES
    nameless = rows.without_address(records)
    users, services = sorted(nameless.users) or [""], sorted(nameless.service_accounts) or [""]
    found = warehouse.query("providers/cursor/lookups/last_addresses", users=users, services=services)
    known = {kind: dict(of.select("id", "user_email").rows()) for (kind,), of in found.group_by("kind")}
    return rows.Addresses(
        {**pulled(), **known.get("user", {}), **nameless.named.of_user},
        {**known.get("service_account", {}), **nameless.named.of_service_account},
    )


@daily_asset(
    "core",
    tables.CURSOR_AI_COMMITS,
    group=GROUP,
    kinds=KINDS,
    deps=[dg.AssetDep(pulls.cursor_ai_commits, partition_mapping=WITH_THE_DAY_BEFORE)],
)
def cursor_ai_commits(context: dg.AssetExecutionContext, warehouse: InWarehouse) -> None:
    """Commits with the lines that AI wrote in them, if the plan has AI Code Tracking. A commit that Cursor reports on
    two days in a row counts on the first.
    """
    pull = "cursor_ai_commits"

    def shaped(records: Records) -> pl.DataFrame:
        [account] = records.accounts
        eve = records.days[0] - ONE_DAY
        return rows.commit_rows(records, warehouse.newest(pull, Span(eve, eve)).of_account(account))

    rebuild(context, warehouse, tables.CURSOR_AI_COMMITS, pull=pull, shape=shaped)


@daily_asset(
    "core",
    tables.CURSOR_SPEND_DAILY,
    group=GROUP,
    kinds=KINDS,
    deps=[pulls.cursor_spend],
    days_of=("cursor_usage_events", "cursor_daily_usage"),
)
def cursor_spend_daily(context: dg.AssetExecutionContext, warehouse: InWarehouse) -> None:
    """Growth of each member's spend by day, from the cumulative figures of `/teams/spend`. A day without a snapshot has
    no row here; the events have its cost.
    """
    with warehouse.connected():
        for days in spans_with_few_records(warehouse, ["cursor_spend"], span_of_run(context)):
            asked = asked_days_by_account(warehouse, SPEND_DAILY, days)
            found = [one for one in growths_of(warehouse, days) if one.day in asked.get(one.later.account, ())]
            built = spend_rows(found)
            for account, its_days in asked.items():
                of_it = built.filter(built["account"] == account)
                warehouse.replace_days(tables.CURSOR_SPEND_DAILY, its_days, of_it, of={"account": account})
            of_any = set().union(*asked.values())
            for day in days.days:
                if day not in of_any:
                    note(context, SPEND_DAILY, day, skipped="Cursor was not asked about this day: left as it was")
                    continue
                own = [growth for growth in found if growth.day == day]
                total = built.filter(built["activity_date"] == day)["spend_usd"].sum()
                note(context, SPEND_DAILY, day, spend_usd=total if own else "unknown", based_on=based_on(own))
        newest = warehouse.newest("cursor_spend", None)
        newest.read(MemberSpend)
        keep_rejections(warehouse, newest)


def growths_of(warehouse: Warehouse, days: Span) -> list[Growth]:
    """The growths of these days, from all the snapshots that bear on them."""
    history = warehouse.history(
        "cursor_spend", since=_start(days.first) - CYCLE_AT_MOST, until=_start(days.last + ONE_DAY) + CYCLE_AT_MOST
    )
    return [growth for growth in growths(snapshots(history)) if growth.day in days]


def based_on(of: Sequence[Growth]) -> str:
    """From when to when a day's growths reach, and what they miss."""
    if not of:
        return "no snapshot"
    notes = [f"{of[0].since:%Y-%m-%d %H:%M} to {of[-1].later.at:%Y-%m-%d %H:%M} UTC"]
    notes += [f"{g.days_between} days together: no snapshot in between" for g in of if g.days_between > 1]
    notes += [
        f"the cycle before ended {growth.tail_unseen} after its last snapshot: that is in no snapshot, only in events"
        for growth in of
        if growth.tail_unseen > SETTLING
    ]
    return "; ".join(notes)


def _start(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


@snapshot_asset("core", tables.DIM_CURSOR_MEMBER, group=GROUP, kinds=KINDS, deps=[pulls.cursor_members])
def dim_cursor_member(context: dg.AssetExecutionContext, warehouse: InWarehouse) -> None:
    """Current and former members of the Cursor team."""
    with warehouse.connected():
        newest = warehouse.newest("cursor_members", None)
        if newest.versions.is_empty():
            return note(context, "core/dim_cursor_member", None, skipped="raw/cursor_members was never pulled")
        members = rows.member_rows(newest)
        warehouse.replace_all(tables.DIM_CURSOR_MEMBER, members)
        keep_rejections(warehouse, newest)
    return note(context, "core/dim_cursor_member", None, **{"dagster/row_count": members.height})


@snapshot_asset("core", tables.CURSOR_SPEND_LIMITS, group=GROUP, kinds=KINDS, deps=[pulls.cursor_spend])
def cursor_spend_limits(context: dg.AssetExecutionContext, warehouse: InWarehouse) -> None:
    """Spend limits of the members, with what each spent on demand in the billing cycle so far."""
    with warehouse.connected():
        newest = warehouse.newest("cursor_spend", None)
        if newest.versions.is_empty():
            return note(context, "core/cursor_spend_limits", None, skipped="raw/cursor_spend was never pulled")
        limits = limit_rows(snapshots(newest, at="pulled_at"))
        warehouse.replace_all(tables.CURSOR_SPEND_LIMITS, limits)
    return note(context, "core/cursor_spend_limits", None, **{"dagster/row_count": limits.height})


ASSETS = [
    dim_cursor_plan,
    cursor_usage_stats,
    cursor_usage_events,
    cursor_ai_commits,
    cursor_spend_daily,
    cursor_spend_limits,
    dim_cursor_member,
]
