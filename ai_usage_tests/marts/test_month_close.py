"""Months against consoles' figures: what the difference is made of, and when a month is closed."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from ai_usage.marts.build_days import rebuild_days, rebuild_whole
from ai_usage.marts.files import marts
from ai_usage.partitions import Span
from ai_usage_tests.marts.by_hand import know_providers, pull, put
from ai_usage_tests.mock_claude import Row
from ai_usage_tests.platform import Platform

ONE_DAY = timedelta(days=1)
OCTOBER, NOVEMBER = date(2026, 10, 1), date(2026, 11, 1)
CAUSES = (
    "days_outside_figure_usd",
    "restated_since_figure_usd",
    "missing_days_usd",
    "blocked_days_usd",
    "rounding_usd",
    "unexplained_usd",
)
PULLS = {"anthropic": "claude_cost_report", "cursor": "cursor_usage_events"}


def at(day: date, hour: int = 6) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=UTC)


def month_close(platform: Platform) -> list[Row]:
    """The rows of the mart as they would be now."""
    for name in ("month_differences", "month_reconciliation", "closed_month_changes"):
        rebuild_whole(platform.warehouse, next(one for one in marts() if one.table.name == name))
    return platform.warehouse.query("marts/month_close").to_dicts()


@dataclass
class Books:
    """What one provider billed day by day, what was known when, and the figures of the sheet."""

    provider: str = "anthropic"
    versions: dict[date, list[tuple[datetime, Decimal]]] = field(default_factory=dict)
    pulls: list[Row] = field(default_factory=list)
    figures: list[Row] = field(default_factory=list)
    seats: dict[date, Decimal] = field(default_factory=dict)
    blocked: dict[date, Decimal] = field(default_factory=dict)  # what the last good version has

    def billed(self, day: date, usd: str | Decimal, when: datetime | None = None) -> None:
        """The day's amount as pulled the next morning, or at another instant."""
        known = when or at(day + ONE_DAY)
        self.versions.setdefault(day, []).append((known, Decimal(usd)))
        self.pulls.append(pull(PULLS[self.provider], day, known))

    def month(self, first: date, days: int, usd: str | Decimal = "10", *, again_after: int | None = None) -> None:
        for n in range(days):
            day = first + n * ONE_DAY
            self.billed(day, usd)
            if again_after:
                self.pulls.append(pull(PULLS[self.provider], day, at(day + again_after * ONE_DAY)))

    def figure(self, first: date, following: date, usd: str, seen: datetime | None = None, **more: Any) -> None:
        period = {"period_start": first, "period_end": following, "row_number": len(self.figures) + 2}
        amount = {"amount_usd": Decimal(usd), "first_seen_at": seen or at(following, 12)}
        self.figures.append({"provider": self.provider, **period, **amount, **more})

    def compared(self, platform: Platform) -> dict[str, Row]:
        """Month → its row."""
        newest = {day: max(known)[1] for day, known in self.versions.items()}
        newest |= self.blocked
        know_providers(platform.warehouse)
        put(platform, "pulls", self.pulls)
        put(platform, "console_figures", self.figures)
        scope, none = {"scope": "provider", "scope_name": self.provider}, Decimal(0)
        put(
            platform,
            "spend_by_scope",
            [
                {
                    "spend_date": d,
                    "usage_usd": newest.get(d, none),
                    "seats_usd": self.seats.get(d, none),
                    **scope,
                }
                for d in newest.keys() | self.seats.keys()
            ],
        )
        put(platform, "spend_versions", [row for day in self.versions for row in self._versions_of(day)])
        return {row["month"]: row for row in month_close(platform)}

    def _versions_of(self, day: date) -> list[Row]:
        known = sorted(self.versions[day])
        ends = [since for since, _ in known[1:]] + [None]
        return [
            {"activity_date": day, "provider": self.provider, "billed_usd": usd, "known_from": since, "known_to": end,
             "pull_id": str(since)}
            for (since, usd), end in zip(known, ends, strict=True)
        ]  # fmt: skip


def causes(row: Row) -> dict[str, Decimal]:
    """What is not zero, the difference's sum being shown on the way."""
    assert sum(row[cause] for cause in CAUSES) == row["difference_usd"] == row["vendor_usd"] - row["figure_usd"]
    return {cause: row[cause] for cause in CAUSES if row[cause]}


@pytest.fixture
def october() -> Books:
    """31 days at 10 USD, pulled again 30 days later, and a figure of that sum, of November 5."""
    books = Books()
    books.month(OCTOBER, 31, again_after=30)
    books.figure(OCTOBER, NOVEMBER, "310", at(date(2026, 11, 5)))
    return books


def test_a_month_is_ready_when_its_last_day_was_looked_at_again(platform: Platform, october: Books) -> None:
    row = october.compared(platform)["2026-10"]
    assert causes(row) == {}
    assert (row["status"], row["ready_at"]) == ("ready", at(date(2026, 11, 30)))
    assert (row["closed_at"], row["restated_since_close_usd"], row["is_restated_since_close"]) == (None, None, False)
    assert (row["vendor_usd"], row["seats_usd"], row["days_missing"]) == (Decimal(310), None, 0)


def test_a_figure_that_comes_last_makes_the_month_ready(platform: Platform, october: Books) -> None:
    october.figures[0]["first_seen_at"] = at(date(2026, 12, 3))
    assert october.compared(platform)["2026-10"]["ready_at"] == at(date(2026, 12, 3))


def test_seats_stand_beside_and_are_in_no_difference(platform: Platform, october: Books) -> None:
    october.seats = {OCTOBER + n * ONE_DAY: Decimal(2) for n in range(30)}
    october.seats[NOVEMBER] = Decimal(2)  # a day that was never asked about
    row = october.compared(platform)["2026-10"]
    assert (row["vendor_usd"], row["seats_usd"], row["difference_usd"]) == (Decimal(310), Decimal(60), Decimal(0))


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


def invoice(usd: str, *, usage: str = "10", **more: Any) -> Books:
    """October of Cursor: 31 days of usage, $3,440 of seats over them, and a figure of the invoice."""
    books = Books("cursor")
    books.month(OCTOBER, 31, usage, again_after=2)
    shares = [(Decimal(3440) * n / 31).quantize(Decimal("1e-9")) for n in range(32)]
    books.seats = {OCTOBER + n * ONE_DAY: shares[n + 1] - shares[n] for n in range(31)}
    books.figure(OCTOBER, NOVEMBER, usd, **more)
    return books


@pytest.mark.parametrize("covers", [None, "usage_and_seats"])
def test_an_invoice_that_includes_seats_is_usage_and_seats(platform: Platform, covers: str | None) -> None:
    """Case 32: $310 of usage and $3,440 of seats are the invoice's $3,750."""
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
    """From October 3 to November 3, of which November has no usage yet: two days of October are outside."""
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


REASONS = {
    "a look": "final on 2026-11-30",
    "a figure": "no figure in the sheet",
    "the whole month": "the figure does not cover it: it ends before 2026-10-31",
    "a day": "its days are known through 2026-10-30",
    "ten cents": "a part of the difference is unexplained",
}


def test_a_complete_and_equal_month_shows_the_day_it_becomes_final(platform: Platform) -> None:
    """Case 33: twelve days after its end nothing is wrong with October but that Claude may still restate it."""
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
    """Whoever writes another amount for the month reopens it; another period beside it does not."""
    october.figures[0]["removed_at"] = at(date(2026, 12, 10))
    october.figure(OCTOBER, date(2026, 10, 16), "150")
    assert october.compared(platform)["2026-10"]["status"] == "ready"
    october.figure(OCTOBER, NOVEMBER, "311", at(date(2026, 12, 10)))
    row = october.compared(platform)["2026-10"]
    assert (row["status"], row["figure_usd"], row["unexplained_usd"]) == ("open", 311, -1)


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
    """A pulled day without a good version is no day of $0, and a last good version may be too high or too low."""
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


@pytest.fixture
def of_two(october: Books) -> Books:
    """The same October, of which account eu has 4 USD a day: both accounts have a figure of their own."""
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
