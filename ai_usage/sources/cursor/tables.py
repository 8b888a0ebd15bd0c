"""Cursor's tables: the ledger of each pull with the struct its records are, and the typed facts of core.

How a record becomes a row is `rows`' business.
"""

from collections.abc import Mapping

from ai_usage.sources.cursor import records as said
from ai_usage.warehouse.table import STAMPS, Table, boolean, day, dollars, instant, integer, numeric, raw_table, string

DAILY_PULLS: Mapping[str, type] = {
    "cursor_daily_usage": said.DailyUsage,
    "cursor_usage_events": said.UsageEvent,
}
SNAPSHOT_PULLS: Mapping[str, type] = {
    "cursor_spend": said.MemberSpend,
    "cursor_members": said.Member,
    "cursor_groups": said.Group,
}
RAW_TABLES = {pull: raw_table(pull) for pull in (*DAILY_PULLS, *SNAPSHOT_PULLS)}

CURSOR_USAGE_EVENTS = Table(
    name="cursor_usage_events",
    grain="one usage event; equal events stand as often as they happened",
    columns={
        "activity_date": day("the UTC day of the event"),
        "event_at": instant("when it happened, to the millisecond", required=True),
        "user_email": string("lower-case; of a service account an artificial one", required=True),
        "service_account_id": string("null for a person"),
        "service_account_name": string("null for a person"),
        "model": string("Cursor's own name; `default` is Auto", required=True),
        "kind": string("the vendor's own words, such as Usage-based", required=True),
        "is_chargeable": boolean("whether charged_usd was billed on top of included usage", required=True),
        "is_token_based": boolean("false on the legacy request plan", required=True),
        "max_mode": boolean("Max Mode", required=True),
        "is_headless": boolean("without an editor", required=True),
        "requests_costs": numeric("request units, fractional", required=True),
        "input_tokens": integer("null where the call is not token based", required=False),
        "output_tokens": integer("null where the call is not token based", required=False),
        "cache_write_tokens": integer("null where the call is not token based", required=False),
        "cache_read_tokens": integer("null where the call is not token based", required=False),
        "charged_usd": dollars("billed if is_chargeable; else the value of included usage, never to be billed"),
        "cursor_token_fee_usd": dollars("Cursor's Token Rate, part of charged_usd; null without one", required=False),
        "list_usd": dollars("model cost before discount, without the Token Rate; null without tokens", required=False),
        "discount_percent_off": numeric("off list_usd; null without one"),
        "conversation_id": string("null where not applicable"),
        "cloud_agent_id": string("null where not applicable"),
        "automation_id": string("null where not applicable"),
        **STAMPS,
    },
    cluster=("user_email", "model"),
)

DIM_CURSOR_MEMBER = Table(
    name="dim_cursor_member",
    grain="one person who is or was in the Cursor team",
    date_column=None,
    columns={
        "user_id": string("`user_…`, the id of members and spend; daily usage has a number instead", required=True),
        "user_email": string("lower-case", required=True),
        "user_name": string("as the person is called there", required=True),
        "role": string("member, owner, free-owner", required=True),
        "is_removed": boolean("no longer in the team", required=True),
        **STAMPS,
    },
)

CORE_TABLES = (CURSOR_USAGE_EVENTS, DIM_CURSOR_MEMBER)
