"""What a use of OpenAI's API is, and the exact cost lines it makes. Independent of the clock and of people's habits."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import NamedTuple

from ai_usage.simulator.openai_codex_days import CodexDay
from ai_usage.simulator.openai_prices import (
    FILE_SEARCH,
    GIBIBYTE,
    GIBIBYTE_DAY,
    SESSION,
    TOKEN_METERS,
    WEB_SEARCH,
    Model,
)

MINUTES = 1440
ENDPOINTS = (
    "completions",
    "embeddings",
    "moderations",
    "images",
    "audio_speeches",
    "audio_transcriptions",
    "vector_stores",
    "code_interpreter_sessions",
    "file_search_calls",
    "web_search_calls",
    "decisions",
)
BATCH, FLEX, DEFAULT = "batch", "flex", "default"
# Counts come in steps, so that no cost line needs more than nine decimal places.
STEPS = dict.fromkeys(TOKEN_METERS, 2) | {"usage_bytes": 2**24}
HOURS_A_DAY = 24


class Use(NamedTuple):
    """What one caller used of one endpoint in one way. `counts` has TOKEN_METERS, or the wire's own measures."""

    endpoint: str
    project_id: str
    api_key_id: str | None
    user_id: str | None
    model: Model | None
    tier: str  # of the service, or BATCH
    counts: Mapping[str, int]
    size: str | None = None
    source: str | None = None
    context_level: str | None = None
    vector_store_id: str | None = None

    @property
    def is_discounted(self) -> bool:
        return self.tier in (BATCH, FLEX)

    def between(self, first: int, last: int) -> "Use":
        """The part that falls between two minutes of the day: a day's use is spread evenly, step by step."""

        def part(name: str, n: int) -> int:
            step = STEPS.get(name, 1)
            steps = n // step
            return (steps * last // MINUTES - steps * first // MINUTES) * step

        return self._replace(counts={name: part(name, n) for name, n in self.counts.items()})

    def is_anything(self) -> bool:
        return any(self.counts.values())


class Line(NamedTuple):
    """One cost. Without `usd` the provider sends no amount: nothing is billed for it."""

    line_item: str
    project_id: str | None
    api_key_id: str | None
    user_id: str | None
    usd: Decimal | None
    quantity: Decimal | None = None
    unit: str | None = None


@dataclass(frozen=True)
class OpenAiDay:
    """A day, or a part of one, as the provider knows it; `codex` has the day's rows of the ChatGPT workspace."""

    date: date
    uses: tuple[Use, ...]
    credits: tuple[Line, ...] = ()  # amounts below zero
    codex: tuple[CodexDay, ...] = ()

    def between(self, first: int, last: int) -> "OpenAiDay":
        """Between two minutes; a credit comes with the first one."""
        if (first, last) == (0, MINUTES):
            return self
        uses = (use.between(first, last) for use in self.uses)
        return OpenAiDay(self.date, tuple(use for use in uses if use.is_anything()), () if first else self.credits)

    @cached_property
    def lines(self) -> tuple[Line, ...]:
        return (*(line for use in self.uses for line in lines_of(use)), *self.credits)

    @property
    def total_usd(self) -> Decimal:
        return sum((line.usd for line in self.lines if line.usd is not None), Decimal())

    def usd_by(self, field: str) -> dict[str | None, Decimal]:
        """`field` is project_id, api_key_id, user_id or line_item. Lines without an amount count nothing."""
        sums: dict[str | None, Decimal] = {}
        for line in self.lines:
            if line.usd is not None:
                key = getattr(line, field)
                sums[key] = sums.get(key, Decimal()) + line.usd
        return sums


def lines_of(use: Use) -> Iterator[Line]:
    """The cost lines of one use."""
    if use.endpoint in ("completions", "decisions"):
        yield from _token_lines(use)
    else:
        yield _other_line(use)


def _token_lines(use: Use) -> Iterator[Line]:
    if use.model is None:
        raise ValueError("tokens without a model")
    parts = {
        meter: n * use.model.price(meter, is_discounted=use.is_discounted)
        for meter in TOKEN_METERS
        if (n := use.counts.get(meter, 0))
    }
    caller = (use.project_id, use.api_key_id, use.user_id)
    if use.api_key_id is None:  # the dashboard's own use: one line for all tokens, at several prices
        if parts:
            yield Line("Text tokens", *caller, sum(parts.values(), Decimal()))
        return
    tier = f"{use.tier} " if use.is_discounted else ""
    for meter, usd in parts.items():
        tokens = Decimal(use.counts[meter])
        counted = (tokens / 1000, "1000_tokens") if use.model.style == "title" else (tokens, "tokens")
        yield Line(f"{use.model.id}, {tier}{use.model.words(meter)}", *caller, usd, *counted)


def _other_line(use: Use) -> Line:
    caller = (use.project_id, use.api_key_id, use.user_id)
    calls = use.counts.get("num_requests", 0)
    if use.endpoint == "web_search_calls":
        return Line("web search tool calls", *caller, calls * WEB_SEARCH)
    if use.endpoint == "file_search_calls":
        return Line("file search tool calls", *caller, calls * FILE_SEARCH)
    if use.endpoint == "code_interpreter_sessions":
        return Line("code interpreter sessions", *caller, use.counts["num_sessions"] * SESSION)
    if use.endpoint == "vector_stores":
        days = Decimal(use.counts["usage_bytes"]) / GIBIBYTE
        return Line("vector store storage", *caller, days * GIBIBYTE_DAY, days * HOURS_A_DAY, "gibibyte_hours")
    return _priced_once(use)


def _priced_once(use: Use) -> Line:
    """Of a model with one price for one kind of unit."""
    if use.model is None:
        raise ValueError(f"{use.endpoint} without a model")
    measure, words, unit = {
        "embeddings": ("input_tokens", "", "tokens"),
        "moderations": ("input_tokens", "", None),
        "images": ("images", use.size if use.model.id == "dall-e-3" else "images", "images"),
        "audio_speeches": ("characters", "characters", "characters"),
        "audio_transcriptions": ("seconds", "seconds", "duration_seconds"),
    }[use.endpoint]
    item = f"{use.model.id}, {words}" if words else use.model.id
    n, caller = use.counts[measure], (use.project_id, use.api_key_id, use.user_id)
    if not use.model.unit_price:
        return Line(item, *caller, None)
    return Line(item, *caller, n * use.model.unit_price, Decimal(n), unit)
