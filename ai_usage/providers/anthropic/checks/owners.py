"""Do the keys that spend have owners."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from ai_usage.check import Check, DailyCheck, Result, by_day, passed, some, warned
from ai_usage.partitions import Span
from ai_usage.providers.anthropic.pulls import SOURCE
from ai_usage.settings import settings
from ai_usage.warehouse.port import Warehouse

SQL = "providers/anthropic/checks/every_key_has_an_owner"


def _owned_share(warehouse: Warehouse, span: Span) -> Mapping[date, Result]:
    keys = warehouse.query(SQL, first_day=span.first, last_day=span.last)
    return {day: evaluate_owners(rows, settings().attributed_at_least) for day, rows in by_day(keys).items()}


def evaluate_owners(keys: list[dict[str, Any]], at_least: Decimal) -> Result:
    """The share of what keys used and cost on a day that has an owner; keys without one, most expensive first."""
    unowned = [key for key in keys if key["mapped_by"] == "none"]
    tokens = 1 - _share(unowned, keys, "tokens")
    usd = 1 - _share(unowned, keys, "usd")
    why = f"{usd:.1%} of API-key spend and {tokens:.1%} of their tokens have an owner"
    if min(tokens, usd) >= at_least:
        return passed(f"{why} (threshold {at_least:.0%}).")
    named = some((f"{key['api_key_name'] or key['api_key_id']} ({key['usd']:.2f} USD)" for key in unowned), at_most=3)
    return warned(f"{why} (threshold {at_least:.0%}). Unowned: {named}.", unowned)


def _share(some_keys: list[dict[str, Any]], keys: list[dict[str, Any]], measure: str) -> float:
    whole = sum(key[measure] for key in keys)
    return float(sum(key[measure] for key in some_keys) / whole) if whole else 0.0


every_key_has_an_owner = DailyCheck(
    name="every_key_has_an_owner",
    provider="anthropic",
    asset="core/dim_api_key_mapping",
    title="spend and tokens of keys without an owner",
    description="API keys have an owner for at least AI_USAGE_ATTRIBUTED_AT_LEAST of their spend and of their tokens.",
    severity="warned",
    sources=(SOURCE,),
    pulls=("claude_messages_usage", "claude_cost_report"),
    also_reads=("core/claude_usage_tokens", "marts/claude_cost_shares"),
    sql=SQL,
    evaluate=_owned_share,
)

CHECKS: list[Check] = [every_key_has_an_owner]
