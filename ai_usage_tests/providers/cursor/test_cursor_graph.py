"""Cursor's part of the graph against the simulator: reruns, overlaps, and a provider that fails alone."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date
from decimal import Decimal
from pathlib import Path

import dagster as dg
import pytest

from ai_usage.definitions import ASSETS
from ai_usage.ingest.http.retry import Patience
from ai_usage.partitions import Span
from ai_usage.providers.cursor.client import CursorAdmin
from ai_usage.settings import settings
from ai_usage.simulator import CURSOR_KEY, Simulator
from ai_usage_tests.mock_claude import DAY, NEXT, ordinary
from ai_usage_tests.platform import Platform, contents, of_others_than, platform_in

TEN_DAYS, FIRST_WEEK, LAST_WEEK = (Span(date(2026, 11, a), date(2026, 11, b)) for a, b in ((6, 15), (6, 12), (9, 15)))
CURSOR_ALONE = dg.AssetSelection.assets(
    *(key for asset in ASSETS for key in asset.keys if "cursor" in key.path[-1])
).without_checks()
OF_BOTH = dg.AssetSelection.all() - of_others_than("anthropic", "cursor")
EXPENSES = dg.AssetSelection.assets("marts/cursor_seats", "marts/cursor_expenses").without_checks()
DAILY = ("cursor_usage_events", "cursor_usage_stats", "cursor_expenses")


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator(now=settings().now, cursor_scale=0.3) as simulator:
        yield simulator


@contextmanager
def opened(simulator: Simulator, key: str = CURSOR_KEY, *, is_simulated: bool = True) -> Iterator[CursorAdmin]:
    with closing(
        CursorAdmin.open(
            base_url=simulator.cursor_url,
            key=key,
            now=settings().now,
            pace=lambda _: None,
            is_simulated=is_simulated,
            patience=Patience(attempts=1),
        )
    ) as admin:
        yield admin


def refreshed(platform: Platform, simulator: Simulator, *spans: Span) -> dict[str, object]:
    """The daily tables after these runs."""
    for span in spans:
        with opened(simulator) as admin:
            assert platform.materialize(CURSOR_ALONE, span, None, admin).result.success
    platform.warehouse.publish()
    return {name: rows for name, rows in contents(platform.warehouse.published_path).items() if name in DAILY}


def test_reruns_and_overlapping_windows_lose_and_double_nothing(tmp_path: Path, simulator: Simulator) -> None:
    folders = [tmp_path / name for name in ("whole", "weeks")]
    for folder in folders:
        folder.mkdir()
    whole, weeks = (platform_in(folder) for folder in folders)
    at_once = refreshed(whole, simulator, TEN_DAYS)
    assert at_once == refreshed(weeks, simulator, LAST_WEEK, FIRST_WEEK)
    assert at_once == refreshed(whole, simulator, TEN_DAYS)
    versions = "select count(*), count(distinct records_pull_id) from ai_usage_raw.pulls where pull = '{}'"
    [(pulls, kept)] = whole.sql(versions.format("cursor_usage_events"))
    assert (pulls, kept) == (20, 10)
    [(rows, twins)] = whole.sql(
        "select count(*), count(*) - (select count(*) from (select distinct * from "
        "ai_usage_analytics.cursor_usage_events)) from ai_usage_analytics.cursor_usage_events"
    )
    assert rows == sum(len(simulator.cursor_day(day).events) for day in TEN_DAYS.days)
    assert twins > 0  # equal events stay separate events


def test_a_months_seats_cost_exactly_their_price_and_usage_what_was_charged(platform: Platform) -> None:
    """An odd price over a month of 31 days, on a separate plan."""
    month = Span(date(2026, 10, 1), date(2026, 10, 31))
    with Simulator(now=settings().now, cursor_scale=0.1) as simulator:
        refreshed(platform, simulator, month)
        charged = sum(e.charged_cents for d in month.days for e in simulator.cursor_day(d).events if e.is_chargeable)
    platform.sql(
        "insert into ai_usage_analytics.dim_cursor_plan values ('Odd', '2026-10-01', null, 40.000000001, null)"
    )
    assert platform.materialize(EXPENSES, month, None, cursor_admin=object()).result.success
    seats = platform.sql(
        "select user_email, sum(billed_usd), count(*) from ai_usage_analytics.cursor_expenses "
        "where cost_type = 'subscription' group by 1 having count(*) = 31"
    )
    assert len(seats) > 20
    assert {usd for _, usd, _ in seats} == {Decimal("40.000000001")}
    free = platform.sql("select user_email from ai_usage_analytics.dim_cursor_member where role = 'free-owner'")
    assert free
    assert {email for (email,) in free}.isdisjoint({email for email, _, _ in seats})
    [(billed,)] = platform.sql(
        "select sum(billed_usd) from ai_usage_analytics.cursor_expenses where cost_type != 'subscription'"
    )
    assert billed == charged / 100


def test_what_the_sheet_purchased_goes_before_the_file(platform: Platform, simulator: Simulator) -> None:
    """CURSOR_PLANS sets each member's price until the sheet has a Cursor plan; then the sheet's purchase does."""
    day = date(2026, 11, 10)
    refreshed(platform, simulator, Span(day, day))
    platform.sql("insert into ai_usage_analytics.dim_cursor_plan values ('File', '2026-01-01', null, 30, null)")
    seats = "insert into ai_usage_analytics.seats values (2, '{}', '{}', {}, 500, '2026-01-01', null, 'p', now())"
    of_members = (
        "select distinct subscription_plan, billed_usd from ai_usage_analytics.cursor_expenses "
        "where cost_type = 'subscription' and is_assigned"
    )
    [(members,)] = platform.sql(
        "select count(distinct user_email) from ai_usage_analytics.cursor_usage_stats where user_email not in "
        "(select user_email from ai_usage_analytics.dim_cursor_member where role = 'free-owner')"
    )
    for row, each, usd in (
        (None, ("File", Decimal(1)), members),
        (("google", "Other", 90), ("File", Decimal(1)), members),
        (("cursor", "Sheet", 60), ("Sheet", Decimal(2)), 500 * 2),
        (("cursor", "Second", 90), (None, None), 500 * 2 + 500 * 3),
    ):
        if row:
            platform.sql(seats.format(*row))
        assert platform.materialize(EXPENSES, Span(day, day), None, cursor_admin=object()).result.success
        assert platform.sql(of_members) == [each]
        [(billed,)] = platform.sql(
            "select sum(billed_usd) from ai_usage_analytics.cursor_expenses where cost_type = 'subscription'"
        )
        assert billed == usd


def test_without_prices_seats_are_there_and_their_price_is_unknown(platform: Platform, simulator: Simulator) -> None:
    refreshed(platform, simulator, FIRST_WEEK)
    [(rows, priced)] = platform.sql(
        "select count(*), count(billed_usd) from ai_usage_analytics.cursor_expenses where cost_type = 'subscription'"
    )
    assert rows > 0
    assert priced == 0


def test_own_keys_are_a_kind_of_their_own(platform: Platform, simulator: Simulator) -> None:
    refreshed(platform, simulator, FIRST_WEEK)
    day = FIRST_WEEK.last
    events = "ai_usage_analytics.cursor_usage_events"
    platform.sql(f"update {events} set kind = 'User API Key' where activity_date = '{day}' and is_chargeable")
    platform.materialize(EXPENSES, Span(day, day), None, cursor_admin=object())
    kinds = platform.sql(
        f"select distinct cost_type from ai_usage_analytics.cursor_expenses where expense_date = '{day}' order by 1"
    )
    assert kinds == [("api_key",), ("subscription",)]


def test_a_provider_that_refuses_its_key_fails_alone(platform: Platform, simulator: Simulator) -> None:
    for day in (DAY, NEXT):
        platform.claude.days[day] = ordinary()
    with opened(simulator, key="crsr_wrong", is_simulated=False) as admin:
        outcome = platform.materialize(OF_BOTH, Span(DAY, NEXT), platform.claude.admin(), admin)
    assert not outcome.result.success
    assert {step.split("__")[0] + "__" + step.split("__")[1].split("_")[0] for step in outcome.failed} == {
        "raw__cursor"
    }
    others = {why for why in outcome.failed.values() if "CURSOR_ADMIN_API_KEY is wrong or revoked" not in why}
    assert others == set()
    assert "crsr_wrong" not in str(outcome.failed)
    assert {"raw__claude_messages_usage", "core__claude_costs", "marts__claude_total_expenses"} <= outcome.succeeded
    assert not {step for step in outcome.succeeded if "__cursor_" in step}
    assert platform.dollars() == {DAY: Decimal("10.00875"), NEXT: Decimal("10.00875")}
    claude = [check for check, table in outcome.evaluations if "claude" in table and outcome.not_passed(check, table)]
    assert set(claude) <= {"pull_is_recent", "bill_is_fresh"}


def test_cursor_goes_on_where_claude_refuses(platform: Platform, simulator: Simulator) -> None:
    platform.claude.refuses = {"/": 401}
    with opened(simulator) as admin:
        outcome = platform.materialize(OF_BOTH, Span(DAY, NEXT), platform.claude.admin(), admin)
    assert {step for step in outcome.failed if "cursor" in step} == set()
    assert {"core__cursor_usage_events", "marts__cursor_expenses"} <= outcome.succeeded
    assert "raw__claude_messages_usage" in outcome.failed
