"""Claude's typed facts: raw records of the run's days become rows that replace core's rows of these days.

A pulled day is replaced whole, even by nothing: a line that the provider withdraws must not stay. A day never pulled is
left as it is. `rows` turns a record into a row.
"""

from collections.abc import Callable

import dagster as dg
import polars as pl

from ai_usage.errors import AiUsageError
from ai_usage.ingest.day_replacement import GROUP, KINDS, rebuild
from ai_usage.ingest.ledger_writes import InWarehouse
from ai_usage.ingest.rejections import keep_rejections
from ai_usage.layers import daily_asset, note, snapshot_asset
from ai_usage.money import Rates, read_rates
from ai_usage.providers.anthropic import pulls, tables
from ai_usage.providers.anthropic.people import emails_of_users
from ai_usage.providers.anthropic.rows import analytics, claude_code, lists, usage_and_cost
from ai_usage.providers.anthropic.rows.lists import NO_ORGANIZATION, Organization
from ai_usage.settings import settings
from ai_usage.warehouse.port import Warehouse
from ai_usage.warehouse.reading.ledger_records import Records
from ai_usage.warehouse.table import Table

COST_REPORT, COST_TOTALS = (dg.AssetKey(["raw", pull]) for pull in ("claude_cost_report", "claude_cost_totals"))


@snapshot_asset("core", tables.DIM_WORKSPACE, group=GROUP, kinds=KINDS, deps=[pulls.claude_workspaces])
def dim_workspace(context: dg.AssetExecutionContext, warehouse: InWarehouse) -> None:
    """Workspaces by id. The default workspace is marked."""
    with warehouse.connected():
        newest = warehouse.newest("claude_workspaces", None)
        if newest.versions.is_empty():
            return note(context, "core/dim_workspace", None, skipped="raw/claude_workspaces was never pulled")
        parts = newest.by_account().values()
        workspaces = pl.concat([lists.workspace_rows(part) for part in parts])
        warehouse.replace_all(tables.DIM_WORKSPACE, workspaces)
        for part in parts:
            keep_rejections(warehouse, part)
    return note(context, "core/dim_workspace", None, **{"dagster/row_count": workspaces.height})


@daily_asset(
    "core",
    tables.CLAUDE_COSTS,
    group=GROUP,
    kinds=KINDS,
    deps=[COST_REPORT, pulls.claude_organization, pulls.claude_workspaces],
)
def claude_costs(context: dg.AssetExecutionContext, warehouse: InWarehouse) -> None:
    """Cost lines of the Claude API, in USD, as the cost report lists them."""
    rebuild_with_organization(
        context, warehouse, tables.CLAUDE_COSTS, pull="claude_cost_report", shape=usage_and_cost.cost_rows
    )


@daily_asset(
    "core",
    tables.CLAUDE_DAILY_COST,
    group=GROUP,
    kinds=KINDS,
    deps=[COST_TOTALS, pulls.claude_organization],
)
def claude_daily_cost(context: dg.AssetExecutionContext, warehouse: InWarehouse) -> None:
    """The Console's total of each day. The cost lines must add up to it."""
    rebuild_with_organization(
        context, warehouse, tables.CLAUDE_DAILY_COST, pull="claude_cost_totals", shape=usage_and_cost.daily_cost_rows
    )


@daily_asset(
    "core",
    tables.CLAUDE_USAGE_TOKENS,
    group=GROUP,
    kinds=KINDS,
    deps=[pulls.claude_messages_usage, pulls.claude_organization],
)
def claude_usage_tokens(context: dg.AssetExecutionContext, warehouse: InWarehouse) -> None:
    """Tokens of the Messages API by key, workspace, model, tier and context window, with Claude Code's API use."""
    rebuild_with_organization(
        context,
        warehouse,
        tables.CLAUDE_USAGE_TOKENS,
        pull="claude_messages_usage",
        shape=lambda records, of, _: usage_and_cost.usage_rows(records, of),
    )


@daily_asset(
    "core",
    tables.CLAUDE_USAGE_TOKENS_BY_SPEED,
    group=GROUP,
    kinds=KINDS,
    deps=[pulls.claude_messages_usage_by_speed, pulls.claude_organization],
)
def claude_usage_tokens_by_speed(context: dg.AssetExecutionContext, warehouse: InWarehouse) -> None:
    """The tokens of claude_usage_tokens by geography and speed, for days with prices that depend on these. Never add
    them to the other tokens.
    """
    rebuild_with_organization(
        context,
        warehouse,
        tables.CLAUDE_USAGE_TOKENS_BY_SPEED,
        pull="claude_messages_usage_by_speed",
        shape=lambda records, of, _: usage_and_cost.usage_by_speed_rows(records, of),
    )


@daily_asset(
    "core",
    tables.CLAUDE_DAILY_TOKENS,
    group=GROUP,
    kinds=KINDS,
    deps=[pulls.claude_messages_usage, pulls.claude_organization],
)
def claude_daily_tokens(context: dg.AssetExecutionContext, warehouse: InWarehouse) -> None:
    """Tokens of the Messages API by day, for the whole organization."""
    rebuild_with_organization(
        context,
        warehouse,
        tables.CLAUDE_DAILY_TOKENS,
        pull="claude_messages_usage",
        shape=lambda records, of, _: usage_and_cost.daily_token_rows(records, of),
    )


@daily_asset("core", tables.CLAUDE_CODE_USAGE_STATS, group=GROUP, kinds=KINDS, deps=[pulls.claude_code_usage])
def claude_code_usage_stats(context: dg.AssetExecutionContext, warehouse: InWarehouse) -> None:
    """Use of Claude Code by person and terminal. For API customers claude_costs has its estimated cost already."""
    rebuild_with_organization(
        context, warehouse, tables.CLAUDE_CODE_USAGE_STATS, pull="claude_code_usage", shape=claude_code.code_rows
    )


@daily_asset("core", tables.CLAUDE_CODE_MODEL_USAGE, group=GROUP, kinds=KINDS, deps=[pulls.claude_code_usage])
def claude_code_model_usage(context: dg.AssetExecutionContext, warehouse: InWarehouse) -> None:
    """Tokens and estimated cost of Claude Code by model."""
    rebuild_with_organization(
        context, warehouse, tables.CLAUDE_CODE_MODEL_USAGE, pull="claude_code_usage", shape=claude_code.code_model_rows
    )


@daily_asset(
    "core",
    tables.CLAUDE_ANALYTICS_COSTS,
    group=GROUP,
    kinds=KINDS,
    deps=[pulls.claude_analytics_cost, pulls.claude_organization, pulls.claude_users],
)
def claude_analytics_costs(context: dg.AssetExecutionContext, warehouse: InWarehouse) -> None:
    """Cost of Claude by product, key and person, if the key may read analytics. It is the same money as claude_costs,
    with usage-based cost of claude.ai, so never add the two.
    """
    emails = emails_of_users(warehouse)
    rebuild_with_organization(
        context,
        warehouse,
        tables.CLAUDE_ANALYTICS_COSTS,
        pull="claude_analytics_cost",
        shape=lambda records, of, rates: analytics.analytics_cost_rows(records, of, emails, rates),
        is_organization_known=False,
    )


ASSETS = [
    dim_workspace,
    claude_costs,
    claude_daily_cost,
    claude_usage_tokens,
    claude_usage_tokens_by_speed,
    claude_daily_tokens,
    claude_code_usage_stats,
    claude_code_model_usage,
    claude_analytics_costs,
]


def rebuild_with_organization(
    context: dg.AssetExecutionContext,
    warehouse: Warehouse,
    table: Table,
    *,
    pull: str,
    shape: Callable[[Records, Organization, Rates], pl.DataFrame],
    is_organization_known: bool = True,
) -> None:
    """`rebuild`, for rows with an organization and amounts that may be in another currency. The organization may be
    unknown if the pull's key cannot read it.
    """
    rates = read_rates(settings().currency_rates)
    with warehouse.connected():

        def shaped(records: Records) -> pl.DataFrame:
            [account] = records.accounts
            organization = organization_of(warehouse, account) or (None if is_organization_known else NO_ORGANIZATION)
            if organization is None:
                raise AiUsageError(
                    f"raw/claude_organization was never pulled of the account {account}: materialize it once, then "
                    "this again."
                )
            return shape(records, organization, rates)

        rebuild(context, warehouse, table, pull=pull, shape=shaped)


def organization_of(warehouse: Warehouse, account: str) -> Organization | None:
    """The organization of an account, and the names of its workspaces; None before the first pull. From the newest
    answer that can be read.
    """
    workspaces = warehouse.newest("claude_workspaces", None).of_account(account)
    found = lists.organization(warehouse.newest("claude_organization", None).of_account(account), workspaces)
    return found or lists.organization(warehouse.history("claude_organization").of_account(account), workspaces)
