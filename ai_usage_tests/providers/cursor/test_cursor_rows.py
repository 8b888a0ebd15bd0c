"""Shaping: Cursor's records in, rows of core out, to the last digit."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from ai_usage.providers.cursor.rows import Addresses, event_rows, lacks_address, member_rows, without_address
from ai_usage.warehouse.reading.ledger_records import Records

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


def records(*read: dict[str, Any]) -> Records:
    lines = pl.DataFrame(
        {
            "account": ["default"] * len(read),
            "activity_date": [DAY] * len(read),
            "pull_id": ["p"] * len(read),
            "ingestion_timestamp": [PULLED] * len(read),
            "record": [json.dumps(record) for record in read],
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


def test_an_amount_too_large_to_store_rejects_its_event_and_a_quantity_only_itself() -> None:
    read = records({**EVENT, "chargedCents": 1e40}, {**EVENT, "requestsCosts": 1e40})
    [row] = event_rows(read).to_dicts()
    assert (row["requests_costs"], row["charged_usd"]) == (None, Decimal("0.107475"))
    assert [(r.position, r.field, r.reason) for r in read.rejections] == [
        (0, "chargedCents", "1e+40 is too large for an amount of money")
    ]


def without(*names: str) -> dict[str, Any]:
    return {name: value for name, value in EVENT.items() if name not in names}


def test_an_event_may_lack_what_was_not_always_sent() -> None:
    """Case 5: `requestsCosts: null`; no `kind`; a `tokenUsage` without its zeros; `timestamp` as a number."""
    read = records(
        {**EVENT, "requestsCosts": None},
        without("kind"),
        {**EVENT, "tokenUsage": {"inputTokens": 5, "totalCents": 9.1}},
        {**EVENT, "timestamp": 1793494800123},
        {**EVENT, "timestamp": 1793494800123.0},
        without("isHeadless", "maxMode", "isTokenBasedCall", "model"),
    )
    rows = event_rows(read)
    assert not read.rejections
    assert rows["requests_costs"].to_list() == [None, *[Decimal("1.4")] * 5]
    assert rows["kind"].null_count() == rows["model"].null_count() == rows["max_mode"].null_count() == 1
    assert rows["output_tokens"].to_list()[2] == rows["cache_read_tokens"].to_list()[2] == 0
    assert set(rows["event_at"]) == {datetime(2026, 11, 1, 1, 0, 0, 123000, tzinfo=UTC)}
    assert set(rows["charged_usd"]) == {Decimal("0.107475")}


@pytest.mark.parametrize(
    ("kind", "charged", "is_billed"),
    [
        ("Usage-based", 5, True),
        ("USAGE_EVENT_KIND_USAGE_BASED", 5, True),
        ("Included in Business", None, False),
        ("Free", 0, False),
        ("Errored, Not Charged", 5, False),
        (None, 0, False),
        ("Usage-based", None, "chargedCents"),
        (None, 5, "isChargeable"),
        ("Novel", 5, "isChargeable"),
        (None, None, "isChargeable"),
    ],
)
def test_an_older_event_is_billed_by_its_kind_and_an_unknown_bill_is_not_zero(
    kind: str | None, charged: float | None, is_billed: object
) -> None:
    read = records({**without("isChargeable"), "kind": kind, "chargedCents": charged})
    rows = event_rows(read)
    if isinstance(is_billed, str):
        assert rows.is_empty()
        assert [rejection.field for rejection in read.rejections] == [is_billed]
    else:
        assert rows["is_chargeable"].to_list() == [is_billed]
        assert rows["charged_usd"].null_count() == (charged is None)


def test_events_without_an_address_count_under_the_last_one_known() -> None:
    """Case 4: a removed person's events have no `userEmail`."""
    read = records(
        {**without("userEmail"), "serviceAccountId": "sa_1"},
        {**without("userEmail"), "userId": 7},
        {**EVENT, "userEmail": ""},
    )
    addresses = Addresses({"7": "Gone@example.com"}, {"sa_1": "bot@example.com"})
    assert event_rows(read, addresses)["user_email"].to_list() == ["bot@example.com", "gone@example.com", None]
    assert event_rows(read)["user_email"].to_list() == [None] * 3
    nameless = without_address(read)
    assert (nameless.users, nameless.service_accounts) == ({"7"}, {"sa_1"})
    assert lacks_address(read)
    assert not lacks_address(records(EVENT))


def test_members_may_lack_an_address_a_name_or_an_id() -> None:
    """Case 7: one member with `email: null`, one without `name`; older answers have no id and no isRemoved."""
    read = records(
        {"id": "user_1", "name": "Dev", "email": None, "role": "member", "isRemoved": False},
        {"id": "user_2", "email": "two@example.com", "role": "novel"},
        {"name": None, "email": "three@example.com"},
        {"name": "No Id"},
        {"id": {"no": "id"}, "email": "five@example.com"},
    )
    assert member_rows(read).select("user_id", "user_email", "user_name", "role", "is_removed").rows() == [
        ("user_1", None, "Dev", "member", False),
        ("user_2", "two@example.com", None, "novel", False),
        (None, "three@example.com", None, None, False),
    ]
    assert [(r.position, r.field) for r in read.rejections] == [(3, "id"), (4, "id")]


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
