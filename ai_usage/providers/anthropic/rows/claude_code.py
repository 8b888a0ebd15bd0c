"""Rows of the Claude Code report."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from operator import attrgetter
from typing import Any

import polars as pl

from ai_usage.money import NO_RATES, Rates
from ai_usage.providers.anthropic.records.claude_code import CodeModel, CodeRecord
from ai_usage.providers.anthropic.rows.amounts import usd_of_cents
from ai_usage.providers.anthropic.rows.lists import Organization
from ai_usage.providers.anthropic.tables import ACTOR, CLAUDE_CODE_MODEL_USAGE, CLAUDE_CODE_USAGE_STATS, TOOLS
from ai_usage.warehouse.reading.field_types import address_of
from ai_usage.warehouse.reading.ledger_records import Readable, Records

TOKEN_KINDS = {
    "input_tokens": "input",
    "output_tokens": "output",
    "cache_read_tokens": "cache_read",
    "cache_creation_tokens": "cache_creation",
}


def code_rows(records: Records, of: Organization, rates: Rates = NO_RATES) -> pl.DataFrame:
    """Rows of `claude_code_usage_stats`, one per record."""
    read = records.read(CodeRecord, rates)
    got = read.values
    core = [record.core_metrics for record in got]
    lines = _each(core, "lines_of_code")
    tools = [record.tool_actions for record in got]
    decisions = {tool: _each(tools, tool) for tool in TOOLS}
    models = [record.model_breakdown for record in got]
    places = [n for n, used in enumerate(models) for _ in used]
    estimates = iter(_estimates(read, [model for used in models for model in used], places, rates))
    return CLAUDE_CODE_USAGE_STATS.frame(
        {
            **_actor(read, of),
            "num_sessions": _each(core, "num_sessions"),
            "lines_added": _each(lines, "added"),
            "lines_removed": _each(lines, "removed"),
            "commits_by_claude_code": _each(core, "commits_by_claude_code"),
            "pull_requests_by_claude_code": _each(core, "pull_requests_by_claude_code"),
            **{
                f"{tool}_{decision}": _each(decisions[tool], decision)
                for tool in TOOLS
                for decision in ("accepted", "rejected")
            },
            "model": [_most_expensive(used) for used in models],
            "estimated_cost_usd": [sum((next(estimates) for _ in used), Decimal(0)) for used in models],
            **{
                column: [_sum(_each(_each(used, "tokens"), kind)) for used in models]
                for column, kind in TOKEN_KINDS.items()
            },
            **read.stamps(),
        }
    )


def code_model_rows(records: Records, of: Organization, rates: Rates = NO_RATES) -> pl.DataFrame:
    """Rows of `claude_code_model_usage`, one per model of each record."""
    read = records.read(CodeRecord, rates)
    places = [n for n, record in enumerate(read.values) for _ in record.model_breakdown]
    models = [model for record in read.values for model in record.model_breakdown]
    tokens = _each(models, "tokens")
    actor = {
        name: pl.Series(values, dtype=ACTOR[name].type.polars).gather(places)
        for name, values in _actor(read, of).items()
    }
    return CLAUDE_CODE_MODEL_USAGE.frame(
        {
            **actor,
            "model": [m.model for m in models],
            "estimated_cost_usd": _estimates(read, models, places, rates),
            **{column: _each(tokens, kind) for column, kind in TOKEN_KINDS.items()},
            **{name: stamp.gather(places) for name, stamp in read.stamps().items()},
        }
    )


def _estimates(
    read: Readable[CodeRecord], models: Sequence[CodeModel], places: list[int], rates: Rates
) -> list[Decimal]:
    costs = [model.estimated_cost for model in models]
    days = read.days.gather(places)
    return usd_of_cents([cost.amount for cost in costs], [cost.currency for cost in costs], days, rates)


def _actor(read: Readable[CodeRecord], of: Organization) -> dict[str, Sequence[object] | pl.Series]:
    got = read.values
    return {
        "activity_date": read.days,
        "organization_id": [r.organization_id or of.id for r in got],
        "actor_type": [r.actor.type for r in got],
        "user_email": [address_of(r.actor.email_address) for r in got],
        "api_key_name": [r.actor.api_key_name for r in got],
        "terminal_type": [r.terminal_type for r in got],
        "is_remote": [r.is_remote for r in got],
        "customer_type": [r.customer_type for r in got],
        "subscription_type": [r.subscription_type for r in got],
    }


def _each(blocks: Iterable[object], name: str) -> list[Any]:
    """A figure of each block; of an unknown block it is unknown."""
    get = attrgetter(name)
    return [None if block is None else get(block) for block in blocks]


def _sum(counts: Sequence[int | None]) -> int | None:
    """None as soon as one of the counts is unknown."""
    return None if None in counts else sum(count or 0 for count in counts)


def _most_expensive(used: Sequence[CodeModel]) -> str | None:
    return max(used, key=lambda m: m.estimated_cost.amount).model if used else None
