"""What `doctor` tries of Google's accounts."""

from ai_usage.partitions import ONE_DAY
from ai_usage.providers.google import usage_pulls
from ai_usage.providers.google.client import GoogleCloud
from ai_usage.providers.google.pulls import REPORTS
from ai_usage.providers.probe import Key, Probe


def export(cloud: GoogleCloud) -> str:
    """What the credentials open, and the query's cap."""
    described = cloud.export.describe()
    rows = "" if described.num_rows is None else f" of {described.num_rows:,} rows"
    since = f", begun on {described.created:%Y-%m-%d}" if described.created else ""
    cap = f"a query may read {cloud.max_bytes_billed / 10**9:g} GB (BIGQUERY_MAX_BYTES_BILLED)"
    return f"the export {cloud.table}{rows}{since}; {cap}"


def projects(cloud: GoogleCloud) -> str:
    """How many projects may be read, and what Google answers about the others: they stop nothing else."""
    refused = cloud.monitoring.refusals((cloud.now() - 2 * ONE_DAY).date())
    words = "".join(f"; {project}: {refusal.explanation}" for project, refusal in refused.items())
    return f"{len(cloud.projects) - len(refused)} of {len(cloud.projects)} can be read{words}"


PROBE = Probe(
    title="Google",
    hint="Set GEMINI_BILLING_TABLE to the table of the Cloud Billing export in BigQuery (project.dataset.table).",
    keys=(
        Key(
            what="the billing export can be read",
            is_had=lambda cloud: cloud.has_export,
            ask=export,
            opens=lambda _, pull: pull == "gemini_billing",
        ),
        Key(
            what="projects",
            is_had=lambda cloud: cloud.has_projects,
            ask=projects,
            opens=lambda *_: False,  # each report is tried by itself
        ),
    ),
    reports={**REPORTS, **usage_pulls.REPORTS},
    quota=(
        "BigQuery bills what a query reads: BIGQUERY_MAX_BYTES_BILLED caps it, and each day's note has its bytes. "
        "The service account needs BigQuery Data Viewer on the export's dataset and BigQuery Job User in its project; "
        "for metrics Monitoring Viewer and for Code Assist's log Logs Viewer in each of GEMINI_PROJECTS; for licenses "
        "consumerprocurement.orders.list and consumerprocurement.licensePools.* on GEMINI_BILLING_ACCOUNT."
    ),
)
