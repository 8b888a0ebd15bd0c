"""What Claude's records become: rows of core. Pure: records in, a frame out; where it goes is core's business."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

import msgspec
import polars as pl

from ai_usage.errors import AiUsageError
from ai_usage.money import usd
from ai_usage.sources.claude import records as said
from ai_usage.sources.claude.speeds import speed_of
from ai_usage.sources.claude.tables import (
    ACTOR,
    CLAUDE_ANALYTICS_COSTS,
    CLAUDE_CODE_MODEL_USAGE,
    CLAUDE_CODE_USAGE_STATS,
    CLAUDE_COSTS,
    CLAUDE_DAILY_COST,
    CLAUDE_DAILY_TOKENS,
    CLAUDE_USAGE_TOKENS,
    CLAUDE_USAGE_TOKENS_BY_SPEED,
    DIM_WORKSPACE,
    MEASURES,
    TOOLS,
)
from ai_usage.warehouse.ledger import Records, UnreadableRecord
from ai_usage.warehouse.table import STAMPS

DEFAULT_WORKSPACE = "Default"  # its name in the Console; the legacy reports give it as null


@dataclass(frozen=True)
class Organization:
    """Whose records they are, and what its workspaces are called; null is the default one."""

    id: str
    workspace_names: Mapping[str | None, str]


def organization(organizations: Records, workspaces: Records) -> Organization | None:
    """The newest snapshot's organisation; None before the first."""
    found = organizations.decode(said.Organization)
    if not found:
        return None
    names: dict[str | None, str] = {w.id: w.name for w in workspaces.decode(said.Workspace)}
    return Organization(found[0].id, {**names, None: DEFAULT_WORKSPACE})


def cost_rows(records: Records, of: Organization) -> pl.DataFrame:
    """Rows of `claude_costs`, one per record."""
    lines = records.decode(said.CostLine)
    return CLAUDE_COSTS.frame(
        {
            "activity_date": records.lines["activity_date"],
            "organization_id": [of.id] * len(lines),
            "workspace_id": [line.workspace_id for line in lines],
            "workspace_name": [of.workspace_names.get(line.workspace_id) for line in lines],
            "model": [line.model for line in lines],
            "token_type": [line.token_type for line in lines],
            "cost_type": [line.cost_type for line in lines],
            "amount_usd": [_usd(line.amount, line.currency, records) for line in lines],
            "currency": [line.currency for line in lines],
            "description": [line.description for line in lines],
            "service_tier": [line.service_tier for line in lines],
            "context_window": [line.context_window for line in lines],
            "inference_geo": [line.inference_geo for line in lines],
            "speed": [speed_of(line.description) if line.token_type else None for line in lines],
            **records.stamps(),
        }
    )


def daily_cost_rows(records: Records, of: Organization) -> pl.DataFrame:
    """Rows of `claude_daily_cost`, one per record: ungrouped, that is one a day."""
    lines = records.decode(said.CostLine)
    return CLAUDE_DAILY_COST.frame(
        {
            "activity_date": records.lines["activity_date"],
            "organization_id": [of.id] * len(lines),
            "amount_usd": [_usd(line.amount, line.currency, records) for line in lines],
            "currency": [line.currency for line in lines],
            **records.stamps(),
        }
    )


def usage_rows(records: Records, of: Organization) -> pl.DataFrame:
    """Rows of `claude_usage_tokens`, one per record."""
    lines = records.decode(said.UsageLine)
    return CLAUDE_USAGE_TOKENS.frame(
        {
            "activity_date": records.lines["activity_date"],
            "organization_id": [of.id] * len(lines),
            "api_key_id": [line.api_key_id for line in lines],
            "workspace_id": [line.workspace_id for line in lines],
            "model": [line.model for line in lines],
            "service_tier": [line.service_tier for line in lines],
            "context_window": [line.context_window for line in lines],
            **_measures(lines),
            **records.stamps(),
        }
    )


def usage_by_speed_rows(records: Records, of: Organization) -> pl.DataFrame:
    """Rows of `claude_usage_tokens_by_speed`, one per record."""
    lines = records.decode(said.UsageLine)
    return CLAUDE_USAGE_TOKENS_BY_SPEED.frame(
        {
            "activity_date": records.lines["activity_date"],
            "organization_id": [of.id] * len(lines),
            "api_key_id": [line.api_key_id for line in lines],
            "workspace_id": [line.workspace_id for line in lines],
            "model": [line.model for line in lines],
            "inference_geo": [line.inference_geo for line in lines],
            "speed": [line.speed for line in lines],
            **_measures(lines),
            **records.stamps(),
        }
    )


def _measures(lines: Sequence[said.UsageLine]) -> dict[str, list[int]]:
    return {
        "uncached_input_tokens": [line.uncached_input_tokens for line in lines],
        "output_tokens": [line.output_tokens for line in lines],
        "cache_read_input_tokens": [line.cache_read_input_tokens for line in lines],
        "cache_creation_5m_tokens": [line.cache_creation.ephemeral_5m_input_tokens for line in lines],
        "cache_creation_1h_tokens": [line.cache_creation.ephemeral_1h_input_tokens for line in lines],
        "web_search_requests": [line.server_tool_use.web_search_requests for line in lines],
    }


def daily_token_rows(records: Records, of: Organization) -> pl.DataFrame:
    """Rows of `claude_daily_tokens`: the day's rows of `claude_usage_tokens` added up."""
    keys = ["activity_date", "organization_id", *STAMPS]
    summed = usage_rows(records, of).group_by(keys).agg(pl.col(*MEASURES).sum()).sort("activity_date")
    return summed.select(list(CLAUDE_DAILY_TOKENS.columns))


def code_rows(records: Records, _: Organization) -> pl.DataFrame:
    """Rows of `claude_code_usage_stats`, one per record."""
    got = records.decode(said.CodeRecord)
    models = [record.model_breakdown for record in got]
    estimates = [[_usd(m.estimated_cost.amount, m.estimated_cost.currency, records) for m in used] for used in models]
    return CLAUDE_CODE_USAGE_STATS.frame(
        {
            **_actor(records, got),
            "num_sessions": [r.core_metrics.num_sessions for r in got],
            "lines_added": [r.core_metrics.lines_of_code.added for r in got],
            "lines_removed": [r.core_metrics.lines_of_code.removed for r in got],
            "commits_by_claude_code": [r.core_metrics.commits_by_claude_code for r in got],
            "pull_requests_by_claude_code": [r.core_metrics.pull_requests_by_claude_code for r in got],
            **{
                f"{tool}_{verdict}": [getattr(getattr(r.tool_actions, tool), verdict) for r in got]
                for tool in TOOLS
                for verdict in ("accepted", "rejected")
            },
            "model": [_dearest(used) for used in models],
            "estimated_cost_usd": [sum(amounts, Decimal(0)) for amounts in estimates],
            "input_tokens": [sum(m.tokens.input for m in used) for used in models],
            "output_tokens": [sum(m.tokens.output for m in used) for used in models],
            "cache_read_tokens": [sum(m.tokens.cache_read for m in used) for used in models],
            "cache_creation_tokens": [sum(m.tokens.cache_creation for m in used) for used in models],
            **records.stamps(),
        }
    )


def code_model_rows(records: Records, _: Organization) -> pl.DataFrame:
    """Rows of `claude_code_model_usage`, one per model of each record."""
    got = records.decode(said.CodeRecord)
    places = [n for n, record in enumerate(got) for _ in record.model_breakdown]
    models = [model for record in got for model in record.model_breakdown]
    actor = {
        name: pl.Series(values, dtype=ACTOR[name].type.polars).gather(places)
        for name, values in _actor(records, got).items()
    }
    return CLAUDE_CODE_MODEL_USAGE.frame(
        {
            **actor,
            "model": [m.model for m in models],
            "estimated_cost_usd": [_usd(m.estimated_cost.amount, m.estimated_cost.currency, records) for m in models],
            "input_tokens": [m.tokens.input for m in models],
            "output_tokens": [m.tokens.output for m in models],
            "cache_read_tokens": [m.tokens.cache_read for m in models],
            "cache_creation_tokens": [m.tokens.cache_creation for m in models],
            **{name: stamp.gather(places) for name, stamp in records.stamps().items()},
        }
    )


def analytics_cost_rows(records: Records, of: Organization, emails: Mapping[str, str]) -> pl.DataFrame:
    """Rows of `claude_analytics_costs`, one per record. `emails` has the organisation's users' addresses by id."""
    got = records.decode(said.AnalyticsCost)
    groups, costs = [row.group for row in got], [row.cost for row in got]
    refreshed = _refreshed(records)
    return CLAUDE_ANALYTICS_COSTS.frame(
        {
            "activity_date": records.lines["activity_date"],
            "organization_id": [group.organization_id or of.id for group in groups],
            "product": [group.product for group in groups],
            "workspace_id": [group.workspace_id for group in groups],
            "api_key_id": [group.api_key_id for group in groups],
            "actor_type": [group.actor and group.actor.type for group in groups],
            "actor_id": [group.actor and group.actor.id for group in groups],
            "user_email": [_email_of(group.actor, emails) for group in groups],
            "model": [group.model for group in groups],
            "cost_type": [group.cost_type for group in groups],
            "token_type": [group.token_type for group in groups],
            "amount_usd": [_usd(cost.amount, cost.currency, records) for cost in costs],
            "list_usd": [_usd(cost.list_amount, cost.currency, records) for cost in costs],
            "currency": [cost.currency for cost in costs],
            "data_refreshed_at": [refreshed[pull_id] for pull_id in records.lines["pull_id"]],
            **records.stamps(),
        }
    )


def _refreshed(records: Records) -> dict[str, datetime | None]:
    """Up to when the vendor had counted, by pull."""
    found: dict[str, datetime | None] = {}
    for pull_id, envelope in records.versions.select("pull_id", "envelope").iter_rows():
        try:
            at = msgspec.json.decode(envelope, type=said.AnalyticsEnvelope).data_refreshed_at
        except msgspec.ValidationError as error:
            raise UnreadableRecord(f"ai_usage_raw.{records.pull}: {error}, beside the records: {envelope}.") from error
        found[pull_id] = at and at.astimezone(UTC)
    return found


def _email_of(actor: said.AnalyticsActor | None, emails: Mapping[str, str]) -> str | None:
    if actor is None or actor.type != "user_actor":
        return None
    told = actor.email_address or actor.email
    return told.strip().lower() if told else emails.get(actor.user_id or "")


def workspace_rows(records: Records) -> pl.DataFrame:
    """Rows of `dim_workspace`; the default workspace has one even if the vendor does not list it."""
    got = records.decode(said.Workspace)
    stamps = records.versions.row(0, named=True)
    default_ids = json.loads(stamps["envelope"]).get("default_workspace_ids", [])
    unlisted = not any(w.id in default_ids for w in got)
    return DIM_WORKSPACE.frame(
        {
            "workspace_id": [w.id for w in got] + [None] * unlisted,
            "workspace_name": [w.name for w in got] + [DEFAULT_WORKSPACE] * unlisted,
            "is_default": [w.id in default_ids for w in got] + [True] * unlisted,
            "created_at": [w.created_at for w in got] + [None] * unlisted,
            "archived_at": [w.archived_at for w in got] + [None] * unlisted,
            "pull_id": [stamps["pull_id"]] * (len(got) + unlisted),
            "ingestion_timestamp": [stamps["pulled_at"]] * (len(got) + unlisted),
        }
    )


def _actor(records: Records, got: Sequence[said.CodeRecord]) -> dict[str, Sequence[object] | pl.Series]:
    return {
        "activity_date": records.lines["activity_date"],
        "organization_id": [r.organization_id for r in got],
        "actor_type": [r.actor.type for r in got],
        "user_email": [r.actor.email_address and r.actor.email_address.strip().lower() for r in got],
        "api_key_name": [r.actor.api_key_name for r in got],
        "terminal_type": [r.terminal_type for r in got],
        "is_remote": [r.is_remote for r in got],
        "customer_type": [r.customer_type for r in got],
        "subscription_type": [r.subscription_type for r in got],
    }


def _dearest(used: Sequence[said.CodeModel]) -> str | None:
    return max(used, key=lambda m: m.estimated_cost.amount).model if used else None


def _usd(cents: Decimal, currency: str, records: Records) -> Decimal:
    if currency != "USD":
        raise AiUsageError(
            f"ai_usage_raw.{records.pull} has an amount in {currency}: core keeps US dollars and does not guess a rate."
        )
    try:
        return usd(cents=cents)
    except ValueError as error:
        raise UnreadableRecord(f"ai_usage_raw.{records.pull}: {error}.") from error
