"""The providers and their platforms as tables, for SQL: names, the bill, when a day is final. Filled from the registry,
so that no query names a provider.
"""

from collections.abc import Iterable, Sequence

import dagster as dg
import polars as pl

from ai_usage.ingest.day_replacement import GROUP, KINDS
from ai_usage.ingest.ledger_writes import InWarehouse
from ai_usage.layers import note, snapshot_asset
from ai_usage.providers.provider import Provider
from ai_usage.providers.registry import PROVIDERS
from ai_usage.warehouse.table import Table, boolean, integer, string

DIM_PROVIDER = Table(
    name="dim_provider",
    grain="one provider that the platform knows",
    question="After how many days is each provider's day final, and which report is its bill?",
    example="select provider, provider_name, billing_pull, final_after_days from ai_usage_analytics.dim_provider "
    "order by provider_order",
    date_column=None,
    columns={
        "provider": string("as in ai_spend", required=True),
        "provider_name": string("for people; FOCUS ProviderName", required=True),
        "publisher_name": string("FOCUS PublisherName", required=True),
        "invoice_issuer_name": string("FOCUS InvoiceIssuerName", required=True),
        "billing_account_type": string("FOCUS BillingAccountType: Organization, Team, …", required=True),
        "sub_account_type": string("FOCUS SubAccountType", required=True),
        "billing_pull": string("the pull that is the bill, in ai_usage_raw.pulls", required=True),
        "final_after_days": integer("the number of days after which a pull makes a day final"),
        "seat_platform": string("on which the sheet's seats are billed; null where its spend.sql bills them"),
        "provider_order": integer("its place in lists of providers, from 1"),
    },
)

DIM_PLATFORM = Table(
    name="dim_platform",
    grain="one platform of one provider",
    question="Which platforms does each provider have?",
    example="select provider, platform, platform_name, service_name from ai_usage_analytics.dim_platform order by "
    "platform_order",
    date_column=None,
    columns={
        "platform": string("as in ai_spend, and `tool` in ai_activity", required=True),
        "provider": string("the provider, as in dim_provider", required=True),
        "platform_name": string("for people", required=True),
        "service_name": string("FOCUS ServiceName", required=True),
        "is_coding_tool": boolean("whether it makes lines, commits or pull requests", required=True),
        "platform_order": integer("its place in lists of platforms, from 1"),
    },
)


@snapshot_asset("core", DIM_PROVIDER, group=GROUP, kinds=KINDS)
def dim_provider(context: dg.AssetExecutionContext, warehouse: InWarehouse) -> None:
    """Providers: their names, the pull that is the bill, and the number of days after which a day is final."""
    warehouse.replace_all(DIM_PROVIDER, rows := provider_rows(PROVIDERS))
    note(context, "core/dim_provider", None, **{"dagster/row_count": rows.height})


@snapshot_asset("core", DIM_PLATFORM, group=GROUP, kinds=KINDS)
def dim_platform(context: dg.AssetExecutionContext, warehouse: InWarehouse) -> None:
    """Platforms, the products that people use: their names and the provider that bills them."""
    warehouse.replace_all(DIM_PLATFORM, rows := platform_rows(PROVIDERS))
    note(context, "core/dim_platform", None, **{"dagster/row_count": rows.height})


def provider_rows(providers: Iterable[Provider]) -> pl.DataFrame:
    """Rows of `dim_provider`."""
    return _frame(
        DIM_PROVIDER,
        [
            (
                *(of.key, of.name, of.publisher, of.invoice_issuer, of.billing_account_type, of.sub_account_type),
                *(of.bill.pull, of.final_after_days, None if of.bills_own_seats else of.platforms[0].key, place),
            )
            for place, of in enumerate(providers, start=1)
        ],
    )


def platform_rows(providers: Iterable[Provider]) -> pl.DataFrame:
    """Rows of `dim_platform`."""
    platforms = [(provider.key, platform) for provider in providers for platform in provider.platforms]
    return _frame(
        DIM_PLATFORM,
        [
            (of.key, provider, of.name, of.service_name, of.is_coding_tool, place)
            for place, (provider, of) in enumerate(platforms, start=1)
        ],
    )


def _frame(table: Table, rows: Sequence[Sequence[object]]) -> pl.DataFrame:
    return table.frame({name: [row[at] for row in rows] for at, name in enumerate(table.columns)})


ASSETS = [dim_provider, dim_platform]
