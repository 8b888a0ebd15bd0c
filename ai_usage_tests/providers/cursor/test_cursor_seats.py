"""Seats from the provider's answers and the sheet's files to the bill: the purchased number, each member once."""

import csv
from collections.abc import Sequence
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx

from ai_usage.ingest.http.retry import Patience
from ai_usage.partitions import Span
from ai_usage.providers.cursor.client import CursorAdmin
from ai_usage.settings import settings
from ai_usage.sheet.csv_folder import CsvFolder
from ai_usage_tests.mock_claude import DAY
from ai_usage_tests.platform import Platform, whatever_makes

SPEND, SEATS = "ai_usage_analytics.ai_spend", "ai_usage_analytics.seat_use"
ADA, GRACE, MARY = ("user_1", "Ada@Example.com"), ("user_2", "grace@example.com"), ("user_3", "mary@example.com")
Member = tuple[str, str]
Plan = tuple[str, int, int]  # name, price of a seat in USD, seats


def cursor(current: Sequence[Member], removed: Sequence[Member]) -> CursorAdmin:
    """A team without a chargeable event in which everybody was active on DAY. It has no optional report."""
    members = [{"id": id_, "email": email, "role": "member", "isRemoved": False} for id_, email in current]
    members += [{"id": id_, "email": email, "role": "member", "isRemoved": True} for id_, email in removed]
    rows = [
        {"userId": id_, "day": str(DAY), "email": email, "isActive": True, "agentRequests": 1}
        for id_, email in (*current, *removed)
    ]
    pages = {"numPages": 1, "currentPage": 1, "pageSize": 1000, "totalPages": 1}
    bodies: dict[str, Any] = {
        "/teams/members": {"teamMembers": members},
        "/teams/daily-usage-data": {"data": rows, "pagination": pages},
        "/teams/filtered-usage-events": {"totalUsageEventsCount": 0, "pagination": pages, "usageEvents": []},
    }

    def answer(request: httpx.Request) -> httpx.Response:
        body = bodies.get(request.url.path)
        return httpx.Response(200, json=body) if body else httpx.Response(403, json={"error": "not included"})

    return CursorAdmin.open(
        base_url="https://cursor.test",
        key="crsr_mock",
        now=settings().now,
        pace=lambda _: None,
        patience=Patience(attempts=1),
        transport=httpx.MockTransport(answer),
    )


def billed(
    platform: Platform, folder: Path, *plans: Plan, current: Sequence[Member], removed: Sequence[Member] = ()
) -> list[tuple[Any, ...]]:
    """Plan, person, seats and USD a month, from the rows of DAY after pull and build."""
    folder = folder / "sheet"
    folder.mkdir()
    with (folder / "seats.csv").open("w", encoding="utf-8", newline="") as file:
        rows = [("cursor", name, price, seats) for name, price, seats in plans]
        csv.writer(file).writerows([("provider", "plan", "seat_price_usd", "seats"), *rows])
    made = whatever_makes("marts/ai_spend", "marts/seat_use", "raw/cursor_members")
    with closing(cursor(current, removed)) as admin:
        outcome = platform.materialize(made, Span(DAY, DAY), None, cursor_admin=admin, sheet=CsvFolder(folder))
    assert outcome.failed == {}
    return platform.sql(
        f"""select sub_account, user_email, quantity, round(sum(billed_usd) * 30, 2) from {SPEND}
        where spend_date = '{DAY}' and meter = 'seat' group by all order by all nulls last"""
    )


def test_the_unassigned_seats_of_the_sheet_are_billed_on_their_own_row(platform: Platform, tmp_path: Path) -> None:
    """Case 13: the sheet has 86 seats at $40, the API lists 3 members: $3,440 a month, 83 seats unassigned."""
    assert billed(platform, tmp_path, ("Teams", 40, 86), current=(ADA, GRACE, MARY)) == [
        ("Teams", "ada@example.com", 1, Decimal(40)),
        ("Teams", "grace@example.com", 1, Decimal(40)),
        ("Teams", "mary@example.com", 1, Decimal(40)),
        ("Teams", None, 83, Decimal(3320)),
    ]
    unassigned = platform.sql(f"select seats, seat_price_usd, saving_usd from {SEATS} where not is_assigned")
    assert unassigned == [(83, Decimal(40), Decimal(3320))]


def test_two_plans_in_the_sheet_are_billed_and_no_member_is_assigned_one(platform: Platform, tmp_path: Path) -> None:
    """Case 14: 80 × $40 and 6 × $120 are $3,920 a month; each person's plan is unknown."""
    rows = billed(platform, tmp_path, ("Teams", 40, 80), ("Enterprise", 120, 6), current=(ADA, GRACE, MARY))
    assert rows == [
        ("Enterprise", None, 6, Decimal(720)),
        ("Teams", None, 80, Decimal(3200)),
        (None, "ada@example.com", None, None),
        (None, "grace@example.com", None, None),
        (None, "mary@example.com", None, None),
    ]
    assert sum(usd for *_, usd in rows if usd) == 3920


def test_an_address_with_two_user_ids_on_a_day_has_one_seat(platform: Platform, tmp_path: Path) -> None:
    """Case 15: removed and invited again under a second id; the daily usage and the list of members have both."""
    again = ("user_9", "ada@example.com")
    rows = billed(platform, tmp_path, ("Teams", 40, 2), current=(again, GRACE), removed=(ADA,))
    assert rows == [("Teams", "ada@example.com", 1, Decimal(40)), ("Teams", "grace@example.com", 1, Decimal(40))]
    ids = platform.sql("select cursor_user_id from ai_usage_analytics.cursor_usage_stats where user_email like 'ada%'")
    assert len(ids) == 2
