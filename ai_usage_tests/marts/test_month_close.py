"""Months against consoles' figures: the causes of the difference, and when a month is ready to be closed."""

from datetime import date, timedelta
from decimal import Decimal
from random import Random

import pytest

from ai_usage_tests.marts.by_hand import pull, put
from ai_usage_tests.marts.month_books import (
    CAUSES,
    NOVEMBER,
    OCTOBER,
    ONE_DAY,
    PULLS,
    Books,
    at,
    causes,
    month_close,
    whole_october,
)
from ai_usage_tests.platform import Platform


@pytest.fixture
def october() -> Books:
    return whole_october()


def test_a_month_is_ready_when_its_last_day_was_looked_at_again(platform: Platform, october: Books) -> None:
    row = october.compared(platform)["2026-10"]
    assert causes(row) == {}
    assert (row["status"], row["ready_at"]) == ("ready", at(date(2026, 11, 30)))
    assert (row["closed_at"], row["restated_since_close_usd"], row["is_restated_since_close"]) == (None, None, False)
    assert (row["vendor_usd"], row["seats_usd"], row["days_missing"]) == (Decimal(310), None, 0)


@pytest.mark.parametrize("lack", ["a look", "a figure", "the whole month", "a day", "ten cents"])
def test_what_a_month_lacks_keeps_it_open(platform: Platform, october: Books, lack: str) -> None:
    last = date(2026, 10, 31)
    if lack == "a look":
        october.pulls = [one for one in october.pulls if one["pulled_at"] < at(date(2026, 11, 30))]
    elif lack == "a figure":
        october.figures = []
    elif lack == "the whole month":
        october.figures = []
        october.figure(OCTOBER, last, "300")
    elif lack == "a day":
        october.pulls = [one for one in october.pulls if one["activity_date"] != last]
        del october.versions[last]
    else:
        october.figures[0]["amount_usd"] -= Decimal("0.1")
    row = october.compared(platform)["2026-10"]
    assert (row["status"], row["ready_at"], row["restated_since_close_usd"]) == ("open", None, None)
    assert row["status_reason"] == REASONS[lack]
    if lack == "a figure":
        assert [row[column] for column in ("figure_usd", "difference_usd", *CAUSES)] == [None] * 8
    else:
        assert causes(row) == {
            "a look": {},
            "the whole month": {"days_outside_figure_usd": Decimal(10)},
            "a day": {"missing_days_usd": Decimal(-10)},
            "ten cents": {"unexplained_usd": Decimal("0.1")},
        }.get(lack, {})
    assert row["days_missing"] == (1 if lack == "a day" else 0)


REASONS = {
    "a look": "final on 2026-11-30",
    "a figure": "no figure in the sheet",
    "the whole month": "the figure does not cover it: it ends before 2026-10-31",
    "a day": "its days are known through 2026-10-30",
    "ten cents": "a part of the difference is unexplained",
}


def test_a_complete_and_equal_month_shows_the_day_it_becomes_final(platform: Platform) -> None:
    """Case 33: twelve days after its end October is right, except that Claude may still restate it."""
    books = Books()
    books.month(OCTOBER, 31)
    books.figure(OCTOBER, NOVEMBER, "310", at(date(2026, 11, 5)))
    row = books.compared(platform)["2026-10"]
    assert causes(row) == {}
    assert (row["status"], row["status_reason"], row["final_on"]) == ("open", "final on 2026-11-30", date(2026, 11, 30))
    books.pulls.append(pull(PULLS["anthropic"], NOVEMBER, at(date(2026, 12, 2))))
    reason = books.compared(platform)["2026-10"]["status_reason"]
    assert reason == "final since 2026-11-30, but not all of its days were asked about again"


def test_a_month_that_is_not_over_shows_how_far_it_is_known(platform: Platform) -> None:
    books = Books("cursor")
    books.month(NOVEMBER, 12)
    books.figure(NOVEMBER, date(2026, 12, 1), "300")
    row = books.compared(platform)["2026-11"]
    assert (row["status_reason"], row["final_on"]) == ("its days are known through 2026-11-12", date(2026, 12, 2))
    books = Books()
    books.figure(OCTOBER, NOVEMBER, "310")
    row = books.compared(platform)["2026-10"]
    assert (row["status_reason"], row["final_on"]) == ("no day of it was ever pulled", None)


def test_a_ready_month_that_is_restated_stays_ready_and_shows_the_restatement(
    platform: Platform, october: Books
) -> None:
    october.billed(date(2026, 10, 7), "12.5", at(date(2026, 12, 9)))
    row = october.compared(platform)["2026-10"]
    assert causes(row) == {"restated_since_figure_usd": Decimal("2.5")}
    assert (row["status"], row["ready_at"]) == ("ready", at(date(2026, 11, 30)))


def test_a_restatement_before_the_last_condition_is_since_the_figure_alone(platform: Platform, october: Books) -> None:
    october.billed(date(2026, 10, 7), "12.5", at(date(2026, 11, 20)))
    row = october.compared(platform)["2026-10"]
    assert causes(row) == {"restated_since_figure_usd": Decimal("2.5")}
    assert (row["status"], row["is_restated_since_close"]) == ("ready", False)


def test_a_console_that_was_ahead_of_our_pull_needs_no_explanation(platform: Platform, october: Books) -> None:
    october.figures[0]["amount_usd"] = Decimal("312.5")
    october.billed(date(2026, 10, 7), "12.5", at(date(2026, 12, 9)))
    row = october.compared(platform)["2026-10"]
    assert causes(row) == {}
    assert row["ready_at"] == at(date(2026, 12, 9))
    october.billed(date(2026, 10, 8), "13", at(date(2026, 12, 10)))
    row = october.compared(platform)["2026-10"]
    assert causes(row) == {"restated_since_figure_usd": Decimal(3)}
    assert row["ready_at"] == at(date(2026, 12, 9))


def test_a_restatement_explains_no_more_than_itself(platform: Platform, october: Books) -> None:
    october.figures[0]["amount_usd"] = Decimal("308.6")
    october.billed(date(2026, 10, 7), "15", at(date(2026, 11, 20)))
    row = october.compared(platform)["2026-10"]
    assert causes(row) == {"restated_since_figure_usd": Decimal(5), "unexplained_usd": Decimal("1.4")}
    assert row["status"] == "open"


@pytest.mark.parametrize(("figure", "cause"), [("309.995", "rounding_usd"), ("309.994", "unexplained_usd")])
def test_a_figure_is_rounded_by_half_a_cent(platform: Platform, october: Books, figure: str, cause: str) -> None:
    october.figures[0]["amount_usd"] = Decimal(figure)
    row = october.compared(platform)["2026-10"]
    assert causes(row) == {cause: Decimal(310) - Decimal(figure)}
    assert row["status"] == ("ready" if cause == "rounding_usd" else "open")


def test_a_cursor_cycle_from_the_third_to_the_third_is_compared_with_its_own_days(platform: Platform) -> None:
    books = Books("cursor")
    books.month(OCTOBER, 31, "10", again_after=2)
    books.month(NOVEMBER, 20, "4", again_after=2)
    books.figure(date(2026, 10, 3), date(2026, 11, 3), "298")  # 29 × 10 + 2 × 4
    books.figure(date(2026, 11, 3), date(2026, 11, 21), "72")
    rows = books.compared(platform)
    assert causes(rows["2026-10"]) == {"days_outside_figure_usd": Decimal(12)}  # 2 × 10 − 2 × 4
    assert (rows["2026-10"]["status"], rows["2026-10"]["ready_at"]) == ("ready", at(date(2026, 11, 4)))
    assert causes(rows["2026-11"]) == {"days_outside_figure_usd": Decimal(8)}
    assert rows["2026-11"]["status"] == "open"


def test_missing_days_explain_what_is_lacking_and_never_what_is_too_much(platform: Platform, october: Books) -> None:
    october.pulls = [one for one in october.pulls if one["activity_date"] > date(2026, 10, 4)]
    october.versions = {day: known for day, known in october.versions.items() if day > date(2026, 10, 4)}
    row = october.compared(platform)["2026-10"]
    assert (row["days_missing"], causes(row)) == (4, {"missing_days_usd": Decimal(-40)})
    assert row["status_reason"] == "days never pulled: 4"
    october.figures[0]["amount_usd"] = Decimal(200)
    row = october.compared(platform)["2026-10"]
    assert (row["days_missing"], causes(row)) == (4, {"unexplained_usd": Decimal(70)})


def test_a_blocked_day_is_a_cause_of_its_own_and_keeps_the_month_open(platform: Platform, october: Books) -> None:
    """A pulled day without a good version is not a day of $0, and a last good version may be too high or too low."""
    october.blocked = {date(2026, 10, 14): Decimal(0)}
    row = october.compared(platform)["2026-10"]
    assert (row["days_blocked"], row["days_missing"], causes(row)) == (1, 0, {"blocked_days_usd": Decimal(-10)})
    assert (row["status"], row["status_reason"]) == ("open", "blocked days: 1, the first on 2026-10-14")
    october.figures[0]["amount_usd"] = Decimal(290)
    assert causes(october.compared(platform)["2026-10"]) == {"unexplained_usd": Decimal(10)}, "it cannot be too much"
    october.blocked = {date(2026, 10, 14): Decimal(7)}
    assert causes(october.compared(platform)["2026-10"]) == {"blocked_days_usd": Decimal(17)}
    october.figures[0]["amount_usd"] = Decimal(307)
    row = october.compared(platform)["2026-10"]
    assert (causes(row), row["status"]) == ({}, "open"), "it is not ready though nothing differs"
    october.blocked = {}
    october.figures[0]["amount_usd"] = Decimal(310)
    rejected = {"provider": "anthropic", "pull": PULLS["anthropic"], "activity_date": date(2026, 10, 15)}
    put(platform, "record_rejections", [rejected])
    row = october.compared(platform)["2026-10"]
    assert (causes(row), row["status_reason"]) == ({}, "blocked days: 1, the first on 2026-10-15")


def test_a_month_that_was_never_pulled_has_no_amount_and_a_running_one_lacks_no_day_to_come(platform: Platform) -> None:
    books = Books()
    books.figure(OCTOBER, NOVEMBER, "310")
    books.figures.append({**books.figures[0], "provider": "google", "row_number": 3})
    books.month(NOVEMBER, 9)
    del books.versions[NOVEMBER]
    books.pulls = books.pulls[1:]
    books.compared(platform)
    rows = month_close(platform)
    by = {(row["provider"], row["month"]): row for row in rows}
    for provider in ("anthropic", "google"):
        row = by[provider, "2026-10"]
        assert [row[column] for column in ("vendor_usd", "difference_usd", *CAUSES)] == [None] * 8
        assert (row["figure_usd"], row["days_missing"], row["status"]) == (Decimal(310), 31, "open")
    row = by["anthropic", "2026-11"]
    assert (row["vendor_usd"], row["days_missing"], row["figure_usd"]) == (Decimal(80), 1, None)


def test_whatever_happened_the_causes_add_up(platform: Platform) -> None:
    chance = Random(20261101)  # noqa: S311 - no secret
    seen: set[str] = set()
    for _ in range(12):
        books = Books(chance.choice(["anthropic", "cursor"]))
        for n in range(120):
            day = date(2026, 8, 1) + n * ONE_DAY
            for look in range(chance.randrange(5)):
                usd = chance.randrange(9 * 10**9) * Decimal("1e-9")
                books.billed(day, usd, at(day + ONE_DAY) + look * timedelta(hours=chance.randrange(1, 900)))
        for month in (8, 9, 10, 11):
            first = date(2026, month, chance.choice([1, 1, 3]))
            following = first + chance.randrange(5, 40) * ONE_DAY
            known = {day: max(versions)[1] for day, versions in books.versions.items() if first <= day < following}
            noise = chance.choice([Decimal(0), Decimal("0.004"), Decimal(-3), Decimal(7)])
            usd = (sum(known.values(), Decimal()) + noise).quantize(Decimal("0.01"))
            books.figure(first, following, str(usd), at(following) + timedelta(hours=chance.randrange(900)))
        if len(seen) > 3:
            books.blocked = {day: Decimal(20) for day in books.versions if not chance.randrange(20)}
        for row in books.compared(platform).values():
            if row["difference_usd"] is not None:
                seen |= causes(row).keys()
    assert seen == set(CAUSES)
