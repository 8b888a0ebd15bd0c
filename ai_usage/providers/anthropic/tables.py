"""Claude's tables: the ledger of each pull with the struct its records are, and the typed facts of core."""

from collections.abc import Mapping

from ai_usage.providers.anthropic.records.analytics import AnalyticsCost, AnalyticsUsage
from ai_usage.providers.anthropic.records.claude_code import CodeRecord
from ai_usage.providers.anthropic.records.enterprise_users import EnterpriseUser
from ai_usage.providers.anthropic.records.lists import ApiKey, Organization, SpendLimit, User, Workspace
from ai_usage.providers.anthropic.records.usage_and_cost import CostLine, UsageLine
from ai_usage.warehouse.table import (
    ACCOUNT_STAMPS,
    DEFAULT_ACCOUNT,
    Column,
    Table,
    account,
    boolean,
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
    "claude_cost_report": CostLine,
    "claude_cost_totals": CostLine,
    "claude_messages_usage": UsageLine,
    "claude_messages_usage_by_speed": UsageLine,
    "claude_code_usage": CodeRecord,
    "claude_analytics_cost": AnalyticsCost,
    "claude_analytics_usage": AnalyticsUsage,
    "claude_enterprise_users": EnterpriseUser,
}
SNAPSHOT_PULLS: Mapping[str, type] = {
    "claude_organization": Organization,
    "claude_workspaces": Workspace,
    "claude_api_keys": ApiKey,
    "claude_users": User,
    "claude_spend_limits": SpendLimit,
}
ANALYTICS_PULLS = ("claude_analytics_cost", "claude_analytics_usage", "claude_enterprise_users")
SPEND_LIMIT_PULLS = ("claude_spend_limits",)
PULLS_WHERE_NEEDED = ("claude_messages_usage_by_speed",)  # only for days with several prices, which may be none
OPTIONAL_PULLS = (*PULLS_WHERE_NEEDED, "claude_code_usage", *ANALYTICS_PULLS, *SPEND_LIMIT_PULLS)
ENTERPRISE = "enterprise"  # the account of the Claude Enterprise organization, that of claude.ai
RAW_TABLES = {
    pull: raw_table(pull, account_before=ENTERPRISE if pull == "claude_enterprise_users" else DEFAULT_ACCOUNT)
    for pull in (*DAILY_PULLS, *SNAPSHOT_PULLS)
}

DAY = day("the UTC day, as the provider has it")
ORGANIZATION = string("the Console organization", required=True)
CURRENCY = {
    "currency": string("as billed: USD, or one that AI_USAGE_CURRENCY_RATES has a rate for", required=True),
    "billed_amount": numeric("the amount in `currency` where that is not USD, else null"),
}

CLAUDE_COSTS = Table(
    name="claude_costs",
    grain="one cost line of one UTC day, as the provider itemized it",
    question="What did Anthropic charge, line by line?",
    example="select activity_date, model, amount_usd from ai_usage_analytics.claude_costs order by amount_usd desc",
    key=(
        *(
            "activity_date",
            "account",
            "organization_id",
            "workspace_id",
            "description",
            "model",
            "token_type",
            "cost_type",
        ),
        *("service_tier", "context_window", "inference_geo", "currency"),
    ),
    columns={
        "activity_date": DAY,
        "organization_id": ORGANIZATION,
        "workspace_id": string("null is the default workspace, never a total"),
        "workspace_name": string("`Default` for the default workspace; null if no longer listed"),
        "model": string("null for web search, code execution and sessions"),
        "token_type": string("which kind of token; null where no token was bought"),
        "cost_type": string("tokens, web_search, code_execution, session_usage, or what the provider adds"),
        "amount_usd": dollars("billed, in USD (the provider sends cents)"),
        **CURRENCY,
        "description": string("the provider's own line text"),
        "service_tier": string("standard or batch; Priority is not in the cost report"),
        "context_window": string("0-200k or 200k-1M"),
        "inference_geo": string("global, us or not_available"),
        "speed": string("fast or standard, as the line's text has it; null where no token was bought"),
        **ACCOUNT_STAMPS,
    },
    cluster=("workspace_id", "model", "token_type"),
)

CLAUDE_DAILY_COST = Table(
    name="claude_daily_cost",
    grain="one UTC day of one organization: the Console's own ungrouped figure; no row for a day without use",
    question="What is the Claude Console's own figure of a day?",
    example="select activity_date, amount_usd from ai_usage_analytics.claude_daily_cost order by activity_date",
    key=("activity_date", "account", "organization_id", "currency"),
    columns={
        "activity_date": DAY,
        "organization_id": ORGANIZATION,
        "amount_usd": dollars("billed, in USD (the provider sends cents)"),
        **CURRENCY,
        **ACCOUNT_STAMPS,
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

USED_BY = {
    "activity_date": DAY,
    "organization_id": ORGANIZATION,
    "api_key_id": string("null is Console and Workbench use"),
    "workspace_id": string("null is the default workspace, never a total"),
    "model": string("the model's id, as the provider writes it"),
    "service_tier": string("standard, batch, priority, …"),
    "context_window": string("0-200k or 200k-1M"),
    "inference_geo": string(
        "of days that a release asked for which grouped by it too; else null, as it was not asked for"
    ),
}
USED_BY_SPEED = {
    **{name: USED_BY[name] for name in ("activity_date", "organization_id", "api_key_id", "workspace_id", "model")},
    "inference_geo": string("global, us or not_available"),
    "speed": string("standard or fast; null where the provider does not report it"),
}

CLAUDE_USAGE_TOKENS = Table(
    name="claude_usage_tokens",
    grain="tokens of one UTC day by key, workspace, model, tier and context window: what one request can group by",
    question="How many tokens did each key use, by model and tier?",
    example="select api_key_id, model, output_tokens from ai_usage_analytics.claude_usage_tokens order by model",
    key=("account", *USED_BY),
    columns={**USED_BY, **MEASURES, **ACCOUNT_STAMPS},
    cluster=("api_key_id", "workspace_id"),
)

CLAUDE_USAGE_TOKENS_BY_SPEED = Table(
    name="claude_usage_tokens_by_speed",
    grain="tokens of one UTC day by key, workspace, model, geography and speed: the tokens of claude_usage_tokens "
    "again, never added to them, for the days with prices that differ by these",
    step_of="claude_cost_shares",
    key=("account", *USED_BY_SPEED),
    columns={
        **USED_BY_SPEED,
        **MEASURES,
        **ACCOUNT_STAMPS,
    },
    cluster=("api_key_id", "workspace_id"),
)

CLAUDE_DAILY_TOKENS = Table(
    name="claude_daily_tokens",
    grain="one UTC day of the whole organization; no row for a day without use",
    question="How many tokens did a whole Claude organization use on a day?",
    example="select activity_date, output_tokens from ai_usage_analytics.claude_daily_tokens order by activity_date",
    key=("activity_date", "account", "organization_id"),
    columns={"activity_date": DAY, "organization_id": ORGANIZATION, **MEASURES, **ACCOUNT_STAMPS},
)


def known(description: str) -> Column:
    """A count that may be unknown."""
    return integer(f"{description}; null where it is not known", required=False)


TOOLS = ("edit_tool", "multi_edit_tool", "write_tool", "notebook_edit_tool")
ACTOR = {
    "activity_date": DAY,
    "organization_id": ORGANIZATION,
    "actor_type": string("user_actor, api_actor, or what the provider adds; null where it is not known"),
    "user_email": string("the person, lower-case; null for an API key"),
    "api_key_name": string("the key's name, which is no id: names repeat and change; null for a person"),
    "terminal_type": string("vscode, iTerm.app, tmux, …; null where it is not known"),
    "is_remote": boolean("a remote session; null in old data"),
    "customer_type": string("api: part of the API bill; subscription: paid by seat; null where it is not known"),
    "subscription_type": string("team or enterprise; null for api"),
}
TOKENS = {
    "input_tokens": known("uncached input tokens"),
    "output_tokens": known("output tokens"),
    "cache_read_tokens": known("input tokens read from cache"),
    "cache_creation_tokens": known("input tokens written to cache, of both lifetimes"),
}
ESTIMATE = dollars("the provider's estimate at list price: compared with billed cost, never added to it")

CLAUDE_CODE_USAGE_STATS = Table(
    name="claude_code_usage_stats",
    grain="one actor's UTC day in one terminal, local or remote, by customer type",
    question="Who used Claude Code, with how many sessions and lines?",
    example="select user_email, num_sessions, lines_added from ai_usage_analytics.claude_code_usage_stats",
    key=("account", *ACTOR),
    columns={
        **ACTOR,
        "num_sessions": known("sessions"),
        "lines_added": known("lines of code added"),
        "lines_removed": known("lines of code removed"),
        "commits_by_claude_code": known("commits made by Claude Code"),
        "pull_requests_by_claude_code": known("pull requests made by Claude Code"),
        **{
            f"{tool}_{decision}": known(f"{tool} suggestions {decision}")
            for tool in TOOLS
            for decision in ("accepted", "rejected")
        },
        "model": string("the model with most estimated cost; null without any"),
        "estimated_cost_usd": ESTIMATE,
        **TOKENS,
        **ACCOUNT_STAMPS,
    },
    cluster=("user_email",),
)

CLAUDE_CODE_MODEL_USAGE = Table(
    name="claude_code_model_usage",
    grain="one model of one row of claude_code_usage_stats",
    step_of="claude_attributed_costs",
    key=("account", *ACTOR, "model"),
    columns={
        **ACTOR,
        "model": string("the model's id; null where it is not known"),
        "estimated_cost_usd": ESTIMATE,
        **TOKENS,
        **ACCOUNT_STAMPS,
    },
    cluster=("user_email",),
)

CLAUDE_ANALYTICS_COSTS = Table(
    name="claude_analytics_costs",
    key=(
        *(
            "activity_date",
            "account",
            "organization_id",
            "product",
            "workspace_id",
            "api_key_id",
            "actor_type",
            "actor_id",
        ),
        *("model", "cost_type", "token_type", "currency"),
    ),
    key_if="actor_id",  # the provider sends several rows of actors whom it does not name
    grain="one row of analytics/cost: the cost of one kind of use of one person or key on one UTC day",
    question="What did each person or key cost, as Claude's analytics measured it?",
    example="select user_email, amount_usd from ai_usage_analytics.claude_analytics_costs order by amount_usd desc",
    columns={
        "activity_date": DAY,
        "organization_id": string("null where the account's key does not open its organization's id"),
        "product": string("claude_code, messages_api, chat, cowork, …; null where the provider names none"),
        "workspace_id": string("the default workspace has its real id; null is claude.ai, outside the Console"),
        "api_key_id": string("the key used; null without one"),
        "actor_type": string(
            "user_actor, api_actor, service_account_actor or federated_actor; null: no actor, or hidden"
        ),
        "actor_id": string("of that actor: user, key or service account; `provider:subject` of a federated one"),
        "user_email": string(
            "a user actor's address, lower-case: as sent, else as raw/claude_users has the id; null if neither has it"
        ),
        "model": string("the model's id; null where no model was used"),
        "cost_type": string("tokens, web_search, code_execution, session_usage, or what the provider adds"),
        "token_type": string("which kind of token; null where no token was bought"),
        "amount_usd": dollars("after discount, before credits. The same money as claude_costs: never added to it"),
        **CURRENCY,
        "list_usd": dollars("at list price; null where the provider does not send it", required=False),
        "data_refreshed_at": instant("up to when the provider had counted; null if it does not report it"),
        **ACCOUNT_STAMPS,
    },
    cluster=("workspace_id", "api_key_id", "user_email"),
)

UNKNOWN = "null where the source does not report it"
CLAUDE_USAGE_STATS = Table(
    name="claude_usage_stats",
    key=("activity_date", "account", "user_email", "user_id"),
    grain="one person's UTC day in claude.ai, by the best source there is for it: the API over the audit log over the "
    "sheet",
    question="Who used claude.ai, and from which source is that known?",
    example="select activity_date, user_email, source from ai_usage_analytics.claude_usage_stats order by source",
    columns={
        "activity_date": DAY,
        "user_email": string("the person, lower-case; null for an account deleted since, which user_id names"),
        "user_id": string(
            "the source's own id of the person: user_… in the API, a UUID in the audit log; null in the sheet"
        ),
        "conversation_count": integer(
            f"conversations: taken part in (API), begun (audit log), as typed (sheet); {UNKNOWN}", required=False
        ),
        "message_count": integer(f"messages; {UNKNOWN}, as the audit log never does", required=False),
        "project_count": integer(
            "projects: used, or created where the API does not report use; created (audit log); as typed (sheet); "
            f"{UNKNOWN}",
            required=False,
        ),
        "file_upload_count": integer(
            "files uploaded: distinct ones (API), uploads to chats and projects (audit log), as typed (sheet); "
            f"{UNKNOWN}",
            required=False,
        ),
        "source": string("enterprise_api, audit_log or sheet", required=True),
        "upload_timestamp": instant("when the figures came in: the ingestion_timestamp", required=True),
        **ACCOUNT_STAMPS,
        "account": account(
            "the account at the provider; of what people upload or type, that of claude.ai", before=ENTERPRISE
        ),
    },
    cluster=("user_email",),
)

DIM_WORKSPACE = Table(
    name="dim_workspace",
    grain="one workspace of an account, the archived and the default one included",
    question="Which Claude workspaces are there, archived ones included?",
    example="select account, workspace_name, archived_at from ai_usage_analytics.dim_workspace order by workspace_name",
    date_column=None,
    columns={
        "workspace_id": string("null for the default workspace if the provider does not send its id"),
        "workspace_name": string("as named in the Console", required=True),
        "is_default": boolean("the one that the legacy reports give as null", required=True),
        "created_at": instant("when it was made"),
        "archived_at": instant("when it was archived; null while in use"),
        **ACCOUNT_STAMPS,
    },
)

CORE_TABLES = (
    CLAUDE_COSTS,
    CLAUDE_DAILY_COST,
    CLAUDE_USAGE_TOKENS,
    CLAUDE_USAGE_TOKENS_BY_SPEED,
    CLAUDE_DAILY_TOKENS,
    CLAUDE_CODE_USAGE_STATS,
    CLAUDE_CODE_MODEL_USAGE,
    CLAUDE_ANALYTICS_COSTS,
    CLAUDE_USAGE_STATS,
    DIM_WORKSPACE,
)
