"""Each check of Cursor fails: a good month of the simulated team, harmed in one place."""

from contextlib import closing
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import dagster as dg
import pytest

from ai_usage.definitions import ASSETS, CHECKS
from ai_usage.partitions import Span
from ai_usage.providers.cursor.checks.billing_cycle import Charged
from ai_usage.providers.cursor.client import CursorAdmin
from ai_usage.settings import settings
from ai_usage.simulator import CURSOR_KEY, Simulator
from ai_usage_tests.outcome import Outcome
from ai_usage_tests.platform import Platform, platform_in

CYCLE = Span(date(2026, 11, 3), date(2026, 11, 19))  # the cycle up to the clock's yesterday
DAY, NEXT = date(2026, 11, 11), date(2026, 11, 12)
EVENTS, STATS = "ai_usage_analytics.cursor_usage_events", "ai_usage_analytics.cursor_usage_stats"

MISSING = "no_day_is_missing"
MEMBERS = "every_member_has_a_row"
TWICE = "no_event_counted_twice"
POSSIBLE = "acceptance_counts_are_possible"
FLAG = "active_flag_agrees_with_activity"
CYCLEWISE = "events_equal_cycle_spend"
NAMES = [MISSING, MEMBERS, TWICE, POSSIBLE, FLAG, CYCLEWISE]

A_MEMBERS_CHARGED_EVENT = f"""rowid = (select min(rowid) from {EVENTS}
    where activity_date = '{DAY}' and is_chargeable and service_account_id is null)"""
BUSY = f"activity_date = '{DAY}' and usage_based_reqs > 0"
IDLE = f"activity_date = '{DAY}' and not is_active and total_tabs_shown = 0"
HARMS = {
    "a row lost from core": (MISSING, f"delete from {STATS} where activity_date = '{DAY}' and not is_active"),
    "idle members hidden": (MEMBERS, f"delete from {STATS} where activity_date = '{DAY}' and not is_active"),
    "an event doubled": (TWICE, f"insert into {EVENTS} from {EVENTS} where {A_MEMBERS_CHARGED_EVENT}"),
    "an event on the day before, too": (
        TWICE,
        f"""insert into {EVENTS} select * replace ('{DAY}' as activity_date) from {EVENTS}
        where rowid = (select min(rowid) from {EVENTS} where activity_date = '{NEXT}')""",
    ),
    "more accepted than shown": (
        POSSIBLE,
        f"update {STATS} set total_tabs_accepted = total_tabs_shown + 1 where activity_date = '{DAY}'",
    ),
    "less than nothing": (POSSIBLE, f"update {STATS} set chat_requests = -1 where activity_date = '{DAY}'"),
    "busy and called inactive": (FLAG, f"update {STATS} set is_active = false where {BUSY}"),
    "idle and called active": (FLAG, f"update {STATS} set is_active = true where {IDLE}"),
}
MONEY = {
    "an event lost": f"delete from {EVENTS} where {A_MEMBERS_CHARGED_EVENT}",
    "an event doubled": f"insert into {EVENTS} from {EVENTS} where {A_MEMBERS_CHARGED_EVENT}",
    "cents as dollars": f"update {EVENTS} set charged_usd = charged_usd * 100 where {A_MEMBERS_CHARGED_EVENT}",
    "another's event": f"update {EVENTS} set user_email = 'else@example.com' where {A_MEMBERS_CHARGED_EVENT}",
    "included usage billed": f"""update {EVENTS} set is_chargeable = true where rowid = (select min(rowid) from {EVENTS}
        where activity_date = '{DAY}' and not is_chargeable and charged_usd > 0 and service_account_id is null)""",
}
CURSORS = (key for asset in ASSETS for key in asset.keys if "cursor" in key.path[-1])
HELD_AGAINST = dg.AssetSelection.assets("core/spend_versions", "marts/ai_spend").without_checks()
OF_CURSOR = dg.AssetSelection.assets(*CURSORS) | HELD_AGAINST


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Platform:
    platform = platform_in(tmp_path_factory.mktemp("cursor"))
    with Simulator(now=settings().now, cursor_scale=0.3) as simulator:
        admin = CursorAdmin.open(
            base_url=simulator.cursor_url, key=CURSOR_KEY, now=settings().now, pace=lambda _: None, is_simulated=True
        )
        with closing(admin):
            outcome = platform.materialize(OF_CURSOR, CYCLE, None, admin)
    assert outcome.result.success
    assert outcome.checks_not_passed() == set()
    return platform


@pytest.fixture
def good(past: Platform, tmp_path: Path) -> Platform:
    """The team's cycle so far, pulled and built without errors."""
    return past.copy(tmp_path)


def evaluated(platform: Platform, *checks: str) -> Outcome:
    """Only the checks, over the cycle."""
    every = [check.key for check in CHECKS if check.key.asset_key.path[-1].startswith("cursor_")]
    keys = [key for key in every if key.name in (checks or NAMES)]
    return platform.materialize(dg.AssetSelection.checks(*keys), CYCLE, None, cursor_admin=object())


def test_a_correct_cycle_passes_and_shows_its_sum(good: Platform) -> None:
    outcome = evaluated(good)
    assert outcome.checks_not_passed() == set()
    description = outcome.why(CYCLEWISE, None, "cursor_usage_events")
    assert "of the cycle since 2026-11-03, at 2026-11-20 12:00 UTC, equal their spend:" in description
    [(spend,)] = good.sql("select sum(spend_usd) from ai_usage_analytics.cursor_spend_daily")
    assert f"{spend:,f} USD" in description
    assert spend > 10


@pytest.mark.parametrize("harm", HARMS.values(), ids=HARMS)
def test_a_harmed_day_fails_and_no_other(good: Platform, harm: tuple[str, str]) -> None:
    check_name, sql = harm
    good.sql(sql)
    assert evaluated(good, check_name).not_passed(check_name) == {DAY}


@pytest.mark.parametrize("harm", MONEY.values(), ids=MONEY)
def test_a_cycle_that_does_not_come_to_its_spend_names_the_person_and_the_amount(good: Platform, harm: str) -> None:
    [(email, usd)] = good.sql(f"select user_email, charged_usd from {EVENTS} where {A_MEMBERS_CHARGED_EVENT}")
    good.sql(harm)
    outcome = evaluated(good, CYCLEWISE)
    assert outcome.not_passed(CYCLEWISE) == {None}
    description = outcome.why(CYCLEWISE, None, "cursor_usage_events")
    if "delete" in harm:
        assert f"{email} +{usd:,f} USD" in description
    if harm.startswith("insert"):
        assert f"{email} {-usd:,f} USD" in description


def test_a_cycle_with_days_never_pulled_is_not_evaluated_and_names_them(good: Platform) -> None:
    good.sql(f"delete from ai_usage_raw.pulls where pull = 'cursor_usage_events' and activity_date = '{DAY}'")
    outcome = evaluated(good, CYCLEWISE)
    assert outcome.evaluations == {}
    description = outcome.not_evaluated(CYCLEWISE)[None]
    assert "1 days of events" in description
    assert str(DAY) in description


def test_a_figure_younger_than_the_events_of_today_is_not_evaluated(good: Platform) -> None:
    good.sql("update ai_usage_raw.pulls set pulled_at = pulled_at + interval 1 hour where pull = 'cursor_spend'")
    assert "Materialize both" in evaluated(good, CYCLEWISE).not_evaluated(CYCLEWISE)[None]


def test_a_cycle_that_was_never_pulled_is_not_evaluated(platform: Platform) -> None:
    outcome = evaluated(platform, CYCLEWISE)
    assert outcome.evaluations == {}
    assert outcome.not_evaluated(CYCLEWISE) == {None: "No provider was asked: raw/cursor_spend was never pulled."}


@pytest.mark.parametrize(
    ("figure", "is_right"),
    [("1.500001", True), ("2.000001", True), ("1.8", True), ("1.4", False), ("2.1", False), ("1.499997", False)],
)
def test_an_event_of_the_last_hour_may_be_in_the_figure_or_not(figure: str, *, is_right: bool) -> None:
    charged = Charged(Decimal("1.500001"), Decimal("0.5"), events=3)
    assert charged.explains(Decimal(figure)) is is_right


def test_a_figure_in_whole_cents_may_be_rounded_to_them() -> None:
    assert Charged(Decimal("1.504"), events=1).explains(Decimal("1.50"))
    assert not Charged(Decimal("1.506"), events=1).explains(Decimal("1.50"))


def test_members_are_expected_from_the_day_after_they_joined(good: Platform) -> None:
    """A member without any row, however inactive, is missing on every day since then."""
    [(email,)] = good.sql(f"select min(user_email) from {STATS} where not is_active")
    good.sql(f"delete from {STATS} where user_email = '{email}'")
    assert evaluated(good, MEMBERS).not_passed(MEMBERS) == set(CYCLE.days)
    good.sql(f"update ai_usage_analytics.dim_cursor_member set is_removed = true where user_email = '{email}'")
    assert evaluated(good, MEMBERS).not_passed(MEMBERS) == set()


def test_a_blocked_day_keeps_its_last_good_money(good: Platform) -> None:
    before = good.dollars("cursor_expenses", "billed_usd")
    good.sql(f"insert into {EVENTS} from {EVENTS} where activity_date = '{DAY}'")
    mart = dg.AssetSelection.assets(dg.AssetKey(["marts", "cursor_expenses"])).without_checks()
    outcome = good.materialize(mart, CYCLE, None, cursor_admin=object())
    assert outcome.noted("marts/cursor_expenses", DAY)["blocked_by"] == [MISSING, TWICE]
    assert good.dollars("cursor_expenses", "billed_usd") == before
    assert before[DAY] > before[DAY - timedelta(days=4)] > 0  # a working day, and a Saturday with only seats
