"""Users of Code Assist licenses, the cost of idle ones, and people's activity: rows written by hand."""

from datetime import date
from decimal import Decimal
from typing import Any

import dagster as dg
import pytest

from ai_usage.catalog import TABLES
from ai_usage.checks.registry import CHECKS
from ai_usage.marts.files import marts
from ai_usage.partitions import Span
from ai_usage.warehouse.ledger import Answer
from ai_usage_tests.googlesql.google_usage_world import GOOGLE_KEYS, GOOGLE_USAGE
from ai_usage_tests.googlesql.lines import ANN, ANN_TOO, BOB, EVE, FRI, WED, Lines, lines_of, rows
from ai_usage_tests.googlesql.world import ORDINARY
from ai_usage_tests.outcome import Outcome
from ai_usage_tests.platform import Platform

A = "ai_usage_analytics"
DAYS = Span(date.fromisoformat(WED), date.fromisoformat(FRI))
BY_ADDRESS = {table.address: table for table in TABLES}
USED = "gemini_licenses_are_used"
LICENSE = "order_id plan_name user_email is_assigned license_count order_licenses assigned_at last_used_at"
OLD, RECENT = "2023-06-01T00:00:00Z", "2024-02-25T00:00:00Z"
SEAT = "activity_date platform charge_type sku_name quantity unit amount_usd billed_amount billed_currency meter"
SEAT += " cost_type"
FEE = (WED, "gemini_code_assist", "subscription", "Standard", "10", "seats", "190", "190", "USD", "seat", "regular")
PEOPLE = "row_number user_email leave_from leave_to"
SEATS = "select user_email, plan_name, days_known, days_active, is_idle, idle_exemption, seats, saving_usd"
SEATS += f" from {A}.seat_use where provider = 'google' order by user_email nulls last"


def licensed(email: str | None, assigned: str | None = OLD, used: str | None = None, n: int = 1) -> tuple[Any, ...]:
    return ("o-1", "Standard", email, email is not None, n, 10, assigned, used)


def fill(platform: Platform, lines: Lines) -> None:
    for address, of_table in lines.items():
        table = BY_ADDRESS[address]
        found = rows(table, of_table)
        columns = {name: [row[at] for row in found] for at, name in enumerate(table.columns)}
        platform.warehouse.replace_all(table, table.frame(columns))


def built(platform: Platform, licenses: list[tuple[Any, ...]], more: Lines | None = None) -> Platform:
    """The marts of seats and activity, with these licenses and the small company's days."""
    dims = {f"{A}.{name}": ORDINARY[f"{A}.{name}"] for name in ("dim_person", "dim_person_account")}
    keys = {f"{A}.dim_api_key_mapping": GOOGLE_KEYS}
    fill(platform, dims | keys | GOOGLE_USAGE | {f"{A}.gemini_licenses": lines_of(LICENSE, *licenses)} | (more or {}))
    platform.warehouse.append("gemini_licenses", [Answer("google", None, [], 1, {})])
    with platform.warehouse.connected():
        for mart in marts():
            if mart.table.name == "seat_use":
                platform.warehouse.fill_all(mart.table, mart.query)
            elif mart.table.name == "ai_activity":
                platform.warehouse.fill_days(
                    mart.table, mart.query, DAYS.days, of={"provider": "google"}, first_day=DAYS.first,
                    last_day=DAYS.last,
                )  # fmt: skip
    return platform


def evaluated(platform: Platform) -> Outcome:
    keys = [check.key for check in CHECKS if check.name == USED]
    return platform.materialize(dg.AssetSelection.checks(*keys), None, None, google_cloud=[])


def test_a_license_is_idle_after_four_weeks_unless_it_is_new(platform: Platform) -> None:
    licenses = [
        licensed(ANN_TOO),
        licensed(EVE, used="2024-02-01T00:00:00Z"),
        licensed(BOB),
        licensed("new@x.com", RECENT),
    ]
    built(platform, [*licenses, licensed(None, n=3)], {f"{A}.gemini_costs": lines_of(SEAT, FEE)})
    assert platform.sql(SEATS) == [
        (ANN_TOO, "Standard", 28, 1, False, None, 1, None),
        (BOB, "Standard", 28, 0, True, None, 1, Decimal(19)),
        (EVE, "Standard", 28, 2, False, None, 1, None),
        ("new@x.com", "Standard", 6, 0, False, "new", 1, None),
        (None, "Standard", 0, 0, False, None, 3, Decimal(57)),
    ]
    outcome = evaluated(platform)
    assert outcome.not_passed(USED) == {None}
    why = outcome.why(USED, None, "seat_use")
    assert "3 licenses are unassigned: 57.00 USD a month." in why
    assert f"Not used in the last four weeks: 1, 19.00 USD a month. {BOB}." in why


def test_used_licenses_pass(platform: Platform) -> None:
    built(platform, [licensed(ANN_TOO), licensed("seen@x.com", used="2024-03-01T00:00:00Z")])
    assert evaluated(platform).not_passed(USED) == set()


def test_who_is_on_leave_is_not_idle(platform: Platform) -> None:
    leave = {f"{A}.people": lines_of(PEOPLE, (1, BOB, "2024-02-01", "2024-04-01"))}
    built(platform, [licensed(BOB)], leave)
    assert platform.sql(SEATS) == [(BOB, "Standard", 28, 0, False, "on_leave", 1, None)]
    back = {f"{A}.people": lines_of(PEOPLE, (1, BOB, "2024-01-01", "2024-02-01"))}
    assert platform.sql(SEATS) != built(platform, [licensed(BOB)], back).sql(SEATS)


@pytest.mark.parametrize("fees", [[], [FEE, (*FEE[:3], "Enterprise", *FEE[4:])], [(*FEE[:4], None, None, *FEE[6:])]])
def test_a_price_that_is_not_known_is_null_and_never_zero(platform: Platform, fees: list[tuple[Any, ...]]) -> None:
    built(platform, [licensed(BOB), licensed(None, n=2)], {f"{A}.gemini_costs": lines_of(SEAT, *fees)})
    assert platform.sql(f"select is_idle, saving_usd from {A}.seat_use order by 1") == [(False, None), (True, None)]
    assert "0.00 USD a month, 2 of unknown price" in evaluated(platform).why(USED, None, "seat_use")


def test_activity_is_that_of_code_assist_and_of_owned_keys(platform: Platform) -> None:
    built(platform, [licensed(ANN)])
    columns = "activity_date, user_email, tool, is_active, requests, suggestions, suggestions_accepted, lines_accepted"
    wed, thu, fri = DAYS.days
    assert platform.sql(f"select {columns} from {A}.ai_activity where provider = 'google' order by 1, 2, 3") == [
        (wed, ANN, "gemini_api", True, 8, None, None, None),
        (wed, ANN, "gemini_code_assist", True, 4, 4, 2, 43),
        (thu, EVE, "gemini_api", True, 3, None, None, None),
        (thu, EVE, "gemini_code_assist", True, 0, 0, 1, None),
        (fri, EVE, "gemini_code_assist", True, 1, 0, 0, 0),
    ]
