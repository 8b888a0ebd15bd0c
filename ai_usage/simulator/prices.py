"""Claude's list prices, with the day from which each model serves. Knows of no usage and no rounding.

Prices are cents per million tokens, as Decimal, so that tokens times price is exact.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache

TOKEN_TYPES = (
    "uncached_input_tokens",
    "cache_read_input_tokens",
    "cache_creation.ephemeral_5m_input_tokens",
    "cache_creation.ephemeral_1h_input_tokens",
    "output_tokens",
)
BATCH = Decimal("0.5")
US_INFERENCE = Decimal("1.1")
WEB_SEARCH_CENTS = Decimal(1)  # 10 USD per 1,000
CODE_EXECUTION_CENTS = Decimal("0.5")  # 0.05 USD an hour, counted in tenths of an hour
SESSION_CENTS = Decimal("0.8")  # 0.08 USD an hour of a managed agent's session, in tenths of an hour

WEB_SEARCH_SINCE = date(2025, 5, 7)
CODE_EXECUTION_SINCE = date(2025, 5, 22)
SESSIONS_SINCE = date(2026, 4, 8)
LONG_CONTEXT_SINCE = date(2026, 3, 13)  # from then on a prompt over 200k costs no more per token
CLAUDE_CODE_SINCE = date(2025, 2, 24)


@dataclass(frozen=True, eq=False)
class Model:
    """One model. `cents` follows TOKEN_TYPES; None where it cannot cache."""

    id: str
    name: str
    family: str
    since: date
    cents: tuple[Decimal | None, ...]
    has_geo: bool  # the 4.6 family and later report where they ran, and may be restricted to the US

    def price(self, token_type: int, *, batch: bool, us: bool) -> Decimal:
        cents = self.cents[token_type]
        if cents is None:
            raise ValueError(f"{self.id} has no {TOKEN_TYPES[token_type]}")
        return cents * (BATCH if batch else 1) * (US_INFERENCE if us else 1) / 1_000_000


# id, name, first day, USD per million: input, cache read, 5m write, 1h write, output.
# "lite" is Haiku 5.5. All its prompts here are under the 100k tokens from which it costs more.
_LIST = {
    "any": ["claude-2.1 | Claude 2.1 | 2023-11-21 | 8 - - - 24"],
    "opus": [
        "claude-3-opus-20240229 | Claude Opus 3 | 2024-03-04 | 15 1.50 18.75 30 75",
        "claude-opus-4-20250514 | Claude Opus 4 | 2025-05-22 | 15 1.50 18.75 30 75",
        "claude-opus-4-1-20250805 | Claude Opus 4.1 | 2025-08-05 | 15 1.50 18.75 30 75",
        "claude-opus-4-5-20251101 | Claude Opus 4.5 | 2025-11-24 | 5 0.50 6.25 10 25",
        "claude-opus-4-6 | Claude Opus 4.6 | 2026-02-05 | 5 0.50 6.25 10 25",
        "claude-opus-4-7 | Claude Opus 4.7 | 2026-04-16 | 5 0.50 6.25 10 25",
        "claude-opus-4-8 | Claude Opus 4.8 | 2026-05-28 | 5 0.50 6.25 10 25",
        "claude-opus-5 | Claude Opus 5 | 2026-07-24 | 5 0.50 6.25 10 25",
        "claude-opus-5-5 | Claude Opus 5.5 | 2026-09-22 | 4 0.20 5 8 20",
    ],
    "sonnet": [
        "claude-3-sonnet-20240229 | Claude Sonnet 3 | 2024-03-04 | 3 0.30 3.75 6 15",
        "claude-3-5-sonnet-20240620 | Claude Sonnet 3.5 | 2024-06-20 | 3 0.30 3.75 6 15",
        "claude-3-7-sonnet-20250219 | Claude Sonnet 3.7 | 2025-02-24 | 3 0.30 3.75 6 15",
        "claude-sonnet-4-20250514 | Claude Sonnet 4 | 2025-05-22 | 3 0.30 3.75 6 15",
        "claude-sonnet-4-5-20250929 | Claude Sonnet 4.5 | 2025-09-29 | 3 0.30 3.75 6 15",
        "claude-sonnet-4-6 | Claude Sonnet 4.6 | 2026-02-17 | 3 0.30 3.75 6 15",
        "claude-sonnet-5 | Claude Sonnet 5 | 2026-06-30 | 2 0.20 2.50 4 10",
        "claude-sonnet-5-5 | Claude Sonnet 5.5 | 2026-09-28 | 2 0.10 2.50 4 10",
    ],
    "haiku": [
        "claude-3-haiku-20240307 | Claude Haiku 3 | 2024-03-13 | 0.25 0.03 0.30 0.50 1.25",
        "claude-3-5-haiku-20241022 | Claude Haiku 3.5 | 2024-11-04 | 0.80 0.08 1 1.60 4",
        "claude-haiku-4-5-20251001 | Claude Haiku 4.5 | 2025-10-15 | 1 0.10 1.25 2 5",
    ],
    "lite": ["claude-haiku-5-5 | Claude Haiku 5.5 | 2026-10-20 | 0.10 0.01 0.125 0.20 0.50"],
}


def _model(family: str, line: str) -> Model:
    model_id, name, since, prices = (part.strip() for part in line.split("|"))
    first_day = date.fromisoformat(since)
    cents = tuple(None if usd == "-" else Decimal(usd) * 100 for usd in prices.split())
    return Model(model_id, name, family, first_day, cents, has_geo=first_day >= date(2026, 2, 5))


FAMILIES = {family: [_model(family, line) for line in lines] for family, lines in _LIST.items()}
MODELS = [model for models in FAMILIES.values() for model in models]


@cache
def newest(family: str, day: date) -> Model | None:
    """The family's newest model on `day`; Claude 2.1 before there were families; None before its time."""
    served = [model for model in FAMILIES[family] if model.since <= day]
    if served:
        return served[-1]
    return None if family == "lite" else FAMILIES["any"][0]
