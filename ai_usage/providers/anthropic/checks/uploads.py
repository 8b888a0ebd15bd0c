"""Checks that uploads continue, if people use them: no provider sends them, so no pull fails when they stop."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from ai_usage.check import Check, Finding, NotEvaluated, SnapshotCheck, passed, warned
from ai_usage.ingest.ledger_writes import Source
from ai_usage.places import COMMAND
from ai_usage.providers.anthropic.audit_log.tables import AUDIT_LOG
from ai_usage.settings import settings
from ai_usage.warehouse.port import Warehouse

UPLOADS = Source(resource="uploads", key_variable="AI_USAGE_UPLOADS_DIR")
STALE = timedelta(days=35)  # an export a month, with some days of grace
EXPORT = "Export the audit log again (claude.ai, Organization settings, Data and privacy, Export logs)"


def _fresh(warehouse: Warehouse, files: Sequence[object] | None) -> Finding:
    newest = max(warehouse.pulled_days(AUDIT_LOG), default=None)
    return freshness(len(files or ()), newest, settings().now())


def freshness(files: int, newest: date | None, now: datetime) -> Finding:
    """Whether the uploads, if there are any, are recent enough."""
    if newest is None and not files:
        return NotEvaluated("Not configured: no export was ever uploaded.")
    if newest is None:
        return warned(
            f"No day of the {files} files in the uploads folder was ever read: run {COMMAND} backfill over their days, "
            f"which the metadata of raw/{AUDIT_LOG} lists."
        )
    if now.date() - newest > STALE:
        return warned(f"The uploads end on {newest}. {EXPORT} and put the CSV into the uploads folder.")
    return passed(f"The uploads reach to {newest}.")


uploads_are_fresh = SnapshotCheck(
    name="uploads_are_fresh",
    provider="anthropic",
    asset=f"raw/{AUDIT_LOG}",
    title="audit-log exports that are no longer uploaded",
    description=f"Where audit-log exports are uploaded, the newest one reaches into the last {STALE.days} days.",
    severity="warned",
    sources=(UPLOADS,),
    pulls=(AUDIT_LOG,),
    asks=lambda uploads: uploads.files(),
    evaluate=_fresh,
    is_about_now=True,
)

CHECKS: list[Check] = [uploads_are_fresh]
