"""Claude's raw assets: what each asks for, a run's days at a time, and what it notes of every day."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal

import dagster as dg
import msgspec

from ai_usage.layers import MANY_DAYS_A_RUN, POOL, daily_asset, in_plain_words, note, snapshot_asset, spec
from ai_usage.partitions import ONE_DAY, Span, runs_of_days, span_of_run
from ai_usage.settings import settings
from ai_usage.sources.claude.client import (
    ANALYTICS_DEPTH,
    ANALYTICS_FIRST_DAY,
    COST_GROUPS,
    DAYS_A_REQUEST,
    USAGE_GROUPS,
    ClaudeAdmin,
)
from ai_usage.sources.claude.records import CostLine
from ai_usage.sources.claude.tables import RAW_TABLES
from ai_usage.sources.http import KeyRefused, NotFound, NotPermitted
from ai_usage.warehouse.ledger import Answer, Version
from ai_usage.warehouse.port import Warehouse

GROUP = "raw_claude"
KINDS = {"api", "duckdb"}
NOT_CONFIGURED = "not configured: ANTHROPIC_ADMIN_API_KEY is not set, so nothing was asked and nothing written"

MaybeClaude = dg.ResourceParam[ClaudeAdmin | None]
InWarehouse = dg.ResourceParam[Warehouse]


class Tally:
    """Counts requests, retries included, by the asset they were made for."""

    def __init__(self, claude_admin: ClaudeAdmin) -> None:
        self.claude_admin = claude_admin
        self.by_asset: Counter[str] = Counter()

    @contextmanager
    def of(self, asset: str) -> Iterator[None]:
        before = self.claude_admin.requests
        try:
            yield
        finally:
            self.by_asset[asset] += self.claude_admin.requests - before

    def note(self, context: dg.AssetExecutionContext) -> None:
        for asset, requests in self.by_asset.items():
            note(context, asset, None, requests_in_run=requests)


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
        _not_configured(context, *BOTH)
    else:
        tally = Tally(claude_admin)
        for span in span_of_run(context).cut(at_most=DAYS_A_REQUEST):
            lines, totals = _pull_costs(context, tally, warehouse, span)
            unsettled = [day for day in span.days if _cents(lines[day]) != _cents(totals[day])]
            for again in runs_of_days(unsettled):
                context.log.warning("Lines and total differ on %s: asked once more.", again)
                _pull_costs(context, tally, warehouse, again)
        tally.note(context)
    for asset in BOTH:
        yield dg.MaterializeResult(asset_key=asset.split("/"))


def _pull_costs(
    context: dg.AssetExecutionContext, tally: Tally, warehouse: Warehouse, span: Span
) -> tuple[dict[date | None, Answer], dict[date | None, Answer]]:
    with tally.of(BOTH[0]):
        lines = tally.claude_admin.cost_report(span, group_by=COST_GROUPS)
    with tally.of(BOTH[1]):
        totals = tally.claude_admin.cost_report(span)
    with warehouse.connected():
        _append(context, warehouse, "claude_cost_report", lines)
        _append(context, warehouse, "claude_cost_totals", totals)
    return {a.day: a for a in lines}, {a.day: a for a in totals}


def _cents(answer: Answer) -> Decimal:
    return sum((msgspec.json.decode(r, type=CostLine).amount for r in answer.records), Decimal(0))


@daily_asset("raw", RAW_TABLES["claude_messages_usage"], group=GROUP, kinds=KINDS)
def claude_messages_usage(context: dg.AssetExecutionContext, claude_admin: MaybeClaude, warehouse: InWarehouse) -> None:
    """Tokens of the Messages API by key, workspace, model, tier, context window and geography, as sent."""
    _pull_days(
        context, claude_admin, warehouse, "claude_messages_usage",
        lambda admin, span: admin.messages_usage(span, group_by=USAGE_GROUPS),
    )  # fmt: skip


@daily_asset("raw", RAW_TABLES["claude_code_usage"], group=GROUP, kinds=KINDS)
def claude_code_usage(context: dg.AssetExecutionContext, claude_admin: MaybeClaude, warehouse: InWarehouse) -> None:
    """Claude Code's own daily report by actor and terminal, as sent; its costs are estimates in cents."""
    _pull_days(context, claude_admin, warehouse, "claude_code_usage", lambda admin, span: admin.claude_code(span.days))


@daily_asset("raw", RAW_TABLES["claude_analytics_cost"], group=GROUP, kinds=KINDS)
def claude_analytics_cost(context: dg.AssetExecutionContext, claude_admin: MaybeClaude, warehouse: InWarehouse) -> None:
    """The beta analytics API's cost by product, workspace, key, actor, model, cost and token type, in cents, as sent.
    The same money as the cost report, seen from another side: never added to it.
    """
    _pull_analytics(context, claude_admin, warehouse, "claude_analytics_cost", ClaudeAdmin.analytics_cost)


@daily_asset("raw", RAW_TABLES["claude_analytics_usage"], group=GROUP, kinds=KINDS)
def claude_analytics_usage(
    context: dg.AssetExecutionContext, claude_admin: MaybeClaude, warehouse: InWarehouse
) -> None:
    """The beta analytics API's tokens by product, workspace, key, actor and model, as sent."""
    _pull_analytics(context, claude_admin, warehouse, "claude_analytics_usage", ClaudeAdmin.analytics_usage)


def _pull_days(
    context: dg.AssetExecutionContext,
    claude_admin: ClaudeAdmin | None,
    warehouse: Warehouse,
    pull: str,
    ask: Callable[[ClaudeAdmin, Span], list[Answer]],
    span: Span | None = None,
) -> None:
    """Ask for the run's days, as many at a time as one request covers, and write each answer as it comes."""
    if claude_admin is None:
        return _not_configured(context, f"raw/{pull}")
    tally = Tally(claude_admin)
    try:
        for some_days in (span or span_of_run(context)).cut(at_most=DAYS_A_REQUEST):
            with tally.of(f"raw/{pull}"):
                answers = ask(claude_admin, some_days)
            _append(context, warehouse, pull, answers)
    finally:
        tally.note(context)
    return None


def _pull_analytics(
    context: dg.AssetExecutionContext,
    claude_admin: ClaudeAdmin | None,
    warehouse: Warehouse,
    pull: str,
    ask: Callable[[ClaudeAdmin, Span], list[Answer]],
) -> None:
    """The days the vendor serves, if the key may read them: else a note says why nothing came."""
    asked = span_of_run(context)
    earliest = max(ANALYTICS_FIRST_DAY, settings().now().date() - (ANALYTICS_DEPTH - 1) * ONE_DAY)
    for day in asked.days:
        if day < earliest:
            note(context, f"raw/{pull}", day, skipped=f"the vendor serves nothing before {earliest}")
    if asked.last < earliest:
        return
    try:
        _pull_days(context, claude_admin, warehouse, pull, ask, Span(max(asked.first, earliest), asked.last))
    except (NotPermitted, NotFound, KeyRefused) as error:
        if isinstance(error, KeyRefused) and claude_admin and claude_admin.has_analytics_key:
            raise  # a key given for this very purpose must work
        context.log.warning("%s skipped, this key may not read it: %s", pull, error)
        note(context, f"raw/{pull}", None, skipped=f"this key may not read it: {error}")


def _snapshot(pull: str, description: str, ask: Callable[[ClaudeAdmin], Answer]) -> dg.AssetsDefinition:
    def pull_snapshot(context: dg.AssetExecutionContext, claude_admin: MaybeClaude, warehouse: InWarehouse) -> None:
        asset = f"raw/{pull}"
        if claude_admin is None:
            return _not_configured(context, asset)
        tally = Tally(claude_admin)
        with tally.of(asset):
            answer = ask(claude_admin)
        [version] = warehouse.append(pull, [answer])
        note(context, asset, None, **_described(version))
        return tally.note(context)

    pull_snapshot.__doc__ = description
    return snapshot_asset("raw", RAW_TABLES[pull], group=GROUP, kinds=KINDS)(pull_snapshot)


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
    claude_organization,
    claude_workspaces,
    claude_api_keys,
    claude_users,
]


def _append(context: dg.AssetExecutionContext, warehouse: Warehouse, pull: str, answers: list[Answer]) -> None:
    for answer, version in zip(answers, warehouse.append(pull, answers), strict=True):
        note(context, f"raw/{pull}", version.day, **_described(version), pages=answer.pages)


def _described(version: Version) -> dict[str, object]:
    return {
        "records": version.records,
        "pull_id": version.pull_id,
        "pulled_at": dg.MetadataValue.timestamp(version.pulled_at),
        "is_new_version": version.is_new,
    }


def _not_configured(context: dg.AssetExecutionContext, *assets: str) -> None:
    context.log.warning(NOT_CONFIGURED)
    for asset in assets:
        note(context, asset, None, skipped=NOT_CONFIGURED)
