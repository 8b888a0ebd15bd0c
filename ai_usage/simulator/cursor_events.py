"""One call of a model at Cursor, and what it costs under the plan of its day.

Money is whole ten-millionths of a cent, so that it is exact and quick.
"""

import random
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from ai_usage.simulator.cursor_team import Seat, ServiceAccount

TOKENS_SINCE = date(2026, 6, 4)  # before it a request costs four cents, whatever its tokens
CENT = 10**7
CENTS_PER_REQUEST = 4
FEE = 250  # for each token of a third party's model: 0.25 USD a million
INCLUDED, USAGE_BASED = "Included in Business", "Usage-based"


class CursorModel(NamedTuple):
    name: str
    since: date
    until: date
    rates: tuple[int, int, int, int]  # USD a billion tokens: input, output, cache write, cache read
    tenths: int = 10  # of a request, in the old plan
    is_cursors: bool = False
    discount: int = 0  # percent off, now and then: a multiple of ten keeps the cents to seven places


ALWAYS = (date.min, date.max)
MODELS = (
    CursorModel("default", *ALWAYS, (1250, 6000, 1250, 250)),
    CursorModel("gpt-4.1", date.min, date(2025, 9, 1), (2000, 8000, 0, 500)),
    CursorModel("claude-4-sonnet", date.min, date(2026, 3, 1), (3000, 15000, 3750, 300), 20),
    CursorModel("gpt-5.5", date(2025, 9, 1), date.max, (1500, 12000, 0, 150), discount=20),
    CursorModel("gemini-3-pro", date(2025, 11, 18), date.max, (2000, 12000, 0, 200), 5),
    CursorModel("composer-1", date(2025, 10, 29), date(2026, 5, 1), (1250, 10000, 0, 120), is_cursors=True),
    CursorModel("composer-2.5", date(2026, 5, 1), date.max, (500, 2500, 0, 200), is_cursors=True, discount=10),
    CursorModel("claude-opus-5-5", date(2026, 3, 1), date.max, (5000, 25000, 6250, 500), 20),
)


class Event(NamedTuple):
    """One call of a model. It has no id, and a few have a twin equal in everything."""

    timestamp: int  # epoch milliseconds
    caller: Seat | ServiceAccount
    model: str
    is_chargeable: bool
    is_max: bool
    is_headless: bool
    tenths: int  # of a request
    tokens: tuple[int, int, int, int] | None  # input, output, cache write, cache read
    total: int
    discount: int
    fee: int
    charged: int
    conversation_id: str | None

    @property
    def email(self) -> str:
        return self.caller.email

    @property
    def kind(self) -> str:
        return USAGE_BASED if self.is_chargeable else INCLUDED

    @property
    def charged_cents(self) -> Decimal:
        return cents(self.charged)

    @property
    def total_cents(self) -> Decimal:
        return cents(self.total)

    @property
    def fee_cents(self) -> Decimal:
        return cents(self.fee)


def cents(amount: int) -> Decimal:
    return Decimal(amount).scaleb(-7)


def price(
    rng: random.Random, model: CursorModel, *, is_max: bool
) -> tuple[int, tuple[int, int, int, int], int, int, int, int]:
    """Tenths of a request, tokens, total, discount, fee, charged."""
    size, long, rate = (3 if is_max else 1), rng.random(), model.rates
    tokens = (
        int(300 + 18_000 * long * long) * size,
        int(80 + 2600 * rng.random()),
        int(7000 * rng.random()) if rate[2] else 0,
        int(110_000 * long * rng.random()) * size,
    )
    total = tokens[0] * rate[0] + tokens[1] * rate[1] + tokens[2] * rate[2] + tokens[3] * rate[3]
    discount = model.discount if model.discount and rng.random() < 0.3 else 0
    fee = 0 if model.is_cursors else FEE * sum(tokens)
    charged = total * (100 - discount) // 100 + fee
    return total * 10 // (CENTS_PER_REQUEST * CENT), tokens, total, discount, fee, charged


def cents_json(amount: int) -> str:
    """A JSON number with as many places as it needs."""
    whole, rest = divmod(amount, CENT)
    return f"{whole}.{rest:07d}".rstrip("0") if rest else str(whole)


def tenths_json(n: int) -> str:
    return f"{n // 10}.{n % 10}" if n % 10 else str(n // 10)
