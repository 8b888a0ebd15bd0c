"""The raw assets of what Google reports beside the bill: metrics, Code Assist's log and licenses. Each is optional."""

from collections.abc import Mapping

import dagster as dg

from ai_usage.ingest.each_account import Clients, Note
from ai_usage.ingest.ledger_writes import (
    InWarehouse,
    Report,
    Source,
    as_it_is_now,
    ask_accounts,
    pull_days,
    pull_snapshot,
)
from ai_usage.layers import daily_asset, snapshot_asset
from ai_usage.partitions import ONE_DAY, Span, span_of_run
from ai_usage.providers.google.client import GoogleCloud
from ai_usage.providers.google.code_assist import client as code_assist
from ai_usage.providers.google.endpoints import BILLING_ACCOUNT_VARIABLE, PROJECTS_VARIABLE
from ai_usage.providers.google.metrics import client as metrics
from ai_usage.providers.google.pulls import GROUP, KINDS, GoogleReport, MaybeGoogle
from ai_usage.providers.google.tables import RAW_TABLES
from ai_usage.settings import settings
from ai_usage.warehouse.ledger import Answer

OF_PROJECTS = Source(resource="google_cloud", key_variable=PROJECTS_VARIABLE, provider="Google")
OF_LICENSES = Source(resource="google_cloud", key_variable=BILLING_ACCOUNT_VARIABLE, provider="Google")
NEEDS_PROJECTS = f"not configured: no account has projects ({PROJECTS_VARIABLE} is not set, or names no project)"
NEEDS_BILLING_ACCOUNT = f"not configured: no account has a billing account ({BILLING_ACCOUNT_VARIABLE} is not set)"


def projects_not_read(answer: Answer) -> Mapping[str, object]:
    """The projects that may not be read, and the metrics that projects do not have, as notes of a day."""
    refused: Mapping[str, str] = answer.envelope.get("refused_projects", {})
    missing: Mapping[str, Mapping[str, str]] = answer.envelope.get("not_offered", {})
    metrics_by_project = (f"{of}: {', '.join(names)}" for of, names in missing.items())
    return {
        **({"refused_projects": "; ".join(f"{of}: {why}" for of, why in refused.items())} if refused else {}),
        **({"metrics_not_offered": "; ".join(metrics_by_project)} if missing else {}),
    }


REPORTS: dict[str, GoogleReport] = {
    report.pull: report
    for report in (
        Report(
            pull="gemini_metrics",
            name="metrics of Gemini and Vertex AI",
            ask=GoogleCloud.metrics,
            use="tokens and requests by project, model and API key",
            needs="the role Monitoring Viewer (roles/monitoring.viewer) in the projects",
            is_key_accepted=lambda cloud: cloud.monitoring.api.has_answered,
            is_asked_of=lambda cloud: cloud.has_projects,
            lacks=NEEDS_PROJECTS,
            key_variable=PROJECTS_VARIABLE,
            notes_of=projects_not_read,
        ),
        Report(
            pull="gemini_code_assist_log",
            name="Code Assist's metadata log",
            ask=GoogleCloud.code_assist_log,
            use="what people did with Code Assist",
            needs="the role Logs Viewer (roles/logging.viewer) in the projects",
            is_key_accepted=lambda cloud: cloud.code_assist.api.has_answered,
            is_asked_of=lambda cloud: bool(cloud.logging_projects),
            lacks=NEEDS_PROJECTS,
            key_variable=PROJECTS_VARIABLE,
            notes_of=projects_not_read,
        ),
        Report(
            pull="gemini_licenses",
            name="licenses of Code Assist",
            ask=as_it_is_now(GoogleCloud.licenses),
            use="who has a license, and how many licenses are unassigned",
            needs="consumerprocurement.orders.list and consumerprocurement.licensePools.* on the billing account",
            is_key_accepted=lambda cloud: cloud.procurement.api.has_answered,
            is_asked_of=lambda cloud: cloud.has_billing_account,
            lacks=NEEDS_BILLING_ACCOUNT,
            key_variable=BILLING_ACCOUNT_VARIABLE,
        ),
    )
}


@daily_asset("raw", RAW_TABLES["gemini_metrics"], group=GROUP, kinds=KINDS)
def gemini_metrics(context: dg.AssetExecutionContext, google_cloud: MaybeGoogle, warehouse: InWarehouse) -> None:
    """Time series of Cloud Monitoring by project, model and credential, with the day's points, as Google sent them."""
    _pull_as_far_back_as_kept(
        context,
        google_cloud,
        warehouse,
        REPORTS["gemini_metrics"],
        depth=metrics.DEPTH,
        at_most=metrics.DAYS_A_REQUEST,
    )


@daily_asset("raw", RAW_TABLES["gemini_code_assist_log"], group=GROUP, kinds=KINDS)
def gemini_code_assist_log(
    context: dg.AssetExecutionContext, google_cloud: MaybeGoogle, warehouse: InWarehouse
) -> None:
    """Entries of Code Assist's metadata log (shown and accepted completions, no code), as Google sent them."""
    _pull_as_far_back_as_kept(
        context,
        google_cloud,
        warehouse,
        REPORTS["gemini_code_assist_log"],
        depth=code_assist.DEPTH,
        at_most=code_assist.DAYS_A_REQUEST,
    )


@snapshot_asset("raw", RAW_TABLES["gemini_licenses"], group=GROUP, kinds=KINDS)
def gemini_licenses(context: dg.AssetExecutionContext, google_cloud: MaybeGoogle, warehouse: InWarehouse) -> None:
    """Orders of licenses with their licensed users, as Google sent them."""
    pull_snapshot(context, OF_LICENSES, google_cloud, warehouse, REPORTS["gemini_licenses"])


def _pull_as_far_back_as_kept(
    context: dg.AssetExecutionContext,
    clients: Clients[GoogleCloud],
    warehouse: InWarehouse,
    report: GoogleReport,
    *,
    depth: int,
    at_most: int,
) -> None:
    """Pull the run's days that Google still has whole: an older day would come empty and replace what is
    known.
    """
    run, earliest = span_of_run(context), settings().now().date() - (depth - 1) * ONE_DAY

    def pull(client: GoogleCloud, noted: Note) -> None:
        for day in run.days:
            if day < earliest:
                noted(f"raw/{report.pull}", day, skipped=f"Google keeps {depth} days, so nothing before {earliest}")
        if run.last >= earliest:
            span = Span(max(run.first, earliest), run.last)
            pull_days(context, client, warehouse, report, span, noted=noted, at_most=at_most)

    ask_accounts(context, OF_PROJECTS, clients, report, pull)


ASSETS = [gemini_metrics, gemini_code_assist_log, gemini_licenses]
