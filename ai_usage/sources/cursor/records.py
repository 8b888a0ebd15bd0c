"""What a Cursor record means: its fields, and the values they are known to take.

Source: Cursor's Admin API documentation (autumn 2026). `…Cents` are cents, as JSON numbers with
fractions; `…Dollars` are dollars, side by side with them.
"""

from datetime import datetime
from decimal import Decimal
from typing import Annotated

import msgspec

from ai_usage.sources.drift import Known


class Member(msgspec.Struct, frozen=True, rename="camel"):
    """One item of `/teams/members`; `id` was a number in older answers."""

    id: str | int
    name: str
    email: str
    role: Annotated[str, Known("member", "owner", "free-owner")]
    is_removed: bool


class DailyUsage(msgspec.Struct, frozen=True, rename="camel"):
    """One member's UTC day in `/teams/daily-usage-data`. `…Reqs` count events, not billable request units."""

    user_id: int  # a number: another namespace than the `user_…` of members and spend
    date: int  # ms, somewhere inside the day: not what the row belongs to, unless there is no `day`
    total_lines_added: int
    total_lines_deleted: int
    accepted_lines_added: int
    accepted_lines_deleted: int
    total_applies: int
    total_accepts: int
    total_rejects: int
    total_tabs_shown: int
    total_tabs_accepted: int
    composer_requests: int
    chat_requests: int
    agent_requests: int
    cmdk_usages: int
    bugbot_usages: int
    subscription_included_reqs: int
    usage_based_reqs: int
    api_key_reqs: int
    day: str | None = None  # absent in older answers
    email: str | None = None  # may be absent for removed users
    is_active: bool | None = None
    most_used_model: str | None = None
    apply_most_used_extension: str | None = None
    tab_most_used_extension: str | None = None
    client_version: str | None = None


class TokenUsage(msgspec.Struct, frozen=True, rename="camel"):
    input_tokens: int
    output_tokens: int
    cache_write_tokens: int
    cache_read_tokens: int
    total_cents: Decimal  # model cost before discount, without the Token Rate
    discount_percent_off: Decimal | None = None


class UsageEvent(msgspec.Struct, frozen=True, rename="camel"):
    """One event of `/teams/filtered-usage-events`. It has no id: equal events did happen as often as they come."""

    timestamp: str  # ms, as text
    user_email: str
    model: str
    kind: str  # free text, an open set by contract
    max_mode: bool
    requests_costs: Decimal
    is_token_based_call: bool
    is_chargeable: bool
    charged_cents: Decimal  # of events that are not chargeable too: the value of included usage
    is_headless: bool = False
    token_usage: TokenUsage | None = None
    cursor_token_fee: Decimal | None = None  # cents, part of charged_cents
    service_account_id: str | None = None
    service_account_name: str | None = None
    cloud_agent_id: str | None = None
    automation_id: str | None = None
    conversation_id: str | None = None


class AiCommit(msgspec.Struct, frozen=True, rename="camel"):
    """One commit of `/analytics/ai-code/commits` (alpha) with the lines that Tab, Composer and people wrote in it."""

    commit_hash: str
    user_id: str | int
    user_email: str
    commit_source: Annotated[str, Known("ide", "cli", "cloud")]
    total_lines_added: int
    total_lines_deleted: int
    tab_lines_added: int
    tab_lines_deleted: int
    composer_lines_added: int
    composer_lines_deleted: int
    created_at: datetime  # when the vendor heard of it
    repo_name: str | None = None
    branch_name: str | None = None
    is_primary_branch: bool | None = None
    non_ai_lines_added: int | None = None
    non_ai_lines_deleted: int | None = None
    message: None = None  # private: the client lets none through
    commit_ts: datetime | None = None


class MemberSpend(msgspec.Struct, frozen=True, rename="camel"):
    """One member's spend of the billing cycle so far, in `/teams/spend`: cumulative."""

    user_id: str | int
    name: str
    email: str
    role: Annotated[str, Known("member", "owner", "free-owner")]
    spend_cents: Decimal  # on demand only, above included usage
    overall_spend_cents: Decimal  # that and the value of included usage
    fast_premium_requests: Decimal
    hard_limit_override_dollars: Decimal
    monthly_limit_dollars: Decimal | None = None
    effective_per_user_limit_dollars: Decimal | None = None


class GroupDay(msgspec.Struct, frozen=True, rename="camel"):
    date: str | None = None
    spend_cents: Decimal | None = None


class GroupMember(msgspec.Struct, frozen=True, rename="camel"):
    """Someone who is or was in a group. No answer was ever recorded: whatever is not an id may be absent."""

    user_id: str | int | None = None
    name: str | None = None
    email: str | None = None
    joined_at: str | None = None
    left_at: str | None = None
    spend_cents: Decimal | None = None
    daily_spend: list[GroupDay] | None = None  # only of one group asked about alone


class Group(msgspec.Struct, frozen=True, rename="camel"):
    """One billing group of `/teams/groups`; the last one may be `unassignedGroup`, of those who are in none."""

    id: str | int | None = None
    name: str | None = None
    type: str | None = None
    directory_group_id: str | int | None = None
    member_count: int | None = None
    created_at: str | None = None
    updated_at: str | None = None
    spend_cents: Decimal | None = None
    current_members: list[GroupMember] | None = None
    former_members: list[GroupMember] | None = None
    daily_spend: list[GroupDay] | None = None
