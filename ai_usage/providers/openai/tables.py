"""OpenAI's tables: the ledger of each pull, and the typed facts of core.

`rows` turns a record into a row.
"""

from collections.abc import Mapping

from ai_usage.providers.openai import listed
from ai_usage.providers.openai.records import USED, CodexUsage, CostResult
from ai_usage.warehouse.table import (
    ACCOUNT_STAMPS,
    Table,
    boolean,
    day,
    dollars,
    instant,
    integer,
    numeric,
    raw_table,
    string,
)

ENDPOINTS = (  # of `organization/usage/…`; the pull of one is `openai_usage_<endpoint>`
    "completions",
    "embeddings",
    "moderations",
    "images",
    "audio_speeches",
    "audio_transcriptions",
    "vector_stores",
    "code_interpreter_sessions",
    "file_search_calls",
    "web_search_calls",
    "decisions",
)

USAGE_PULLS = {endpoint: f"openai_usage_{endpoint}" for endpoint in ENDPOINTS}

# Raw: a ledger per pull, and the struct its records are.
DAILY_PULLS: Mapping[str, type] = {
    "openai_costs": CostResult,
    "openai_cost_totals": CostResult,
    **{pull: USED[endpoint] for endpoint, pull in USAGE_PULLS.items()},
    "openai_codex_usage": CodexUsage,
}
SNAPSHOT_PULLS: Mapping[str, type] = {
    "openai_projects": listed.Project,
    "openai_project_api_keys": listed.ProjectKey,
    "openai_service_accounts": listed.ServiceAccount,
    "openai_project_users": listed.ProjectUser,
    "openai_users": listed.User,
    "openai_admin_api_keys": listed.AdminKey,
}
# Where the organization, the plan or the scope include them.
OPTIONAL_PULLS = ("openai_usage_decisions", "openai_codex_usage", "openai_admin_api_keys")
RAW_TABLES = {pull: raw_table(pull) for pull in (*DAILY_PULLS, *SNAPSHOT_PULLS)}

OPENAI_COSTS = Table(
    name="openai_costs",
    # The provider may send several results of one line: they are added, so there is no key. That nothing counts twice
    # is the check `grouped_costs_equal_total`.
    grain="one result of the cost report: a line item of one project and, where the organization allows it, one key",
    question="What did OpenAI charge, line by line?",
    example="select activity_date, project_id, line_item, amount_usd from ai_usage_analytics.openai_costs order by "
    "amount_usd desc",
    columns={
        "activity_date": day("the UTC day of the bucket"),
        "organization_id": string("as sent beside the line; null where it is not"),
        "project_id": string("null where the provider names no project"),
        "api_key_id": string("null where costs are not grouped by key, and for a cost without a key"),
        "user_id": string("null: costs are not grouped by user"),
        "line_item": string("opaque text, as sent; null where costs are not grouped by line item"),
        "model": string("derived from line_item; null where the text names no model"),
        "meter": string(
            "derived from line_item: input_tokens, cached_input_tokens, output_tokens, web_search and others; the "
            "whole line_item in lower case where it is not understood; unknown without one",
            required=True,
        ),
        "service_tier": string("batch, flex, priority and the like, where line_item names one; else null"),
        "amount_usd": dollars("billed cost; null where the result has no amount: then nothing is billed for it",
                              required=False),
        "quantity": numeric("in quantity_unit; null where it is not known"),
        "quantity_unit": string("as sent: tokens, 1000_tokens, images, …; null where several units were added"),
        "grouped_by": string("the dimensions that were asked, with a comma: project_id,line_item,api_key_id",
                             required=True),
        **ACCOUNT_STAMPS,
    },
    cluster=("project_id", "api_key_id"),
)  # fmt: skip

OPENAI_DAILY_COST = Table(
    name="openai_daily_cost",
    grain="one UTC day as the organization's cost report has it without grouping",
    question="What did OpenAI charge on a day altogether?",
    example="select activity_date, account, amount_usd from ai_usage_analytics.openai_daily_cost order by "
    "activity_date",
    key=("activity_date", "account"),
    columns={
        "activity_date": day("the UTC day of the bucket"),
        "amount_usd": dollars("billed cost of the day; 0 where its bucket is empty"),
        "results": integer("results of the bucket"),
        **ACCOUNT_STAMPS,
    },
)

TOKENS = {  # as the provider calls them → what they are
    "input_tokens": "tokens that were read, cached ones included",
    "input_cached_tokens": "of these, read from the cache",
    "input_cache_write_tokens": "of these, written to the cache",
    "input_uncached_tokens": "of these, neither; as sent, null in older answers",
    "input_text_tokens": "of the uncached ones, text",
    "input_audio_tokens": "of the uncached ones, audio",
    "input_image_tokens": "of the uncached ones, images",
    "input_cached_text_tokens": "of the cached ones, text",
    "input_cached_audio_tokens": "of the cached ones, audio",
    "input_cached_image_tokens": "of the cached ones, images",
    "output_tokens": "tokens that were written, of all kinds",
    "output_text_tokens": "of these, text",
    "output_audio_tokens": "of these, audio",
    "output_image_tokens": "of these, images",
}
MEASURES = {  # column → the provider's field, what it counts
    "request_count": ("num_model_requests", "requests to a model"),
    "call_count": ("num_requests", "calls of a tool: searches of the web or of files"),
    "image_count": ("images", "images made"),
    "audio_seconds": ("seconds", "seconds of audio transcribed"),
    "character_count": ("characters", "characters spoken"),
    "session_count": ("num_sessions", "sessions of the code interpreter"),
    "storage_bytes": ("usage_bytes", "bytes in vector stores"),
}

OPENAI_USAGE = Table(
    name="openai_usage",
    grain="the use of one endpoint, model and tier by one key and user of one project on one UTC day",
    question="How much did each OpenAI key and user use, by endpoint and model?",
    example="select endpoint, model, api_key_id, sum(input_tokens) as input_tokens, sum(output_tokens) as "
    "output_tokens from ai_usage_analytics.openai_usage group by endpoint, model, api_key_id order by "
    "output_tokens desc",
    key=(
        "activity_date", "account", "endpoint", "project_id", "user_id", "api_key_id", "model", "is_batch",
        "service_tier", "image_size", "image_source", "context_level", "vector_store_id",
    ),
    columns={
        "activity_date": day("the UTC day of the bucket"),
        "endpoint": string(f"the report: {', '.join(ENDPOINTS)}", required=True),
        "project_id": string("null where the provider names no project"),
        "user_id": string("the provider's id; null for a service account, and where the report does not have it"),
        "api_key_id": string("null without a key, and where the report does not have it"),
        "model": string("null where the report does not have it"),
        "is_batch": boolean("whether it was asked through the Batch API; null where the report does not have it"),
        "service_tier": string("default, flex, priority, …; null where the report does not have it"),
        "image_size": string("of images alone"),
        "image_source": string("image.generation, image.edit or image.variation; of images alone"),
        "context_level": string("of web searches alone"),
        "vector_store_id": string("of file searches alone"),
        **{name: integer(f"{what}; null if not known", required=False) for name, (_, what) in MEASURES.items()},
        **{name: integer(f"{what}; null if not known", required=False) for name, what in TOKENS.items()},
        **ACCOUNT_STAMPS,
    },
    cluster=("endpoint", "project_id", "api_key_id"),
)  # fmt: skip

OPENAI_PROJECTS = Table(
    name="openai_projects",
    grain="one project of an account, archived ones included",
    question="Which OpenAI projects are there, archived ones included?",
    example="select account, project_id, project_name, status from ai_usage_analytics.openai_projects order by "
    "project_name",
    date_column=None,
    columns={
        "project_id": string("the provider's id", required=True),
        "project_name": string("null where the provider sends none"),
        "status": string("active or archived, as sent"),
        "created_at": instant("null where it is not known"),
        "archived_at": instant("null for a project that is in use, and where it is not known"),
        **ACCOUNT_STAMPS,
    },
)

CODEX_USAGE_STATS = Table(
    name="codex_usage_stats",
    grain="one user's UTC day with Codex in a ChatGPT workspace",
    question="Who used Codex in ChatGPT, and how much?",
    example="select user_email, sum(thread_count) as threads, sum(credits) as credits from "
    "ai_usage_analytics.codex_usage_stats group by user_email order by credits desc",
    key=("activity_date", "account", "user_id", "user_email"),
    columns={
        "activity_date": day("the UTC day"),
        "user_id": string("the workspace's id of the user; null where it is not sent"),
        "user_email": string("lower-case; null where it is not sent"),
        "thread_count": integer("threads; null where it is not known", required=False),
        "turn_count": integer("turns within them; null where it is not known", required=False),
        "credits": numeric("credits of the plan that were used: never dollars, never billed here; null where unknown"),
        "uncached_input_tokens": integer("of all clients; null where it is not known", required=False),
        "cached_input_tokens": integer("of all clients; null where it is not known", required=False),
        "output_tokens": integer("of all clients; null where it is not known", required=False),
        "lines_added": integer("null where the workspace does not report lines", required=False),
        "lines_removed": integer("null where the workspace does not report lines", required=False),
        **ACCOUNT_STAMPS,
    },
    cluster=("user_email",),
)

CORE_TABLES = (OPENAI_COSTS, OPENAI_DAILY_COST, OPENAI_USAGE, OPENAI_PROJECTS, CODEX_USAGE_STATS)
