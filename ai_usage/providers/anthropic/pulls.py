"""Claude's raw assets: what each asks for, a run's days at a time, and what it notes of every day."""

from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import dagster as dg

from ai_usage.ingest.compared_reports import Compared, pull_compared
from ai_usage.ingest.each_account import Clients, Note
from ai_usage.ingest.ledger_writes import (
    InWarehouse,
    Report,
    Source,
    as_it_is_now,
    ask_accounts,
    pull_days,
    pull_report,
    pull_snapshot,
)
from ai_usage.layers import MANY_DAYS_A_RUN, daily_asset, in_plain_words, snapshot_asset, spec
from ai_usage.partitions import ONE_DAY, Span, span_of_run
from ai_usage.providers.anthropic.client import ClaudeAdmin
from ai_usage.providers.anthropic.endpoints import (
    ANALYTICS_DEPTH,
    ANALYTICS_FIRST_DAY,
    ANALYTICS_VARIABLE,
    COST_GROUPS,
    DAYS_A_REQUEST,
    USAGE_GROUPS,
)
from ai_usage.providers.anthropic.rows.usage_and_cost import billed_cents
from ai_usage.providers.anthropic.speeds import days_of_many_prices
from ai_usage.providers.anthropic.tables import RAW_TABLES
from ai_usage.settings import settings
from ai_usage.warehouse.ledger import Answer
from ai_usage.warehouse.port import Warehouse

SOURCE = Source(resource="claude_admin", key_variable="ANTHROPIC_ADMIN_API_KEY", provider="Anthropic")
GROUP = "raw_claude"
KINDS = {"api", "duckdb"}

ClaudeReport = Report[ClaudeAdmin]
MaybeClaude = dg.ResourceParam[Clients[ClaudeAdmin]]
NEEDS_ADMIN_KEY = "not configured: no account has an Admin key (ANTHROPIC_ADMIN_API_KEY is not set)"
NEEDS_ANALYTICS_KEY = (
    "not configured: ANTHROPIC_ANALYTICS_API_KEY is not set, and an Admin key does not open who used claude.ai"
)
NEEDS_LIMITS_KEY = (
    "not configured: ANTHROPIC_ANALYTICS_API_KEY is not set, and an Admin key does not open spend limits of the "
    "Enterprise organization"
)
ONE_PRICE = "not needed: no cost lines of this day differ in geography or speed alone"
ANALYTICS_PLAN = (
    "a key with the scope read:analytics (or a Console organization's Admin key), of an organization with usage-based "
    "billing and without HIPAA readiness"
)


def _of_console(pull: str, name: str, ask: Callable[[ClaudeAdmin, Span], list[Answer]], **more: Any) -> ClaudeReport:
    """A report that an Admin key opens."""
    return Report(
        pull=pull,
        name=name,
        ask=ask,
        is_key_accepted=ClaudeAdmin.is_admin_key_accepted,
        is_asked_of=lambda admin: admin.has_admin_key,
        lacks=NEEDS_ADMIN_KEY,
        **more,
    )


REPORTS: dict[str, ClaudeReport] = {
    report.pull: report
    for report in (
        _of_console(
            "claude_cost_report", "cost report", lambda admin, span: admin.cost_report(span, group_by=COST_GROUPS)
        ),
        _of_console("claude_cost_totals", "cost totals", ClaudeAdmin.cost_report),
        _of_console(
            "claude_messages_usage",
            "messages usage",
            lambda admin, span: admin.messages_usage(span, group_by=USAGE_GROUPS),
        ),
        _of_console(
            "claude_messages_usage_by_speed",
            "messages usage by geography and speed",
            ClaudeAdmin.messages_usage_by_speed,
            use="which keys used fast mode or a geography of its own price; else their shares are estimated",
            needs="the fast-mode beta of the usage report",
        ),
        _of_console(
            "claude_code_usage",
            "Claude Code usage",
            lambda admin, span: admin.claude_code(span.days),
            use="what Claude Code did, for whom, and what it would have cost",
            needs="an Admin key, not scoped to a workspace, of an organization that has Claude Code",
        ),
        Report(
            pull="claude_analytics_cost",
            name="analytics cost",
            ask=ClaudeAdmin.analytics_cost,
            use="which people and keys caused a cost",
            needs=ANALYTICS_PLAN,
            is_key_accepted=ClaudeAdmin.is_analytics_key_accepted,
        ),
        Report(
            pull="claude_analytics_usage",
            name="analytics usage",
            ask=ClaudeAdmin.analytics_usage,
            use="which people and keys used what",
            needs=ANALYTICS_PLAN,
            is_key_accepted=ClaudeAdmin.is_analytics_key_accepted,
        ),
        Report(
            pull="claude_enterprise_users",
            name="analytics users",
            ask=lambda admin, span: admin.enterprise_users(span.days),
            use="who uses claude.ai",
            needs="an Analytics key (scope read:analytics) of a Claude Enterprise organization",
            is_key_accepted=ClaudeAdmin.is_analytics_key_accepted,
            is_asked_of=lambda admin: admin.has_analytics_key,
            lacks=NEEDS_ANALYTICS_KEY,
            key_variable=ANALYTICS_VARIABLE,
        ),
        Report(
            pull="claude_spend_limits",
            name="spend limits",
            ask=as_it_is_now(ClaudeAdmin.spend_limits),
            use="which spend limits people have in the Enterprise organization",
            needs="a key with the scope read:spend_limits of a Claude Enterprise organization",
            is_key_accepted=ClaudeAdmin.is_analytics_key_accepted,
            is_asked_of=lambda admin: admin.has_analytics_key,
            lacks=NEEDS_LIMITS_KEY,
            key_variable=ANALYTICS_VARIABLE,
        ),
        _of_console("claude_organization", "organization", as_it_is_now(ClaudeAdmin.organization)),
        _of_console("claude_workspaces", "workspaces", as_it_is_now(ClaudeAdmin.workspaces)),
        _of_console("claude_api_keys", "API keys", as_it_is_now(ClaudeAdmin.api_keys)),
        _of_console("claude_users", "members", as_it_is_now(ClaudeAdmin.users)),
    )
}


COSTS = Compared(
    lines=REPORTS["claude_cost_report"],
    totals=REPORTS["claude_cost_totals"],
    sum_of=billed_cents,
    at_most=DAYS_A_REQUEST,
)


@dg.multi_asset(
    name="raw__claude_cost_report_and_totals",
    specs=[
        spec(
            "raw",
            RAW_TABLES["claude_cost_report"],
            group=GROUP,
            kinds=KINDS,
            description="Cost lines by workspace and description, as Anthropic sent them, in cents.",
        ),
        spec(
            "raw",
            RAW_TABLES["claude_cost_totals"],
            group=GROUP,
            kinds=KINDS,
            description="The Console's daily total: the cost report without grouping, as Anthropic sent it, in cents.",
        ),
    ],
    pool=GROUP,
    backfill_policy=MANY_DAYS_A_RUN,
)
@in_plain_words
def claude_cost_report_and_totals(
    context: dg.AssetExecutionContext, claude_admin: MaybeClaude, warehouse: InWarehouse
) -> Iterator[dg.MaterializeResult[None]]:
    """Both reports of the same cost, pulled one after the other. If a day's lines do not add up to its total, the day
    may still be settling: both reports are pulled once more before a check may call it a difference.
    """
    yield from pull_compared(context, SOURCE, claude_admin, warehouse, COSTS)


@daily_asset("raw", RAW_TABLES["claude_messages_usage"], group=GROUP, kinds=KINDS)
def claude_messages_usage(context: dg.AssetExecutionContext, claude_admin: MaybeClaude, warehouse: InWarehouse) -> None:
    """Tokens of the Messages API by key, workspace, model, tier and context window, as Anthropic sent them."""
    pull_report(context, SOURCE, claude_admin, warehouse, REPORTS["claude_messages_usage"], at_most=DAYS_A_REQUEST)


@daily_asset(
    "raw",
    RAW_TABLES["claude_messages_usage_by_speed"],
    group=GROUP,
    kinds=KINDS,
    deps=[dg.AssetKey(["raw", "claude_cost_report"])],
)
def claude_messages_usage_by_speed(
    context: dg.AssetExecutionContext, claude_admin: MaybeClaude, warehouse: InWarehouse
) -> None:
    """The same tokens by key, workspace, model, geography and speed, as Anthropic sent them. Only days are pulled on
    which cost lines have several prices that the first request does not separate, and the days between them. If the
    provider refuses the beta, the shares of such lines are estimated.
    """
    report = REPORTS["claude_messages_usage_by_speed"]

    def pull(client: ClaudeAdmin, noted: Note) -> None:
        for window in span_of_run(context).cut(at_most=DAYS_A_REQUEST):
            lines = warehouse.newest("claude_cost_report", window).of_account(client.account)
            days = days_of_many_prices(lines)
            needed = Span(days[0], days[-1]) if days else None
            for day in window.days:
                if needed is None or day not in needed:
                    noted(f"raw/{report.pull}", day, skipped=ONE_PRICE)
            if needed is not None:
                pull_days(context, client, warehouse, report, needed, noted=noted, at_most=DAYS_A_REQUEST)

    ask_accounts(context, SOURCE, claude_admin, report, pull)


@daily_asset("raw", RAW_TABLES["claude_code_usage"], group=GROUP, kinds=KINDS)
def claude_code_usage(context: dg.AssetExecutionContext, claude_admin: MaybeClaude, warehouse: InWarehouse) -> None:
    """Claude Code's daily report by actor and terminal, as Anthropic sent it. Its costs are estimates in cents."""
    pull_report(context, SOURCE, claude_admin, warehouse, REPORTS["claude_code_usage"], at_most=DAYS_A_REQUEST)


@daily_asset("raw", RAW_TABLES["claude_analytics_cost"], group=GROUP, kinds=KINDS)
def claude_analytics_cost(context: dg.AssetExecutionContext, claude_admin: MaybeClaude, warehouse: InWarehouse) -> None:
    """Cost by product, workspace, key, actor, model, cost type and token type from the beta analytics API, as Anthropic
    sent it, in cents. It is the same money as the cost report, so never add the two.
    """
    _pull_analytics(context, claude_admin, warehouse, REPORTS["claude_analytics_cost"], earliest=_earliest_of_a_year())


@daily_asset("raw", RAW_TABLES["claude_analytics_usage"], group=GROUP, kinds=KINDS)
def claude_analytics_usage(
    context: dg.AssetExecutionContext, claude_admin: MaybeClaude, warehouse: InWarehouse
) -> None:
    """Tokens by product, workspace, key, actor and model from the beta analytics API, as Anthropic sent them."""
    _pull_analytics(context, claude_admin, warehouse, REPORTS["claude_analytics_usage"], earliest=_earliest_of_a_year())


@daily_asset("raw", RAW_TABLES["claude_enterprise_users"], group=GROUP, kinds=KINDS)
def claude_enterprise_users(
    context: dg.AssetExecutionContext, claude_admin: MaybeClaude, warehouse: InWarehouse
) -> None:
    """Use of claude.ai by person, as Anthropic sent it, for Enterprise organizations. A day that the provider has not
    computed yet is pulled by a later run. Its figures still change for some days, in which it is pulled again.
    """
    _pull_analytics(context, claude_admin, warehouse, REPORTS["claude_enterprise_users"], earliest=ANALYTICS_FIRST_DAY)


def _pull_analytics(
    context: dg.AssetExecutionContext,
    claude_admin: Clients[ClaudeAdmin],
    warehouse: Warehouse,
    report: ClaudeReport,
    *,
    earliest: date,
) -> None:
    """The days that the provider serves, for each account with a key that may read them; else a note with the
    reason.
    """
    run = span_of_run(context)

    def pull(client: ClaudeAdmin, noted: Note) -> None:
        for day in run.days:
            if day < earliest:
                noted(f"raw/{report.pull}", day, skipped=f"the provider has nothing before {earliest}")
        if run.last >= earliest:
            span = Span(max(run.first, earliest), run.last)
            pull_days(context, client, warehouse, report, span, noted=noted, at_most=DAYS_A_REQUEST)

    ask_accounts(context, SOURCE, claude_admin, report, pull)


def _earliest_of_a_year() -> date:
    return max(ANALYTICS_FIRST_DAY, settings().now().date() - (ANALYTICS_DEPTH - 1) * ONE_DAY)


def _snapshot(pull: str, description: str) -> dg.AssetsDefinition:
    def snapshot(context: dg.AssetExecutionContext, claude_admin: MaybeClaude, warehouse: InWarehouse) -> None:
        pull_snapshot(context, SOURCE, claude_admin, warehouse, REPORTS[pull])

    snapshot.__doc__ = description
    return snapshot_asset("raw", RAW_TABLES[pull], group=GROUP, kinds=KINDS)(snapshot)


claude_organization = _snapshot("claude_organization", "The organization of the key, as Anthropic sent it.")
claude_workspaces = _snapshot(
    "claude_workspaces", "Workspaces, the default and archived ones too, as Anthropic sent them."
)
claude_api_keys = _snapshot(
    "claude_api_keys", "API keys with their creators, as Anthropic sent them, without the keys."
)
claude_users = _snapshot("claude_users", "All members of the organization, as Anthropic sent them.")
claude_spend_limits = _snapshot(
    "claude_spend_limits", "Effective spend limits in the Enterprise organization, as Anthropic sent them, in cents."
)

ASSETS = [
    claude_cost_report_and_totals,
    claude_messages_usage,
    claude_messages_usage_by_speed,
    claude_code_usage,
    claude_analytics_cost,
    claude_analytics_usage,
    claude_enterprise_users,
    claude_organization,
    claude_workspaces,
    claude_api_keys,
    claude_users,
    claude_spend_limits,
]
