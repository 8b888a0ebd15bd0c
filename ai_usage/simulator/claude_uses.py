"""What a use of Claude is and its exact cost. Independent of the clock and of people's habits."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import NamedTuple

from ai_usage.simulator.claude_code_days import ClaudeCodeRecord
from ai_usage.simulator.prices import (
    CODE_EXECUTION_CENTS,
    SESSION_CENTS,
    TOKEN_TYPES,
    WEB_SEARCH_CENTS,
    Model,
)

MINUTES = 1440
NO_TOKENS = (0,) * len(TOKEN_TYPES)
WORDS = (  # as TOKEN_TYPES
    "Input Tokens",
    "Input Tokens, Cache Hit",
    "Input Tokens, Cache Write 5m",
    "Input Tokens, Cache Write 1h",
    "Output Tokens",
)


class Use(NamedTuple):
    """What one caller used of one model in one way. Without a model: machine time."""

    api_key_id: str | None
    workspace_id: str  # the real id, the default workspace's too
    account_id: str | None  # a person who signed in instead of using a key
    actor: tuple[str, str]  # its type and its id
    product: str
    model: Model | None
    service_tier: str | None
    context_window: str | None
    inference_geo: str | None
    tokens: tuple[int, ...]  # as TOKEN_TYPES
    searches: int = 0
    requests: int = 0
    executions: int = 0  # tenths of an hour of code execution
    sessions: int = 0  # tenths of an hour of managed agents

    def between(self, first: int, last: int) -> "Use":
        """The part that falls between two minutes of the day: a day's use is spread evenly, to the token."""

        def part(n: int) -> int:
            return n * last // MINUTES - n * first // MINUTES

        counts = map(part, (self.searches, self.requests, self.executions, self.sessions))
        return Use(*self[:9], tuple(map(part, self.tokens)), *counts)

    def is_anything(self) -> bool:
        return any(self.tokens) or bool(self.searches or self.executions or self.sessions)


class Charge(NamedTuple):
    """The cost of one kind of thing in one use. `requests` are on the use's first charge."""

    use: Use
    cost_type: str
    token_type: str | None
    description: str
    cents: Decimal
    requests: int


@dataclass(frozen=True)
class Day:
    """A day, or a part of one, as the provider knows it."""

    date: date
    uses: tuple[Use, ...]
    claude_code: tuple[ClaudeCodeRecord, ...]

    @cached_property
    def charges(self) -> tuple[Charge, ...]:
        return tuple(charge for use in self.uses for charge in charges(use))

    @cached_property
    def total_cents(self) -> Decimal:
        return sum((charge.cents for charge in self.charges), Decimal())

    @cached_property
    def cost_lines(self) -> dict[tuple[str, str], Decimal]:
        """(workspace id, description) → cents."""
        lines: dict[tuple[str, str], Decimal] = {}
        for charge in self.charges:
            line = (charge.use.workspace_id, charge.description)
            lines[line] = lines.get(line, Decimal()) + charge.cents
        return lines

    @cached_property
    def tokens(self) -> dict[str, int]:
        sums = [sum(column) for column in zip(*(use.tokens for use in self.uses), strict=True)]
        return dict(zip(TOKEN_TYPES, sums or NO_TOKENS, strict=True))

    def between(self, first: int, last: int) -> "Day":
        if (first, last) == (0, MINUTES):
            return self
        uses = (use.between(first, last) for use in self.uses)
        return replace(self, uses=tuple(use for use in uses if use.is_anything()))


def charges(use: Use) -> Iterator[Charge]:
    """The charges of a use; none for Priority Tier, which is billed elsewhere."""
    if use.service_tier == "priority":
        return
    requests = use.requests
    if use.model is not None:
        batch, us = use.service_tier == "batch", use.inference_geo == "us"
        ways = ", Batch" * batch + ", Long Context" * (use.context_window == "200k-1M") + ", US" * us
        for n, (token_type, count) in enumerate(zip(TOKEN_TYPES, use.tokens, strict=True)):
            if count:
                cents = count * use.model.price(n, batch=batch, us=us)
                text = f"{use.model.name} Usage - {WORDS[n]}{ways}"
                yield Charge(use, "tokens", token_type, text, cents, requests)
                requests = 0
    for cost_type, text, count, price in (
        ("web_search", "Web Search Usage", use.searches, WEB_SEARCH_CENTS),
        ("code_execution", "Code Execution Usage", use.executions, CODE_EXECUTION_CENTS),
        ("session_usage", "Session Usage", use.sessions, SESSION_CENTS),
    ):
        if count:
            yield Charge(use, cost_type, None, text, count * price, requests)
            requests = 0
