"""OpenAI's list prices in dollars, with the day from which each holds. Knows of no usage and of no rounding.

A model begins on the day on which the company moves to it. A later line of the same model is a change of its price.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache

MILLION = 1_000_000
GIBIBYTE = 2**30
TOKEN_METERS = (  # in the order of the price lists below
    "input",
    "cached_input",
    "cache_write",
    "output",
    "audio_input",
    "audio_cached_input",
    "audio_output",
    "image_input",
)
DISCOUNTED = Decimal("0.5")  # through the Batch API, and of the tier flex
WEB_SEARCH = Decimal("0.01")  # 10 USD per 1,000
FILE_SEARCH = Decimal("0.0025")  # 2.50 USD per 1,000
SESSION = Decimal("0.03")
GIBIBYTE_DAY = Decimal("0.10")

_PLAIN = ("input", "cached input", "cache write", "output")
STYLES = {  # how a model's cost lines are worded: no two generations are alike
    "plain": _PLAIN,
    "snake": ("input_tokens", "cached_input_tokens", "input_cache_write_tokens", "output_tokens"),
    "title": ("Input", "Cached Input", "Cache Write", "Output"),
    "modal": (
        *(f"text {words}" for words in _PLAIN),
        *("audio input", "audio cached input", "audio output", "image input"),
    ),
}


@dataclass(frozen=True, eq=False)
class Model:
    """One model at one price. `prices` follows TOKEN_METERS per million tokens; without a style it has one price."""

    id: str
    since: date
    style: str
    prices: tuple[Decimal | None, ...]

    def price(self, meter: str, *, is_discounted: bool = False) -> Decimal:
        """Of one token."""
        usd = self.prices[TOKEN_METERS.index(meter)]
        if usd is None:
            raise ValueError(f"{self.id} has no {meter}")
        return usd * (DISCOUNTED if is_discounted else 1) / MILLION

    @property
    def unit_price(self) -> Decimal:
        """Of one token, image, character or second, where a model has one price."""
        usd = self.prices[0]
        if usd is None:
            raise ValueError(f"{self.id} has no price")
        return usd

    def has(self, meter: str) -> bool:
        n = TOKEN_METERS.index(meter)
        return n < len(self.prices) and self.prices[n] is not None

    def words(self, meter: str) -> str:
        return STYLES[self.style][TOKEN_METERS.index(meter)]


# id | first day | style | USD per million tokens, in the order of TOKEN_METERS
_LIST = {
    "large": [
        "gpt-4o-2024-08-06 | 2024-08-06 | title | 2.50 1.25 - 10",
        "gpt-4.1 | 2025-04-14 | title | 2 0.50 - 8",
        "gpt-5 | 2025-08-07 | plain | 1.25 0.125 - 10",
        "gpt-5.2 | 2025-12-11 | plain | 1.75 0.175 - 14",
        "gpt-5.6-sol | 2026-07-09 | plain | 5 0.50 6.25 30",
        "gpt-5.6-sol | 2026-08-21 | plain | 4 0.40 5 20",
        "gpt-6-sol | 2026-10-12 | plain | 2 0.20 2.50 10",
    ],
    "small": [
        "gpt-4o-mini | 2024-07-18 | title | 0.15 0.075 - 0.60",
        "gpt-5-mini | 2025-08-07 | plain | 0.25 0.025 - 2",
        "gpt-5.6-luna | 2026-07-09 | plain | 1 0.10 1.25 6",
        "gpt-5.6-luna | 2026-07-30 | plain | 0.20 0.02 0.25 1.20",
    ],
    "frontier": ["gpt-6-astra | 2026-10-12 | snake | 10 1 12.50 50"],
    "legacy": ["gpt-4o-2024-08-06 | 2024-08-06 | title | 2.50 1.25 - 10"],
    "realtime": [
        "gpt-realtime | 2025-08-28 | modal | 4 0.40 - 16 32 0.40 64 5",
        "gpt-realtime-2.1 | 2026-06-04 | modal | 4 0.40 - 24 32 0.40 64 5",
    ],
    # Below, one price for one token, image, character or second.
    "embedding": ["text-embedding-3-small | 2024-01-25 | | 0.00000002"],
    "moderation": ["omni-moderation-latest | 2024-09-26 | | 0"],
    "image": [
        "dall-e-3 | 2023-11-06 | | 0.04",
        "gpt-image-2 | 2026-04-21 | | 0.05",
    ],
    "speech": ["tts-1 | 2023-11-06 | | 0.000015"],
    "transcription": ["whisper-1 | 2023-03-01 | | 0.0001"],
}


def _model(line: str) -> Model:
    model_id, since, style, prices = (part.strip() for part in line.split("|"))
    usd = tuple(None if price == "-" else Decimal(price) for price in prices.split())
    return Model(model_id, date.fromisoformat(since), style, usd)


FAMILIES = {family: [_model(line) for line in lines] for family, lines in _LIST.items()}
MODELS = [model for models in FAMILIES.values() for model in models]


@cache
def newest(family: str, day: date) -> Model | None:
    """The family's newest model on `day`, at that day's price; None before its time."""
    return next((model for model in reversed(FAMILIES[family]) if model.since <= day), None)
