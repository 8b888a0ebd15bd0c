"""Answers of Cursor written straight to the ledger, and the core tables built from them."""

import json
from datetime import date, datetime
from typing import Any

import dagster as dg

from ai_usage.partitions import Span
from ai_usage.warehouse.ledger import Answer
from ai_usage_tests.outcome import Outcome
from ai_usage_tests.platform import Platform


def snapshot(platform: Platform, pull: str, *records: dict[str, Any], **envelope: Any) -> None:
    texts = [json.dumps(record).encode() for record in records]
    platform.warehouse.append(pull, [Answer("cursor", None, texts, 1, {}, envelope)])


def events(platform: Platform, day: date, *records: dict[str, Any]) -> None:
    texts = [json.dumps(record).encode() for record in records]
    platform.warehouse.append("cursor_usage_events", [Answer("cursor", day, texts, 1, {}, {})])


def event(at: datetime, cents: float, email: str | None = "a@example.com", **more: Any) -> dict[str, Any]:
    sent = {
        "timestamp": str(int(at.timestamp() * 1000)),
        "model": "default",
        "kind": "Usage-based",
        "isChargeable": True,
        "chargedCents": cents,
        **more,
    }
    return sent if email is None else {**sent, "userEmail": email}


def build(platform: Platform, *tables: str, over: Span) -> Outcome:
    selection = dg.AssetSelection.assets(*(dg.AssetKey(["core", table]) for table in tables)).without_checks()
    outcome = platform.materialize(selection, over, None)
    assert outcome.result.success
    return outcome
