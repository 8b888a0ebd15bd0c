"""Usage of claude.ai by person and day, from three sources.

The Enterprise API has most figures, the audit log's export has no messages, and people fill in the sheet. If two
sources have the same person's day, the better row is kept whole: a row never mixes figures of different meaning.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

import dagster as dg
import polars as pl

from ai_usage.ingest.day_replacement import GROUP, KINDS, asked_days_by_account, spans_with_few_records
from ai_usage.ingest.ledger_writes import InWarehouse
from ai_usage.ingest.rejections import keep_rejections
from ai_usage.layers import GATING_PULLS, daily_asset, note
from ai_usage.partitions import Span, span_of_run
from ai_usage.providers.anthropic import pulls as claude
from ai_usage.providers.anthropic.audit_log import pulls as uploads
from ai_usage.providers.anthropic.audit_log.records import COUNTED, AuditEvent
from ai_usage.providers.anthropic.records.enterprise_users import ChatMetrics, EnterpriseUser
from ai_usage.providers.anthropic.tables import CLAUDE_USAGE_STATS, ENTERPRISE
from ai_usage.sheet.newest import read_newest
from ai_usage.sheet.tabs import CLAUDE_AI_USAGE
from ai_usage.warehouse.port import Warehouse
from ai_usage.warehouse.reading.field_types import address_of
from ai_usage.warehouse.reading.ledger_records import Records

ASSET = "core/claude_usage_stats"
NOT_PULLED = {"skipped": "no source was asked about this day: left as it was"}
COUNTS = ("conversation_count", "message_count", "project_count", "file_upload_count")


@dataclass(frozen=True, kw_only=True)
class SheetUsage:
    """One row of the sheet's tab `claude_ai_usage`; a count left blank is unknown."""

    user_email: str
    activity_date: date
    conversation_count: int | None = None
    message_count: int | None = None
    project_count: int | None = None
    file_upload_count: int | None = None
    pull_id: str
    pulled_at: datetime


@dataclass(frozen=True, kw_only=True)
class UserDay:
    """One person's day, as one source has it."""

    activity_date: date
    user_email: str | None
    user_id: str | None
    conversation_count: int | None
    message_count: int | None
    project_count: int | None
    file_upload_count: int | None
    source: str
    account: str
    pull_id: str
    pulled_at: datetime

    @property
    def person(self) -> tuple[date, str]:
        return self.activity_date, self.user_email or self.user_id or ""


@daily_asset(
    "core",
    CLAUDE_USAGE_STATS,
    group=GROUP,
    kinds=KINDS,
    deps=[claude.claude_enterprise_users, uploads.claude_audit_log, dg.AssetKey(["raw", CLAUDE_AI_USAGE.pull])],
    days_of=GATING_PULLS,  # on days for which any provider was asked, the sheet counts too
)
def claude_usage_stats(context: dg.AssetExecutionContext, warehouse: InWarehouse) -> None:
    """Use of claude.ai by person and day. A day for which any source was asked is replaced whole; other days stay."""
    with warehouse.connected():
        pulls = ("claude_enterprise_users", "claude_audit_log")
        for days in spans_with_few_records(warehouse, pulls, span_of_run(context)):
            api, audit = (warehouse.newest(pull, days) for pull in pulls)
            sheet = sheet_usage(warehouse, days)
            pulled = pulled_days(api, audit, asked_days_by_account(warehouse, ASSET, days) if sheet is not None else {})
            of_any = set().union(*pulled.values())
            built = claude_usage_rows(api, audit, [row for row in sheet or () if row.activity_date in of_any])
            for account, its_days in pulled.items():
                of_it = built.filter(built["account"] == account)
                warehouse.replace_days(CLAUDE_USAGE_STATS, its_days, of_it, of={"account": account})
            for records in (api, audit):
                if records.days:
                    keep_rejections(warehouse, records)
            for day in days.days:
                note(context, ASSET, day, **(_described(day, built) if day in of_any else NOT_PULLED))


def pulled_days(api: Records, audit: Records, asked: Mapping[str, set[date]]) -> dict[str, set[date]]:
    """Account → the days with known data. Uploads and the sheet belong to the account of claude.ai."""
    pulled = {account: set(part.days) for account, part in api.by_account().items()}
    of_people = set(audit.days).union(*asked.values())
    return pulled | {ENTERPRISE: pulled.get(ENTERPRISE, set()) | of_people}


def sheet_usage(warehouse: Warehouse, days: Span) -> Sequence[SheetUsage] | None:
    """The sheet's rows of these days; None if no sheet was ever read. A sheet covers every day: a row that was removed
    from it must not stay.
    """
    if (read := read_newest(warehouse, CLAUDE_AI_USAGE)) is None:
        return None
    records, found = read
    [(pull_id, pulled_at)] = records.versions.select("pull_id", "pulled_at").rows()
    return [
        SheetUsage(
            user_email=row["user_email"],
            activity_date=row["activity_date"],
            **{name: row[name] for name in COUNTS},
            pull_id=pull_id,
            pulled_at=pulled_at,
        )
        for row in found.good
        if row["activity_date"] in days
    ]


def _described(day: date, built: pl.DataFrame) -> dict[str, object]:
    sources = Counter(built.filter(built["activity_date"] == day)["source"].to_list())
    return {"dagster/partition_row_count": sources.total(), **{f"from_{name}": n for name, n in sources.items()}}


def claude_usage_rows(api: Records, audit: Records, sheet: Sequence[SheetUsage]) -> pl.DataFrame:
    """Rows of `claude_usage_stats`, one per person and day: the API's of each account, else the audit log's, else the
    sheet's, where a later row about the same person and day replaces an earlier one.
    """
    of_people = {one.person: one for one in (*_of_sheet(sheet), *_of_audit_log(audit))}
    of_api = list(_of_api(api))
    known = {one.person for one in of_api}
    rows = [one for person, one in of_people.items() if person not in known] + of_api
    rows.sort(key=lambda one: (one.person, one.account))
    columns = [name for name in CLAUDE_USAGE_STATS.columns if name not in {"upload_timestamp", "ingestion_timestamp"}]
    at = [row.pulled_at for row in rows]
    return CLAUDE_USAGE_STATS.frame(
        {name: [getattr(row, name) for row in rows] for name in columns}
        | {"upload_timestamp": at, "ingestion_timestamp": at}
    )


def _of_api(records: Records) -> Iterable[UserDay]:
    """One a person and account; users that share an address are one person."""
    found: dict[tuple[str, tuple[date, str]], UserDay] = {}
    read = records.read(EnterpriseUser)
    lines = read.lines.select("account", "activity_date", "pull_id", "ingestion_timestamp").iter_rows()
    for (account, day, pull_id, pulled_at), record in zip(lines, read.values, strict=True):
        chat = record.chat_metrics or ChatMetrics()
        used = chat.distinct_projects_used_count
        one = UserDay(
            activity_date=day,
            user_email=address_of(record.user.email_address or record.user.email),
            user_id=record.user.id,
            conversation_count=chat.distinct_conversation_count,
            message_count=chat.message_count,
            project_count=chat.distinct_projects_created_count if used is None else used,
            file_upload_count=chat.distinct_files_uploaded_count,
            source="enterprise_api",
            account=account,
            pull_id=pull_id,
            pulled_at=pulled_at,
        )
        key = (account, one.person)
        found[key] = _together(found[key], one) if key in found else one
    return found.values()


def _of_audit_log(records: Records) -> Iterable[UserDay]:
    """One a person of whom something was counted. Of a day it covers the log knows the zeros, but never messages."""
    counts: dict[tuple[date, str], Counter[str]] = defaultdict(Counter)
    ids: dict[tuple[date, str], str] = {}
    stamps: dict[date, tuple[str, datetime]] = {}
    read = records.read(AuditEvent)
    lines = read.lines.select("activity_date", "pull_id", "ingestion_timestamp").iter_rows()
    for (day, *stamp), record in zip(lines, read.values, strict=True):
        address = address_of(record.actor_email)
        if address and record.event in COUNTED:
            counts[day, address][COUNTED[record.event]] += 1
            ids.setdefault((day, address), record.actor_id or "")
            stamps[day] = (stamp[0], stamp[1])
    return [
        UserDay(
            activity_date=day,
            user_email=address,
            user_id=ids[day, address] or None,
            conversation_count=counted["conversation_count"],
            message_count=None,
            project_count=counted["project_count"],
            file_upload_count=counted["file_upload_count"],
            source="audit_log",
            account=ENTERPRISE,
            pull_id=stamps[day][0],
            pulled_at=stamps[day][1],
        )
        for (day, address), counted in counts.items()
    ]


def _of_sheet(rows: Sequence[SheetUsage]) -> Iterable[UserDay]:
    return [
        UserDay(
            activity_date=row.activity_date,
            user_email=address_of(row.user_email),
            user_id=None,
            **{name: getattr(row, name) for name in COUNTS},
            source="sheet",
            account=ENTERPRISE,
            pull_id=row.pull_id,
            pulled_at=row.pulled_at,
        )
        for row in rows
    ]


def _together(one: UserDay, other: UserDay) -> UserDay:
    sums: dict[str, Any] = {}
    for name in COUNTS:
        known = [count for count in (getattr(one, name), getattr(other, name)) if count is not None]
        sums[name] = sum(known) if known else None
    return replace(one, **sums)


ASSETS = [claude_usage_stats]
