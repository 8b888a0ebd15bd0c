"""Rows of the usage and cost reports."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec
import polars as pl

from ai_usage.money import NO_RATES, Rates
from ai_usage.providers.anthropic.records.usage_and_cost import NO_CACHE, NO_TOOLS, CostLine, UsageLine
from ai_usage.providers.anthropic.rows.amounts import always, money_columns
from ai_usage.providers.anthropic.rows.lists import Organization
from ai_usage.providers.anthropic.speeds import speed_of
from ai_usage.providers.anthropic.tables import (
    CLAUDE_COSTS,
    CLAUDE_DAILY_COST,
    CLAUDE_DAILY_TOKENS,
    CLAUDE_USAGE_TOKENS,
    CLAUDE_USAGE_TOKENS_BY_SPEED,
    MEASURES,
)
from ai_usage.warehouse.ledger import Answer
from ai_usage.warehouse.reading.field_types import Cents
from ai_usage.warehouse.reading.ledger_records import Records
from ai_usage.warehouse.table import ACCOUNT_STAMPS


def billed_cents(answer: Answer) -> Decimal | None:
    """What an answer's cost lines come to; None if any of them cannot be used."""
    lines = pl.DataFrame({"record": [record.decode() for record in answer.records]}, schema={"record": pl.String})
    records = Records(
        "", pl.DataFrame(), lines.with_columns(account=None, activity_date=None, pull_id=None, ingestion_timestamp=None)
    )
    cents = [line.amount for line in records.read(_Amount).values]
    return None if records.rejections else sum(cents, Decimal(0))


class _Amount(msgspec.Struct):
    amount: Cents


def cost_rows(records: Records, of: Organization, rates: Rates = NO_RATES) -> pl.DataFrame:
    """Rows of `claude_costs`, one per record."""
    read = records.read(CostLine, rates)
    lines = read.values
    spaces = [line.workspace_id or None for line in lines]
    descriptions = [line.description for line in lines]
    kinds = [line.token_type for line in lines]
    return CLAUDE_COSTS.frame(
        {
            "activity_date": read.days,
            "organization_id": always(of.id, len(lines)),
            "workspace_id": spaces,
            "workspace_name": list(map(of.workspace_names.get, spaces)),
            "model": [line.model for line in lines],
            "token_type": kinds,
            "cost_type": [line.cost_type for line in lines],
            **money_columns(read, lines, rates),
            "description": descriptions,
            "service_tier": [line.service_tier for line in lines],
            "context_window": [line.context_window for line in lines],
            "inference_geo": [line.inference_geo for line in lines],
            "speed": _speeds(descriptions, kinds),
            **read.stamps(),
        }
    )


def _speeds(descriptions: Sequence[Any], token_types: Sequence[Any]) -> Sequence[object] | pl.Series:
    """The speed of each line of tokens."""
    speeds = {description: speed_of(description) for description in set(descriptions)}
    if len(kinds := set(speeds.values())) == 1 and all(token_types):
        return always(kinds.pop(), len(descriptions))
    return [speeds[of] if token_type else None for of, token_type in zip(descriptions, token_types, strict=True)]


def daily_cost_rows(records: Records, of: Organization, rates: Rates = NO_RATES) -> pl.DataFrame:
    """Rows of `claude_daily_cost`, one per record: ungrouped, that is one a day."""
    read = records.read(CostLine, rates)
    return CLAUDE_DAILY_COST.frame(
        {
            "activity_date": read.days,
            "organization_id": [of.id] * len(read.values),
            **money_columns(read, read.values, rates),
            **read.stamps(),
        }
    )


def usage_rows(records: Records, of: Organization) -> pl.DataFrame:
    """Rows of `claude_usage_tokens`, one per record."""
    read = records.read(UsageLine)
    lines = read.values
    return CLAUDE_USAGE_TOKENS.frame(
        {
            "activity_date": read.days,
            "organization_id": [of.id] * len(lines),
            "api_key_id": [line.api_key_id for line in lines],
            "workspace_id": [line.workspace_id for line in lines],
            "model": [line.model for line in lines],
            "service_tier": [line.service_tier for line in lines],
            "context_window": [line.context_window for line in lines],
            "inference_geo": [line.inference_geo for line in lines],
            **_measures(lines),
            **read.stamps(),
        }
    )


def usage_by_speed_rows(records: Records, of: Organization) -> pl.DataFrame:
    """Rows of `claude_usage_tokens_by_speed`, one per record."""
    read = records.read(UsageLine)
    lines = read.values
    return CLAUDE_USAGE_TOKENS_BY_SPEED.frame(
        {
            "activity_date": read.days,
            "organization_id": [of.id] * len(lines),
            "api_key_id": [line.api_key_id for line in lines],
            "workspace_id": [line.workspace_id for line in lines],
            "model": [line.model for line in lines],
            "inference_geo": [line.inference_geo for line in lines],
            "speed": [line.speed for line in lines],
            **_measures(lines),
            **read.stamps(),
        }
    )


def _measures(lines: Sequence[UsageLine]) -> dict[str, list[int]]:
    cached = [line.cache_creation or NO_CACHE for line in lines]
    tools = [line.server_tool_use or NO_TOOLS for line in lines]
    return {
        "uncached_input_tokens": [line.uncached_input_tokens for line in lines],
        "output_tokens": [line.output_tokens for line in lines],
        "cache_read_input_tokens": [line.cache_read_input_tokens for line in lines],
        "cache_creation_5m_tokens": [cache.ephemeral_5m_input_tokens for cache in cached],
        "cache_creation_1h_tokens": [cache.ephemeral_1h_input_tokens for cache in cached],
        "web_search_requests": [tool.web_search_requests for tool in tools],
    }


def daily_token_rows(records: Records, of: Organization) -> pl.DataFrame:
    """Rows of `claude_daily_tokens`: the day's rows of `claude_usage_tokens` added up."""
    keys = ["activity_date", "organization_id", *ACCOUNT_STAMPS]
    summed = usage_rows(records, of).group_by(keys).agg(pl.col(*MEASURES).sum()).sort("activity_date")
    return summed.select(list(CLAUDE_DAILY_TOKENS.columns))
