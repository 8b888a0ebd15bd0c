"""The simulated OpenAI as a client sees it, as the contract describes it."""

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx

from ai_usage.simulator import CODEX_KEY, OPENAI_KEY, Simulator

GROUPS = ["project_id", "line_item", "api_key_id"]


def seconds(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


def of(first: date, days: int = 1) -> dict[str, Any]:
    """The parameters for this many days."""
    return {"start_time": seconds(first), "end_time": seconds(first + timedelta(days=days))}


@dataclass
class OpenAiClient:
    simulator: Simulator
    http: httpx.Client

    def get(self, path: str, *, key: str | None = OPENAI_KEY, **query: Any) -> httpx.Response:
        """Lists are sent as repeated `name[]`."""
        pairs = {f"{k}[]" if isinstance(v, list | tuple) else k: v for k, v in query.items() if v is not None}
        url = f"{self.simulator.openai_url}/organization/{path}"
        return self.http.get(url, params=pairs, headers={"authorization": f"Bearer {key}"} if key else {})

    def codex(self, *, key: str = CODEX_KEY, workspace: str | None = None, **query: Any) -> httpx.Response:
        named = workspace or self.simulator.openai_company.workspace_id
        url = f"{self.simulator.codex_url}/workspaces/{named}/usage"
        return self.http.get(url, params=query, headers={"authorization": f"Bearer {key}"})

    def buckets(self, path: str, **query: Any) -> list[dict[str, Any]]:
        """Every bucket of a report; numbers with a decimal point as Decimal."""
        found: list[dict[str, Any]] = []
        token = None
        while True:
            page = read(self.get(path, page=token, **query))
            found += page["data"]
            token = page["next_page"]
            assert page["has_more"] == (token is not None)
            if token is None:
                return found

    def items(self, path: str, **query: Any) -> list[dict[str, Any]]:
        """Every item of a list."""
        found: list[dict[str, Any]] = []
        after = None
        while True:
            page = read(self.get(path, after=after, **query))
            assert after not in [item["id"] for item in page["data"]], "the page does not go on"
            found += page["data"]
            if not page["has_more"]:
                return found
            after = page["data"][-1]["id"]
            assert page["last_id"] == after

    def results(self, path: str, day: date, **query: Any) -> list[dict[str, Any]]:
        [bucket] = self.buckets(path, **of(day), **query)
        found: list[dict[str, Any]] = bucket["results"]
        return found


def read(answer: httpx.Response) -> Any:
    assert answer.status_code == 200, answer.text
    return json.loads(answer.text, parse_float=Decimal)


def usd(result: dict[str, Any]) -> Decimal:
    """0 if nothing is billed."""
    return Decimal(result["amount"]["value"]) if "amount" in result else Decimal()
