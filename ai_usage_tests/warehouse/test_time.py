"""A wrong clock hides no data, and a late answer does not replace a newer one."""

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from ai_usage.automation import refresh
from ai_usage.automation.build_requests import Stale, builds_of_the_future
from ai_usage.automation.refresh import looks
from ai_usage.checks.completeness import recency_of_accounts
from ai_usage.definitions import defs
from ai_usage.partitions import Span
from ai_usage.settings import settings
from ai_usage.warehouse.builds import Build
from ai_usage.warehouse.ledger import AN_INSTANT, Answer, Look, Place, Version, place
from ai_usage.warehouse.table import PULLS
from ai_usage_tests.mock_claude import DAY, NEXT, ordinary
from ai_usage_tests.platform import Platform
from ai_usage_tests.warehouse.test_ledger import BOTH
from ai_usage_tests.warehouse.writing import PULL, answer

NOW = settings().now()
AHEAD = NOW + timedelta(days=200)
HOUR = timedelta(hours=1)


def pulled(platform: Platform, at: datetime, *cents: str, asked: datetime | None = None) -> Version:
    """An answer written at an instant; its request was at that instant or before."""
    platform.warehouse.now = lambda: at
    [version] = platform.warehouse.append(PULL, [replace(answer(DAY, *cents), asked_at=asked)])
    platform.warehouse.now = lambda: NOW
    return version


@pytest.mark.parametrize(
    ("asked", "newest", "placed"),
    [
        (NOW, None, Place(NOW, is_newest=True)),
        (NOW, Look(NOW - HOUR, NOW - HOUR), Place(NOW, is_newest=True)),
        (NOW, Look(NOW, NOW), Place(NOW + AN_INSTANT, is_newest=True)),
        (NOW, Look(NOW + 2 * AN_INSTANT, NOW), Place(NOW + 3 * AN_INSTANT, is_newest=True)),
        (NOW, Look(AHEAD, AHEAD), Place(AHEAD + AN_INSTANT, is_newest=True)),
        (NOW, Look(AHEAD + AN_INSTANT, NOW - HOUR), Place(AHEAD + 2 * AN_INSTANT, is_newest=True)),
        (NOW - HOUR, Look(NOW - HOUR / 2, NOW - HOUR / 2), Place(NOW - HOUR, is_newest=False)),
        (NOW - HOUR, Look(AHEAD + AN_INSTANT, NOW - HOUR / 2), Place(NOW - HOUR, is_newest=False)),
    ],
)
def test_a_versions_position_is_the_time_of_its_request(asked: datetime, newest: Look | None, placed: Place) -> None:
    assert place(asked, newest, now=NOW) == placed


def test_a_pull_of_the_future_hides_no_later_one(platform: Platform) -> None:
    wrong = pulled(platform, AHEAD, "65443")
    first, second = pulled(platform, NOW, "55628"), pulled(platform, NOW + HOUR, "57675")
    assert platform.cents(DAY) == [57675]
    assert wrong.pulled_at < first.pulled_at < second.pulled_at
    assert platform.sql(f"select asked_at from {PULLS.address} order by pulled_at") == [(None,), (NOW,), (NOW + HOUR,)]
    assert not pulled(platform, NOW + 2 * HOUR, "57675").is_new  # an equal answer adds no records again


def test_a_slow_older_answer_is_an_older_version(platform: Platform) -> None:
    before = pulled(platform, NOW - 5 * HOUR, "1")
    pulled(platform, NOW - HOUR, "3")
    late = pulled(platform, NOW, "2", asked=NOW - 2 * HOUR)
    assert (late.is_newest, late.is_new, late.pulled_at) == (False, True, NOW - 2 * HOUR)
    assert platform.cents(DAY) == [3]
    assert platform.cents(DAY, as_of=late.pulled_at) == [2]
    assert platform.cents(DAY, as_of=late.pulled_at - AN_INSTANT) == [1]
    as_before = pulled(platform, NOW, "1", asked=NOW - 4 * HOUR)
    assert not as_before.is_new
    assert platform.cents(DAY, as_of=as_before.pulled_at) == [1]
    as_newest = pulled(platform, NOW, "3", asked=NOW - 3 * HOUR)
    assert (as_newest.is_new, as_newest.is_newest) == (False, True)
    assert platform.cents(DAY) == [3]
    assert platform.cents(DAY, as_of=NOW - 3 * HOUR) == [1]
    versions = platform.warehouse.versions(PULL, BOTH).versions["pulled_at"].to_list()
    assert versions == [before.pulled_at, late.pulled_at, NOW - HOUR]


def test_a_pull_is_stamped_before_its_request(platform: Platform) -> None:
    """The clock of a slow answer: each request takes ten minutes."""
    clock = [NOW - 5 * HOUR]
    platform.warehouse.now = lambda: clock[0]
    admin = platform.claude.admin()
    for api in (admin.admin, admin.analytics):
        api.http.event_hooks["request"] = [lambda _: clock.append(clock.pop() + timedelta(minutes=10))]
    platform.claude.days = {DAY: ordinary()}
    assert not platform.run(only=dg.AssetSelection.assets(["raw", "claude_messages_usage"]), claude_admin=admin).failed
    assert platform.sql(f"select pulled_at from {PULLS.address}") == [(NOW - 5 * HOUR,)]
    assert clock[0] > NOW - 5 * HOUR


def test_days_that_were_asked_about_in_the_future_are_due(platform: Platform) -> None:
    pulled(platform, AHEAD, "1")
    assert looks(platform.warehouse, (PULL,)) == {}
    pulled(platform, NOW, "1")
    assert looks(platform.warehouse, (PULL,)) == {DAY: NOW}


def test_a_pull_of_the_future_makes_no_day_final_and_no_source_fresh(platform: Platform) -> None:
    status = "select status from ai_usage_analytics.settled_days"
    pulled(platform, AHEAD, "1")
    assert recency_of_accounts(PULL, platform.warehouse, is_daily=True, is_optional=False) is None
    pulled(platform, NOW, "2")
    assert platform.sql(status) == [("provisional",)]
    assert platform.sql("select last_pulled_at from ai_usage_analytics.source_freshness") == [(NOW,)]
    pulled(platform, NOW + timedelta(days=31), "2")
    assert platform.sql(status) == [("final",)]


def stale(platform: Platform) -> Sequence[str]:
    found = Stale.of(platform.warehouse, defs.resolve_asset_graph(), None)
    return sorted(key.path[-1] for key in found.daily.get(DAY, ()) if key.path[-1] == "claude_costs")


def test_builds_and_pull_ids_of_the_future_hide_nothing_from_the_sensor(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They were pulled with a system clock that was a year ahead."""
    year = 365 * 86_400 * 10**9
    real, ahead = time.time_ns, [year]
    monkeypatch.setattr(time, "time_ns", lambda: real() + ahead[0])

    def built() -> None:
        platform.warehouse.note_build(Build("core/claude_costs", [DAY], time.time_ns()))
        platform.warehouse.keep_builds()

    pulled(platform, NOW, "1")
    built()
    assert stale(platform) == []  # as that machine would have seen it
    assert builds_of_the_future(platform.warehouse) == 0
    ahead[0] = 0
    assert builds_of_the_future(platform.warehouse) == 1
    assert stale(platform) == []  # no pull that counts exists yet
    pulled(platform, NOW, "1")  # finds the same content again
    assert stale(platform) == ["claude_costs"]
    built()
    assert stale(platform) == []
    pulled(platform, NOW, "2")
    assert stale(platform) == ["claude_costs"]


def test_the_sensor_asks_for_days_of_the_future_no_more_than_for_others(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    platform.warehouse.append(PULL, [Answer("anthropic", NEXT, [], 1, {})])
    of = settings()
    monkeypatch.setattr(refresh, "settings", lambda: replace(of, fixed_now=datetime(2026, 11, 1, tzinfo=UTC)))
    assert looks(platform.warehouse, (PULL,)) == {}
    assert Span(NEXT, NEXT).days == platform.warehouse.pulled_days(PULL)
