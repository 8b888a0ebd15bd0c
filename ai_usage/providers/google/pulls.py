"""Google's raw assets: what each asks for, a run's days at a time."""

from collections.abc import Mapping

import dagster as dg

from ai_usage.ingest.each_account import Clients
from ai_usage.ingest.ledger_writes import InWarehouse, Report, Source, pull_report
from ai_usage.layers import daily_asset
from ai_usage.providers.google.client import GoogleCloud
from ai_usage.providers.google.endpoints import TABLE_VARIABLE
from ai_usage.providers.google.tables import RAW_TABLES
from ai_usage.warehouse.ledger import Answer

SOURCE = Source(resource="google_cloud", key_variable=TABLE_VARIABLE, provider="Google")
GROUP = "raw_google"
KINDS = {"api", "duckdb"}
# A query reads all partitions from its first day on, so that a long backfill is cheapest as one query. One that is too
# large is asked for again by halves.
EXPORT_DAYS = 366

MaybeGoogle = dg.ResourceParam[Clients[GoogleCloud]]
GoogleReport = Report[GoogleCloud]


def bytes_read(answer: Answer) -> Mapping[str, object]:
    """What the query of an answer cost, and what of the table it left unread, as notes of its day."""
    envelope = answer.envelope
    billed = envelope.get("bytes_billed")
    unread = envelope.get("columns_not_read")
    return {
        **({} if billed is None else {"query_bytes_billed": billed}),
        **({"columns_not_read": ", ".join(unread)} if unread else {}),
    }


REPORTS: dict[str, GoogleReport] = {
    report.pull: report
    for report in (
        Report(
            pull="gemini_billing",
            name="billing export",
            ask=GoogleCloud.billing,
            is_asked_of=lambda cloud: cloud.has_export,
            lacks=f"not configured: no account has a billing export ({TABLE_VARIABLE} is not set)",
            notes_of=bytes_read,
        ),
    )
}


@daily_asset("raw", RAW_TABLES["gemini_billing"], group=GROUP, kinds=KINDS)
def gemini_billing(context: dg.AssetExecutionContext, google_cloud: MaybeGoogle, warehouse: InWarehouse) -> None:
    """Rows of the Cloud Billing export of Google's AI services, and of taxes, as BigQuery writes them in JSON."""
    pull_report(context, SOURCE, google_cloud, warehouse, REPORTS["gemini_billing"], at_most=EXPORT_DAYS)


ASSETS = [gemini_billing]
