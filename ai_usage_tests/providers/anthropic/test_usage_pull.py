"""Usage in two requests of five dimensions, from a provider that enforces its limits, through to each key's cost."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from ai_usage.core.keys import keys_seen_nowhere
from ai_usage.ingest.http.retry import Patience
from ai_usage.partitions import Span
from ai_usage.providers.anthropic.client import ClaudeAdmin
from ai_usage.providers.anthropic.endpoints import SPEED_BETA
from ai_usage.providers.anthropic.speeds import speed_of
from ai_usage.sheet.csv_folder import CsvFolder
from ai_usage_tests.mock_claude import Row
from ai_usage_tests.outcome import Outcome
from ai_usage_tests.platform import Platform, whatever_makes

FIRST = date(2026, 11, 10)
DAYS = Span(FIRST, FIRST + timedelta(days=3))
SECOND, LAST = DAYS.days[1], DAYS.days[3]
BASE = "/v1/organizations"
GROUPS_AT_MOST = 5
BY_SPEED = "raw/claude_messages_usage_by_speed"
MADE = whatever_makes("marts/claude_attributed_costs", "core/claude_daily_cost", "core/claude_daily_tokens")
DIMENSIONS = ("api_key_id", "workspace_id", "model", "service_tier", "context_window", "inference_geo", "speed")
OPUS, CENTS_A_TOKEN = "claude-opus-4-5-20251101", Decimal("0.0025")  # output, at list price


@dataclass(frozen=True)
class Use:
    """A key's usage on a day; fast usage costs twice as much."""

    day: date
    api_key_id: str
    tokens: int
    workspace_id: str | None = None
    speed: str = "standard"
    inference_geo: str = "not_available"
    model: str = OPUS
    service_tier: str = "standard"
    context_window: str = "0-200k"

    @property
    def cents(self) -> Decimal:
        return self.tokens * CENTS_A_TOKEN * (2 if self.speed == "fast" else 1)

    @property
    def line(self) -> tuple[str | None, str, str]:
        words = f"Claude Opus 4.5{' (Fast)' if self.speed == 'fast' else ''} Usage - Output Tokens"
        return self.workspace_id, words, self.inference_geo


@dataclass
class Console:
    """The provider: it refuses a sixth dimension, and speed without its beta. A dimension that was not requested is
    null.
    """

    uses: list[Use]
    keys: tuple[str, ...] = ("apikey_A", "apikey_B")
    has_beta: bool = True
    asked: list[tuple[str, httpx.QueryParams]] = field(default_factory=list)

    def admin(self) -> ClaudeAdmin:
        return ClaudeAdmin.open(
            base_url="https://console.test",
            admin_key="sk-test",
            analytics_requests_a_minute=None,
            patience=Patience(attempts=1),
            transport=httpx.MockTransport(self.answer),
        )

    def answer(self, request: httpx.Request) -> httpx.Response:
        path, query = request.url.path.removeprefix(BASE), request.url.params
        self.asked.append((path, query))
        groups = query.get_list("group_by[]")
        refusal = self.refusal(path, groups, request.headers.get("anthropic-beta"))
        return refusal or httpx.Response(200, json=self.content(path, query, groups))

    def refusal(self, path: str, groups: list[str], beta: str | None) -> httpx.Response | None:
        if path.startswith("/analytics/"):
            return refused(403, "permission_error", "This key may not read this resource.")
        if len(groups) > GROUPS_AT_MOST:
            return refused(400, "invalid_request_error", "Cannot specify more than 5 group_by[] dimensions.")
        if "speed" in groups and not (self.has_beta and beta == SPEED_BETA):
            return refused(400, "invalid_request_error", "speed: not available to this organization")
        return None

    def content(self, path: str, query: httpx.QueryParams, groups: list[str]) -> Row:
        if path == "/me":
            return {"id": "org-1", "name": "Test", "type": "organization"}
        if "starting_at" not in query:
            listed = [{"id": key, "name": key[-1], "status": "active", "created_at": "2026-01-01T00:00:00Z",
                       "type": "api_key", "workspace_id": None} for key in self.keys]  # fmt: skip
            shown = listed if path == "/api_keys" else []
            return {"data": shown, "has_more": False, "first_id": None, "last_id": None}
        rows = self.cost_lines if path == "/cost_report" else self.usage
        found = [] if path == "/usage_report/claude_code" else [*buckets(query, groups, rows)]
        return {"data": found, "has_more": False, "next_page": None}

    def cost_lines(self, day: date, groups: list[str]) -> list[Row]:
        cents: dict[tuple[Any, ...], Decimal] = defaultdict(Decimal)
        for use in self.uses:
            if use.day == day:
                cents[use.line if groups else (None, None, None)] += use.cents
        return [
            {
                "currency": "USD",
                "amount": f"{amount:f}",
                "workspace_id": workspace_id,
                "description": words,
                **({"cost_type": "tokens", "token_type": "output_tokens", "model": OPUS} if words else {}),
                **({"service_tier": "standard", "context_window": "0-200k", "inference_geo": geo} if words else {}),
            }
            for (workspace_id, words, geo), amount in cents.items()
        ]

    def usage(self, day: date, groups: list[str]) -> list[Row]:
        tokens: dict[tuple[str | None, ...], int] = defaultdict(int)
        for use in self.uses:
            if use.day == day:
                tokens[tuple(getattr(use, name) if name in groups else None for name in DIMENSIONS)] += use.tokens
        return [
            {
                "uncached_input_tokens": 0,
                "cache_read_input_tokens": 0,
                "output_tokens": count,
                "cache_creation": {"ephemeral_1h_input_tokens": 0, "ephemeral_5m_input_tokens": 0},
                "server_tool_use": {"web_search_requests": 0},
                **dict(zip(DIMENSIONS, by, strict=True)),
            }
            for by, count in tokens.items()
        ]

    @property
    def speed_requests(self) -> list[tuple[str, str]]:
        """The spans requested by speed, with an exclusive end."""
        return [(query["starting_at"][:10], query["ending_at"][:10]) for _, query in self.asked
                if "speed" in query.get_list("group_by[]")]  # fmt: skip


def refused(status: int, kind: str, message: str) -> httpx.Response:
    return httpx.Response(status, json={"type": "error", "error": {"type": kind, "message": message}})


def buckets(query: httpx.QueryParams, groups: list[str], rows: Any) -> Iterator[Row]:
    first, end = (date.fromisoformat(query[name][:10]) for name in ("starting_at", "ending_at"))
    for n in range((end - first).days):
        day = first + timedelta(days=n)
        bounds = {"starting_at": f"{day}T00:00:00Z", "ending_at": f"{day + timedelta(days=1)}T00:00:00Z"}
        yield {**bounds, "results": rows(day, groups)}


def pulled(platform: Platform, console: Console, sheet: Path | None = None) -> Outcome:
    outcome = platform.materialize(MADE, DAYS, console.admin(), sheet=CsvFolder(sheet) if sheet else None)
    assert outcome.result.success, outcome.failed
    return outcome


def costs(platform: Platform, column: str = "api_key_id") -> dict[tuple[date, str | None], tuple[Decimal, str]]:
    """(day, key) → USD and the allocation method."""
    rows = platform.sql(
        f"""select expense_date, {column}, sum(cost_usd), string_agg(distinct allocation_method)
        from ai_usage_analytics.claude_attributed_costs group by 1, 2 order by 1, 2"""
    )
    return {(day, key): (usd, method) for day, key, usd, method in rows}


def test_usage_is_asked_by_five_dimensions_and_its_shares_are_exact(platform: Platform) -> None:
    """Case 1: the provider answers 400 to a sixth; costs are complete, keys' shares exact where prices are uniform."""
    console = Console([
        *(Use(day, "apikey_A", 200_000) for day in DAYS.days),
        *(Use(day, "apikey_B", 100_000, "wrkspc_data") for day in DAYS.days),
        Use(FIRST, "apikey_B", 200_000),
    ])  # fmt: skip
    outcome = pulled(platform, console)
    groups = [query.get_list("group_by[]") for path, query in console.asked if path == "/usage_report/messages"]
    assert [len(asked) for asked in groups] == [GROUPS_AT_MOST]
    assert console.speed_requests == []
    assert "not needed" in outcome.noted(BY_SPEED, FIRST)["skipped"]
    assert costs(platform) == {
        **{(day, "apikey_A"): (Decimal(5), "tokens") for day in DAYS.days},
        **{(day, "apikey_B"): (Decimal("2.5"), "tokens") for day in DAYS.days},
        (FIRST, "apikey_B"): (Decimal("7.5"), "tokens"),
    }
    assert platform.dollars("claude_costs", "amount_usd") == platform.dollars("claude_daily_cost", "amount_usd")


def fast_day(day: date) -> list[Use]:
    """Two keys with the same tokens: 8.00 for the fast one, 4.00 for the other."""
    return [Use(day, "apikey_A", 160_000, speed="fast"), Use(day, "apikey_B", 160_000)]


def test_speed_is_asked_for_the_days_that_need_it_and_what_lies_between(platform: Platform) -> None:
    """Case 18: 8.00 and 4.00, by a second request with the beta header."""
    console = Console([*fast_day(SECOND), *fast_day(LAST), Use(FIRST, "apikey_A", 40_000, speed="fast")])
    outcome = pulled(platform, console)
    assert console.speed_requests == [(str(SECOND), str(LAST + timedelta(days=1)))]
    assert "not needed" in outcome.noted(BY_SPEED, FIRST)["skipped"]
    assert costs(platform) == {
        (FIRST, "apikey_A"): (Decimal(2), "tokens"),
        **{(day, "apikey_A"): (Decimal(8), "tokens") for day in (SECOND, LAST)},
        **{(day, "apikey_B"): (Decimal(4), "tokens") for day in (SECOND, LAST)},
    }
    tokens = "select sum(output_tokens) from ai_usage_analytics.{}"
    assert platform.sql(tokens.format("claude_usage_tokens")) == [(680_000,)]
    assert platform.sql(tokens.format("claude_daily_tokens")) == [(680_000,)]
    [units] = platform.sql("select sum(units) from ai_usage_analytics.claude_attributed_costs")
    assert units == (680_000,)


def test_where_the_beta_is_refused_everything_else_arrives_and_shares_are_estimates(platform: Platform) -> None:
    console = Console([*fast_day(SECOND), Use(LAST, "apikey_A", 80_000)], has_beta=False)
    outcome = pulled(platform, console)
    assert "not available to this organization" in outcome.noted(BY_SPEED, SECOND)["skipped"]
    assert costs(platform) == {
        (SECOND, "apikey_A"): (Decimal(6), "estimated"),
        (SECOND, "apikey_B"): (Decimal(6), "estimated"),
        (LAST, "apikey_A"): (Decimal(2), "tokens"),
    }


def test_geography_is_asked_for_too(platform: Platform) -> None:
    console = Console([Use(SECOND, "apikey_A", 160_000, inference_geo="us"), Use(SECOND, "apikey_B", 80_000)])
    pulled(platform, console)
    assert console.speed_requests == [(str(SECOND), str(SECOND + timedelta(days=1)))]
    assert costs(platform) == {
        (SECOND, "apikey_A"): (Decimal(4), "tokens"),
        (SECOND, "apikey_B"): (Decimal(2), "tokens"),
    }


def test_a_deleted_key_has_its_cost_go_to_its_owner(platform: Platform, tmp_path: Path) -> None:
    """Case 20: a key in usage and cost, no longer in `/api_keys`, with an owner in the sheet."""
    tab = "api_key_id,api_key_name,user_email,team_name,description\n"
    tab += "apikey_B,old etl,ada@example.com,Data,deleted in October\napikey_Typo,,bob@example.com,Web,\n"
    (tmp_path / "api_key_mapping.csv").write_text(tab, encoding="utf-8")
    console = Console([Use(SECOND, "apikey_B", 160_000), Use(SECOND, "apikey_A", 80_000)], keys=("apikey_A",))
    pulled(platform, console, tmp_path)
    assert costs(platform, "user_email") == {
        (SECOND, "ada@example.com"): (Decimal(4), "tokens"),
        (SECOND, None): (Decimal(2), "tokens"),
    }
    owners = platform.sql("select api_key_id, user_email from ai_usage_analytics.dim_api_key_mapping order by 1")
    assert owners == [("apikey_A", None), ("apikey_B", "ada@example.com"), ("apikey_Typo", "bob@example.com")]
    unknown = platform.warehouse.ask(keys_seen_nowhere(), providers=["anthropic"]).to_dicts()
    assert [row["api_key_id"] for row in unknown] == ["apikey_Typo"]


@pytest.mark.parametrize(
    ("words", "speed"),
    [
        ("Claude Opus 4.6 (Fast) Usage - Input Tokens", "fast"),
        ("Claude Opus 5.5 Usage - Output Tokens, Fast", "fast"),
        ("Claude Opus 5.5 fast mode usage", "fast"),
        ("Claude Opus 5.5 Usage - Output Tokens", "standard"),
        ("Claude Breakfast 1 Usage", "standard"),
        ("", "standard"),
        (None, None),
        (7, None),
    ],
)
def test_a_lines_text_shows_its_speed(words: object, speed: str | None) -> None:
    assert speed_of(words) == speed
