"""Which figure of the sheet a month is compared with, and what stays when a figure is edited or removed."""

from datetime import date
from decimal import Decimal

import pytest

from ai_usage_tests.marts.month_books import NOVEMBER, OCTOBER, Books, at, causes, whole_october
from ai_usage_tests.platform import Platform


@pytest.fixture
def october() -> Books:
    return whole_october()


def test_a_ready_month_whose_figure_leaves_the_sheet_stays_ready_with_a_note(
    platform: Platform, october: Books
) -> None:
    """Case 33: closed on November 30, and the row deleted on December 10."""
    october.figures[0]["removed_at"] = at(date(2026, 12, 10))
    row = october.compared(platform)["2026-10"]
    assert (row["status"], row["ready_at"]) == ("ready", at(date(2026, 11, 30)))
    assert row["status_reason"] == "its figure left the sheet on 2026-12-10"
    assert (row["figure_usd"], row["figure_removed_at"]) == (310, at(date(2026, 12, 10)))
    october.billed(date(2026, 10, 7), "12.5", at(date(2026, 12, 12)))
    row = october.compared(platform)["2026-10"]
    assert (row["status"], row["restated_since_figure_usd"]) == ("ready", Decimal("2.5"))


def test_a_figure_that_left_before_the_month_was_ready_counts_for_nothing(platform: Platform, october: Books) -> None:
    october.figures[0]["removed_at"] = at(date(2026, 11, 29))
    row = october.compared(platform)["2026-10"]
    assert (row["status"], row["status_reason"], row["figure_usd"]) == ("open", "no figure in the sheet", None)


def test_an_edited_figure_stands_for_the_one_that_it_was(platform: Platform, october: Books) -> None:
    """Another amount for the same month reopens it; a figure of another period beside it does not."""
    october.figures[0]["removed_at"] = at(date(2026, 12, 10))
    october.figure(OCTOBER, date(2026, 10, 16), "150")
    assert october.compared(platform)["2026-10"]["status"] == "ready"
    october.figure(OCTOBER, NOVEMBER, "311", at(date(2026, 12, 10)))
    row = october.compared(platform)["2026-10"]
    assert (row["status"], row["figure_usd"], row["unexplained_usd"]) == ("open", 311, -1)


def test_a_figure_that_comes_last_makes_the_month_ready(platform: Platform, october: Books) -> None:
    october.figures[0]["first_seen_at"] = at(date(2026, 12, 3))
    assert october.compared(platform)["2026-10"]["ready_at"] == at(date(2026, 12, 3))


def test_the_figure_of_just_the_month_goes_before_the_longest(platform: Platform) -> None:
    books = Books()
    books.month(OCTOBER, 31)
    for following in (date(2026, 10, 8), date(2026, 10, 22), date(2026, 10, 15)):
        books.figure(OCTOBER, following, f"{10 * (following - OCTOBER).days}", source=str(following))
    books.figure(OCTOBER, NOVEMBER, "99", workspace_id="w")
    row = books.compared(platform)["2026-10"]
    assert (row["figure_to"], row["figure_source"]) == (date(2026, 10, 22), "2026-10-22")
    assert causes(row) == {"days_outside_figure_usd": Decimal(100)}
    books.figure(OCTOBER, NOVEMBER, "310")
    books.figure(OCTOBER, date(2027, 1, 1), "930")
    assert books.compared(platform)["2026-10"]["figure_to"] == NOVEMBER


@pytest.fixture
def of_two(october: Books) -> Books:
    """The same October with account eu, which has 4 USD a day: each account has a separate figure."""
    october.pulls = [{**one, "account": account} for one in october.pulls for account in ("default", "eu")]
    october.figures = []
    october.figure(OCTOBER, NOVEMBER, "186", at(date(2026, 11, 4)), account="default")
    october.figure(OCTOBER, NOVEMBER, "124", at(date(2026, 11, 5)), account="eu")
    return october


def test_figures_of_all_accounts_close_a_month_together(platform: Platform, of_two: Books) -> None:
    row = of_two.compared(platform)["2026-10"]
    assert (row["status"], row["figure_usd"], row["ready_at"]) == ("ready", 310, at(date(2026, 11, 30)))
    assert causes(row) == {}


def test_a_month_waits_for_the_figure_of_each_account(platform: Platform, of_two: Books) -> None:
    [home, europe] = of_two.figures
    of_two.figures = [home]
    row = of_two.compared(platform)["2026-10"]
    assert (row["status"], row["status_reason"]) == ("open", "no figure in the sheet")
    of_two.figures = [home, {**europe, "account": "another"}]
    assert of_two.compared(platform)["2026-10"]["figure_usd"] is None
    of_two.figures = [home, {**europe, "covers": "usage_and_seats"}]
    assert of_two.compared(platform)["2026-10"]["figure_usd"] is None
    of_two.figures = [home, {**europe, "workspace_id": "default"}]
    assert of_two.compared(platform)["2026-10"]["figure_usd"] is None


def test_a_figure_of_the_whole_takes_precedence_over_those_of_accounts(platform: Platform, of_two: Books) -> None:
    of_two.figure(OCTOBER, NOVEMBER, "309")
    row = of_two.compared(platform)["2026-10"]
    assert (row["status"], row["figure_usd"], causes(row)) == ("open", 309, {"unexplained_usd": Decimal(1)})


def test_a_month_stays_closed_when_an_accounts_figure_leaves_the_sheet(platform: Platform, of_two: Books) -> None:
    removed = at(date(2026, 12, 24))
    of_two.figures[1]["removed_at"] = removed
    row = of_two.compared(platform)["2026-10"]
    assert (row["status"], row["figure_usd"], row["figure_removed_at"]) == ("ready", 310, removed)
    of_two.figure(OCTOBER, NOVEMBER, "120", at(date(2026, 12, 25)), account="eu")
    row = of_two.compared(platform)["2026-10"]
    assert (row["status"], row["figure_usd"], row["figure_removed_at"]) == ("open", 306, None)
