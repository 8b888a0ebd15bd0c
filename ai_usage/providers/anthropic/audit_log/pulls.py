"""The raw assets of uploads: what people dropped in, read for a run's days."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import date

import dagster as dg

from ai_usage.ingest.ledger_writes import InWarehouse, append_noted
from ai_usage.layers import daily_asset, note
from ai_usage.partitions import Span, span_of_run
from ai_usage.places import COMMAND
from ai_usage.providers.anthropic.audit_log.csv_file import AuditLog
from ai_usage.providers.anthropic.audit_log.folder import Events, Uploads, answers, is_whole
from ai_usage.providers.anthropic.audit_log.records import COUNTED, AuditEvent
from ai_usage.providers.anthropic.audit_log.tables import AUDIT_LOG, RAW_TABLES
from ai_usage.providers.anthropic.tables import ENTERPRISE
from ai_usage.settings import settings
from ai_usage.warehouse.port import Warehouse
from ai_usage.warehouse.reading.ledger_records import Records

ASSET = f"raw/{AUDIT_LOG}"
SIMULATED = "not configured: the built-in providers answer, and no real figure may join theirs"

MaybeUploads = dg.ResourceParam[Uploads | None]


@daily_asset("raw", RAW_TABLES[AUDIT_LOG], group="raw_claude", kinds={"csv", "duckdb"})
def claude_audit_log(context: dg.AssetExecutionContext, uploads: MaybeUploads, warehouse: InWarehouse) -> None:
    """Events of claude.ai's audit log from the CSV exports in the uploads folder: who, when, kind and object,
    without addresses and devices. An event counts once, also if files overlap or come twice.
    """
    files = uploads.files() if uploads else []
    if not uploads or not files:
        why = f"not configured: there is no *.csv in {uploads.folder}" if uploads else SIMULATED
        return note(context, ASSET, None, skipped=why)
    span = span_of_run(context)
    asked_at = warehouse.now()
    logs = uploads.audit_logs(span)
    with warehouse.connected():
        held = events_by_day(warehouse.newest(AUDIT_LOG, span))
        found = answers(logs, span, held)
        append_noted(context, warehouse, AUDIT_LOG, found, asked_at=asked_at, account=ENTERPRISE)
        now_held = events_by_day(warehouse.newest(AUDIT_LOG, span))
        _note_unread(context, warehouse, logs, span)
    covered = {answer.day for answer in found}
    for day in span.days:
        if day in covered:
            note(context, ASSET, day, **_described(now_held[day]), is_whole=is_whole(day, logs))
        else:
            note(context, ASSET, day, skipped="no upload covers this day")
    return None


def events_by_day(records: Records) -> dict[date, Events]:
    """The ledger's events, each as often as it happened."""
    found: dict[date, Events] = defaultdict(Counter)
    read = records.read(AuditEvent)
    for day, event in zip(read.days, read.values, strict=True):
        found[day][event] += 1
    return found


def _described(events: Events) -> dict[str, object]:
    """The counts of a day's events, for readers."""
    uncounted: Counter[str] = Counter()
    for event, times in events.items():
        if event.event not in COUNTED:
            uncounted[event.event] += times
    return {
        "without_actor_email": sum(times for event, times in events.items() if event.actor_email is None),
        "events_not_counted": ", ".join(f"{name} ({times})" for name, times in uncounted.most_common()) or "none",
    }


def _note_unread(context: dg.AssetExecutionContext, warehouse: Warehouse, logs: Sequence[AuditLog], span: Span) -> None:
    """Report the days that the files cover and no run has read: a morning's window is shorter than an export."""
    covered = {day for log in logs if log.covers for day in log.covers.days}
    unread = sorted(covered - {*span.days, *warehouse.pulled_days(AUDIT_LOG)})
    unread = [day for day in unread if settings().start_date <= day <= settings().yesterday()]
    if unread:
        hint = f"the uploads cover {len(unread)} days more: {COMMAND} backfill FROM={unread[0]} TO={unread[-1]}"
        context.log.warning("%s: %s", ASSET, hint)
        note(context, ASSET, None, unread=hint)


ASSETS = [claude_audit_log]
