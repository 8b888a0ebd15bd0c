"""The owner of a key on each day: the sheet's history as statements, and the providers' lists where it has none."""

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest

from ai_usage.core.keys import DEFAULT, key_history, listed_keys, mapping_rows, provider_of
from ai_usage.sheet.owners import KeyId, Seen, statements
from ai_usage.warehouse.ledger import Answer
from ai_usage_tests.platform import Platform

Period = tuple[date | None, str | None]


def seen(day: int, *, hour: int = 6, since: dict[str, date] | None = None, **owners: str) -> Seen:
    """The mapping as read on a day of November: key → owner."""
    rows: dict[KeyId, Any] = {
        ("anthropic", key): {
            "user_email": owner,
            "team_name": None,
            "description": f"as of {day}",
            "valid_from": (since or {}).get(key),
        }
        for key, owner in owners.items()
    }
    return Seen(datetime(2026, 11, day, hour, tzinfo=UTC), f"pull {day}", rows)


def periods(*history: Seen, key: str = "k") -> list[Period]:
    return [
        (statement.since, statement.row["user_email"] if statement.row else None)
        for statement in statements(history).get(("anthropic", key), [])
    ]


def november(day: int) -> date:
    return date(2026, 11, day)


def test_a_first_owner_is_valid_for_all_time_before() -> None:
    assert periods(seen(5, k="ada")) == [(None, "ada")]


def test_a_key_added_later_belonged_to_its_owner_all_along() -> None:
    assert periods(seen(5, other="x"), seen(9, k="ada", other="x")) == [(None, "ada")]


def test_a_change_is_valid_from_the_day_it_was_seen() -> None:
    assert periods(seen(5, k="ada"), seen(9, k="bob"), seen(12, k="ada")) == [
        (None, "ada"),
        (november(9), "bob"),
        (november(12), "ada"),
    ]


def test_a_correction_on_the_same_day_replaces_the_slip() -> None:
    assert periods(seen(5, k="adda"), seen(5, hour=9, k="ada")) == [(None, "ada")]
    assert periods(seen(4, k="ada"), seen(5, k="bbo"), seen(5, hour=9, k="bob")) == [
        (None, "ada"),
        (november(5), "bob"),
    ]
    assert periods(seen(4, k="ada"), seen(5, k="bob"), seen(5, hour=9, k="ada")) == [(None, "ada")]


def test_another_description_of_the_same_owner_changes_no_period() -> None:
    [[statement]] = statements([seen(5, k="ada"), seen(9, k="ada")]).values()
    assert statement.since is None
    assert statement.row is not None
    assert statement.row["description"] == "as of 9"


def test_a_key_removed_from_the_sheet_has_no_owner_from_then_on() -> None:
    assert periods(seen(5, k="ada"), seen(9), seen(12, k="bob")) == [
        (None, "ada"),
        (november(9), None),
        (november(12), "bob"),
    ]


@pytest.mark.parametrize(
    ("since", "expected"),
    [
        (7, [(None, "ada"), (november(7), "bob")]),  # in the past: history changes from that day on
        (3, [(None, "ada"), (november(3), "bob")]),
        (25, [(None, "ada"), (november(25), "bob")]),  # not yet
    ],
)
def test_a_row_may_state_the_day_it_is_valid_from(since: int, expected: list[Period]) -> None:
    late = seen(9, k="bob", since={"k": november(since)})
    assert periods(seen(5, k="ada"), late) == expected
    assert periods(seen(5, k="ada"), seen(8, k="bob"), late)[-1] == (november(min(since, 8)), "bob")


def test_an_overwritten_header_removes_no_owner(platform: Platform) -> None:
    header, row = ["api_key_id", "user_email"], ["k", "ada@example.com"]
    for day, rows in ((5, [header, row]), (9, [["oops", "user_email"], row]), (12, [header, row])):
        platform.warehouse.now = lambda day=day: datetime(2026, 11, day, tzinfo=UTC)
        records = [json.dumps(cells).encode() for cells in rows]
        platform.warehouse.append("sheet_api_key_mapping", [Answer("google_sheets", None, records, 1, {})])
    history = key_history(platform.warehouse, {})
    assert periods(*history) == [(None, "ada@example.com")]


def test_a_first_row_with_a_day_leaves_the_time_before_without_an_owner() -> None:
    assert periods(seen(9, k="bob", since={"k": november(7)})) == [(november(7), "bob")]


def test_a_key_of_another_provider_keeps_its_provider_and_owner(platform: Platform) -> None:
    """The optional column `provider`; a key without one belongs to Anthropic, whether Anthropic lists it or not."""
    rows = [
        ["api_key_id", "user_email", "team_name", "provider"],
        ["key_listed", "ada@example.com", "", ""],
        ["key_deleted", "ada@example.com", "", "Claude"],
        ["key_of_google", "ada@example.com", "", "Google"],
    ]
    texts = [json.dumps(row).encode() for row in rows]
    key = {"id": "key_listed", "type": "api_key", "name": "etl", "status": "active"}
    key |= {"created_at": "2026-01-01T00:00:00Z"}
    platform.warehouse.append("sheet_api_key_mapping", [Answer("google", None, texts, 1, {}, is_ordered=True)])
    platform.warehouse.append("claude_api_keys", [Answer("anthropic", None, [json.dumps(key).encode()], 1, {})])
    listed = listed_keys(platform.warehouse)
    rows_made = mapping_rows(statements(key_history(platform.warehouse, listed)), listed)
    assert {row["api_key_id"]: (row["provider"], row["account"], row["user_email"]) for row in rows_made} == {
        "key_listed": ("anthropic", "default", "ada@example.com"),
        "key_deleted": ("anthropic", None, "ada@example.com"),
        "key_of_google": ("google", None, "ada@example.com"),
    }


def test_a_key_without_a_provider_belongs_to_the_only_one_that_lists_it() -> None:
    row = {"api_key_id": "k", "provider": None}
    assert provider_of(row, {"k": ["google"]}) == "google"
    assert provider_of(row, {"k": ["anthropic", "google"]}) == provider_of(row, {}) == DEFAULT == "anthropic"
    assert provider_of({**row, "provider": "google"}, {"k": ["openai"]}) == "google"
