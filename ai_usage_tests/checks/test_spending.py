"""Each check of the company's spend fails where it should, and passes over months without an anomaly."""

from datetime import date, timedelta
from decimal import Decimal

import dagster as dg
import pytest

from ai_usage.catalog import TABLES
from ai_usage.check import NotEvaluated, Result
from ai_usage.checks.anomalies import THRESHOLDS, too_new
from ai_usage.checks.spending import evaluate_backtest, evaluate_growth
from ai_usage.core.thresholds import THRESHOLD_OVERRIDES, override_rows
from ai_usage.partitions import Span
from ai_usage_tests.months import MONTHS, TODAY, A, budget, cost_center, live, make, member, owner, person, rhythm
from ai_usage_tests.outcome import Outcome
from ai_usage_tests.platform import Platform
from ai_usage_tests.spend import claude

BUDGETS = "budget_is_not_crossed"
FORECASTS = "forecast_is_within_budget"
USUAL = "spend_has_no_anomaly"
GROWTH = "growth_is_within_limit"
SEATS = "seats_are_used"
PURCHASED = "members_have_purchased_seats"
FORMER = "no_former_member_spends"
BACKTEST = "forecast_beats_naive"
NAMES = [BUDGETS, FORECASTS, USUAL, GROWTH, SEATS, PURCHASED, FORMER, BACKTEST]

TABLE_NAMED = {table.name: table for table in TABLES}
WARN, ERROR = dg.AssetCheckSeverity.WARN, dg.AssetCheckSeverity.ERROR
# November has a spend of $942: nine workdays of $100, three weekend days of $10, twelve days of the seat.


def reasons(outcome: Outcome) -> str:
    return " ".join(
        v.description or "" for found in outcome.evaluations.values() for v in found.values() if not v.passed
    )


def severities(outcome: Outcome) -> set[dg.AssetCheckSeverity]:
    return {v.severity for found in outcome.evaluations.values() for v in found.values() if not v.passed}


@pytest.fixture(scope="module")
def ordinary_months(_nothing_yet: Platform, tmp_path_factory: pytest.TempPathFactory) -> Platform:
    platform = _nothing_yet.copy(tmp_path_factory.mktemp("ordinary"))
    person(platform, "dev@example.com", is_member=True)
    owner(platform, "apikey_1", "dev@example.com")
    budget(platform, "5000")
    live(platform, rhythm())
    member(platform, "dev@example.com", MONTHS, active=True)
    return make(platform)


@pytest.mark.parametrize("check", NAMES)
def test_every_check_passes_over_months_of_ordinary_spend(ordinary_months: Platform, check: str) -> None:
    outcome = ordinary_months.check(check)
    assert outcome.evaluations
    assert (outcome.not_passed(check), reasons(outcome)) == (set(), "")


@pytest.mark.parametrize(
    ("usd", "severity", "words"),
    [
        ("1884", WARN, "$942.00 of $1,884.00 used (50%). Passed 50% on 2026-11-12"),
        ("1100", WARN, "$942.00 of $1,100.00 used (86%). Passed 80% on 2026-11-12"),
        ("942", ERROR, "$942.00 of $942.00 used (100%). Passed 100% on 2026-11-12"),
        ("300", ERROR, "$942.00 of $300.00 used (314%). Passed 100% on 2026-11-04"),
    ],
)
def test_a_budget_that_reaches_a_threshold_is_reported_with_its_day(
    platform: Platform, usd: str, severity: dg.AssetCheckSeverity, words: str
) -> None:
    budget(platform, usd)
    outcome = live(platform, rhythm()).check(BUDGETS)
    assert outcome.not_passed(BUDGETS) == {None}
    assert severities(outcome) == {severity}
    assert f"November 2026 total budget: {words}." in reasons(outcome)


def test_a_budget_of_a_cost_center_warns_and_fails_as_a_team_s(platform: Platform) -> None:
    person(platform, "dev@example.com", is_member=True)
    cost_center(platform, "dev@example.com", "R&D")
    rows = [row | {"cost_center": "R&D"} if row.get("team_name") else row for row in rhythm()]
    budget(platform, "1100", "cost_center", "r&d")
    outcome = live(platform, rows).check(BUDGETS)
    assert severities(outcome) == {WARN}
    assert "November 2026 budget of cost center r&d: $930.00 of $1,100.00 used (85%)" in reasons(outcome)
    assert platform.check(FORECASTS).not_passed(FORECASTS) == {None}
    platform.sql(f"update {A}.budgets set amount_usd = 930")
    assert severities(make(platform).check(BUDGETS)) == {ERROR}
    scopes = f"select distinct scope_name from {A}.spend_by_scope where scope = 'cost_center' order by all"
    assert platform.sql(scopes) == [("R&D",), ("no cost center",)]
    platform.sql(f"update {A}.dim_person set cost_center = null")
    make(platform)
    assert platform.sql(scopes) == []  # without the tab people this scope does not exist


def test_a_team_is_found_however_its_name_is_typed(platform: Platform) -> None:
    budget(platform, "930", "team", "data")
    outcome = live(platform, rhythm()).check(BUDGETS)
    assert severities(outcome) == {ERROR}
    assert "November 2026 budget of team data: $930.00 of $930.00 used" in reasons(outcome)


def test_a_budget_is_reported_as_soon_as_the_forecast_exceeds_it(platform: Platform) -> None:
    budget(platform, "2200")
    outcome = live(platform, rhythm()).check(FORECASTS)
    assert outcome.not_passed(FORECASTS) == {None}
    # Twelve workdays, six weekend days and eighteen days of the seat remain.
    assert "November 2026 total budget of $2,200.00 will be exceeded by $20.00: $2,220.00 is forecast" in reasons(
        outcome
    )


def test_a_key_that_spikes_is_named_with_what_it_used(platform: Platform) -> None:
    day = TODAY - timedelta(days=2)
    spike = claude(spend_date=day, billed_usd="700", model="claude-sonnet-5-5", team_name="Data")
    owner(platform, "apikey_1", "dev@example.com")
    person(platform, "dev@example.com", is_member=True)
    outcome = live(platform, [*rhythm(), spike]).check(USUAL, Span(day - timedelta(days=3), TODAY))
    assert outcome.not_passed(USUAL) == {day}
    assert severities(outcome) == {WARN}
    assert "key etl: $800.00, $700.00 above the baseline of $100.00 (claude-sonnet-5-5 +$700)." in reasons(outcome)


def test_a_day_without_rows_in_the_marts_fails(platform: Platform) -> None:
    live(platform, rhythm())
    platform.sql(f"delete from {A}.spend_by_scope where spend_date = '{TODAY}'")
    outcome = platform.check(USUAL, Span(TODAY - timedelta(days=1), TODAY))
    assert outcome.not_passed(USUAL) == {TODAY}
    assert severities(outcome) == {ERROR}


def test_growth_above_the_limit_is_reported_with_the_days_compared(platform: Platform) -> None:
    before, after = Span(MONTHS.first, date(2026, 9, 30)), Span(date(2026, 10, 1), TODAY)
    outcome = live(platform, [*rhythm(before, usd=100), *rhythm(after, usd=150)]).check(GROWTH)
    assert outcome.not_passed(GROWTH) == {None}
    assert "All spend of the first 30 days of October 2026 is 49% above the month before" in reasons(outcome)


@pytest.mark.parametrize(
    ("limit", "value", "usd", "is_reported"),
    [
        (None, 0, "49.99", False),
        (None, 0, "50", True),
        ("growth_usd", 30, "30", True),
        ("least_days", 20, "50", False),  # the month has 14
        ("least_days", 14, "50", True),
    ],
)
def test_growth_is_reported_by_its_limits(
    platform: Platform, limit: str | None, value: int, usd: str, *, is_reported: bool
) -> None:
    table = TABLE_NAMED["spend_growth"]
    row = {"month": "2026-11", "scope": "total", "scope_name": "all", "days": 14, "previous_usd": Decimal(100)}
    row |= {"spent_usd": 100 + Decimal(usd), "growth_usd": Decimal(usd), "growth_ratio": Decimal(usd) / 100}
    platform.warehouse.replace_all(table, table.frame({name: [row[name]] for name in table.columns}))
    own = {("growth", limit): Decimal(value)} if limit else {}
    platform.warehouse.replace_all(THRESHOLD_OVERRIDES, THRESHOLD_OVERRIDES.frame(override_rows(own)))
    assert bool(platform.warehouse.query("checks/growth_is_within_limit").height) == is_reported


def test_the_limit_of_growth_is_a_setting() -> None:
    row = {"scope": "total", "scope_name": "all", "days": 30, "month": "2026-10", "growth_ratio": Decimal("0.25")}
    row |= {"spent_usd": Decimal(125), "previous_usd": Decimal(100)}
    assert evaluate_growth([row], Decimal("0.25")).passed
    assert not evaluate_growth([row], Decimal("0.24")).passed
    assert evaluate_growth([row | {"growth_ratio": None}], Decimal(0)).passed


def test_idle_seats_are_reported_with_their_cost(platform: Platform) -> None:
    member(platform, "idle@example.com", MONTHS, active=False)
    member(platform, "busy@example.com", MONTHS, active=True)
    member(platform, "new@example.com", Span(TODAY - timedelta(days=5), TODAY), active=False)
    outcome = live(platform, rhythm()).check(SEATS)
    assert outcome.not_passed(SEATS) == {None}
    assert "1 Cursor seats were not used in the last four weeks: 40.00 USD a month. idle@example.com." in reasons(
        outcome
    )


def test_a_seat_of_a_person_on_leave_or_new_is_not_idle(platform: Platform) -> None:
    rows = {  # valid_from, leave_from, leave_to of the tab people
        "idle": ("2026-01-01", None, None),
        "away": (None, "2026-10-01", None),
        "back": (None, None, "2026-11-10"),
        "a.day.off": (None, "2026-11-09", "2026-11-10"),
        "listed.lately": ("2026-11-01", None, None),
        "moved.team": ("2026-11-01", None, None),
    }
    for name, dates in rows.items():
        member(platform, f"{name}@example.com", MONTHS, active=False)
        person(platform, f"{name}@example.com", is_member=True)
        listed(platform, f"{name}@example.com", *dates)
    listed(platform, "moved.team@example.com", None, None, None)
    member(platform, "joined.lately@example.com", Span(TODAY - timedelta(days=25), TODAY), active=False)
    member(platform, "joined.before@example.com", Span(TODAY - timedelta(days=30), TODAY), active=False)
    outcome = live(platform, rhythm()).check(SEATS)
    assert "4 Cursor seats were not used in the last four weeks: 160.00 USD a month." in reasons(outcome)
    assert dict(platform.sql(f"select split_part(user_email, '@', 1), idle_exemption from {A}.seat_use")) == {
        "idle": None,
        "away": "on_leave",
        "back": "on_leave",
        "a.day.off": None,
        "listed.lately": "new",
        "moved.team": None,
        "joined.lately": "new",
        "joined.before": None,
    }
    assert platform.sql(f"select count(*) from {A}.seat_use where is_idle and idle_exemption is not null") == [(0,)]


def listed(platform: Platform, email: str, *dates: str | None) -> None:
    """A row of the tab people: valid_from, leave_from, leave_to."""
    written = ", ".join(f"date '{day}'" if day else "null" for day in dates)
    platform.sql(
        f"insert into {A}.people (row_number, user_email, valid_from, leave_from, leave_to, pull_id, "
        f"ingestion_timestamp) values (2, '{email}', {written}, 'sheet', now())"
    )


def purchase(platform: Platform, seats: int, usd: str = "40", plan: str = "Teams") -> None:
    platform.sql(
        f"insert into {A}.seats values (2, 'cursor', '{plan}', {usd}, {seats}, '2026-01-01', null, 'sheet', now())"
    )


def test_unassigned_seats_are_reported_with_what_they_cost_and_are_no_person(platform: Platform) -> None:
    member(platform, "idle@example.com", MONTHS, active=False)
    member(platform, "busy@example.com", MONTHS, active=True)
    purchase(platform, 85)
    outcome = live(platform, rhythm()).check(SEATS)
    assert outcome.not_passed(SEATS) == {None}
    assert "83 purchased Cursor seats have no member: 3,320.00 USD a month. 1 Cursor seats were not used" in reasons(
        outcome
    )
    used = platform.sql(f"select user_email, seats, is_assigned, saving_usd from {A}.seat_use order by all")
    assert used == [
        ("busy@example.com", 1, True, None),
        ("idle@example.com", 1, True, Decimal(40)),
        (None, 83, False, Decimal(3320)),
    ]
    purchase(platform, 6, "120", "Enterprise")
    outcome = make(platform).check(SEATS)
    assert "89 purchased Cursor seats have no member: 0.00 USD a month, 89 of unknown price." in reasons(outcome)
    assert "seats were not used in the last four weeks: 0.00 USD a month, 1 of unknown price." in reasons(outcome)


def test_more_members_than_purchased_seats_are_reported(platform: Platform) -> None:
    for name in ("ada", "grace", "mary"):
        member(platform, f"{name}@example.com", MONTHS, active=True)
    purchase(platform, 3)
    assert live(platform, rhythm()).check(PURCHASED).not_passed(PURCHASED) == set()
    platform.sql(f"update {A}.seats set seats = 2")
    outcome = make(platform).check(PURCHASED)
    assert outcome.not_passed(PURCHASED) == {None}
    assert f"On {TODAY} Cursor has 3 members, and the sheet's tab seats has 2 purchased seats" in reasons(outcome)
    platform.sql(f"delete from {A}.cursor_seats")
    assert severities(platform.check(PURCHASED)) == {ERROR}


def test_a_key_of_a_former_member_is_reported_while_it_spends(platform: Platform) -> None:
    person(platform, "gone@example.com", is_member=False)
    person(platform, "dev@example.com", is_member=True)
    owner(platform, "apikey_1", "gone@example.com")
    outcome = live(platform, rhythm()).check(FORMER)
    assert outcome.not_passed(FORMER) == {None}
    assert "key etl (gone@example.com), $2,280.00 in thirty days" in reasons(outcome)
    still = [row for row in rhythm() if row.get("api_key_id") is None or row["spend_date"] < TODAY - timedelta(days=3)]
    assert live(platform, still).check(FORMER).not_passed(FORMER) == set()


def test_an_unowned_key_is_of_a_former_member_unless_it_is_of_a_service_account(platform: Platform) -> None:
    person(platform, "dev@example.com", is_member=True)
    owner(platform, "apikey_1", "gone@example.com")
    key = f"update {A}.dim_api_key_mapping set user_email = null, mapped_by = 'none', status = 'active'"
    platform.sql(f"{key}, is_of_service_account = false")
    outcome = live(platform, rhythm()).check(FORMER)
    assert "key etl (no owner; its creator is not a member), $2,280.00 in thirty days" in reasons(outcome)
    platform.sql(f"{key}, is_of_service_account = true")
    assert live(platform, rhythm()).check(FORMER).not_passed(FORMER) == set()


def test_a_forecast_that_loses_to_the_run_rate_is_an_error(platform: Platform) -> None:
    live(platform, rhythm())
    platform.sql(f"update {A}.forecast_backtest set mape_ratio = naive_mape_ratio + 0.01 where method = 'chosen'")
    outcome = platform.check(BACKTEST)
    assert outcome.not_passed(BACKTEST) == {None}
    assert severities(outcome) == {ERROR}
    platform.sql(f"update {A}.forecast_backtest set trials = 59")
    assert severities(platform.check(BACKTEST)) == {WARN}


def backtested(platform: Platform, trials: int, mape_ratio: str, coverage: str, months: int = 12) -> Result:
    """The result of the check for one back-test."""
    table = TABLE_NAMED["forecast_backtest"]
    row = {"scope": "all", "method": "chosen", "horizon": "all", "trials": trials, "months": months}
    row |= {"naive_mape_ratio": Decimal("0.2")}
    row |= {"mape_ratio": Decimal(mape_ratio), "bias_ratio": Decimal(0), "interval_coverage_ratio": Decimal(coverage)}
    platform.warehouse.replace_all(table, table.frame({name: [row[name]] for name in table.columns}))
    found = evaluate_backtest(platform.warehouse.query("checks/forecast_beats_naive").to_dicts())
    assert isinstance(found, Result)
    return found


def test_intervals_that_cover_too_little_or_too_much_are_reported(platform: Platform) -> None:
    for coverage, passed in (("0.69", False), ("0.7", True), ("0.9", True), ("0.91", False)):
        found = backtested(platform, 60, "0.1", coverage)
        assert (found.passed, found.severity if not passed else ERROR) == (passed, ERROR), coverage
        assert backtested(platform, 59, "0.1", coverage).passed
        assert backtested(platform, 60, "0.1", coverage, months=11).passed
    assert backtested(platform, 60, "0.01", "1").passed
    assert evaluate_backtest([]) == NotEvaluated("No month is over yet for which a forecast was made.")


def test_own_limits_decide_about_a_back_test(platform: Platform) -> None:
    own = {"least_trials_count": Decimal(30), "least_months_count": Decimal(3), "least_coverage_ratio": Decimal("0.75")}
    platform.warehouse.replace_all(
        THRESHOLD_OVERRIDES,
        THRESHOLD_OVERRIDES.frame(override_rows({("backtest", name): of for name, of in own.items()})),
    )
    assert not backtested(platform, 30, "0.1", "0.74", months=3).passed
    assert backtested(platform, 29, "0.1", "0.74", months=3).passed
    assert backtested(platform, 30, "0.1", "0.74", months=2).passed
    assert backtested(platform, 30, "0.1", "0.75", months=3).passed


@pytest.mark.parametrize(("before", "since", "is_evaluated"), [(7, 28, False), (8, 28, True), (8, 27, False)])
def test_a_day_with_too_few_like_it_before_is_not_evaluated(
    platform: Platform, before: int, since: int, *, is_evaluated: bool
) -> None:
    """Weekdays are compared with weekdays; eight of them are enough if the first is 28 days ago."""
    weekdays = [day for day in MONTHS.days if day.weekday() < 5][-before:]
    weekdays.append(TODAY - timedelta(days=since))
    rows = [claude(spend_date=day, billed_usd="100") for day in weekdays]
    live(platform, rows, unpulled=set(MONTHS.days) - set(weekdays))
    outcome = platform.check(USUAL, Span(TODAY, TODAY))
    assert bool(outcome.not_evaluated(USUAL)) != is_evaluated


@pytest.mark.parametrize("check", [check for check in NAMES if check not in {SEATS, PURCHASED}])
def test_a_check_over_marts_that_were_not_built_does_not_pass(platform: Platform, check: str) -> None:
    budget(platform, "5000")
    live(platform, rhythm())
    for mart in ("spend_by_scope", "budget_status"):
        platform.sql(f"delete from {A}.{mart}")
    outcome = platform.check(check)
    assert outcome.not_passed(check)
    assert severities(outcome) == {ERROR}


def test_a_day_without_enough_days_like_it_is_not_evaluated_by_the_limits_of_the_mart(platform: Platform) -> None:
    [limits] = platform.warehouse.ask(THRESHOLDS).to_dicts()
    long_ago = TODAY - timedelta(days=40)
    known = [long_ago, *(TODAY - timedelta(days=n) for n in range(1, limits["least_weekdays_count"] + 3))]
    assert too_new(TODAY, known, limits) is None
    few = too_new(TODAY, known[:4], limits)
    assert few == NotEvaluated("Only 3 weekdays of the 35 days before are known: 8 are needed for a baseline.")
    assert too_new(TODAY, known[:4], {**limits, "least_weekdays_count": 3}) is None
    late = [day for day in MONTHS.days if TODAY - timedelta(days=27) <= day < TODAY]
    assert too_new(TODAY, late, limits) == NotEvaluated("Only 27 days of history: 28 are needed for a baseline.")
    assert too_new(TODAY, late, {**limits, "least_history_days": 27}) is None
