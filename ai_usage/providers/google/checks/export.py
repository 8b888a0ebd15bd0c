"""Checks that core has all of the billing export: every amount once, and every SKU with a platform or excluded."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from ai_usage.check import Check, DailyCheck, Result, Rows, each_day, failed, passed, some, warned
from ai_usage.providers.google.pulls import SOURCE

SQL = "providers/google/checks/"


def _difference(row: Mapping[str, Any]) -> str:
    currency = row["billed_currency"] or "no currency"
    lines = f"{row['lines_amount']:,f} {currency} ({row['lines_usd']:,f} USD) in {row['line_count']} rows"
    if row["total_amount"] is None:
        return f"gemini_costs has {lines}, and the export's day has no total."
    total = f"{row['total_amount']:,f} {currency} ({row['total_usd']:,f} USD) in {row['total_count']}"
    return f"gemini_costs has {lines}; the export's day comes to {total}."


gemini_costs_equal_export = DailyCheck(
    name="gemini_costs_equal_export",
    provider="google",
    asset="core/gemini_costs",
    title="a row of the export that is lost or doubled",
    description="The rows of gemini_costs add up to the export's day, exactly: in each billed currency, in USD, in "
    "their number, and taxes apart.",
    severity="failed",
    sources=(SOURCE,),
    pulls=("gemini_billing",),
    also_reads=("core/gemini_daily_cost",),
    sql=f"{SQL}gemini_costs_equal_export",
    evaluate=each_day(f"{SQL}gemini_costs_equal_export", lambda rows: failed(_difference(rows[0]), rows)),
    gates_day=True,
)


def _left_out(rows: Rows) -> Result:
    unknown = [row for row in rows if not row["is_known"]]
    usd = sum((row["left_out_usd"] for row in rows), Decimal())
    if not unknown:
        return passed(f"{usd:,.2f} USD of {len(rows)} SKUs is known to be no spend on AI.")
    named = some(f"{row['service_name']}: {row['sku_name']} ({row['left_out_usd']:,.2f} USD)" for row in unknown)
    return warned(
        f"No rule of GEMINI_SERVICES fits {len(unknown)} SKUs, which are left out of ai_spend: {named}.", rows
    )


every_google_sku_is_known = DailyCheck(
    name="every_google_sku_is_known",
    provider="google",
    asset="core/gemini_costs",
    title="a service or SKU that no rule knows",
    description="Each SKU of the export is on a platform or known to be no spend on AI, by the rules of "
    "GEMINI_SERVICES. SKUs that no rule fits are left out of ai_spend and listed with their cost.",
    severity="warned",
    sources=(SOURCE,),
    pulls=("gemini_billing",),
    sql=f"{SQL}every_google_sku_is_known",
    evaluate=each_day(f"{SQL}every_google_sku_is_known", _left_out),
)

CHECKS: list[Check] = [gemini_costs_equal_export, every_google_sku_is_known]
