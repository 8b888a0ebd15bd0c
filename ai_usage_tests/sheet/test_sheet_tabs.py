"""Tabs as people leave them: valid rows are used, invalid and contradictory ones are rejected by name."""

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from ai_usage.sheet.cells import period_days
from ai_usage.sheet.tabs import (
    API_KEY_MAPPING,
    BUDGETS,
    CLAUDE_AI_USAGE,
    CONSOLE_FIGURES,
    INVOICES,
    PEOPLE,
    PERSON_ALIASES,
    SEATS,
    Tab,
    TabRows,
    holding_on,
    read_tab,
)

HEADER = ["api_key_id", "api_key_name", "user_email", "team_name", "description"]


def read(tab: Tab, *rows: list[Any]) -> TabRows:
    return read_tab(tab, [json.dumps(row) for row in rows])


def rejected(found: TabRows) -> list[tuple[int, str, str]]:
    return [(r.row_number, r.column_name, r.reason) for r in found.rejections]


def test_a_messy_mapping_gives_the_right_rows_and_the_right_rejections() -> None:
    found = read(
        API_KEY_MAPPING,
        HEADER,
        ["key_1", "etl", "  ADA@Example.com ", "Data", "first"],
        [],
        ["key_2", "bot", "grace@example.com", "Web"],
        ["key_2", "bot", "Grace@Example.com", "Web", "again, in other words"],
        ["key_3", "x", "ada@example.com", "Data"],
        ["", "y", "ada@example.com"],
        ["key_4", "z", "no address", "Data"],
        ["key_3", "x", "grace@example.com", "Data"],
        ["key_5", None, None, "Data"],
        ["key_6", "unowned"],
        ["key_7", '=HYPERLINK("http://evil")', "a@b.cd", "<script>alert(1)</script>", "'; drop table x; --"],
    )  # fmt: skip
    assert [(row["row_number"], row["api_key_id"], row["user_email"]) for row in found.good] == [
        (2, "key_1", "ada@example.com"),
        (4, "key_2", "grace@example.com"),
        (10, "key_5", None),
        (12, "key_7", "a@b.cd"),
    ]
    assert rejected(found) == [
        (6, "api_key_id", "contradicts row 9: which one is meant is not known"),
        (7, "api_key_id", "is empty"),
        (8, "user_email", "is not one e-mail address"),
        (9, "api_key_id", "contradicts row 6: which one is meant is not known"),
        (11, "user_email", "names neither a person nor a team"),
    ]
    assert found.good[-1]["team_name"] == "<script>alert(1)</script>"


def test_columns_may_be_in_any_order_and_others_are_ignored() -> None:
    found = read(
        BUDGETS, [], ["Notes", " Amount USD ", "Scope-Name", "SCOPE", "month"], ["x", "$5", "Data", "Team", "Sep 2026"]
    )
    [row] = found.good
    assert row == {"row_number": 3, "month": "2026-09", "scope": "team", "scope_name": "Data", "amount_usd": Decimal(5)}


def test_a_tab_without_a_required_column_is_rejected_with_its_name() -> None:
    found = read(SEATS, ["provider", "plan", "seats"], ["cursor", "Teams", 5])
    assert found.good == []
    assert [(r.row_number, r.column_name) for r in found.rejections] == [(1, "seat_price_usd")]


def test_a_tab_with_a_repeated_column_is_rejected() -> None:
    found = read(PERSON_ALIASES, ["alias_email", "user_email", "User Email"], ["a@b.cd", "c@d.ef", "g@h.ij"])
    assert found.good == []
    assert rejected(found) == [(1, "user_email", "is twice in the header")]


@pytest.mark.parametrize("rows", [[], [[]], [["", None]], [HEADER]])
def test_an_empty_tab_has_no_rows_and_nothing_wrong(rows: list[list[Any]]) -> None:
    assert read(API_KEY_MAPPING, *rows) == TabRows()


def test_a_usage_row_knows_its_day_however_it_was_written() -> None:
    found = read(
        CLAUDE_AI_USAGE,
        ["activity_date", "user_email", "message_count", "conversation_count", "project_count", "file_upload_count"],
        [46269, "a@b.cd", 41, 3, 0],
        ["Sep 5, 2026", "a@b.cd", "1,200"],
        ["03/04/2026", "a@b.cd", 1],
        [46269, "a@b.cd", 40, 3, 0],
    )
    assert [(row["activity_date"], row["message_count"], row["file_upload_count"]) for row in found.good] == [
        (date(2026, 9, 5), 1200, None)
    ]
    assert [number for number, _, _ in rejected(found)] == [2, 4, 5]


def test_impossible_rows_are_rejected() -> None:
    figures = read(
        CONSOLE_FIGURES,
        ["provider", "period_start", "period_end", "workspace_id", "amount_usd"],
        ["claude", "2026-09-01", "2026-09-01", "", 5],
        ["claude", "2026-09-01", "2026-10-01", "", "162.10"],
    )
    assert [row["amount_usd"] for row in figures.good] == [Decimal("162.10")]
    assert "exclusive" in rejected(figures)[0][2]
    budgets = read(
        BUDGETS,
        ["month", "scope", "scope_name", "amount_usd"],
        ["2026-09", "team", "", 5],
        ["2026-09", "provider", "acme", 5],
        ["2026-09", "provider", "Claude", 5],
        ["2026-09", "total", "", -5],
    )
    assert [row["scope_name"] for row in budgets.good] == ["anthropic"]
    assert [(n, c) for n, c, _ in rejected(budgets)] == [(2, "scope_name"), (3, "scope_name"), (5, "amount_usd")]
    seats = read(
        SEATS,
        ["provider", "plan", "seat_price_usd", "seats", "valid_from", "valid_to"],
        ["cursor", "Teams", 40, 5, "2026-09-01", "2026-09-01"],
    )
    assert [(n, c) for n, c, _ in rejected(seats)] == [(2, "valid_to")]
    aliases = read(PERSON_ALIASES, ["alias_email", "user_email"], ["a@b.cd", "A@b.cd"])
    assert aliases.good == []


def test_a_line_of_an_invoice_has_its_period_its_currency_and_what_it_covers() -> None:
    header = ["provider", "invoice_id", "period", "amount", "currency", "covers", "line"]
    found = read(
        INVOICES,
        header,
        ["Claude", "IN-1", "2026-09", "1,234.50", "", "usage"],
        ["cursor", "IN-2", " 2026-10-03 / 2026-11-03 ", 40, "eur", "Seats", "Teams"],
        ["cursor", "IN-2", "2026-10-03/2026-11-03", 20, "EUR", "seats", "Pro"],
        ["google", "IN-3", "2026-09", "-12.5", "USD", "credits"],
        ["google", "IN-3", "2026-09", "12.5", "USD", "credits"],
        ["google", "IN-3", "2026-09", "$5.00", "EUR", "tax"],
        ["google", "IN-3", "2026-09", "5.00", "Euro", "tax"],
        ["google", "IN-3", "2026-09", "5.00", "", "shipping"],
        ["google", "IN-3", "2026-10-03/2026-10-03", "5.00", "", "tax"],
        ["google", "", "2026-09", "5.00", "", "tax"],
        ["openai", "IN-4", "2026-09", "5.00", "", "tax"],
        ["openai", "IN-4", "2026-09", "6.00", "", "tax"],
        ["openai", "IN-5", "03/04/2026", "6.00", "", "tax"],
    )
    shown = [(row["invoice_id"], row["period"], row["amount"], row["currency"], row["covers"]) for row in found.good]
    assert shown == [
        ("IN-1", "2026-09", Decimal("1234.50"), "USD", "usage"),
        ("IN-2", "2026-10-03/2026-11-03", Decimal(40), "EUR", "seats"),
        ("IN-2", "2026-10-03/2026-11-03", Decimal(20), "EUR", "seats"),
        ("IN-3", "2026-09", Decimal("-12.5"), "USD", "credits"),
    ]
    assert [(n, column) for n, column, _ in rejected(found)] == [
        (6, "amount"), (7, "amount"), (8, "currency"), (9, "covers"), (10, "period"), (11, "invoice_id"),
        (12, "provider"), (13, "provider"), (14, "period"),
    ]  # fmt: skip
    reasons = [reason for _, _, reason in rejected(found)]
    assert reasons[0] == "is positive: a credit is a negative amount"
    assert reasons[1].startswith("has a currency")
    assert reasons[4].startswith("ends before it begins")
    assert period_days("2026-12") == (date(2026, 12, 1), date(2027, 1, 1))
    assert period_days("2026-10-03/2026-11-03") == (date(2026, 10, 3), date(2026, 11, 3))


def test_seats_of_a_plan_are_valid_one_row_at_a_time() -> None:
    seats = read(
        SEATS,
        ["provider", "plan", "seat_price_usd", "seats", "valid_from", "valid_to"],
        ["cursor", "Teams", 40, 80],
        ["cursor", "Teams", 40, 86, "2026-03-01"],
        ["cursor", "Teams", 40, 90, "2026-06-01", "2026-07-01"],
        ["cursor", "Pro", 20, 3, "2026-01-01", "2026-04-01"],
        ["cursor", "Pro", 20, 4, "2026-03-01", "2026-05-01"],
        ["cursor", "Pro", 20, 5, "2026-05-01"],
    )
    assert [(row["seats"], row["valid_from"], row["valid_to"]) for row in seats.good] == [
        (80, None, date(2026, 3, 1)),
        (86, date(2026, 3, 1), date(2026, 6, 1)),
        (90, date(2026, 6, 1), date(2026, 7, 1)),
        (5, date(2026, 5, 1), None),
    ]
    assert rejected(seats) == [
        (5, "valid_to", "overlaps with row 6 about the same plan: give each its days"),
        (6, "valid_to", "overlaps with row 5 about the same plan: give each its days"),
    ]


def test_invisible_spaces_are_removed_from_cells_and_headers() -> None:
    """Case 26, through a whole tab: one person, one key, one team, whatever spaces were pasted with them."""
    found = read(
        API_KEY_MAPPING,
        ["\ufeffapi_key_id", "user\u00a0email\u200b", "team_name", "\u200b"],
        ["apikey_1\u200b", "ada@example.com\u00a0", "Data\u00a0Team", "x"],
        ["\u2060apikey_1", "\u200bAda@exam\u00adple.com", "Data  Team\u3000", "x"],
        ["\u200b", "\u00a0", "", None],
    )
    assert [(row["api_key_id"], row["user_email"], row["team_name"]) for row in found.good] == [
        ("apikey_1", "ada@example.com", "Data Team")
    ]
    assert found.rejections == []


def test_an_ambiguous_amount_rejects_its_row_and_no_other() -> None:
    """Case 27: `5.000` as text is refused, a number from Google is exact, and NaN is no amount."""
    rows = ["2026-09", "total", ""], ["2026-10", "total", ""], ["2026-11", "total", ""]
    header = ["month", "scope", "scope_name", "amount_usd"]
    found = read(BUDGETS, header, [*rows[0], "5.000"], [*rows[1], 5.125], [*rows[2], float("nan")])
    assert [(row["month"], row["amount_usd"]) for row in found.good] == [("2026-10", Decimal("5.125"))]
    assert [(n, c) for n, c, _ in rejected(found)] == [(2, "amount_usd"), (4, "amount_usd")]
    assert rejected(found)[0][2].startswith("can be two numbers")


def test_of_dated_rows_the_one_that_holds_on_the_day_is_used() -> None:
    header = ["user_email", "team_name", "valid_from", "valid_to", "leave_from", "leave_to"]
    found = read(
        PEOPLE,
        header,
        ["ada@example.com", "Data", "", "2026-03-01"],
        ["ada@example.com", "Web", "2026-03-01", "2026-06-01", "2026-04-01"],
        ["ada@example.com", "Mobile", "2026-09-01", ""],
        ["ada@example.com", "Support", "2026-12-01", "2026-11-01"],
        ["bob@example.com", "Support", "", "", "2026-12-01", "2026-12-01"],
    )
    assert [(n, c) for n, c, _ in rejected(found)] == [(5, "valid_to"), (6, "leave_to")]
    days = {date(2026, 1, 1): "Data", date(2026, 3, 1): "Web", date(2026, 7, 1): "Web", date(2026, 9, 1): "Mobile"}
    assert {day: holding_on(found.good, day)["team_name"] for day in days} == days
    assert holding_on(found.good[2:], date(2026, 1, 1))["team_name"] == "Mobile"


def test_a_rejection_never_quotes_the_cell() -> None:
    found = read(API_KEY_MAPPING, HEADER, ["key_1", "n", "sk-ant-api03-SECRET", "Data"])
    assert "SECRET" not in repr(found.rejections)
    assert found.rejections[0].value_shape == "text aa-aaa-aaa99-aaaaaa"
