"""A stand-in for Claude without a network: it reports the days that a test sets."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import httpx

from ai_usage.ingest.http.retry import Patience
from ai_usage.providers.anthropic.client import ClaudeAdmin

DAY = date(2026, 11, 10)
NEXT = date(2026, 11, 11)
DAYS = [DAY + timedelta(days=n) for n in range(3)]
DEFAULT, TEAM = None, "wrkspc_team"
ORGANIZATION = {"id": "org-1", "name": "Mock", "type": "organization"}
WORKSPACE = {"id": TEAM, "name": "Team", "created_at": "2026-01-01T00:00:00Z", "archived_at": None}
KEY: dict[str, Any] = {"id": "apikey_1", "type": "api_key", "name": "etl", "status": "active", "workspace_id": TEAM}
KEY |= {"created_at": "2026-01-01T00:00:00Z", "created_by": {"id": "user_1", "type": "user"}}
USER = {"id": "user_1", "type": "user", "email": "dev@example.com", "name": "Dev", "role": "developer"}
USER |= {"added_at": "2026-01-01T00:00:00Z"}
USD_A_MILLION = {"claude-opus-4-5-20251101": {"output_tokens": 25, "uncached_input_tokens": 5}}
Row = dict[str, Any]
Bend = Callable[[list[Row]], list[Row]]


@dataclass(frozen=True)
class Line:
    """A cost line, and the tokens that its cost buys at list price."""

    cents: str
    workspace_id: str | None = TEAM
    model: str = "claude-opus-4-5-20251101"
    token_type: str = "output_tokens"

    @property
    def tokens(self) -> int:
        if not Decimal(self.cents).is_finite():
            return 0
        cents_a_token = Decimal(USD_A_MILLION[self.model][self.token_type]) / 10_000
        return int(Decimal(self.cents) / cents_a_token)


def ordinary(dollars: int = 10) -> list[Line]:
    """A day with each kind of line: two workspaces, one of them the default one, two kinds of token."""
    return [
        Line(f"{dollars * 60}.25"),
        Line(f"{dollars * 30}.5", DEFAULT),
        Line(f"{dollars * 10}.125", TEAM, token_type="uncached_input_tokens"),
    ]


@dataclass
class MockClaude:
    """Claude, one day per page, without a network. `days` is the truth; `lines`, `totals`, `usage` and `code` change a
    report's content for a day. `refuses` maps a path to the status of its answer.
    """

    days: dict[date, list[Line]] = field(default_factory=dict)
    lines: dict[date, Bend] = field(default_factory=dict)
    totals: dict[date, Bend] = field(default_factory=dict)
    usage: dict[date, Bend] = field(default_factory=dict)
    code: dict[date, Bend] = field(default_factory=dict)
    refuses: dict[str, int] = field(default_factory=lambda: {"/analytics/": 403})
    asked: Counter[tuple[str, str]] = field(default_factory=Counter)

    def admin(self) -> ClaudeAdmin:
        return ClaudeAdmin.open(
            base_url="https://mock.test",
            admin_key="sk-mock",
            analytics_requests_a_minute=None,
            patience=Patience(attempts=1),
            transport=httpx.MockTransport(self.answer),
        )

    def answer(self, request: httpx.Request) -> httpx.Response:
        path, query = request.url.path.removeprefix("/v1/organizations"), request.url.params
        kind = "lines" if "group_by[]" in query and "cost_report" in path else path.rpartition("/")[2]
        self.asked[kind, query.get("page") or query.get("starting_at", "")[:10]] += 1
        for part, status in self.refuses.items():
            if part in path:
                error = {"type": "error", "error": {"type": "mock_error", "message": "no"}}
                return httpx.Response(status, json=error)
        if path == "/me":
            return httpx.Response(200, json=ORGANIZATION)
        if "starting_at" not in query:
            shown = {"/workspaces": [WORKSPACE], "/api_keys": [KEY], "/users": [USER]}.get(path, [])
            return httpx.Response(200, json={"data": shown, "has_more": False, "first_id": None, "last_id": None})
        first = date.fromisoformat(query["starting_at"][:10])
        if kind == "claude_code":
            bent = self.code.get(first, _as_it_is)(self._code_records(first))
            return httpx.Response(200, json={"data": bent, "has_more": False, "next_page": None})
        return httpx.Response(200, json=self._page(kind, first, query))

    def _page(self, kind: str, first: date, query: httpx.QueryParams) -> Row:
        day = date.fromisoformat(query.get("page", first.isoformat()))
        following = day + timedelta(days=1)
        is_last = following.isoformat() == query["ending_at"][:10]
        rows, bends = {
            "lines": (self._cost_lines, self.lines),
            "cost_report": (self._cost_totals, self.totals),
            "messages": (self._usage_rows, self.usage),
        }[kind]
        bounds = {"starting_at": f"{day}T00:00:00Z", "ending_at": f"{following}T00:00:00Z"}
        bucket = {**bounds, "results": bends.get(day, _as_it_is)(rows(day))}
        return {"data": [bucket], "has_more": not is_last, "next_page": None if is_last else str(following)}

    def _cost_lines(self, day: date) -> list[Row]:
        return [
            {
                **_cost_row(line.cents),
                "workspace_id": line.workspace_id,
                "description": f"{line.model} {line.token_type} {n}",
                "cost_type": "tokens",
                "context_window": "0-200k",
                "model": line.model,
                "service_tier": "standard",
                "token_type": line.token_type,
                "inference_geo": "not_available",
            }
            for n, line in enumerate(self.days.get(day, []))
        ]

    def _cost_totals(self, day: date) -> list[Row]:
        cents = [Decimal(line.cents) for line in self.days.get(day, [])]
        return [_cost_row(f"{sum(amount for amount in cents if amount.is_finite()):f}")] if cents else []

    def _usage_rows(self, day: date) -> list[Row]:
        used: dict[tuple[str | None, str], Counter[str]] = {}
        for line in self.days.get(day, []):
            used.setdefault((line.workspace_id, line.model), Counter())[line.token_type] += line.tokens
        return [
            {
                "uncached_input_tokens": tokens["uncached_input_tokens"],
                "output_tokens": tokens["output_tokens"],
                "cache_read_input_tokens": 0,
                "cache_creation": {"ephemeral_1h_input_tokens": 0, "ephemeral_5m_input_tokens": 0},
                "server_tool_use": {"web_search_requests": 0},
                "account_id": None,
                "service_account_id": None,
                "api_key_id": "apikey_1",
                "workspace_id": workspace_id,
                "model": model,
                "service_tier": "standard",
                "context_window": "0-200k",
                "inference_geo": "not_available",
            }
            for (workspace_id, model), tokens in used.items()
        ]

    def _code_records(self, day: date) -> list[Row]:
        """One developer, with Claude Code for half of the day's cost."""
        amounts = [Decimal(line.cents) for line in self.days.get(day, [])]
        cents = sum((amount for amount in amounts if amount.is_finite()), Decimal())
        if not cents:
            return []
        return [
            {
                "actor": {"type": "user_actor", "email_address": "Dev@Example.com"},
                "customer_type": "api",
                "subscription_type": None,
                "date": f"{day}T00:00:00Z",
                "organization_id": "org-1",
                "terminal_type": "vscode",
                "is_remote": False,
                "core_metrics": {
                    "num_sessions": 1,
                    "lines_of_code": {"added": 2, "removed": 1},
                    "commits_by_claude_code": 1,
                    "pull_requests_by_claude_code": 0,
                },
                "tool_actions": {"edit_tool": {"accepted": 3, "rejected": 1}},
                "model_breakdown": [
                    {
                        "model": "claude-opus-4-5-20251101",
                        "tokens": {"input": 1, "output": 2, "cache_read": 3, "cache_creation": 4},
                        "estimated_cost": {"currency": "USD", "amount": float(cents / 2)},
                    }
                ],
            }
        ]


def _cost_row(cents: str) -> Row:
    nulls = dict.fromkeys(
        ("workspace_id", "description", "cost_type", "context_window", "model", "service_tier", "token_type",
         "inference_geo")
    )  # fmt: skip
    return {"currency": "USD", "amount": cents, **nulls}


def _as_it_is(rows: list[Row]) -> list[Row]:
    return rows
