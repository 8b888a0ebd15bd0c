"""Claude's raw assets: what each asks for, a run's days at a time, and what it notes of every day."""

from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal

import dagster as dg
import msgspec

from ai_usage.layers import MANY_DAYS_A_RUN, POOL, daily_asset, in_plain_words, materialized, note, snapshot_asset, spec
from ai_usage.partitions import ONE_DAY, Span, runs_of_days, span_of_run
from ai_usage.settings import settings
from ai_usage.sources.claude.client import (
    ANALYTICS_DEPTH,
    ANALYTICS_FIRST_DAY,
    COST_GROUPS,
    DAYS_A_REQUEST,
    USAGE_GROUPS,
    ClaudeAdmin,
    NotYet,
)
from ai_usage.sources.claude.records import CostLine
from ai_usage.sources.claude.tables import RAW_TABLES
from ai_usage.sources.http import KeyRefused, NotFound, NotPermitted
from ai_usage.sources.pulling import (
    InWarehouse,
    Source,
    Tally,
    append_noted,
    note_not_configured,
    note_not_open,
    pull_days,
    pull_snapshot,
)
from ai_usage.warehouse.ledger import Answer
from ai_usage.warehouse.port import Warehouse

SOURCE = Source(resource="claude_admin", key_variable="ANTHROPIC_ADMIN_API_KEY")
GROUP = "raw_claude"
KINDS = {"api", "duckdb"}

MaybeClaude = dg.ResourceParam[ClaudeAdmin | None]
NEEDS_ANALYTICS_KEY = (
    "not configured: ANTHROPIC_ANALYTICS_API_KEY is not set, and an Admin key does not open who used claude.ai"
)
BOTH = ("raw/claude_cost_report", "raw/claude_cost_totals")


@dg.multi_asset(
    name="raw__claude_cost_report_and_totals",
    specs=[
        spec(
            "raw",
            RAW_TABLES["claude_cost_report"],
            group=GROUP,
            kinds=KINDS,
            description="Cost lines by workspace and description, amounts in cents, as sent.",
        ),
        spec(
            "raw",
            RAW_TABLES["claude_cost_totals"],
            group=GROUP,
            kinds=KINDS,
            description="The Console's own daily figure: the cost report without grouping, in cents, as sent.",
        ),
    ],
    pool=POOL,
    backfill_policy=MANY_DAYS_A_RUN,
)
@in_plain_words
def claude_cost_report_and_totals(
    context: dg.AssetExecutionContext, claude_admin: MaybeClaude, warehouse: InWarehouse
) -> Iterator[dg.MaterializeResult[None]]:
    """Both views of the same money, asked one after the other. A day whose lines do not add up to its total is still
    settling: both are asked once more before a check may call it a difference.
    """
    if claude_admin is None:
        note_not_configured(context, SOURCE, *BOTH)
    else:
        tally = Tally(claude_admin)
        for span in span_of_run(context).cut(at_most=DAYS_A_REQUEST):
            lines, totals = _pull_costs(context, claude_admin, tally, warehouse, span)
            unsettled = [day for day in span.days if _cents(lines[day]) != _cents(totals[day])]
            for again in runs_of_days(unsettled):
                context.log.warning("Lines and total differ on %s: asked once more.", again)
                _pull_costs(context, claude_admin, tally, warehouse, again)
        tally.note(context)
    for asset in BOTH:
        yield from materialized(context, dg.AssetKey(asset.split("/")))


def _pull_costs(
    context: dg.AssetExecutionContext, claude_admin: ClaudeAdmin, tally: Tally, warehouse: Warehouse, span: Span
) -> tuple[dict[date | None, Answer], dict[date | None, Answer]]:
    with tally.of(BOTH[0]):
        lines = claude_admin.cost_report(span, group_by=COST_GROUPS)
    with tally.of(BOTH[1]):
        totals = claude_admin.cost_report(span)
    with warehouse.connected():
        append_noted(context, warehouse, "claude_cost_report", lines)
        append_noted(context, warehouse, "claude_cost_totals", totals)
    return {a.day: a for a in lines}, {a.day: a for a in totals}


def _cents(answer: Answer) -> Decimal:
    return sum((msgspec.json.decode(r, type=CostLine).amount for r in answer.records), Decimal(0))


@daily_asset("raw", RAW_TABLES["claude_messages_usage"], group=GROUP, kinds=KINDS)
def claude_messages_usage(context: dg.AssetExecutionContext, claude_admin: MaybeClaude, warehouse: InWarehouse) -> None:
    """Tokens of the Messages API by key, workspace, model, tier, context window and geography, as sent."""
    _pull(
        context,
        claude_admin,
        warehouse,
        "claude_messages_usage",
        lambda admin, span: admin.messages_usage(span, group_by=USAGE_GROUPS),
    )


@daily_asset("raw", RAW_TABLES["claude_code_usage"], group=GROUP, kinds=KINDS)
def claude_code_usage(context: dg.AssetExecutionContext, claude_admin: MaybeClaude, warehouse: InWarehouse) -> None:
    """Claude Code's own daily report by actor and terminal, as sent; its costs are estimates in cents."""
    _pull(context, claude_admin, warehouse, "claude_code_usage", lambda admin, span: admin.claude_code(span.days))


@daily_asset("raw", RAW_TABLES["claude_analytics_cost"], group=GROUP, kinds=KINDS)
def claude_analytics_cost(context: dg.AssetExecutionContext, claude_admin: MaybeClaude, warehouse: InWarehouse) -> None:
    """The beta analytics API's cost by product, workspace, key, actor, model, cost and token type, in cents, as sent.
    The same money as the cost report, seen from another side: never added to it.
    """
    _pull_analytics(
        context,
        claude_admin,
        warehouse,
        "claude_analytics_cost",
        ClaudeAdmin.analytics_cost,
        earliest=_earliest_of_a_year(),
    )


@daily_asset("raw", RAW_TABLES["claude_analytics_usage"], group=GROUP, kinds=KINDS)
def claude_analytics_usage(
    context: dg.AssetExecutionContext, claude_admin: MaybeClaude, warehouse: InWarehouse
) -> None:
    """The beta analytics API's tokens by product, workspace, key, actor and model, as sent."""
    _pull_analytics(
        context,
        claude_admin,
        warehouse,
        "claude_analytics_usage",
        ClaudeAdmin.analytics_usage,
        earliest=_earliest_of_a_year(),
    )


@daily_asset("raw", RAW_TABLES["claude_enterprise_users"], group=GROUP, kinds=KINDS)
def claude_enterprise_users(
    context: dg.AssetExecutionContext, claude_admin: MaybeClaude, warehouse: InWarehouse
) -> None:
    """Who did what in claude.ai, person by person, as sent; Enterprise organisations only. A day the vendor has not
    computed yet is left for a later run: its figures move for some days more, which the morning's window follows.
    """
    pull = "claude_enterprise_users"
    if claude_admin and not claude_admin.has_analytics_key:
        note(context, f"raw/{pull}", None, skipped=NEEDS_ANALYTICS_KEY)
        return

    def ready(admin: ClaudeAdmin, span: Span) -> list[Answer]:
        said = dict(zip(span.days, admin.enterprise_users(span.days), strict=True))
        for day, answer in said.items():
            if isinstance(answer, NotYet):
                note(context, f"raw/{pull}", day, skipped=str(answer))
        return [answer for answer in said.values() if isinstance(answer, Answer)]

    _pull_analytics(context, claude_admin, warehouse, pull, ready, earliest=ANALYTICS_FIRST_DAY)


def _pull(
    context: dg.AssetExecutionContext,
    claude_admin: ClaudeAdmin | None,
    warehouse: Warehouse,
    pull: str,
    ask: Callable[[ClaudeAdmin, Span], list[Answer]],
    span: Span | None = None,
) -> None:
    pull_days(context, SOURCE, claude_admin, warehouse, pull, ask, at_most=DAYS_A_REQUEST, span=span)


def _pull_analytics(
    context: dg.AssetExecutionContext,
    claude_admin: ClaudeAdmin | None,
    warehouse: Warehouse,
    pull: str,
    ask: Callable[[ClaudeAdmin, Span], list[Answer]],
    *,
    earliest: date,
) -> None:
    """The days the vendor serves, if the key may read them: else a note says why nothing came."""
    asked = span_of_run(context)
    for day in asked.days:
        if day < earliest:
            note(context, f"raw/{pull}", day, skipped=f"the vendor serves nothing before {earliest}")
    if asked.last < earliest:
        return
    try:
        _pull(context, claude_admin, warehouse, pull, ask, Span(max(asked.first, earliest), asked.last))
    except (NotPermitted, NotFound, KeyRefused) as error:
        if isinstance(error, KeyRefused) and claude_admin and claude_admin.has_analytics_key:
            raise  # a key given for this very purpose must work
        note_not_open(context, pull, error)


def _earliest_of_a_year() -> date:
    return max(ANALYTICS_FIRST_DAY, settings().now().date() - (ANALYTICS_DEPTH - 1) * ONE_DAY)


def _snapshot(pull: str, description: str, ask: Callable[[ClaudeAdmin], Answer]) -> dg.AssetsDefinition:
    def snapshot(context: dg.AssetExecutionContext, claude_admin: MaybeClaude, warehouse: InWarehouse) -> None:
        pull_snapshot(context, SOURCE, claude_admin, warehouse, pull, ask)

    snapshot.__doc__ = description
    return snapshot_asset("raw", RAW_TABLES[pull], group=GROUP, kinds=KINDS)(snapshot)


claude_organization = _snapshot("claude_organization", "Whose key it is, as sent.", ClaudeAdmin.organization)
claude_workspaces = _snapshot(
    "claude_workspaces", "All workspaces, archived and default included, as sent.", ClaudeAdmin.workspaces
)
claude_api_keys = _snapshot("claude_api_keys", "All API keys and who made them, as sent.", ClaudeAdmin.api_keys)
claude_users = _snapshot("claude_users", "All members of the organisation, as sent.", ClaudeAdmin.users)

ASSETS = [
    claude_cost_report_and_totals,
    claude_messages_usage,
    claude_code_usage,
    claude_analytics_cost,
    claude_analytics_usage,
    claude_enterprise_users,
    claude_organization,
    claude_workspaces,
    claude_api_keys,
    claude_users,
]
