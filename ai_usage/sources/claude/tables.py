"""What Claude's records become: raw ledgers, and the typed facts of core with the shaping of each.

Shaping is pure: records in, a frame out. Where the rows go, and when, is core's business.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import polars as pl

from ai_usage.errors import AiUsageError
from ai_usage.money import usd
from ai_usage.sources.claude import records as said
from ai_usage.warehouse.ledger import Records, UnreadableRecord
from ai_usage.warehouse.table import STAMPS, Table, boolean, day, dollars, instant, integer, raw_table, string

DEFAULT_WORKSPACE = "Default"  # its name in the Console; the legacy reports give it as null

# Raw: a ledger per pull, and the struct its records are.
DAILY_PULLS: Mapping[str, type] = {
    "claude_cost_report": said.CostLine,
    "claude_cost_totals": said.CostLine,
    "claude_messages_usage": said.UsageLine,
    "claude_code_usage": said.CodeRecord,
    "claude_analytics_cost": said.AnalyticsCost,
    "claude_analytics_usage": said.AnalyticsUsage,
}
SNAPSHOT_PULLS: Mapping[str, type] = {
    "claude_organization": said.Organization,
    "claude_workspaces": said.Workspace,
    "claude_api_keys": said.ApiKey,
    "claude_users": said.User,
}
OPTIONAL_PULLS = ("claude_analytics_cost", "claude_analytics_usage")  # only where the key may
RAW_TABLES = {pull: raw_table(pull) for pull in (*DAILY_PULLS, *SNAPSHOT_PULLS)}

DAY = day("the UTC day, as the vendor has it")
ORGANIZATION = string("the Console organisation", required=True)

CLAUDE_COSTS = Table(
    name="claude_costs",
    grain="one cost line of one UTC day, as the vendor itemised it",
    columns={
        "activity_date": DAY,
        "organization_id": ORGANIZATION,
        "workspace_id": string("null is the default workspace, never a total"),
        "workspace_name": string("`Default` for the default workspace; null if no longer listed"),
        "model": string("null for web search, code execution and sessions"),
        "token_type": string("which kind of token; null where no token was bought"),
        "cost_type": string("tokens, web_search, code_execution, session_usage, or what the vendor adds"),
        "amount_usd": dollars("billed, in USD (the vendor sends cents)"),
        "currency": string("always USD", required=True),
        "description": string("the vendor's own line text"),
        "service_tier": string("standard or batch; Priority is not in the cost report"),
        "context_window": string("0-200k or 200k-1M"),
        "inference_geo": string("global, us or not_available"),
        **STAMPS,
    },
    cluster=("workspace_id", "model", "token_type"),
)

CLAUDE_DAILY_COST = Table(
    name="claude_daily_cost",
    grain="one UTC day of one organisation: the Console's own ungrouped figure; no row on an idle day",
    columns={
        "activity_date": DAY,
        "organization_id": ORGANIZATION,
        "amount_usd": dollars("billed, in USD (the vendor sends cents)"),
        "currency": string("always USD", required=True),
        **STAMPS,
    },
)

MEASURES = {
    "uncached_input_tokens": integer("input tokens neither read from nor written to cache"),
    "output_tokens": integer("output tokens"),
    "cache_read_input_tokens": integer("input tokens read from cache"),
    "cache_creation_5m_tokens": integer("input tokens written to the 5-minute cache"),
    "cache_creation_1h_tokens": integer("input tokens written to the 1-hour cache"),
    "web_search_requests": integer("web searches: requests, not tokens"),
}

CLAUDE_USAGE_TOKENS = Table(
    name="claude_usage_tokens",
    grain="tokens of one UTC day by key, workspace, model, tier, context window and geography",
    columns={
        "activity_date": DAY,
        "organization_id": ORGANIZATION,
        "api_key_id": string("null is Console and Workbench use"),
        "workspace_id": string("null is the default workspace, never a total"),
        "model": string("the model's id, as the vendor writes it"),
        "service_tier": string("standard, batch, priority, …"),
        "context_window": string("0-200k or 200k-1M"),
        "inference_geo": string("global, us or not_available"),
        **MEASURES,
        **STAMPS,
    },
    cluster=("api_key_id", "workspace_id"),
)

CLAUDE_DAILY_TOKENS = Table(
    name="claude_daily_tokens",
    grain="one UTC day of the whole organisation; no row on an idle day",
    columns={"activity_date": DAY, "organization_id": ORGANIZATION, **MEASURES, **STAMPS},
)

TOOLS = ("edit_tool", "multi_edit_tool", "write_tool", "notebook_edit_tool")
ACTOR = {
    "activity_date": DAY,
    "organization_id": ORGANIZATION,
    "actor_type": string("user_actor or api_actor", required=True),
    "user_email": string("the person, lower-case; null for an API key"),
    "api_key_name": string("the key's name, which is no id: names repeat and change; null for a person"),
    "terminal_type": string("vscode, iTerm.app, tmux, …", required=True),
    "is_remote": boolean("a remote session; null in old data"),
    "customer_type": string("api: part of the API bill; subscription: paid by seat", required=True),
    "subscription_type": string("team or enterprise; null for api"),
}
TOKENS = {
    "input_tokens": integer("uncached input tokens"),
    "output_tokens": integer("output tokens"),
    "cache_read_tokens": integer("input tokens read from cache"),
    "cache_creation_tokens": integer("input tokens written to cache, of both lifetimes"),
}
ESTIMATE = dollars("the vendor's estimate at list price: compared with billed cost, never added to it")

CLAUDE_CODE_USAGE_STATS = Table(
    name="claude_code_usage_stats",
    grain="one actor's UTC day in one terminal, local or remote, by customer type",
    columns={
        **ACTOR,
        "num_sessions": integer("sessions"),
        "lines_added": integer("lines of code added"),
        "lines_removed": integer("lines of code removed"),
        "commits_by_claude_code": integer("commits made by Claude Code"),
        "pull_requests_by_claude_code": integer("pull requests made by Claude Code"),
        **{
            f"{tool}_{verdict}": integer(f"{tool} suggestions {verdict}")
            for tool in TOOLS
            for verdict in ("accepted", "rejected")
        },
        "model": string("the model with most estimated cost; null without any"),
        "estimated_cost_usd": ESTIMATE,
        **TOKENS,
        **STAMPS,
    },
    cluster=("user_email",),
)

CLAUDE_CODE_MODEL_USAGE = Table(
    name="claude_code_model_usage",
    grain="one model of one row of claude_code_usage_stats",
    columns={
        **ACTOR,
        "model": string("the model's id", required=True),
        "estimated_cost_usd": ESTIMATE,
        **TOKENS,
        **STAMPS,
    },
    cluster=("user_email",),
)

DIM_WORKSPACE = Table(
    name="dim_workspace",
    grain="one workspace, the archived and the default one included",
    date_column=None,
    columns={
        "workspace_id": string("null for the default workspace where the vendor does not tell its id"),
        "workspace_name": string("as named in the Console", required=True),
        "is_default": boolean("the one that the legacy reports give as null", required=True),
        "created_at": instant("when it was made"),
        "archived_at": instant("when it was archived; null while in use"),
        **STAMPS,
    },
)

CORE_TABLES = (
    CLAUDE_COSTS,
    CLAUDE_DAILY_COST,
    CLAUDE_USAGE_TOKENS,
    CLAUDE_DAILY_TOKENS,
    CLAUDE_CODE_USAGE_STATS,
    CLAUDE_CODE_MODEL_USAGE,
    DIM_WORKSPACE,
)


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
            "inference_geo": [line.inference_geo for line in lines],
            "uncached_input_tokens": [line.uncached_input_tokens for line in lines],
            "output_tokens": [line.output_tokens for line in lines],
            "cache_read_input_tokens": [line.cache_read_input_tokens for line in lines],
            "cache_creation_5m_tokens": [line.cache_creation.ephemeral_5m_input_tokens for line in lines],
            "cache_creation_1h_tokens": [line.cache_creation.ephemeral_1h_input_tokens for line in lines],
            "web_search_requests": [line.server_tool_use.web_search_requests for line in lines],
            **records.stamps(),
        }
    )


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
