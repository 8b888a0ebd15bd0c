"""Checks of Google's own counts: each is certain, matches the billed quantities, and every project is read."""

import json
from collections import Counter
from collections.abc import Mapping
from datetime import date

from ai_usage.check import (
    Check,
    DailyCheck,
    Finding,
    NotEvaluated,
    Result,
    Row,
    Rows,
    RunCheck,
    Sightings,
    by_day,
    each_account,
    each_day,
    failed,
    passed,
    some,
    warned,
)
from ai_usage.partitions import ONE_DAY, Span
from ai_usage.providers.google.usage_pulls import OF_PROJECTS
from ai_usage.settings import settings
from ai_usage.warehouse.port import Warehouse

SQL = "providers/google/checks/"
# Input and output are of two families of metrics that do not align exactly, and tokens of failed calls are billed: a
# difference of 12 % was measured between a caller's own count and Google's. Small counts differ by more.
MAY_DIFFER = 0.25
FEW_TOKENS = 100_000
BILL_IS_LATE = 2 * ONE_DAY  # rows of the export typically come within a day


def _differing(rows: Rows) -> Result:
    first = rows[0]
    return failed(
        f"{len(rows)} quota metrics have two series that differ, of which one counts: {first['project_id']} "
        f"{first['model'] or first['metric_type']} has {first['quantity']:,} by day and {first['twin_quantity']:,} by "
        "minute.",
        rows,
    )


gemini_twin_series_agree = DailyCheck(
    name="gemini_twin_series_agree",
    provider="google",
    asset="core/gemini_usage",
    title="twin series of a quota that are no twins, so that tokens may be lost or doubled",
    description="Both series that Google keeps of a quota metric, one for each limit, have the same count.",
    severity="failed",
    sources=(OF_PROJECTS,),
    pulls=("gemini_metrics",),
    sql=f"{SQL}gemini_twin_series_agree",
    evaluate=each_day(f"{SQL}gemini_twin_series_agree", _differing),
    is_optional=True,
)


def _matches(warehouse: Warehouse, span: Span) -> Mapping[date, Finding]:
    rows = by_day(warehouse.query(f"{SQL}gemini_metrics_match_bill", first_day=span.first, last_day=span.last))
    late = settings().now().date() - BILL_IS_LATE
    return {
        day: NotEvaluated("The bill of this day may still be incomplete.")
        if day >= late
        else each_account(of_day, compared)
        for day, of_day in rows.items()
    }


def compared(rows: Rows) -> Result:
    """Whether measured counts are close to billed ones. Without a measurement nothing is compared."""
    measured = [row for row in rows if row["measured_tokens"] is not None]
    wrong = [row for row in measured if differ(row)]
    unmeasured = len({row["project_id"] for row in rows} - {row["project_id"] for row in measured})
    beside = f" {unmeasured} billed projects are not measured." if unmeasured else ""
    if not wrong:
        return passed(f"{len(measured)} counts of tokens are near to what was billed.{beside}")
    named = some((_pair(row) for row in wrong), between="; ")
    return warned(f"{len(wrong)} counts of tokens differ from billed quantities: {named}.{beside}", wrong)


def differ(row: Row) -> bool:
    """Whether both counts are further apart than the two reports may be."""
    counted, billed = int(row["measured_tokens"]), int(row["billed_tokens"] or 0)
    most = max(counted, billed)
    return most >= FEW_TOKENS and abs(counted - billed) > MAY_DIFFER * most


def _pair(row: Row) -> str:
    billed = "none" if row["billed_tokens"] is None else f"{row['billed_tokens']:,}"
    return (
        f"{row['project_id']} {row['platform']} {row['direction']}: {row['measured_tokens']:,} counted, {billed} billed"
    )


gemini_metrics_match_bill = DailyCheck(
    name="gemini_metrics_match_bill",
    provider="google",
    asset="core/gemini_usage",
    title="tokens that are billed and not used, or used and not billed",
    description="In each project, the input and output tokens that Cloud Monitoring counted outside of the free tier "
    "are within 25 % of the billed ones. They are compared, never added. Days of which the bill may be incomplete are "
    "not evaluated.",
    severity="warned",
    sources=(OF_PROJECTS,),
    pulls=("gemini_metrics",),
    also_reads=("core/gemini_costs", "core/gemini_daily_cost"),
    sql=f"{SQL}gemini_metrics_match_bill",
    evaluate=_matches,
    is_optional=True,
)


def _unread(warehouse: Warehouse, span: Span | None, sightings: Sightings) -> None:
    if span is None:
        return
    days: dict[date, Counter[str]] = {}
    for pull in ("gemini_metrics", "gemini_code_assist_log"):
        versions = warehouse.newest(pull, span).versions.select("account", "activity_date", "envelope")
        for account, day, envelope in versions.iter_rows():
            refused = json.loads(envelope).get("refused_projects", {})
            seen = days.setdefault(day, Counter())
            seen.update(f"project {project} of account {account} ({pull}): {why}" for project, why in refused.items())
    for day, seen in days.items():
        sightings.add(day, seen, 1)


gemini_projects_can_be_read = RunCheck(
    name="gemini_projects_can_be_read",
    provider="google",
    asset="core/gemini_usage",
    title="a project that the service account may not read",
    description="The service account may read metrics and Code Assist's log in each project of GEMINI_PROJECTS. A "
    "project that refuses is one warning each; the others are read.",
    warning="Google refused to let us read",
    sources=(OF_PROJECTS,),
    pulls=("gemini_metrics", "gemini_code_assist_log"),
    look=_unread,
    is_optional=True,
)


def _unlogged(rows: Rows) -> Result:
    named = some(f"{row['project_id']} ({row['responses']:,} answers)" for row in rows)
    return warned(
        f"{len(rows)} projects use Code Assist and log nothing, so what their people did is unknown: {named}. Switch "
        "metadata logging of Gemini for Google Cloud on there, and telemetry in the IDE.",
        rows,
    )


code_assist_logging_is_on = DailyCheck(
    name="code_assist_logging_is_on",
    provider="google",
    asset="core/gemini_code_assist_stats",
    title="people who use Code Assist and are not in its log",
    description="Each project in which Cloud Monitoring counted answers of Code Assist has entries in its metadata log "
    "on that day.",
    severity="warned",
    sources=(OF_PROJECTS,),
    pulls=("gemini_metrics", "gemini_code_assist_log"),
    also_reads=("core/gemini_usage",),
    sql=f"{SQL}code_assist_logging_is_on",
    evaluate=each_day(f"{SQL}code_assist_logging_is_on", _unlogged),
    is_optional=True,
)

CHECKS: list[Check] = [
    gemini_twin_series_agree,
    gemini_metrics_match_bill,
    gemini_projects_can_be_read,
    code_assist_logging_is_on,
]
