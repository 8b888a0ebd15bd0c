"""Money as the providers send it and as the warehouse stores it: Decimal on both sides, never a float."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_EVEN, Context, Decimal, InvalidOperation
from pathlib import Path
from typing import overload

import msgspec

from ai_usage.errors import SettingError

# As wide as a NUMERIC(38, 9): refuses what that cannot hold.
EXACT = Context(prec=38, rounding=ROUND_HALF_EVEN)
WIDE = Context(prec=120)  # of sums of amounts with more than nine decimals, before they are rounded once
FINEST = Decimal("1e-7")  # of a cent: the ninth decimal of a dollar
USD = "USD"


def nine_decimals(value: Decimal) -> Decimal:
    """A quantity as NUMERIC(38, 9) holds it, half-even; `ValueError` if that cannot."""
    try:
        return EXACT.quantize(value, Decimal("1e-9"))
    except InvalidOperation as error:
        raise ValueError(f"{value} is no quantity that NUMERIC(38, 9) holds") from error


def usd(*, cents: Decimal) -> Decimal:
    """Dollars of an amount in cents, half-even to nine decimals; `ValueError` if NUMERIC(38, 9) cannot."""
    if not cents.is_finite():
        raise ValueError(f"{cents} cents is not an amount of money")
    try:
        return EXACT.scaleb(EXACT.quantize(cents, FINEST), -2)
    except InvalidOperation as error:
        raise ValueError(f"{cents} cents is more than NUMERIC(38, 9) holds") from error


@overload
def usd_of_each(cents: Sequence[Decimal]) -> list[Decimal]: ...
@overload
def usd_of_each(cents: Sequence[Decimal | None]) -> list[Decimal | None]: ...
def usd_of_each(cents: Sequence[Decimal | None]) -> Sequence[Decimal | None]:
    """`usd` of many amounts that are known to be finite and not too large (`warehouse.reading`); None stays None."""
    quantize, scaleb = EXACT.quantize, EXACT.scaleb
    return [None if amount is None else scaleb(quantize(amount, FINEST), -2) for amount in cents]


def rounded_together(amounts: Sequence[Decimal | None]) -> list[Decimal | None]:
    """Amounts to nine decimals, half-even, with a sum that is the exact sum to nine decimals: each is the growth of the
    rounded running sum. None stays None. `ValueError` if NUMERIC(38, 9) cannot hold one.
    """
    rounded: list[Decimal | None] = []
    exact = before = Decimal(0)
    for amount in amounts:
        if amount is None:
            rounded.append(None)
            continue
        exact = WIDE.add(exact, amount)
        after = nine_decimals(exact)
        rounded.append(EXACT.subtract(after, before))
        before = after
    return rounded


@dataclass(frozen=True)
class Rates:
    """Exchange rates to USD, each valid from a day on; USD itself is 1. `of` has each currency's rates, oldest
    first.
    """

    of: Mapping[str, Sequence[tuple[date, Decimal]]] = field(default_factory=dict)

    def usd_per_unit(self, currency: str, day: date | None) -> Decimal | None:
        """None where no rate is known."""
        if (name := currency_name(currency)) == USD:
            return Decimal(1)
        return next((rate for since, rate in reversed(self.of.get(name, ())) if day and since <= day), None)

    def usd(self, *, cents: Decimal, currency: str, day: date | None) -> Decimal:
        """Dollars of an amount in hundredths of a currency that has a rate on the day."""
        if currency == USD:
            return usd(cents=cents)
        rate = self.usd_per_unit(currency, day)
        if rate is None:
            raise ValueError(f"{currency} has no rate to USD on {day}")
        return usd(cents=EXACT.multiply(cents, rate))


NO_RATES = Rates()


class _Rate(msgspec.Struct, forbid_unknown_fields=True):
    currency: str
    valid_from: date
    usd_per_unit: str  # a TOML number would be a float


class _File(msgspec.Struct, forbid_unknown_fields=True):
    rate: list[_Rate]


def currency_name(sent: str) -> str:
    """`usd` is USD."""
    return sent.strip().upper()


def read_rates(path: Path | None) -> Rates:
    """The rates of a TOML file; none without one. `SettingError` names the file and what to write."""
    if path is None:
        return NO_RATES
    found: dict[str, list[tuple[date, Decimal]]] = {}
    try:
        with path.open("rb") as file:
            rates = msgspec.convert(tomllib.load(file), _File).rate
        for rate in sorted(rates, key=lambda rate: rate.valid_from):
            known = found.setdefault(currency_name(rate.currency), [])
            if known and known[-1][0] == rate.valid_from:
                raise ValueError(f"{rate.currency} has two rates from {rate.valid_from}")  # noqa: TRY301 - reported below
            known.append((rate.valid_from, _rate(rate)))
    except (OSError, ValueError, msgspec.ValidationError) as error:  # TOML's own error is a ValueError
        raise SettingError(
            f"AI_USAGE_CURRENCY_RATES: {path} cannot be used: {error}. It has entries such as "
            '[[rate]] currency = "EUR", valid_from = 2026-11-01, usd_per_unit = "1.0842".'
        ) from error
    return Rates(found)


def _rate(rate: _Rate) -> Decimal:
    try:
        per_unit = Decimal(rate.usd_per_unit)
    except InvalidOperation as error:
        raise ValueError(f"{rate.usd_per_unit!r} is not a rate") from error
    if not (per_unit.is_finite() and 0 < per_unit < 100):
        raise ValueError(f"{rate.usd_per_unit!r} is not a rate")
    return per_unit
