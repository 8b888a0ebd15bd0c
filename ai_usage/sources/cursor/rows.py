"""What Cursor's records become: rows of core. Pure: records in, a frame out; where it goes is core's business."""

from calendar import monthrange
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TypeVar

import polars as pl

from ai_usage.money import EXACT, nine_decimals, usd
from ai_usage.partitions import ONE_DAY
from ai_usage.sources.cursor import records as said
from ai_usage.sources.cursor.plans import Plan, plan_on
from ai_usage.sources.cursor.tables import (
    COUNTS,
    CURSOR_AI_COMMITS,
    CURSOR_USAGE_EVENTS,
    CURSOR_USAGE_STATS,
    DIM_CURSOR_MEMBER,
    DIM_CURSOR_PLAN,
)
from ai_usage.warehouse.ledger import Records, UnreadableRecord

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LINES = ("total_lines", "tab_lines", "composer_lines", "non_ai_lines")
WORDS = ("most_used_model", "apply_most_used_extension", "tab_most_used_extension", "client_version")

T = TypeVar("T")


def event_rows(records: Records) -> pl.DataFrame:
    """Rows of `cursor_usage_events`, one per record."""
    events = records.decode(said.UsageEvent)
    tokens = [event.token_usage for event in events]

    def of_tokens(read: Callable[[said.TokenUsage], T]) -> list[T | None]:
        return [read(usage) if usage else None for usage in tokens]

    return CURSOR_USAGE_EVENTS.frame(
        {
            "activity_date": records.lines["activity_date"],
            "event_at": [EPOCH + timedelta(milliseconds=int(event.timestamp)) for event in events],
            "user_email": [event.user_email.strip().lower() for event in events],
            "service_account_id": [event.service_account_id for event in events],
            "service_account_name": [event.service_account_name for event in events],
            "model": [event.model for event in events],
            "kind": [event.kind for event in events],
            "is_chargeable": [event.is_chargeable for event in events],
            "is_token_based": [event.is_token_based_call for event in events],
            "max_mode": [event.max_mode for event in events],
            "is_headless": [event.is_headless for event in events],
            "requests_costs": _numeric([event.requests_costs for event in events], records),
            "input_tokens": of_tokens(lambda usage: usage.input_tokens),
            "output_tokens": of_tokens(lambda usage: usage.output_tokens),
            "cache_write_tokens": of_tokens(lambda usage: usage.cache_write_tokens),
            "cache_read_tokens": of_tokens(lambda usage: usage.cache_read_tokens),
            "charged_usd": _usd([event.charged_cents for event in events], records),
            "cursor_token_fee_usd": _usd([event.cursor_token_fee for event in events], records),
            "list_usd": _usd(of_tokens(lambda usage: usage.total_cents), records),
            "discount_percent_off": _numeric(of_tokens(lambda usage: usage.discount_percent_off), records),
            "conversation_id": [event.conversation_id for event in events],
            "cloud_agent_id": [event.cloud_agent_id for event in events],
            "automation_id": [event.automation_id for event in events],
            **records.stamps(),
        }
    )


def usage_rows(records: Records, plans: Sequence[Plan]) -> pl.DataFrame:
    """Rows of `cursor_usage_stats`, one per record."""
    rows = records.decode(said.DailyUsage)
    days = records.lines["activity_date"].to_list()
    return CURSOR_USAGE_STATS.frame(
        {
            "activity_date": days,
            "date_at": [EPOCH + timedelta(milliseconds=row.date) for row in rows],
            "user_email": [row.email.strip().lower() if row.email else None for row in rows],
            **{name: [getattr(row, name) for row in rows] for name in ("user_id", "is_active", *COUNTS)},
            **{name: [getattr(row, name) for row in rows] for name in WORDS},
            "estimated_cost_usd": [
                estimated_cost(plan_on(plans, day), day, row.usage_based_reqs)
                for day, row in zip(days, rows, strict=True)
            ],
            **records.stamps(),
        }
    )


def estimated_cost(plan: Plan | None, day: date, usage_based_reqs: int) -> Decimal | None:
    """A member's day on a legacy request plan: a day's share of the seat, and each request beyond the included ones."""
    if plan is None or plan.overage_usd_a_request is None:
        return None
    share = EXACT.divide(plan.seat_price_usd, Decimal(monthrange(day.year, day.month)[1]))
    return nine_decimals(share + usage_based_reqs * plan.overage_usd_a_request)


def commit_rows(records: Records, eve: Records) -> pl.DataFrame:
    """Rows of `cursor_ai_commits`, one per commit: of two records of one day the later told. A commit that the day
    before has too stands there; `eve` is the day before the first.
    """
    commits = records.decode(said.AiCommit)
    days = records.lines["activity_date"].to_list()
    told = set(zip(days, [commit.commit_hash for commit in commits], strict=True))
    told |= {(day, c.commit_hash) for day, c in zip(eve.lines["activity_date"], eve.decode(said.AiCommit), strict=True)}
    last: dict[tuple[date, str], int] = {}
    for place, (day, commit) in enumerate(zip(days, commits, strict=True)):
        key = (day, commit.commit_hash)
        if (day - ONE_DAY, commit.commit_hash) not in told and (
            key not in last or commit.created_at >= commits[last[key]].created_at
        ):
            last[key] = place
    places = sorted(last.values())
    kept = [commits[place] for place in places]
    return CURSOR_AI_COMMITS.frame(
        {
            "activity_date": [days[place] for place in places],
            "commit_hash": [commit.commit_hash for commit in kept],
            "user_email": [commit.user_email.strip().lower() for commit in kept],
            "user_id": [str(commit.user_id) for commit in kept],
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
            **{name: stamp.gather(places) for name, stamp in records.stamps().items()},
        }
    )


def member_rows(records: Records) -> pl.DataFrame:
    """Rows of `dim_cursor_member`, one per record."""
    members = records.decode(said.Member)
    return DIM_CURSOR_MEMBER.frame(
        {
            "user_id": [str(member.id) for member in members],
            "user_email": [member.email.strip().lower() for member in members],
            "user_name": [member.name for member in members],
            "role": [member.role for member in members],
            "is_removed": [member.is_removed for member in members],
            **records.stamps(),
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


def _usd(cents: Sequence[Decimal | None], records: Records) -> list[Decimal | None]:
    return _each(lambda amount: usd(cents=amount), cents, records)


def _numeric(values: Sequence[Decimal | None], records: Records) -> list[Decimal | None]:
    return _each(nine_decimals, values, records)


def _each(
    read: Callable[[Decimal], Decimal], values: Sequence[Decimal | None], records: Records
) -> list[Decimal | None]:
    try:
        return [None if value is None else read(value) for value in values]
    except ValueError as error:
        raise UnreadableRecord(f"ai_usage_raw.{records.pull}: {error}. The record is kept in raw.") from error
