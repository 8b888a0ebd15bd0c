"""Turns Cursor's records into rows of core. Pure: records in, a frame out.

A record that cannot be used has no row: `Records.rejections` then names it.
"""

from calendar import monthrange
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date
from decimal import Decimal
from typing import TypeVar

import polars as pl

from ai_usage.money import EXACT, nine_decimals, usd_of_each
from ai_usage.partitions import ONE_DAY
from ai_usage.providers.cursor import records as sent
from ai_usage.providers.cursor.plans import Plan, plan_on
from ai_usage.providers.cursor.tables import (
    COUNTS,
    CURSOR_AI_COMMITS,
    CURSOR_USAGE_EVENTS,
    CURSOR_USAGE_STATS,
    DIM_CURSOR_MEMBER,
    DIM_CURSOR_PLAN,
)
from ai_usage.warehouse.reading.field_types import address_of
from ai_usage.warehouse.reading.ledger_records import Records

LINES = ("total_lines", "tab_lines", "composer_lines", "non_ai_lines")
WORDS = ("most_used_model", "apply_most_used_extension", "tab_most_used_extension", "client_version")

T = TypeVar("T")


@dataclass(frozen=True)
class Addresses:
    """The last known address of a person or service account, by id, for events without one."""

    of_user: Mapping[str, str] = field(default_factory=dict)
    of_service_account: Mapping[str, str] = field(default_factory=dict)

    def of(self, event: sent.UsageEvent) -> str | None:
        if event.service_account_id:
            return self.of_service_account.get(event.service_account_id)
        return self.of_user.get(str(event.user_id)) if event.user_id else None


NO_ADDRESSES = Addresses()


def lacks_address(records: Records) -> bool:
    """Whether any event may lack an address. Searches the texts, which is faster than parsing them."""
    has_one = records.lines["record"].str.contains(r'"userEmail":\s*"[^"]')
    return not has_one.all()


@dataclass(frozen=True)
class Nameless:
    """The ids of people and service accounts with events that came without an address, and the addresses that other
    events of the same answer have for ids.
    """

    users: set[str]
    service_accounts: set[str]
    named: Addresses


def without_address(records: Records) -> Nameless:
    """The people and service accounts with events that came without an address."""
    events = records.read(sent.UsageEvent).values
    named = Addresses(
        {str(e.user_id): e.user_email for e in events if e.user_id and e.user_email and not e.service_account_id},
        {e.service_account_id: e.user_email for e in events if e.service_account_id and e.user_email},
    )
    nameless = [event for event in events if not event.user_email]
    return Nameless(
        {str(event.user_id) for event in nameless if event.user_id and not event.service_account_id},
        {event.service_account_id for event in nameless if event.service_account_id},
        named,
    )


def addresses_in(members: Records, usage: Records) -> dict[str, str]:
    """User id → address, as the members' list and people's days have it; of people's days the last."""
    listed = {str(member.id): member.email for member in members.read(sent.Member).values if member.id and member.email}
    used = {str(day.user_id): day.email for day in usage.read(sent.DailyUsage).values if day.user_id and day.email}
    return {**used, **listed}


def event_rows(records: Records, addresses: Addresses = NO_ADDRESSES) -> pl.DataFrame:
    """Rows of `cursor_usage_events`, one per record."""
    read = records.read(sent.UsageEvent)
    events = read.values
    tokens = [event.token_usage for event in events]

    def of_tokens(read: Callable[[sent.TokenUsage], T]) -> list[T | None]:
        return [read(usage) if usage else None for usage in tokens]

    return CURSOR_USAGE_EVENTS.frame(
        {
            "activity_date": read.days,
            "event_at": _instants([event.timestamp for event in events]),
            "user_email": [address_of(event.user_email or addresses.of(event)) for event in events],
            "service_account_id": [event.service_account_id for event in events],
            "service_account_name": [event.service_account_name for event in events],
            "model": [event.model for event in events],
            "kind": [event.kind for event in events],
            "is_chargeable": [event.is_billed for event in events],
            "is_token_based": [event.is_token_based_call for event in events],
            "max_mode": [event.max_mode for event in events],
            "is_headless": [event.is_headless for event in events],
            "requests_costs": _numeric([event.requests_costs for event in events]),
            "input_tokens": of_tokens(lambda usage: usage.input_tokens),
            "output_tokens": of_tokens(lambda usage: usage.output_tokens),
            "cache_write_tokens": of_tokens(lambda usage: usage.cache_write_tokens),
            "cache_read_tokens": of_tokens(lambda usage: usage.cache_read_tokens),
            "charged_usd": usd_of_each([event.charged_cents for event in events]),
            "cursor_token_fee_usd": usd_of_each([event.cursor_token_fee for event in events]),
            "list_usd": usd_of_each(of_tokens(lambda usage: usage.total_cents)),
            "discount_percent_off": _numeric(of_tokens(lambda usage: usage.discount_percent_off)),
            "conversation_id": [event.conversation_id for event in events],
            "cloud_agent_id": [event.cloud_agent_id for event in events],
            "automation_id": [event.automation_id for event in events],
            **read.stamps(),
        }
    )


def _instants(ms: Sequence[str | int | None]) -> pl.Series:
    """Instants of milliseconds since 1970."""
    whole = pl.Series([None if one is None else int(one) for one in ms], dtype=pl.Int64)
    return whole.cast(pl.Datetime("ms", "UTC")).cast(pl.Datetime("us", "UTC"))


def usage_rows(records: Records, plans: Sequence[Plan]) -> pl.DataFrame:
    """Rows of `cursor_usage_stats`, one per record."""
    read = records.read(sent.DailyUsage)
    rows = read.values
    days = read.days.to_list()
    return CURSOR_USAGE_STATS.frame(
        {
            "activity_date": days,
            "date_at": _instants([row.date for row in rows]),
            "user_email": [address_of(row.email) for row in rows],
            "cursor_user_id": [_text(row.user_id) for row in rows],
            **{name: [getattr(row, name) for row in rows] for name in ("is_active", *COUNTS)},
            **{name: [getattr(row, name) or None for row in rows] for name in WORDS},
            "estimated_cost_usd": [
                None if row.usage_based_reqs is None else estimated_cost(plan_on(plans, day), day, row.usage_based_reqs)
                for day, row in zip(days, rows, strict=True)
            ],
            **read.stamps(),
        }
    )


def estimated_cost(plan: Plan | None, day: date, usage_based_reqs: int) -> Decimal | None:
    """A member's day on a legacy request plan: a day's share of the seat, and each request beyond the included ones."""
    if plan is None or plan.overage_usd_a_request is None:
        return None
    share = EXACT.divide(plan.seat_price_usd, Decimal(monthrange(day.year, day.month)[1]))
    return nine_decimals(share + usage_based_reqs * plan.overage_usd_a_request)


def commit_rows(records: Records, eve: Records) -> pl.DataFrame:
    """Rows of `cursor_ai_commits`, one per commit: of two records of one day the later one. A commit that the day
    before has too is on that day; `eve` is the day before the first.
    """
    read, before = records.read(sent.AiCommit), eve.read(sent.AiCommit)
    commits, days = read.values, read.days.to_list()
    known = set(zip(days, [commit.commit_hash for commit in commits], strict=True))
    known |= {(day, commit.commit_hash) for day, commit in zip(before.days, before.values, strict=True)}
    last: dict[tuple[date, str], int] = {}
    for place, (day, commit) in enumerate(zip(days, commits, strict=True)):
        key = (day, commit.commit_hash)
        if (day - ONE_DAY, commit.commit_hash) not in known and (
            key not in last or commit.created_at >= commits[last[key]].created_at
        ):
            last[key] = place
    places = sorted(last.values())
    kept = [commits[place] for place in places]
    return CURSOR_AI_COMMITS.frame(
        {
            "activity_date": [days[place] for place in places],
            "commit_hash": [commit.commit_hash for commit in kept],
            "user_email": [address_of(commit.user_email) for commit in kept],
            "user_id": [_text(commit.user_id) for commit in kept],
            **{
                name: [getattr(commit, name) for commit in kept]
                for name in ("repo_name", "branch_name", "is_primary_branch", "commit_source")
            },
            **{
                f"{lines}_{done}": [getattr(commit, f"{lines}_{done}") for commit in kept]
                for lines in LINES
                for done in ("added", "deleted")
            },
            "commit_at": [commit.commit_ts and commit.commit_ts.astimezone(UTC) for commit in kept],
            "created_at": [commit.created_at.astimezone(UTC) for commit in kept],
            **{name: stamp.gather(places) for name, stamp in read.stamps().items()},
        }
    )


def member_rows(records: Records) -> pl.DataFrame:
    """Rows of `dim_cursor_member`, one per record."""
    read = records.read(sent.Member)
    members = read.values
    return DIM_CURSOR_MEMBER.frame(
        {
            "user_id": [_text(member.id) for member in members],
            "user_email": [address_of(member.email) for member in members],
            "user_name": [member.name for member in members],
            "role": [member.role for member in members],
            "is_removed": [member.is_removed or False for member in members],
            **read.stamps(),
        }
    )


def plan_rows(plans: Sequence[Plan]) -> pl.DataFrame:
    """Rows of `dim_cursor_plan`."""
    return DIM_CURSOR_PLAN.frame(
        {
            "plan_name": [plan.name for plan in plans],
            "valid_from": [plan.valid_from for plan in plans],
            "valid_to": [plan.valid_to for plan in plans],
            "seat_price_usd": [plan.seat_price_usd for plan in plans],
            "overage_usd_a_request": [plan.overage_usd_a_request for plan in plans],
        }
    )


def _text(user_id: str | int | None) -> str | None:
    """An id is opaque, whether it came as text or as a number."""
    return None if user_id is None else str(user_id)


def _numeric(values: Sequence[Decimal | None]) -> list[Decimal | None]:
    return [None if value is None else nine_decimals(value) for value in values]
