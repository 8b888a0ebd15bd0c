"""A Claude client of a stand-in, and the answers that both exchange."""

import json
from datetime import UTC, date, datetime, timedelta

from ai_usage.ingest.days import Answers, LeftOut, NotYet
from ai_usage.ingest.http.retry import Patience
from ai_usage.partitions import Span
from ai_usage.providers.anthropic.client import ClaudeAdmin
from ai_usage.settings import read_settings
from ai_usage.warehouse.ledger import Answer
from ai_usage_tests.ingest.stand_in import (
    ADMIN,
    StandIn,
)

DAY = date(2026, 11, 1)
NOW = datetime(2026, 11, 8, 9, tzinfo=UTC)  # the morning after the week
WEEK = Span(DAY, DAY + timedelta(6))
YEAR = Span(date(2025, 11, 1), date(2026, 10, 31))
LINE = '{ "amount": "83391.52823", "currency":"USD", "workspace_id": null,"brand_new": [1.50] }'


def opened(stand_in: StandIn, admin_key: str = ADMIN, analytics_key: str = "") -> ClaudeAdmin:
    """A client at the address the environment names."""
    found = read_settings({"ANTHROPIC_ADMIN_BASE_URL": f"{stand_in.url}/"})
    patience = Patience(attempts=2, first_wait=0, jitter=0)
    return ClaudeAdmin.open(
        base_url=found.anthropic_base_url,
        admin_key=admin_key,
        analytics_key=analytics_key,
        patience=patience,
        now=lambda: NOW,
    )


def texts(answers: list[Answer]) -> dict[date | None, list[str]]:
    return {answer.day: [bytes(record).decode() for record in answer.records] for answer in answers}


def left_out(answers: list[Answer]) -> list[NotYet | LeftOut]:
    assert isinstance(answers, Answers)
    return answers.left_out


def code_record(day: date, session: int) -> str:
    return f'{{"date": "{day}T00:00:00Z", "n": {session}}}'


def row(day: date, n: int) -> str:
    return f'{{"starting_at": "{day}T00:00:00Z", "n": {n}}}'


def person(n: int) -> str:
    return json.dumps({"user": {"id": f"user_{n}", "email_address": f"p{n}@example.com"}, "chat_metrics": {}})


def workspace(n: int, archived: str | None = None) -> str:
    return json.dumps({"id": f"wrkspc_{n}", "name": f"W{n}", "archived_at": archived})
