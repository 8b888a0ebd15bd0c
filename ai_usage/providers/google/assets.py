"""Google's typed facts: raw records of the run's days become rows that replace core's rows of these days.

`rows` turns a record into a row.
"""

import dagster as dg

from ai_usage.ingest.day_replacement import GROUP, KINDS, rebuild
from ai_usage.ingest.ledger_writes import InWarehouse
from ai_usage.layers import daily_asset
from ai_usage.money import read_rates
from ai_usage.providers.google import pulls, rows, tables
from ai_usage.providers.google.billed_services import read_services
from ai_usage.settings import settings


@daily_asset("core", tables.GEMINI_COSTS, group=GROUP, kinds=KINDS, deps=[pulls.gemini_billing])
def gemini_costs(context: dg.AssetExecutionContext, warehouse: InWarehouse) -> None:
    """Rows of Google's billing export and their credits, in the billed currency and in USD."""
    rates, services = read_rates(settings().currency_rates), read_services(settings().gemini_services)
    rebuild(
        context,
        warehouse,
        tables.GEMINI_COSTS,
        pull="gemini_billing",
        shape=lambda records: rows.cost_rows(records, services, rates),
    )


@daily_asset("core", tables.GEMINI_DAILY_COST, group=GROUP, kinds=KINDS, deps=[pulls.gemini_billing])
def gemini_daily_cost(context: dg.AssetExecutionContext, warehouse: InWarehouse) -> None:
    """The total of each day's rows of the billing export by currency, with tax in a column of its own."""
    rates = read_rates(settings().currency_rates)
    rebuild(
        context,
        warehouse,
        tables.GEMINI_DAILY_COST,
        pull="gemini_billing",
        shape=lambda records: rows.daily_cost_rows(records, rates),
    )


ASSETS = [gemini_costs, gemini_daily_cost]
