"""The team's Cursor plans with their prices, as the file that CURSOR_PLANS names has them: the API has no price."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from pathlib import Path

import msgspec

from ai_usage.errors import SettingError
from ai_usage.money import nine_decimals


@dataclass(frozen=True)
class Plan:
    """What a seat costs, and on a legacy plan a request beyond the included ones, from a day on."""

    name: str
    valid_from: date
    valid_to: date | None  # exclusive
    seat_price_usd: Decimal
    overage_usd_a_request: Decimal | None  # None where usage is billed by tokens

    def holds_on(self, day: date) -> bool:
        return self.valid_from <= day and (self.valid_to is None or day < self.valid_to)


class _Entry(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    valid_from: date
    seat_price_usd: str  # a TOML number would be a float
    valid_to: date | None = None
    overage_usd_a_request: str | None = None


class _File(msgspec.Struct, forbid_unknown_fields=True):
    plan: list[_Entry]


def read_plans(path: Path | None) -> list[Plan]:
    """The plans, oldest first; none without a file. `SettingError` names the file, the plan and what to write."""
    if path is None:
        return []
    try:
        with path.open("rb") as file:
            file_content = msgspec.convert(tomllib.load(file), _File)
        plans = sorted((_plan(entry) for entry in file_content.plan), key=lambda plan: plan.valid_from)
    except (OSError, ValueError, msgspec.ValidationError) as error:  # TOML's own error is a ValueError
        raise SettingError(f"CURSOR_PLANS: {path} cannot be used: {error}. docs/cursor-plans.md shows one.") from error
    for plan, following in pairwise(plans):
        if plan.valid_to is None or plan.valid_to > following.valid_from:
            raise SettingError(
                f"CURSOR_PLANS: {path}: {plan.name!r} and {following.name!r} both hold on {following.valid_from}; "
                "end the older one with valid_to (exclusive)."
            )
    return plans


def plan_on(plans: Sequence[Plan], day: date) -> Plan | None:
    return next((plan for plan in plans if plan.holds_on(day)), None)


def _plan(entry: _Entry) -> Plan:
    if entry.valid_to is not None and entry.valid_to <= entry.valid_from:
        raise ValueError(f"plan {entry.name!r} ends on {entry.valid_to}, before it begins")
    overage = entry.overage_usd_a_request
    return Plan(
        entry.name,
        entry.valid_from,
        entry.valid_to,
        _price(entry.name, entry.seat_price_usd),
        None if overage is None else _price(entry.name, overage),
    )


def _price(plan: str, text: str) -> Decimal:
    try:
        price = nine_decimals(Decimal(text))
    except InvalidOperation as error:
        raise ValueError(f'plan {plan!r}: {text!r} is no price; write dollars such as "40" or "0.04"') from error
    if price < 0:
        raise ValueError(f"plan {plan!r}: {text!r} is a negative price")
    return price
