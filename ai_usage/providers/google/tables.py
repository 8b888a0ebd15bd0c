"""Google's tables: the ledger of each pull, and the typed facts of core.

`rows` turns a record into a row.
"""

from collections.abc import Mapping

from ai_usage.providers.google.code_assist.records import LogEntry
from ai_usage.providers.google.code_assist.tables import GEMINI_CODE_ASSIST_STATS
from ai_usage.providers.google.licenses.records import License
from ai_usage.providers.google.licenses.tables import GEMINI_LICENSES
from ai_usage.providers.google.metrics.records import SeriesOfDay
from ai_usage.providers.google.metrics.tables import GEMINI_USAGE
from ai_usage.providers.google.records import ExportRow
from ai_usage.warehouse.table import (
    ACCOUNT_STAMPS,
    Table,
    day,
    dollars,
    instant,
    integer,
    numeric,
    raw_table,
    string,
)

# Raw: a ledger per pull, and the struct its records are.
DAILY_PULLS: Mapping[str, type] = {
    "gemini_billing": ExportRow,
    "gemini_metrics": SeriesOfDay,
    "gemini_code_assist_log": LogEntry,
}
SNAPSHOT_PULLS: Mapping[str, type] = {"gemini_licenses": License}
OPTIONAL_PULLS = ("gemini_metrics", "gemini_code_assist_log", "gemini_licenses")  # money is in the bill alone
RAW_TABLES = {pull: raw_table(pull) for pull in (*DAILY_PULLS, *SNAPSHOT_PULLS)}

GEMINI_COSTS = Table(
    name="gemini_costs",
    # The export has no id of a row, and may have equal rows: there is no key. That nothing counts twice is the check
    # `gemini_costs_equal_export`.
    grain="the cost of one row of the billing export, or one credit of it",
    question="What did Google bill, by SKU and credit, in the billed currency and in USD?",
    example="select activity_date, project_id, sku_name, charge_type, billed_amount, billed_currency, amount_usd from "
    "ai_usage_analytics.gemini_costs order by amount_usd desc",
    columns={
        "activity_date": day("the UTC day on which the use began; of a subscription the first day of its month"),
        "billing_account_id": string("as sent; null where it is not"),
        "project_id": string("null for taxes, some adjustments and subscriptions"),
        "project_name": string("the project's name at the time; null without a project"),
        "platform": string("gemini_api, vertex_ai or gemini_code_assist; null for other things, and for taxes"),
        "rule_name": string("the rule of GEMINI_SERVICES that fits; null where none does"),
        "service_id": string("the id of Google's service"),
        "service_name": string("its description"),
        "sku_id": string("null where it is not sent"),
        "sku_name": string("the SKU's description, as sent"),
        "model": string("derived from sku_name; null where the text names no model"),
        "meter": string(
            "derived from sku_name: input_tokens, cached_input_tokens, output_tokens, web_search and others; seat of a "
            "subscription; the whole text in lower case where it is not understood",
            required=True,
        ),
        "service_tier": string("batch, flex, priority or provisioned, where sku_name names one; else null"),
        "cost_type": string("regular, tax, adjustment or rounding_error, as sent; regular without one", required=True),
        "charge_type": string("usage, subscription, tax, or credit for a credit of its row", required=True),
        "credit_type": string("of a credit: PROMOTION, DISCOUNT, …; null for a cost"),
        "credit_name": string("of a credit: as sent; null for a cost"),
        "adjustment_mode": string("of a correction: PARTIAL_CORRECTION, …; null without one"),
        "invoice_month": string("YYYYMM: the invoice that it is on, which may be later than its day"),
        "billed_amount": numeric("the cost before credits, or the credit, in billed_currency", required=True),
        "billed_currency": string("of the billing account, in upper case", required=True),
        "usd_rate": numeric("units of billed_currency for a dollar, as sent; null where the dated rate was used"),
        "amount_usd": dollars("billed_amount in USD, by the row's own rate"),
        "list_usd": dollars("the use at list price, in USD; null for a credit and where it is not sent",
                            required=False),
        "quantity": numeric("in unit; null for a credit and where it is not known"),
        "unit": string("tokens, requests, seats, units, or Google's own in lower case; null without a quantity"),
        "label_team": string("what a label of the use, or of its project, names as the team; null without one"),
        "user_name": string("what such a label names as the person, as written; null without one"),
        "exported_at": instant("when Google wrote the row; null where it is not sent"),
        **ACCOUNT_STAMPS,
    },
    cluster=("project_id", "platform"),
)  # fmt: skip

GEMINI_DAILY_COST = Table(
    name="gemini_daily_cost",
    grain="one UTC day's rows of the billing export in one currency",
    question="What do the rows of Google's export of a day come to?",
    example="select activity_date, billed_currency, billed_amount, tax_amount, amount_usd from "
    "ai_usage_analytics.gemini_daily_cost order by activity_date",
    key=("activity_date", "account", "billed_currency"),
    columns={
        "activity_date": day("the UTC day on which the use began"),
        "billed_currency": string("of the rows, in upper case; null for a day without rows"),
        "export_rows": integer("rows of the export"),
        "credit_count": integer("credits within them"),
        "billed_amount": numeric("costs and credits, without tax, in billed_currency; 0 without rows", required=True),
        "tax_amount": numeric("taxes, in billed_currency; 0 without rows", required=True),
        "amount_usd": dollars("costs and credits, without tax, in USD"),
        "tax_usd": dollars("taxes, in USD"),
        **ACCOUNT_STAMPS,
    },
)

CORE_TABLES = (GEMINI_COSTS, GEMINI_DAILY_COST, GEMINI_USAGE, GEMINI_CODE_ASSIST_STATS, GEMINI_LICENSES)
