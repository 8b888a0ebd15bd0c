"""One running simulator with a clock to set, and a client of its Claude API, as the contract describes it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import httpx
import pytest

from ai_usage.simulator import ADMIN_KEY, Simulator, server
from ai_usage_tests.simulator.google_client import GoogleClient
from ai_usage_tests.simulator.openai_client import OpenAiClient

BETAS = "analytics-usage-cost-2026-08-24"
NOW = datetime(2026, 11, 20, 15, 32, tzinfo=UTC)
PATIENCE = 60  # seconds for an answer, on a machine that is busy with other tests


@dataclass
class Clock:
    """A clock that a test sets."""

    at: datetime = NOW

    def __call__(self) -> datetime:
        return self.at


@dataclass
class ClaudeClient:
    """The simulator as a client sees it."""

    simulator: Simulator
    clock: Clock
    http: httpx.Client

    def get(
        self, path: str, *, key: str | None = ADMIN_KEY, headers: dict[str, str] | None = None, **query: Any
    ) -> httpx.Response:
        """Lists are sent as repeated `name[]`."""
        pairs = {f"{k}[]" if isinstance(v, list | tuple) else k: v for k, v in query.items() if v is not None}
        sent = {"anthropic-version": "2023-06-01", "anthropic-beta": BETAS} | (headers or {})
        sent |= {"x-api-key": key} if key else {}
        return self.http.get(f"/v1/organizations/{path}", params=pairs, headers=sent)

    def pages(self, path: str, **query: Any) -> list[dict[str, Any]]:
        """Every item of a list that is paged by tokens; numbers with a decimal point as Decimal."""
        data: list[dict[str, Any]] = []
        token = None
        while True:
            answer = self.get(path, page=token, **query)
            assert answer.status_code == 200, answer.text
            page = json.loads(answer.text, parse_float=Decimal)
            data += page["data"]
            token = page["next_page"]
            assert page["has_more"] == (token is not None)
            if token is None:
                return data


@pytest.fixture
def _worlds_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without it, data from the same seed would be compared with itself."""
    monkeypatch.setattr(server, "world_of", server.world_of.__wrapped__)


@pytest.fixture(scope="package")
def running() -> Iterator[ClaudeClient]:
    clock = Clock()
    with Simulator(now=clock) as simulator, httpx.Client(base_url=simulator.anthropic_url, timeout=PATIENCE) as http:
        yield ClaudeClient(simulator, clock, http)


@pytest.fixture
def claude(running: ClaudeClient) -> Iterator[ClaudeClient]:
    yield running
    running.clock.at = NOW
    running.simulator.faults.clear()
    running.simulator.requests.clear()


@pytest.fixture
def openai(claude: ClaudeClient) -> Iterator[OpenAiClient]:
    """The same simulator; its clock and faults are reset after each test."""
    with httpx.Client(timeout=PATIENCE) as http:
        yield OpenAiClient(claude.simulator, http)


@pytest.fixture
def google(claude: ClaudeClient) -> Iterator[GoogleClient]:
    """The same simulator; its clock and faults are reset after each test."""
    with httpx.Client(timeout=PATIENCE) as http:
        yield GoogleClient(claude.simulator, http)


@pytest.fixture
def running_clock(claude: ClaudeClient) -> Clock:
    """The clock of the simulator that `claude`, `openai` and `google` use."""
    return claude.clock
