"""Shaping: Cursor's records in, rows of core out, to the last digit."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from ai_usage.sources.cursor.rows import event_rows, member_rows
from ai_usage.warehouse.ledger import Records, UnreadableRecord

DAY, PULLED = date(2026, 11, 1), datetime(2026, 11, 2, 6, tzinfo=UTC)
EVENT = {
    "timestamp": "1793494800123",
    "userEmail": " Dev.One@Example.com ",
    "model": "claude-opus-5-5",
    "kind": "Usage-based",
    "maxMode": False,
    "requestsCosts": 1.4,
    "isTokenBasedCall": True,
    "isChargeable": True,
    "isHeadless": False,
    "chargedCents": 10.7475,
    "tokenUsage": {
        "inputTokens": 12000,
        "outputTokens": 900,
        "cacheWriteTokens": 3000,
        "cacheReadTokens": 50000,
        "totalCents": 9.1,
    },
    "cursorTokenFee": 1.6475,
}


def records(*said: dict[str, Any]) -> Records:
    lines = pl.DataFrame(
        {
            "activity_date": [DAY] * len(said),
            "pull_id": ["p"] * len(said),
            "ingestion_timestamp": [PULLED] * len(said),
            "record": [json.dumps(record) for record in said],
        },
        schema_overrides={"ingestion_timestamp": pl.Datetime("us", "UTC"), "activity_date": pl.Date},
    )
    return Records("cursor_usage_events", pl.DataFrame(), lines)


def test_an_event_keeps_its_instant_its_person_and_every_fraction_of_a_cent() -> None:
    [row] = event_rows(records(EVENT)).to_dicts()
    assert row["event_at"] == datetime(2026, 11, 1, 1, 0, 0, 123000, tzinfo=UTC)
    assert row["user_email"] == "dev.one@example.com"
    assert (row["charged_usd"], row["cursor_token_fee_usd"], row["list_usd"]) == (
        Decimal("0.107475"),
        Decimal("0.016475"),
        Decimal("0.091"),
    )
    assert row["requests_costs"] == Decimal("1.4")
    assert (row["input_tokens"], row["cache_read_tokens"]) == (12000, 50000)


def test_what_an_event_does_not_have_is_null_and_never_zero() -> None:
    bare = {name: value for name, value in EVENT.items() if name not in {"tokenUsage", "cursorTokenFee"}}
    [row] = event_rows(
        records({**bare, "isChargeable": False, "isTokenBasedCall": False, "chargedCents": 8})
    ).to_dicts()
    absent = ("input_tokens", "list_usd", "cursor_token_fee_usd", "discount_percent_off", "service_account_id")
    assert [row[name] for name in absent] == [None] * len(absent)
    assert (row["charged_usd"], row["is_chargeable"]) == (Decimal("0.08"), False)


def test_equal_events_are_as_many_rows() -> None:
    assert event_rows(records(EVENT, EVENT, EVENT)).height == 3


@pytest.mark.parametrize("field", ["chargedCents", "requestsCosts"])
def test_an_amount_beyond_all_measure_is_refused(field: str) -> None:
    with pytest.raises(UnreadableRecord, match="cursor_usage_events"):
        event_rows(records({**EVENT, field: 1e40}))


def test_quantities_are_rounded_half_even_at_the_tenth_decimal() -> None:
    text = json.dumps(EVENT).replace("1.4,", "1.0000000005,")
    [row] = event_rows(records(json.loads(text, parse_float=float))).to_dicts()
    assert row["requests_costs"] == Decimal("1.000000000")


def test_members_keep_their_id_and_lose_the_spelling_of_their_address() -> None:
    member = {"id": "user_1", "name": "Dev", "email": "Dev@Example.COM ", "role": "owner", "isRemoved": True}
    assert member_rows(records(member, {**member, "id": 7})).select("user_id", "user_email", "is_removed").rows() == [
        ("user_1", "dev@example.com", True),
        ("7", "dev@example.com", True),
    ]
