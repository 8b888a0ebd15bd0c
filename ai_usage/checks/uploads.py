"""Are uploads, where people use them, still coming: nobody is asked, so nobody notices when they stop."""

from datetime import date, datetime, timedelta

import dagster as dg

from ai_usage.checks.results import step_name
from ai_usage.checks.runner import Finding, NotJudged, Verdict, Verdicts, of_the_past, stored
from ai_usage.layers import in_plain_words, pool_of_check
from ai_usage.providers.anthropic.audit_log.folder import Uploads
from ai_usage.providers.anthropic.audit_log.tables import AUDIT_LOG
from ai_usage.settings import settings
from ai_usage.warehouse.port import Warehouse

STALE = timedelta(days=35)  # an export a month, with some days of grace
EXPORT = "Export the audit log again (claude.ai, Organization settings, Data and privacy, Export logs)"

SPEC = dg.AssetCheckSpec(
    "uploads_are_fresh",
    asset=dg.AssetKey(["raw", AUDIT_LOG]),
    description=f"Where audit-log exports are uploaded, the newest one reaches into the last {STALE.days} days.",
)


def freshness(files: int, newest: date | None, now: datetime) -> Finding:
    """Whether the uploads, where they are used at all, reach far enough."""
    if newest is None and not files:
        return NotJudged("Not configured: no export was ever uploaded.")
    if newest is None:
        return Verdict.warning(
            f"Of the {files} files in the uploads folder no day was ever read: make backfill over the days they cover, "
            f"which the metadata of raw/{AUDIT_LOG} names."
        )
    if now.date() - newest > STALE:
        return Verdict.warning(f"The uploads end on {newest}. {EXPORT} and put the CSV into the uploads folder.")
    return Verdict.right(f"The uploads reach to {newest}.")


@dg.multi_asset_check(
    name=step_name(SPEC.key),
    specs=[SPEC],
    pool=pool_of_check(SPEC.asset_key),
    required_resource_keys={"warehouse", "uploads"},
)
@in_plain_words
def uploads_are_fresh(context: dg.AssetCheckExecutionContext) -> Verdicts:
    warehouse: Warehouse = context.resources.warehouse
    uploads: Uploads | None = context.resources.uploads
    read = warehouse.pulled_days(AUDIT_LOG)
    judged = freshness(len(uploads.files()) if uploads else 0, max(read, default=None), settings().now())
    is_judged = isinstance(judged, Verdict)
    yield from stored(SPEC, {None: (of_the_past(context) if is_judged else None) or judged})


CHECKS = [uploads_are_fresh]
