"""Checks that keys with spend have owners, for every provider with API keys."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from ai_usage.check import Check, DailyCheck, Result, by_day, passed, some, warned, worst_of
from ai_usage.core.keys import DIM_API_KEY_MAPPING, WITH_KEYS
from ai_usage.partitions import Span
from ai_usage.providers.registry import BY_KEY, NAMES
from ai_usage.settings import settings
from ai_usage.warehouse.port import Warehouse

SQL = "checks/every_key_has_an_owner"
WITH_USE = tuple(BY_KEY[key] for key in WITH_KEYS)  # each supplies `key_use.sql`, see sql/contracts


def _owned_share(warehouse: Warehouse, span: Span) -> Mapping[date, Result]:
    keys = warehouse.query(SQL, first_day=span.first, last_day=span.last)
    return {day: evaluate_owners(rows, settings().attributed_at_least) for day, rows in by_day(keys).items()}


def evaluate_owners(keys: list[dict[str, Any]], at_least: Decimal) -> Result:
    """The share of a day's key spend and usage that has an owner, by provider."""
    found: dict[str, list[dict[str, Any]]] = {}
    for key in keys:
        found.setdefault(NAMES[key["provider"]], []).append(key)
    results = {name: _of_provider(of, at_least) for name, of in found.items()}
    return worst_of(results) if len(results) > 1 else next(iter(results.values()))


def _of_provider(keys: list[dict[str, Any]], at_least: Decimal) -> Result:
    """Keys without an owner are named, most expensive first."""
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
    asset=f"core/{DIM_API_KEY_MAPPING.name}",
    title="spend and tokens of keys without an owner",
    description="API keys have an owner for at least AI_USAGE_ATTRIBUTED_AT_LEAST of their spend and of their tokens, "
    "at each provider.",
    severity="warned",
    sources=tuple(provider.source for provider in WITH_USE),
    pulls=tuple(provider.bill.pull for provider in WITH_USE),
    also_reads=tuple(
        dict.fromkeys(
            address
            for provider in WITH_USE
            if provider.keys
            for address in (*(f"core/{table.name}" for table in provider.keys.used_in), *provider.expense_marts)
        )
    ),
    sql=SQL,
    evaluate=_owned_share,
)

CHECKS: list[Check] = [every_key_has_an_owner]
