"""What a Cursor record means: its fields, and the values they are known to take.

Source: Cursor's Admin API documentation (autumn 2026) and an answer recorded in October 2025. `…Cents` are cents, as
JSON numbers with fractions; `…Dollars` are dollars, side by side with them. A type such as `Cents` or `Id` means that a
record is of no use without the field (`warehouse.reading`); every other field may be absent, null or unreadable.
"""

import re
from datetime import date as day_of_pull
from decimal import Decimal
from typing import Annotated

import msgspec

from ai_usage.ingest.drift import Known
from ai_usage.money import Rates
from ai_usage.warehouse.reading.field_types import (
    Address,
    AnyId,
    Carries,
    Cents,
    Count,
    Id,
    Instant,
    InstantOfDay,
    Millis,
    MillisOfDay,
    Unfit,
)

Role = Annotated[str, Known("member", "owner", "free-owner")]
BILLED_KIND = re.compile(r"usage[ _-]?based", re.IGNORECASE)
FREE_KIND = re.compile(r"included|free|not[ _-]charged|errored|aborted", re.IGNORECASE)


class Member(msgspec.Struct, frozen=True, rename="camel"):
    """One item of `/teams/members`. Older answers have a number as `id` or none, and do not mark removed members."""

    id: AnyId | None = None
    name: str | None = None
    email: Address | None = None
    role: Role | None = None
    is_removed: bool | None = None

    def unfit(self, day: day_of_pull | None, rates: Rates) -> Unfit | None:
        return None if self.id or self.email else Unfit("id", "is missing, and so is an address", "absent")


class DailyUsage(msgspec.Struct, frozen=True, rename="camel"):
    """One member's UTC day in `/teams/daily-usage-data`. `…Reqs` count events, not billable request units. A count
    that is absent or null is unknown.
    """

    user_id: AnyId | None = None  # `user_…` as in members and spend, or a number, by year
    date: Millis | None = None  # somewhere inside the day: not what the row belongs to, unless there is no `day`
    day: str | None = None  # absent in older answers
    email: Address | None = None  # may be absent for removed users
    total_lines_added: Count | None = None
    total_lines_deleted: Count | None = None
    accepted_lines_added: Count | None = None
    accepted_lines_deleted: Count | None = None
    total_applies: Count | None = None
    total_accepts: Count | None = None
    total_rejects: Count | None = None
    total_tabs_shown: Count | None = None
    total_tabs_accepted: Count | None = None
    composer_requests: Count | None = None
    chat_requests: Count | None = None
    agent_requests: Count | None = None
    cmdk_usages: Count | None = None
    bugbot_usages: Count | None = None
    subscription_included_reqs: Count | None = None
    usage_based_reqs: Count | None = None
    api_key_reqs: Count | None = None
    is_active: bool | None = None
    most_used_model: str | None = None  # "" for none, as in the two below
    apply_most_used_extension: str | None = None
    tab_most_used_extension: str | None = None
    client_version: str | None = None

    def unfit(self, day: day_of_pull | None, rates: Rates) -> Unfit | None:
        if self.day is None and self.date is None:
            return Unfit("day", "is no day, and `date` is no time", "")
        return None if self.user_id or self.email else Unfit("userId", "is missing, and so is an address", "absent")


class TokenUsage(msgspec.Struct, frozen=True, rename="camel"):
    """Zeros may be left out."""

    input_tokens: Count | None = 0
    output_tokens: Count | None = 0
    cache_write_tokens: Count | None = 0
    cache_read_tokens: Count | None = 0
    total_cents: Cents | None = None  # model cost before discount, without the Token Rate
    discount_percent_off: Decimal | None = None


class UsageEvent(msgspec.Struct, frozen=True, rename="camel"):
    """One event of `/teams/filtered-usage-events`. It has no id: equal events did happen as often as they come."""

    timestamp: MillisOfDay
    user_email: Address | None = None  # absent of some removed people and service accounts
    user_id: AnyId | None = None  # not documented
    model: str | None = None
    kind: str | None = None  # free text, an open set by contract
    max_mode: bool | None = None
    requests_costs: Decimal | None = None
    is_token_based_call: bool | None = None
    is_chargeable: Annotated[bool, Carries.BILLED] | None = None  # absent in 2025
    charged_cents: Cents | None = None  # of events that are not chargeable too: the value of included usage
    is_headless: bool | None = None  # absent in 2025
    token_usage: TokenUsage | None = None
    cursor_token_fee: Cents | None = None  # part of charged_cents
    service_account_id: Id | None = None
    service_account_name: str | None = None
    cloud_agent_id: str | None = None
    automation_id: str | None = None
    conversation_id: str | None = None
    is_free_bugbot: bool | None = None  # not documented

    @property
    def is_billed(self) -> bool | None:
        """Whether charged_cents was billed on top of included usage: as sent, else from the kind; None: unknown."""
        if self.is_chargeable is not None:
            return self.is_chargeable
        if self.charged_cents == 0:
            return False
        if self.kind and BILLED_KIND.search(self.kind):
            return True
        return False if self.kind and FREE_KIND.search(self.kind) else None

    def unfit(self, day: day_of_pull | None, rates: Rates) -> Unfit | None:
        """What was billed must be known: an amount left out is not 0."""
        if self.charged_cents is not None and self.is_chargeable is not None:
            return None
        if (is_billed := self.is_billed) is None:
            return Unfit("isChargeable", "is missing, and the kind does not show if the event was billed", "absent")
        if is_billed and self.charged_cents is None:
            return Unfit("chargedCents", "is missing: what a billed event was charged is unknown", "absent")
        return None


class AiCommit(msgspec.Struct, frozen=True, rename="camel"):
    """One commit of `/analytics/ai-code/commits` (alpha) with the lines that Tab, Composer and people wrote in it."""

    commit_hash: Id
    created_at: InstantOfDay  # when the provider received it
    user_id: AnyId | None = None
    user_email: Address | None = None
    commit_source: Annotated[str, Known("ide", "cli", "cloud")] | None = None
    total_lines_added: Count | None = None
    total_lines_deleted: Count | None = None
    tab_lines_added: Count | None = None
    tab_lines_deleted: Count | None = None
    composer_lines_added: Count | None = None
    composer_lines_deleted: Count | None = None
    repo_name: str | None = None
    branch_name: str | None = None
    is_primary_branch: bool | None = None
    non_ai_lines_added: Count | None = None
    non_ai_lines_deleted: Count | None = None
    message: None = None  # private: the client lets none through
    commit_ts: Instant | None = None


class MemberSpend(msgspec.Struct, frozen=True, rename="camel"):
    """One member's spend of the billing cycle so far, in `/teams/spend`: cumulative."""

    user_id: AnyId | None = None
    name: str | None = None
    email: Address | None = None
    role: Role | None = None
    spend_cents: Cents | None = None  # on demand only, above included usage
    overall_spend_cents: Cents | None = None  # that and the value of included usage
    included_spend_cents: Cents | None = None  # the value of included usage; this and what follows is not documented
    api_percent_used: Decimal | None = None
    auto_percent_used: Decimal | None = None
    total_percent_used: Decimal | None = None
    billing_tier: str | None = None
    removed_at: str | None = None
    profile_picture_url: str | None = None
    usage_promo_expires_at: str | None = None
    fast_premium_requests: Decimal | None = None
    hard_limit_override_dollars: Decimal | None = None
    monthly_limit_dollars: Decimal | None = None
    effective_per_user_limit_dollars: Decimal | None = None

    @property
    def key(self) -> str:
        """By whom the figures of two snapshots are one person's."""
        return str(self.user_id) if self.user_id else (self.email or "").strip().lower()

    @property
    def spend(self) -> Decimal | None:
        """On demand, in cents: as sent, else what is left of the whole without included usage."""
        if self.spend_cents is None and self.overall_spend_cents is not None and self.included_spend_cents is not None:
            return self.overall_spend_cents - self.included_spend_cents
        return self.spend_cents

    @property
    def overall(self) -> Decimal | None:
        """With the value of included usage, in cents: as sent, else the sum of the two; None: unknown."""
        if self.overall_spend_cents is None and self.spend_cents is not None and self.included_spend_cents is not None:
            return self.spend_cents + self.included_spend_cents
        return self.overall_spend_cents

    def unfit(self, day: day_of_pull | None, rates: Rates) -> Unfit | None:
        if self.spend is None:
            return Unfit("spendCents", "is missing", "absent")
        return None if self.user_id or self.email else Unfit("userId", "is missing, and so is an address", "absent")


class GroupDay(msgspec.Struct, frozen=True, rename="camel"):
    date: str | None = None
    spend_cents: Decimal | None = None


class GroupMember(msgspec.Struct, frozen=True, rename="camel"):
    """Someone who is or was in a group. Nothing here is essential: one who cannot be read must not cost the group its
    others.
    """

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
    member_count: Count | None = None
    created_at: str | None = None
    updated_at: str | None = None
    spend_cents: Decimal | None = None
    current_members: list[GroupMember] | None = None
    former_members: list[GroupMember] | None = None
    daily_spend: list[GroupDay] | None = None
