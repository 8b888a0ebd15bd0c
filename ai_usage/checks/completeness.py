"""Checks that nothing is missing: every day is pulled and complete in core, and pulls are recent."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

from ai_usage.check import Check, DailyCheck, Finding, Result, SnapshotCheck, each_day, failed, passed, warned
from ai_usage.checks.accounts import asked_for, of_each
from ai_usage.ingest.ledger_writes import Source
from ai_usage.marts.gate import NO_PULL
from ai_usage.providers.provider import CoreTables, Provider
from ai_usage.providers.registry import PROVIDERS
from ai_usage.settings import settings
from ai_usage.sheet.pulls import SOURCE as SHEET
from ai_usage.sheet.tabs import TABS
from ai_usage.warehouse.ledger import CLOCKS_DIFFER
from ai_usage.warehouse.port import Warehouse
from ai_usage.warehouse.table import PULLS

RECENT = timedelta(hours=36)  # each source is asked daily
STALE_DAYS, REMEMBERED = 3, timedelta(days=35)

# A pull with an instant in the future does not count: a clock was wrong.
NEWEST = f"""
select
    account,
    max(coalesce(asked_at, pulled_at)) as pulled_at,
    max(activity_date) as newest_day
from {PULLS.address}
where pull = @pull and coalesce(asked_at, pulled_at) <= @by
group by account
order by account
"""
NEWEST_DAYS = f"""
select account, max(activity_date) as newest_day
from {PULLS.address}
where pull = @pull and activity_date is not null
group by account
order by account
"""
RECORDS = f"""
select account, activity_date, records
from {PULLS.address}
where pull = @pull and activity_date >= @first_day
qualify row_number() over (partition by account, activity_date order by pulled_at desc, pull_id desc) = 1
order by account, activity_date
"""


def no_day_is_missing(provider: Provider, of: CoreTables) -> DailyCheck:
    """Whether each report of the core tables was pulled, with every record in core. Every day that the provider was
    asked about needs it; an optional report is needed only from its first answered day on: providers keep some
    reports for only some weeks, and no later pull can bring the days before.
    """
    pulls, optional = of.counted, provider.optional_beside(of.counted)
    sql = "checks/no_day_is_missing"
    return DailyCheck(
        name="no_day_is_missing",
        provider=provider.key,
        asset=f"core/{of.first.name}",
        title="a page or day that was lost",
        description=f"Each day's {', '.join(pulls)} was pulled, with all records in core; empty answers count.",
        severity="failed",
        sources=(provider.source,),
        pulls=pulls,
        asked_by=provider.gate.pulls,
        also_reads=of.others,
        sql=sql,
        evaluate=each_day(
            sql,
            lambda rows: failed(f"{'; '.join(map(_missing, rows))}.", rows),
            only=provider.key,
            pulls=list(pulls),
            optional_pulls=list(optional) or NO_PULL,
        ),
        is_optional=provider.is_optional(pulls),
        optional_pulls=optional,
        gates_day=set(pulls) <= set(provider.gate.pulls),
    )


def _missing(row: Mapping[str, Any]) -> str:
    if row["records"] is None:
        return f"{row['pull']} was never pulled"
    rejected = f", {row['rejected_records']} of which cannot be used" if row["rejected_records"] else ""
    older = f", and {older} of an older version" if (older := row["rows_of_older_versions"]) else ""
    return f"core holds {row['rows_in_core']} of the {row['records']} records of {row['pull']}{rejected}{older}"


def pull_is_recent(source: Source, pull: str, *, is_daily: bool, is_optional: bool, **of: Any) -> SnapshotCheck:
    """Whether a source is still pulled, for each of its accounts."""
    return SnapshotCheck(
        name="pull_is_recent",
        asset=f"raw/{pull}",
        title="pulls that stopped",
        description=f"The pull was made within {RECENT.total_seconds() / 3600:.0f} hours, up to yesterday.",
        severity="warned",
        sources=(source,),
        pulls=(pull,),
        evaluate=partial(recency_of_accounts, pull, is_daily=is_daily, is_optional=is_optional),
        is_optional=is_optional,
        is_about_now=True,
        **of,
    )


def recency_of_accounts(
    pull: str, warehouse: Warehouse, asked: Sequence[str] | None = None, *, is_daily: bool, is_optional: bool
) -> Finding | None:
    """`recency` of each account that is `asked`; None: of each in the ledger."""
    now = settings().now()
    newest = {
        account: (pulled_at, day)
        for account, pulled_at, day in warehouse.ask(NEWEST, pull=pull, by=now + CLOCKS_DIFFER).iter_rows()
    }
    return of_each(
        asked, newest, lambda account: recency(*newest[account], is_daily=is_daily, now=now), is_optional=is_optional
    )


def recency(pulled_at: datetime, newest_day: date | None, *, is_daily: bool, now: datetime) -> Result:
    """Whether the last pull, and the newest day that it reached, are recent enough."""
    why = f"Last pulled {pulled_at:%Y-%m-%d %H:%M} UTC" + (f", up to {newest_day}." if is_daily else ".")
    too_old = now - pulled_at > RECENT
    behind = is_daily and (newest_day is None or newest_day < (now - RECENT).date() - timedelta(days=1))
    return warned(why) if too_old or behind else passed(why)


def bill_is_fresh(provider: Provider) -> SnapshotCheck:
    """Whether each account's bill of the last days is known and not empty."""
    pull = provider.bill.pull
    return SnapshotCheck(
        name="bill_is_fresh",
        formerly="source_is_not_silent",
        provider=provider.key,
        asset=f"raw/{pull}",
        title="a bill without a recent day, or with only empty ones",
        description=f"Some day of the last {STALE_DAYS} is known, and has a record: an unknown day is not $0.",
        severity="failed",
        sources=(provider.source,),
        pulls=(pull,),
        asks=asked_for(provider, pull),
        evaluate=partial(freshness_of_accounts, pull),
        is_about_now=True,
    )


def freshness_of_accounts(pull: str, warehouse: Warehouse, asked: Sequence[str] | None) -> Finding | None:
    """`freshness` of each account that is `asked`; None: of each in the ledger."""
    today = settings().now().date()
    newest = dict(warehouse.ask(NEWEST_DAYS, pull=pull).iter_rows())
    records: dict[str, dict[date, int]] = {account: {} for account in newest}
    for account, day, count in warehouse.ask(RECORDS, pull=pull, first_day=today - REMEMBERED).iter_rows():
        records[account][day] = count
    yesterday = today - timedelta(days=1)
    return of_each(asked, newest, lambda account: freshness(newest[account], records[account], yesterday=yesterday))


def freshness(newest: date, records: Mapping[date, int], *, yesterday: date) -> Result:
    """Whether a bill is known up to recent days, and the last days have records. `records` is their number by day."""
    behind = (yesterday - newest).days
    if behind >= STALE_DAYS:
        return failed(f"Nothing is known since {newest}, {behind} days: what they cost is unknown, not 0.")
    filled = [day for day, of_day in records.items() if of_day]
    empty = sum(day > max(filled) for day in records) if filled else 0
    if empty >= STALE_DAYS:
        return failed(
            f"The last {empty} days came without a record, after {len(filled)} days with some: either there is no "
            "usage any more, or this key no longer sees it."
        )
    return passed(f"Days are known up to {newest}, the last with records is {max(filled, default='unknown')}.")


def _recency_of(provider: Provider) -> Sequence[SnapshotCheck]:
    pulls = [*(pull for pull in provider.daily_pulls if pull not in provider.where_needed), *provider.snapshot_pulls]
    return [
        pull_is_recent(
            provider.source,
            pull,
            is_daily=pull in provider.daily_pulls,
            is_optional=provider.is_optional([pull]),
            provider=provider.key,
            asks=asked_for(provider, pull),
        )
        for pull in pulls
    ]


CHECKS: list[Check] = [
    *(no_day_is_missing(provider, of) for provider in PROVIDERS for of in provider.core if of.counted),
    *(bill_is_fresh(provider) for provider in PROVIDERS),
    *(check for provider in PROVIDERS for check in _recency_of(provider)),
    *(pull_is_recent(SHEET, tab.pull, is_daily=False, is_optional=tab.is_optional) for tab in TABS.values()),
]
