"""Who worked with Claude Code on a day, and what it used: the records behind usage_report/claude_code.

Sessions paid by key or sign-in ("api") are part of the day's usage and cost; subscribers' are not.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

from ai_usage.simulator.organization import CI_KEYS, Organization
from ai_usage.simulator.prices import CLAUDE_CODE_SINCE, Model, newest

TERMINALS = ("vscode", "iTerm.app", "tmux", "Apple_Terminal", "ghostty", "WarpTerminal", "pycharm")
TOOLS = ("edit_tool", "multi_edit_tool", "write_tool", "notebook_edit_tool")
REMOTE_SINCE = date(2025, 10, 1)  # older records do not have whether a session was remote
API_PEOPLE = 22  # the developers who use Claude Code through the API; the others are subscribers

Tokens = tuple[int, ...]  # input, cache read, 5m cache write, output
USUAL: Tokens = (220_000, 6_000_000, 350_000, 90_000)


@dataclass(frozen=True)
class ClaudeCodeRecord:
    """One actor on one kind of terminal, local or remote, for one day."""

    person_id: str | None
    key_name: str | None
    subscription: str | None  # None: paid through the API
    terminal: str
    is_remote: bool | None
    counts: tuple[int, ...]  # sessions, lines added, lines removed, commits, pull requests
    tools: tuple[int, ...]  # accepted and rejected, for each of TOOLS
    models: tuple[tuple[Model, Tokens], ...]

    def until(self, minute: int) -> "ClaudeCodeRecord":
        """The part of the record up to that minute of its day."""
        return replace(
            self,
            counts=tuple(n * minute // 1440 for n in self.counts),
            tools=tuple(n * minute // 1440 for n in self.tools),
            models=tuple((model, tuple(n * minute // 1440 for n in tokens)) for model, tokens in self.models),
        )


def estimate(model: Model, tokens: Tokens) -> Decimal:
    """Cents at list price; nothing in Claude Code runs as a batch or is held to the US."""
    types = (0, 1, 2, 4)
    return sum((n * model.price(t, batch=False, us=False) for t, n in zip(types, tokens, strict=True)), Decimal())


def claude_code_records(
    organization: Organization, seed: int, day: date, bustle: float, level: float
) -> Iterator[ClaudeCodeRecord]:
    """`bustle` is the share of people at work (0 to 1), `level` how much the company uses by now."""
    if day < CLAUDE_CODE_SINCE:
        return
    rng = random.Random(f"claude-code:{seed}:{day}")
    for n, person in enumerate(organization.developers()):
        here = person.added_at.date() <= day and (person.left_at is None or person.left_at.date() > day)
        if rng.random() < 0.9 * bustle and here:
            own = random.Random(f"{seed}:{person.id}")
            terminals = own.sample(TERMINALS, 2)
            plan = None if n < API_PEOPLE else "team" if day < date(2025, 11, 1) else "enterprise"
            yield _record(rng, day, person.id, None, plan, terminals[0], False, own.uniform(2, 14) * level)
            if rng.random() < 0.45:
                yield _record(rng, day, person.id, None, plan, terminals[1], False, own.uniform(0.5, 4) * level)
            if rng.random() < 0.2 and day >= REMOTE_SINCE:
                yield _record(rng, day, person.id, None, plan, terminals[0], True, own.uniform(0.5, 3) * level)
    for name in CI_KEYS:
        if rng.random() < 0.3 + 0.7 * bustle:
            yield _record(rng, day, None, name, None, "non-interactive", False, 7 * level)


def _record(
    rng: random.Random,
    day: date,
    person_id: str | None,
    key_name: str | None,
    subscription: str | None,
    terminal: str,
    is_remote: bool,
    dollars: float,
) -> ClaudeCodeRecord:
    dollars *= rng.uniform(0.4, 1.6)
    lines = int(dollars * rng.uniform(20, 60))
    counts = (rng.randint(1, 6), lines, lines // rng.randint(3, 9), lines // 120, lines // 400)
    tools = tuple(int(dollars * most * rng.random()) for most in (5, 0.5, 1, 0.1, 1, 0.1, 0.1, 0.05))
    families = ("opus", "haiku") if rng.random() < 0.6 else ("sonnet", "haiku") if rng.random() < 0.7 else ("sonnet",)
    shares = {"opus": 0.95, "sonnet": 0.93, "haiku": 0.05}
    old_client = timedelta(days=14 if rng.random() < 0.1 else 0)
    models = []
    for family in families:
        model = newest(family, day - old_client)
        if model is not None and model.family != "any":
            scale = shares[family] * dollars * 100 / float(estimate(model, USUAL))
            models.append((model, tuple(int(n * scale * rng.uniform(0.8, 1.2)) for n in USUAL)))
    return ClaudeCodeRecord(
        person_id,
        key_name,
        subscription,
        terminal,
        is_remote if day >= REMOTE_SINCE else None,
        counts,
        tools,
        tuple(models),
    )
