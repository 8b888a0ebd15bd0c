"""What the rest of the platform knows about Google."""

from datetime import timedelta

import polars as pl

from ai_usage.accounts import account_names
from ai_usage.ingest.cadence import MORNING, Cadence
from ai_usage.money import read_rates
from ai_usage.providers.google import assets, checks, organizations, pulls, rows, tables, usage_assets, usage_pulls
from ai_usage.providers.google.billed_services import read_services
from ai_usage.providers.google.code_assist.tables import GEMINI_CODE_ASSIST_STATS
from ai_usage.providers.google.endpoints import PROJECTS_VARIABLE, SOURCE, TABLE_VARIABLE
from ai_usage.providers.google.licenses.people import PEOPLE
from ai_usage.providers.google.licenses.tables import GEMINI_LICENSES
from ai_usage.providers.google.metrics.tables import GEMINI_USAGE
from ai_usage.providers.google.probe import PROBE
from ai_usage.providers.google.resource import FIELDS, PROJECTS, TABLE, open_client
from ai_usage.providers.google.summary import summary
from ai_usage.providers.provider import Bill, CoreTables, Gate, Platform, Provider
from ai_usage.settings import settings
from ai_usage.warehouse.reading.ledger_records import Records

BILLING = ("gemini_billing",)
METRICS, LOG, LICENSES = ("gemini_metrics",), ("gemini_code_assist_log",), ("gemini_licenses",)

CORE = (
    CoreTables(
        tables=(tables.GEMINI_COSTS, tables.GEMINI_DAILY_COST),
        pulls=BILLING,
        counted=BILLING,
        unique=(tables.GEMINI_DAILY_COST,),  # rows of the export have no id: see `gemini_costs_equal_export`
    ),
    CoreTables((GEMINI_USAGE,), METRICS, counted=METRICS, unique=(GEMINI_USAGE,)),
    CoreTables((GEMINI_CODE_ASSIST_STATS,), LOG, counted=LOG, unique=(GEMINI_CODE_ASSIST_STATS,)),
    CoreTables((GEMINI_LICENSES,), LICENSES),
)


def billed_lines(records: Records) -> pl.DataFrame:
    """What is usage-based spend on AI, credits included, in USD by project: no subscription, no tax, no other SKU."""
    of = settings()
    lines = rows.cost_rows(records, read_services(of.gemini_services), read_rates(of.currency_rates))
    is_use = pl.col("platform").is_not_null() & pl.col("charge_type").is_in(["usage", "credit"])
    return lines.filter(is_use).select("activity_date", pl.col("project_id").alias("workspace_id"), "amount_usd")


GOOGLE = Provider(
    key=SOURCE,
    name="Google",
    publisher="Google",
    invoice_issuer="Google",
    platforms=(
        Platform("gemini_code_assist", "Gemini Code Assist", "Gemini Code Assist", is_coding_tool=True),
        Platform("gemini_api", "Gemini API", "Gemini API"),
        Platform("vertex_ai", "Vertex AI", "Vertex AI"),
    ),
    source=pulls.SOURCE,
    account_fields=FIELDS,
    open=open_client,
    daily_pulls=tables.DAILY_PULLS,
    snapshot_pulls=tables.SNAPSHOT_PULLS,
    optional_pulls=tables.OPTIONAL_PULLS,
    bill=Bill("gemini_billing", billed_lines),
    # A row may come at any time until the month's invoice is closed, some days after the month: 40 days after its
    # first day.
    final_after_days=40,
    gate=Gate(
        provider=SOURCE,
        pulls=BILLING,
        billing=BILLING,
        checks=checks.GATING,
        tables=(tables.GEMINI_DAILY_COST,),
    ),
    cadences=(
        Cadence(
            # Rows come within hours, typically within a day. 47: so that each day is asked about once more when it is
            # 40 days old, which makes it final.
            name="google",
            daily=BILLING,
            snapshots=tuple(tables.SNAPSHOT_PULLS),
            asked_by=BILLING,
            settles=timedelta(hours=4),
            at=MORNING,
            window=7,
            long_window=47,
            warns=timedelta(hours=36),
            is_configured=lambda of: bool(account_names(of, FIELDS, TABLE)),
            accounts=lambda of: account_names(of, FIELDS, TABLE),
            key_variable=TABLE_VARIABLE,
        ),
        Cadence(
            # Points and entries are there within minutes. 28: logs are kept for 30 days.
            name="gemini_usage",
            daily=(*METRICS, *LOG),
            asked_by=METRICS,
            settles=timedelta(hours=4),
            window=3,
            long_window=28,
            warns=timedelta(hours=36),
            is_configured=lambda of: bool(account_names(of, FIELDS, PROJECTS)),
            accounts=lambda of: account_names(of, FIELDS, PROJECTS),
            key_variable=PROJECTS_VARIABLE,
            is_certain=False,  # the service account may lack a role
        ),
    ),
    tables=(*tables.RAW_TABLES.values(), *tables.CORE_TABLES),
    assets=[*pulls.ASSETS, *usage_pulls.ASSETS, *assets.ASSETS, *usage_assets.ASSETS],
    probe=PROBE,
    summary=summary,
    also_called=("gemini",),
    people=PEOPLE,
    accounts=organizations.ACCOUNTS,
    billing_account_type="Billing Account",
    sub_account_type="Project",
    bills_own_seats=True,
    page="docs/google.md",
    core=CORE,
    checks=checks.CHECKS,
    envelope_fields=frozenset({"job_id", "bytes_billed", "bytes_processed", "columns_not_read"})
    | {"projects", "refused_projects", "not_offered", "orders_without_license_pool"},
    expense_marts=("marts/gemini_attributed_costs",),
)
