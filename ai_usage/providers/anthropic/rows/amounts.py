"""Columns of money, and columns of one value."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import polars as pl

from ai_usage.money import USD, Rates, currency_name, usd, usd_of_each
from ai_usage.providers.anthropic.records.analytics import AnalyticsMoney
from ai_usage.providers.anthropic.records.usage_and_cost import CostLine
from ai_usage.warehouse.reading.ledger_records import Readable


def money_columns(
    read: Readable[Any], costs: Sequence[CostLine | AnalyticsMoney], rates: Rates
) -> dict[str, Sequence[object] | pl.Series]:
    """The columns of what was billed. An amount in another currency is kept beside its dollars."""
    amounts, currencies = [cost.amount for cost in costs], [cost.currency for cost in costs]
    names = {currency: currency_name(currency) for currency in set(currencies)}
    in_usd = usd_of_cents(amounts, currencies, read.days, rates)
    if not set(names.values()) - {USD}:
        return {
            "amount_usd": in_usd,
            "currency": always(USD, len(costs)),
            "billed_amount": always(None, len(costs), pl.Decimal(38, 9)),
        }
    return {
        "amount_usd": in_usd,
        "currency": [names[currency] for currency in currencies],
        "billed_amount": [None if names[c] == USD else usd(cents=a) for a, c in zip(amounts, currencies, strict=True)],
    }


def always(value: object, rows: int, dtype: Any = pl.String) -> pl.Series:
    """A column of one value, made faster than from a list."""
    return pl.Series([value], dtype=dtype).new_from_index(0, rows)


def usd_of_cents(cents: Sequence[Decimal], currencies: Sequence[str], days: pl.Series, rates: Rates) -> list[Decimal]:
    """Dollars of cents in any currency, each at the rate of its day."""
    if set(currencies) <= {USD}:
        return usd_of_each(cents)
    each = zip(cents, currencies, days.to_list(), strict=True)
    return [rates.usd(cents=amount, currency=currency, day=day) for amount, currency, day in each]
