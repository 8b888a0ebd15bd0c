"""Cursor's tables: the ledger of each pull with the struct its records are, and the typed facts of core.

`rows` turns a record into a row.
"""

from collections.abc import Mapping

from ai_usage.providers.cursor import records as sent
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

DAILY_PULLS: Mapping[str, type] = {
    "cursor_daily_usage": sent.DailyUsage,
    "cursor_usage_events": sent.UsageEvent,
    "cursor_ai_commits": sent.AiCommit,
}
SNAPSHOT_PULLS: Mapping[str, type] = {
    "cursor_spend": sent.MemberSpend,
    "cursor_members": sent.Member,
    "cursor_groups": sent.Group,
    "cursor_usage_events_today": sent.UsageEvent,
}
OPTIONAL_PULLS = {"cursor_ai_commits", "cursor_groups"}  # where plan and scope include them
RAW_TABLES = {pull: raw_table(pull) for pull in (*DAILY_PULLS, *SNAPSHOT_PULLS)}

COUNTS = {  # of one member's day, as the provider names them
    "total_lines_added": "lines added, by whomever",
    "total_lines_deleted": "lines deleted, by whomever",
    "accepted_lines_added": "of these, suggested and accepted",
    "accepted_lines_deleted": "of these, suggested and accepted",
    "total_applies": "suggested edits applied",
    "total_accepts": "suggested edits accepted",
    "total_rejects": "suggested edits rejected",
    "total_tabs_shown": "tab completions shown",
    "total_tabs_accepted": "tab completions accepted",
    "composer_requests": "events",
    "chat_requests": "events",
    "agent_requests": "events",
    "cmdk_usages": "events",
    "bugbot_usages": "events",
    "subscription_included_reqs": "events within included usage: a count, not billable request units",
    "usage_based_reqs": "events beyond included usage: a count, not billable request units",
    "api_key_reqs": "events with the member's own API key",
}

CURSOR_USAGE_STATS = Table(
    name="cursor_usage_stats",
    grain="one member's UTC day, idle members included",
    question="How did each Cursor member use it on a day, members who were not active included?",
    example="select activity_date, user_email, is_active, accepted_lines_added, total_tabs_accepted from "
    "ai_usage_analytics.cursor_usage_stats order by activity_date, user_email",
    key=("activity_date", "account", "cursor_user_id", "user_email"),
    columns={
        "activity_date": day("the provider's `day`, in UTC"),
        "date_at": instant("the provider's `date`: some instant of that day; null where it has none"),
        "user_email": string("lower-case; null if the provider no longer sends it"),
        "cursor_user_id": string("the provider's id, as text: `user_…` or a number, by year; null where it has none"),
        "is_active": boolean("as the provider reports it; null if it does not"),
        **{name: integer(f"{what}; null where it is not known", required=False) for name, what in COUNTS.items()},
        "most_used_model": string("null without any"),
        "apply_most_used_extension": string("null without any"),
        "tab_most_used_extension": string("null without any"),
        "client_version": string("null in about half of the rows"),
        "estimated_cost_usd": dollars(
            "seat price / days in month + usage_based_reqs × overage price, on a legacy request plan; "
            "null on other plans and without a price. An estimate: never added to what was billed",
            required=False,
        ),
        **ACCOUNT_STAMPS,
    },
    cluster=("user_email",),
)

CURSOR_USAGE_EVENTS = Table(
    name="cursor_usage_events",
    # Events have no id, and equal ones do happen: no_event_counted_twice compares how often, so there is no key.
    grain="one usage event; equal events are there as often as they happened",
    question="Which Cursor events were charged, and how much?",
    example="select event_at, user_email, model, kind, charged_usd from ai_usage_analytics.cursor_usage_events where "
    "is_chargeable order by charged_usd desc",
    columns={
        "activity_date": day("the UTC day of the event"),
        "event_at": instant("when it happened, to the millisecond", required=True),
        "user_email": string(
            "lower-case; of a service account an artificial one; where the event came without, the last one known of "
            "the person or account, else null"
        ),
        "service_account_id": string("null for a person"),
        "service_account_name": string("null for a person"),
        "model": string("Cursor's own name; `default` is Auto; null where it is not known"),
        "kind": string("the provider's own words, such as Usage-based; null where it has none"),
        "is_chargeable": boolean(
            "whether charged_usd was billed on top of included usage: as sent, else from the kind", required=True
        ),
        "is_token_based": boolean("false on the legacy request plan; null where it is not known"),
        "max_mode": boolean("Max Mode; null where it is not known"),
        "is_headless": boolean("without an editor; null where it is not known"),
        "requests_costs": numeric("request units, fractional; null where they are not known"),
        "input_tokens": integer("null where the call is not token based", required=False),
        "output_tokens": integer("null where the call is not token based", required=False),
        "cache_write_tokens": integer("null where the call is not token based", required=False),
        "cache_read_tokens": integer("null where the call is not token based", required=False),
        "charged_usd": dollars(
            "billed if is_chargeable; else the value of included usage, never to be billed, and null where that is "
            "not known",
            required=False,
        ),
        "cursor_token_fee_usd": dollars("Cursor's Token Rate, part of charged_usd; null without one", required=False),
        "list_usd": dollars(
            "model cost before discount, without the Token Rate; null where it is not known", required=False
        ),
        "discount_percent_off": numeric("off list_usd; null without one"),
        "conversation_id": string("null where not applicable"),
        "cloud_agent_id": string("null where not applicable"),
        "automation_id": string("null where not applicable"),
        **ACCOUNT_STAMPS,
    },
    cluster=("user_email", "model"),
)

CURSOR_AI_COMMITS = Table(
    name="cursor_ai_commits",
    key=("activity_date", "account", "commit_hash"),
    grain="one commit, on the UTC day on which it was first reported",
    question="How many lines of each commit did AI write?",
    example="select commit_at, user_email, repo_name, total_lines_added, composer_lines_added + tab_lines_added as "
    "ai_lines_added from ai_usage_analytics.cursor_ai_commits order by commit_at",
    columns={
        "activity_date": day("the UTC day of the first answer with the commit"),
        "commit_hash": string("as the provider has it", required=True),
        "user_email": string("lower-case; null where the provider does not know it"),
        "user_id": string("as the provider has it here; null where it has none"),
        "repo_name": string("null where the provider does not know it"),
        "branch_name": string("null where the provider does not know it"),
        "is_primary_branch": boolean("null where the provider does not know it"),
        "commit_source": string("ide, cli or cloud; null where it is not known"),
        "total_lines_added": integer("by anyone; null where it is not known", required=False),
        "total_lines_deleted": integer("by anyone; null where it is not known", required=False),
        "tab_lines_added": integer("of these, by Tab; null where it is not known", required=False),
        "tab_lines_deleted": integer("of these, by Tab; null where it is not known", required=False),
        "composer_lines_added": integer("of these, by Composer; null where it is not known", required=False),
        "composer_lines_deleted": integer("of these, by Composer; null where it is not known", required=False),
        "non_ai_lines_added": integer("of these, by people; null where the provider does not know", required=False),
        "non_ai_lines_deleted": integer("of these, by people; null where the provider does not know", required=False),
        "commit_at": instant("when it was made; null where the provider does not know"),
        "created_at": instant("when the provider received it", required=True),
        **ACCOUNT_STAMPS,
    },
    cluster=("user_email",),
)

DIM_CURSOR_MEMBER = Table(
    name="dim_cursor_member",
    grain="one person who is or was in the Cursor team",
    question="Who is or was a member of the Cursor team?",
    example="select account, user_email, role, is_removed from ai_usage_analytics.dim_cursor_member order by "
    "user_email",
    date_column=None,
    columns={
        "user_id": string("`user_…`, or a number in older answers; null where the provider sends none"),
        "user_email": string("lower-case; null where the provider sends none"),
        "user_name": string("as the person is called there; null where the provider sends none"),
        "role": string("member, owner, free-owner; null where it is not known"),
        "is_removed": boolean("no longer in the team, as far as the provider reports it", required=True),
        **ACCOUNT_STAMPS,
    },
)

DIM_CURSOR_PLAN = Table(
    name="dim_cursor_plan",
    grain="one plan of the team, with its prices, over the days for which it is valid",
    question="What does a seat of each Cursor plan cost?",
    example="select plan_name, valid_from, seat_price_usd from ai_usage_analytics.dim_cursor_plan order by plan_name, "
    "valid_from",
    date_column=None,
    columns={
        "plan_name": string("as CURSOR_PLANS calls it", required=True),
        "valid_from": day("the first day"),
        "valid_to": day("exclusive; null until further notice", required=False),
        "seat_price_usd": dollars("a seat and calendar month"),
        "overage_usd_a_request": dollars("beyond the included requests; null where tokens are billed", required=False),
    },
)

CURSOR_SPEND_DAILY = Table(
    name="cursor_spend_daily",
    key=("activity_date", "account", "cycle_start_at", "user_id"),
    grain="the increase of one member's cumulative spend between snapshots, on the UTC day with most of that time",
    question="By how much did Cursor's own total of a member grow on a day?",
    example="select activity_date, user_email, spend_usd, cycle_spend_usd from ai_usage_analytics.cursor_spend_daily "
    "order by activity_date, user_email",
    columns={
        "activity_date": day("the UTC day of the middle of the time between the snapshots"),
        "cycle_start_at": instant("when the billing cycle began", required=True),
        "user_id": string("`user_…`, as in dim_cursor_member; the address if the provider sends no id", required=True),
        "user_email": string("lower-case; null where the provider sends none"),
        "spend_usd": dollars("on demand, above included usage; negative where the provider took some back"),
        "overall_spend_usd": dollars("that and the value of included usage; null where not known", required=False),
        "cycle_spend_usd": dollars("on demand, from the cycle's start to the later snapshot"),
        "cycle_overall_spend_usd": dollars(
            "the same with the value of included usage; null where not known", required=False
        ),
        "from_at": instant("the earlier snapshot, or the cycle's start", required=True),
        "to_at": instant("the later snapshot", required=True),
        "days_between": integer("1; more where a day went by without a snapshot, and its spend stands here"),
        **ACCOUNT_STAMPS,
    },
    cluster=("user_email",),
)

CURSOR_SPEND_LIMITS = Table(
    name="cursor_spend_limits",
    grain="one member in the newest snapshot of the billing cycle",
    question="Which spend limits do Cursor's members have, and how much is used?",
    example="select account, user_email, effective_limit_usd, spend_usd from ai_usage_analytics.cursor_spend_limits "
    "order by account, user_email",
    date_column=None,
    key=("account", "user_id"),
    columns={
        "cycle_start_at": instant("when the billing cycle began", required=True),
        "user_id": string("`user_…`, as in dim_cursor_member; the address if the provider sends no id", required=True),
        "user_email": string("lower-case; null where the provider sends none"),
        "hard_limit_override_usd": dollars("the member's own limit; 0 without one, null if not known", required=False),
        "monthly_limit_usd": dollars("of a month; null without one, and if not known", required=False),
        "effective_limit_usd": dollars("the limit that holds for the member; null if not known", required=False),
        "spend_usd": dollars("on demand in the cycle so far; null if not known", required=False),
        **ACCOUNT_STAMPS,
    },
)

CORE_TABLES = (
    CURSOR_USAGE_STATS,
    CURSOR_USAGE_EVENTS,
    CURSOR_AI_COMMITS,
    CURSOR_SPEND_DAILY,
    CURSOR_SPEND_LIMITS,
    DIM_CURSOR_MEMBER,
    DIM_CURSOR_PLAN,
)
