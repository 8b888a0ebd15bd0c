"""Days, grouped as the provider's reports group them, as ready JSON. Knows of no query string and no paging.

What was rendered once is kept for as long as its days look the same (see `version`).
"""

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from ai_usage.simulator.claude_code_days import TOOLS, ClaudeCodeRecord, estimate
from ai_usage.simulator.claude_days import ClaudeDays, Version, version
from ai_usage.simulator.claude_uses import MINUTES, Charge, Day, Use
from ai_usage.simulator.prices import TOKEN_TYPES
from ai_usage.simulator.queries import rfc3339

encode = msgspec.json.Encoder(decimal_format="number").encode

Filters = frozenset[tuple[str, frozenset[str | None]]]
NO_FILTERS: Filters = frozenset()


class Span(NamedTuple):
    """A span of time with the current versions of its days, without the future."""

    start: datetime
    end: datetime
    versions: tuple[Version, ...]


def span(start: datetime, end: datetime, now: datetime) -> Span:
    days = ((end - timedelta(microseconds=1)).date() - start.date()).days + 1
    return Span(start, end, tuple(version(start.date() + timedelta(days=n), now) for n in range(days)))


def plain(cents: Decimal) -> str:
    return format(cents, "f")


def parts(days: ClaudeDays, over: Span) -> Iterator[Day]:
    """The parts of days within a span, up to now."""
    for n, seen in enumerate(over.versions):
        day = over.start.date() + timedelta(days=n)
        midnight = over.start.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=n)
        first = max(0, (over.start - midnight) // timedelta(minutes=1))
        last = min(MINUTES, (over.end - midnight) // timedelta(minutes=1), seen.minutes)
        if first < last:
            shown = days.visible(day, seen)
            # What is visible is already spread over its own minutes alone, so a part of a running
            # day is taken from the whole day at the same stage.
            if (first, last) == (0, seen.minutes):
                yield shown
            else:
                yield days.visible(day, seen._replace(minutes=MINUTES)).between(first, last)


class ClaudeReports:
    """The reports over one organization's days; analytics are apart."""

    def __init__(self, days: ClaudeDays) -> None:
        self.days = days
        self.organization = days.organization
        default = self.organization.default_workspace.id
        self._usage_dimensions: dict[str, Callable[[Use], str | None]] = {
            "account_id": lambda use: use.account_id,
            "api_key_id": lambda use: use.api_key_id,
            "workspace_id": lambda use: None if use.workspace_id == default else use.workspace_id,
            "model": lambda use: use.model.id if use.model else None,
            "service_tier": lambda use: use.service_tier,
            "context_window": lambda use: use.context_window,
            "inference_geo": lambda use: use.inference_geo,
            "service_account_id": lambda _: None,
        }
        self.cost_bucket = lru_cache(maxsize=512)(self._cost_bucket)
        self.usage_bucket = lru_cache(maxsize=2048)(self._usage_bucket)
        self.claude_code = lru_cache(maxsize=128)(self._claude_code)

    def _cost_bucket(self, over: Span, by: frozenset[str]) -> msgspec.Raw:
        groups: dict[tuple[str | None, ...], Decimal] = {}
        workspace = self._usage_dimensions["workspace_id"]
        for day in parts(self.days, over):
            for charge in day.charges:
                space = workspace(charge.use) if "workspace_id" in by else None
                what = _described(charge) if "description" in by else (None,) * 7
                groups[space, *what] = groups.get((space, *what), Decimal()) + charge.cents
        names = "workspace_id description cost_type context_window model service_tier token_type inference_geo"
        rows = [
            {"currency": "USD", "amount": plain(cents), **dict(zip(names.split(), group, strict=True))}
            for group, cents in groups.items()
        ]
        return _bucket(over, rows)

    def _usage_bucket(self, over: Span, by: frozenset[str], filters: Filters, speed: bool) -> msgspec.Raw:
        chosen = [dimension for dimension in self._usage_dimensions if dimension in by]
        groups: dict[tuple[str | None, ...], list[int]] = {}
        for use in self._model_uses(over, filters):
            sums = groups.setdefault(tuple(self._usage_dimensions[d](use) for d in chosen), [0] * 6)
            for n, count in enumerate((*use.tokens, use.searches)):
                sums[n] += count
        nulls = dict.fromkeys(self._usage_dimensions) | ({"speed": None} if speed else {})
        fixed = {"speed": "standard"} if "speed" in by else {}
        rows = [
            {**token_fields(sums), **nulls, **dict(zip(chosen, group, strict=True)), **fixed}
            for group, sums in groups.items()
        ]
        return _bucket(over, rows)

    def _model_uses(self, over: Span, filters: Filters) -> Iterator[Use]:
        for day in parts(self.days, over):
            for use in day.uses:
                if use.model is not None and all(self._usage_dimensions[d](use) in want for d, want in filters):
                    yield use

    def _claude_code(self, day: date, seen: Version) -> list[msgspec.Raw]:
        records = self.days.visible(day, seen).claude_code
        return [msgspec.Raw(encode(self._claude_code_record(day, record))) for record in records]

    def _claude_code_record(self, day: date, record: ClaudeCodeRecord) -> dict[str, Any]:
        sessions, added, removed, commits, pull_requests = record.counts
        tools = zip(TOOLS, record.tools[::2], record.tools[1::2], strict=True)
        person = self.organization.person(record.person_id) if record.person_id else None
        return {
            "actor": {"type": "user_actor", "email_address": person.email}
            if person
            else {"type": "api_actor", "api_key_name": record.key_name},
            "customer_type": "subscription" if record.subscription else "api",
            "subscription_type": record.subscription,
            "date": f"{day}T00:00:00Z",
            "organization_id": self.organization.id,
            "terminal_type": record.terminal,
            **({} if record.is_remote is None else {"is_remote": record.is_remote}),
            "core_metrics": {
                "num_sessions": sessions,
                "lines_of_code": {"added": added, "removed": removed},
                "commits_by_claude_code": commits,
                "pull_requests_by_claude_code": pull_requests,
            },
            "tool_actions": {tool: {"accepted": yes, "rejected": no} for tool, yes, no in tools},
            "model_breakdown": [
                {
                    "model": model.id,
                    "tokens": dict(zip(("input", "cache_read", "cache_creation", "output"), tokens, strict=True)),
                    "estimated_cost": {"currency": "USD", "amount": _number(estimate(model, tokens))},
                }
                for model, tokens in record.models
            ],
        }


def _described(charge: Charge) -> tuple[str | None, ...]:
    """The description and what the provider parses from it; searches and machine time have no model."""
    use = charge.use
    if charge.cost_type != "tokens" or use.model is None:
        return (charge.description, charge.cost_type, None, None, None, None, None)
    return (
        charge.description,
        charge.cost_type,
        use.context_window,
        use.model.id,
        use.service_tier,
        charge.token_type,
        use.inference_geo,
    )


def token_fields(sums: list[int]) -> dict[str, Any]:
    uncached, read, write_5m, write_1h, output, searches = sums[: len(TOKEN_TYPES) + 1]
    return {
        "uncached_input_tokens": uncached,
        "cache_creation": {"ephemeral_1h_input_tokens": write_1h, "ephemeral_5m_input_tokens": write_5m},
        "cache_read_input_tokens": read,
        "output_tokens": output,
        "server_tool_use": {"web_search_requests": searches},
    }


def _bucket(over: Span, rows: list[dict[str, Any]]) -> msgspec.Raw:
    bounds = {"starting_at": rfc3339(over.start), "ending_at": rfc3339(over.end)}
    return msgspec.Raw(encode({**bounds, "results": rows}))


def _number(cents: Decimal) -> Decimal | int:
    return int(cents) if cents == cents.to_integral_value() else cents.normalize()
