"""Months against figures that include seats, and against those that do not."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from ai_usage.marts.build_days import rebuild_days
from ai_usage.marts.files import marts
from ai_usage.partitions import Span
from ai_usage_tests.marts.by_hand import put
from ai_usage_tests.marts.month_books import CAUSES, NOVEMBER, OCTOBER, ONE_DAY, Books, at, month_close, whole_october
from ai_usage_tests.platform import Platform


@pytest.fixture
def october() -> Books:
    return whole_october()


def test_seats_stand_beside_and_are_in_no_difference(platform: Platform, october: Books) -> None:
    october.seats = {OCTOBER + n * ONE_DAY: Decimal(2) for n in range(30)}
    october.seats[NOVEMBER] = Decimal(2)  # a day that was never pulled
    row = october.compared(platform)["2026-10"]
    assert (row["vendor_usd"], row["seats_usd"], row["difference_usd"]) == (Decimal(310), Decimal(60), Decimal(0))


def invoice(usd: str, *, usage: str = "10", **more: Any) -> Books:
    """October of Cursor: 31 days of usage, seats of $3,440 over them, and a figure of the invoice."""
    books = Books("cursor")
    books.month(OCTOBER, 31, usage, again_after=2)
    shares = [(Decimal(3440) * n / 31).quantize(Decimal("1e-9")) for n in range(32)]
    books.seats = {OCTOBER + n * ONE_DAY: shares[n + 1] - shares[n] for n in range(31)}
    books.figure(OCTOBER, NOVEMBER, usd, **more)
    return books


@pytest.mark.parametrize("covers", [None, "usage_and_seats"])
def test_an_invoice_that_includes_seats_is_usage_and_seats(platform: Platform, covers: str | None) -> None:
    """Case 32: $310 of usage and $3,440 of seats equal the invoice's $3,750."""
    row = invoice("3750", covers=covers).compared(platform)["2026-10"]
    assert (row["status"], row["figure_covers"]) == ("ready", "usage_and_seats")
    assert [row[name] for name in ("vendor_usd", "seats_usd", "difference_usd", *CAUSES)] == [
        310,
        3440,
        *[0] * 7,
    ]


def test_an_invoice_with_seats_that_is_restated_later_stays_ready(platform: Platform) -> None:
    books = invoice("3750")
    books.billed(date(2026, 10, 7), "12.5", at(date(2026, 12, 9)))
    row = books.compared(platform)["2026-10"]
    assert (row["status"], row["figure_covers"]) == ("ready", "usage_and_seats")
    assert (row["restated_since_figure_usd"], row["unexplained_usd"]) == (Decimal("2.5"), 0)


@pytest.mark.parametrize(
    ("usd", "covers", "read_as", "unexplained"),
    [
        ("310", None, "usage", 0),
        ("310", "usage", "usage", 0),
        ("3750", "usage", "usage", -3440),
        ("310", "usage_and_seats", "usage_and_seats", 3440),
        ("3700", None, "usage", -3390),  # neither: then it is a figure of usage
        ("3750.30", None, "usage_and_seats", "-0.3"),  # within a hundredth of a percent, and more than rounding
    ],
)
def test_a_figure_covers_what_the_sheet_states_or_else_what_matches(
    platform: Platform, usd: str, covers: str | None, read_as: str, unexplained: int | str
) -> None:
    row = invoice(usd, covers=covers).compared(platform)["2026-10"]
    assert (row["figure_covers"], row["unexplained_usd"]) == (read_as, Decimal(unexplained))
    assert row["status"] == ("open" if unexplained else "ready")
    assert (row["status_reason"] is None) == (row["status"] == "ready")


def test_an_invoice_with_seats_of_a_cycle_is_compared_with_its_own_days(platform: Platform) -> None:
    """The period is October 3 to November 3, and November has no usage yet: two days of October are outside."""
    books = invoice("1")
    books.month(NOVEMBER, 20, "4", again_after=2)
    books.seats |= {NOVEMBER + n * ONE_DAY: Decimal(115) for n in range(20)}
    days = [date(2026, 10, 3) + n * ONE_DAY for n in range(31)]
    seats = sum((books.seats[day] for day in days), Decimal())
    books.figures = []
    books.figure(days[0], days[-1] + ONE_DAY, str((298 + seats).quantize(Decimal("0.01"))))
    row = books.compared(platform)["2026-10"]
    assert (row["status"], row["figure_covers"], row["unexplained_usd"]) == ("ready", "usage_and_seats", 0)
    assert row["days_outside_figure_usd"] == 310 + 3440 - 298 - seats


def test_subscriptions_are_no_usage(platform: Platform) -> None:
    books = Books("cursor")
    books.billed(OCTOBER, "10")
    books.compared(platform)
    put(
        platform,
        "ai_spend",
        [
            {"spend_date": OCTOBER, "provider": "cursor", "charge_type": kind, "billed_usd": usd}
            for kind, usd in (("subscription", Decimal(40)), ("usage", Decimal(12)), ("credit", Decimal(-1)))
        ],
    )
    rebuild_days(
        platform.warehouse, next(one for one in marts() if one.table.name == "spend_by_scope"), Span(OCTOBER, OCTOBER)
    )
    [row] = month_close(platform)
    assert (row["vendor_usd"], row["seats_usd"]) == (Decimal(11), Decimal(40))
