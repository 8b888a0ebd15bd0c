"""Google's list prices in dollars for Gemini, and the texts of its SKUs. Knows of no usage.

A model begins on the day on which the company moves to it. A later line of the same model is a change of its price.
SKU texts follow no rule at Google: each generation of models has its own.
"""

import hashlib
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from typing import NamedTuple

MILLION = 1_000_000
KINDS = ("input", "cached", "output")  # of tokens, in the order of the prices below
DISCOUNTED = Decimal("0.5")  # of the Batch API
SEAT_USD = Decimal(19)  # of Code Assist Standard, a month
GEMINI_API, VERTEX = "gemini", "vertex"


class Service(NamedTuple):
    """A service of the bill, as its rows name it."""

    id: str
    description: str


SERVICES = {
    GEMINI_API: Service("AEFD-7695-64FA", "Gemini API"),
    VERTEX: Service("C7E2-9256-1C43", "Vertex AI"),
    "code_assist": Service("719A-983F-202D", "Gemini for Google Cloud"),
    "compute": Service("6F81-5844-456A", "Compute Engine"),
    "invoice": Service("5A1B-0C2D-3E4F", "Invoice"),
}
TEXTS = {  # style → kind → the SKU's text
    "plain": {
        "input": "Generate content input token count {name} short input text",
        "cached": "Generate content cached input token count {name} short text",
        "output": "Generate content output token count {name} text",
    },
    "snake": {
        "input": "Generate_content_input_token_count_{snake}_short_text",
        "cached": "Generate_content_cached_input_token_count_{snake}_short_text",
        "output": "Generate_content text output token count for {name}",
    },
    "for": {
        "input": "Generate content text input token count for {name}",
        "cached": "Generate content text cached input token count for {name}",
        "output": "Generate content text output token count for {name}",
    },
    VERTEX: {
        "input": "{title} Text Input - Predictions",
        "cached": "{title} Text Input Caching - Predictions",
        "output": "{title} Text Output - Predictions",
        "thinking": "{title} Thinking Text Output - Predictions",
    },
}


@dataclass(frozen=True, eq=False)
class Model:
    """One model at one price. `prices` follows KINDS, per million tokens."""

    id: str
    since: date
    style: str
    prices: tuple[Decimal, ...]

    @property
    def name(self) -> str:
        """The name in SKU texts: `gemini 3.1 pro`."""
        return self.id.removesuffix("-preview").replace("-", " ")

    @property
    def label(self) -> str:
        """The value of the label `goog-generativelanguage-model`: `gemini31pro`."""
        return self.name.replace(" ", "").replace(".", "")

    @property
    def search_usd(self) -> Decimal:
        """The price of one query of Grounding with Google Search."""
        return Decimal("0.035") if " 2.5 " in self.name else Decimal("0.014")

    def price(self, kind: str, *, is_batch: bool = False) -> Decimal:
        """The price of one token; thinking costs as much as output."""
        usd = self.prices[KINDS.index("output" if kind == "thinking" else kind)]
        return usd * (DISCOUNTED if is_batch else 1) / MILLION

    def sku(self, api: str, kind: str, *, is_batch: bool = False) -> str:
        """The SKU's text; the Gemini API bills thinking as output."""
        texts = TEXTS[VERTEX] if api == VERTEX else TEXTS[self.style]
        named = {"name": self.name, "snake": self.name.replace(" ", "_"), "title": self.name.title()}
        text = texts[kind if kind in texts else "output"].format(**named)
        if not is_batch:
            return text
        return (
            text.replace(" - ", " Batch - ") if api == VERTEX else text + ("_batch" if "_short" in text else " batch")
        )


# id | first day | style | USD per million tokens, in the order of KINDS
_LIST = {
    "flash": [
        "gemini-2.5-flash | 2025-06-17 | plain | 0.30 0.03 2.50",
        "gemini-3-flash-preview | 2026-01-12 | snake | 0.50 0.05 3",
        "gemini-3.5-flash | 2026-06-01 | snake | 1.50 0.15 9",
        "gemini-3.8-flash | 2026-10-12 | for | 0.75 0.075 3.75",
        "gemini-3.8-flash | 2027-01-01 | for | 1.50 0.15 7.50",
    ],
    "pro": [
        "gemini-2.5-pro | 2025-06-17 | plain | 1.25 0.125 10",
        "gemini-3.1-pro-preview | 2026-03-02 | snake | 2 0.20 12",
    ],
    "lite": [
        "gemini-2.5-flash-lite | 2025-07-22 | plain | 0.10 0.01 0.40",
        "gemini-3.1-flash-lite | 2026-05-11 | snake | 0.25 0.025 1.50",
    ],
}


def _model(line: str) -> Model:
    model_id, since, style, prices = (part.strip() for part in line.split("|"))
    return Model(model_id, date.fromisoformat(since), style, tuple(map(Decimal, prices.split())))


FAMILIES = {family: [_model(line) for line in lines] for family, lines in _LIST.items()}


@cache
def newest(family: str, day: date) -> Model | None:
    """The family's newest model on `day`, at that day's price; None before its time."""
    return next((model for model in reversed(FAMILIES[family]) if model.since <= day), None)


def sku_id(text: str) -> str:
    """An id of three groups of four characters; the same text gives the same id."""
    digits = hashlib.sha256(f"sku:{text}".encode()).hexdigest()[:12].upper()
    return f"{digits[:4]}-{digits[4:8]}-{digits[8:]}"
