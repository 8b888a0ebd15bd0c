"""Which days of a source are due, according to the ledger and the clock."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from ai_usage.automation.cadence import CADENCES, STALE
from ai_usage.catalog import TABLES
from ai_usage.core.closing import MONTH_CLOSE_ACTS
from ai_usage.definitions import defs
from ai_usage.ingest.cadence import RUNS_AT_MOST, Cadence
from ai_usage.partitions import ONE_DAY, Span
from ai_usage.providers.anthropic.tables import PULLS_WHERE_NEEDED
from ai_usage.settings import read_settings

START = date(2026, 1, 1)
BERLIN = "Europe/Berlin"
BY_NAME = {cadence.name: cadence for cadence in CADENCES}
CLAUDE, ENTERPRISE, CURSOR, SHEET = (BY_NAME[name] for name in ("claude", "claude_enterprise", "cursor", "sheet"))
NOW = datetime(2026, 11, 20, 8, tzinfo=UTC)
YESTERDAY = date(2026, 11, 19)


def looked(first: date, last: date, at: datetime) -> dict[date | None, datetime]:
    return dict.fromkeys(Span(first, last).days, at)


def due(cadence: Cadence, looks: dict[date | None, datetime], now: datetime = NOW, start: date = START) -> list[str]:
    return [str(span) for span in cadence.due(looks, now, start=start, zone=BERLIN)]


@pytest.mark.parametrize(
    ("cadence", "window"),
    [(CLAUDE, "2026-11-17…2026-11-19"), (CURSOR, "2026-11-17…2026-11-19"), (ENTERPRISE, "2026-11-12…2026-11-18")],
    ids=lambda of: getattr(of, "name", None),
)
def test_of_a_source_never_asked_the_window_is_due(cadence: Cadence, window: str) -> None:
    assert due(cadence, {}) == [window]


def test_nothing_is_due_before_the_start() -> None:
    assert due(CLAUDE, {}, start=date(2026, 11, 18)) == ["2026-11-18…2026-11-19"]
    assert due(CLAUDE, {}, start=date(2026, 11, 20)) == []


def test_a_window_is_asked_once_a_day_in_the_morning_of_the_company() -> None:
    morning = datetime(2026, 11, 20, 5, tzinfo=UTC)  # 06:00 in Berlin
    there = looked(START, YESTERDAY, morning - ONE_DAY)
    assert due(CLAUDE, there, morning - timedelta(minutes=1)) == []
    assert due(CLAUDE, there, morning) == ["2026-11-17…2026-11-19"]
    there |= looked(date(2026, 11, 17), YESTERDAY, morning)
    assert due(CLAUDE, there, morning) == due(CLAUDE, there, morning + timedelta(hours=23)) == []


def test_in_summer_the_morning_is_an_hour_earlier() -> None:
    morning = datetime(2026, 7, 20, 4, tzinfo=UTC)
    assert CLAUDE.last_pass(morning, BERLIN) == morning
    assert CLAUDE.last_pass(morning - timedelta(seconds=1), BERLIN) == morning - ONE_DAY


def test_a_day_is_due_when_the_provider_has_all_of_it() -> None:
    over = datetime(2026, 11, 20, tzinfo=UTC)
    there = looked(START, date(2026, 11, 18), over)
    assert "2026-11-19" not in str(due(CURSOR, there, over + timedelta(minutes=59)))
    assert due(CURSOR, there, over + timedelta(hours=1)) == ["2026-11-17…2026-11-19"]
    assert due(ENTERPRISE, there, over + timedelta(hours=11)) == []
    assert due(ENTERPRISE, there, over + timedelta(hours=12)) == ["2026-11-13…2026-11-19"]
    assert CLAUDE.newest_settled(over + timedelta(hours=4)) == YESTERDAY
    assert CLAUDE.newest_settled(over + timedelta(hours=3)) == YESTERDAY - ONE_DAY


def test_days_missed_in_an_outage_are_due_until_they_are_there() -> None:
    there = looked(START, date(2026, 11, 8), NOW - timedelta(days=11))
    assert due(CURSOR, there) == ["2026-11-09…2026-11-19"]
    there |= looked(date(2026, 11, 11), YESTERDAY, NOW)
    assert due(CURSOR, there) == ["2026-11-09…2026-11-10"]


def test_days_before_the_first_known_day_are_not_due() -> None:
    assert due(CURSOR, looked(date(2026, 11, 16), YESTERDAY, NOW)) == []


def test_gaps_far_apart_are_runs_of_their_own_up_to_a_number() -> None:
    there = looked(START, YESTERDAY, NOW)
    gaps = [date(2026, 10, 1) + timedelta(days=3 * n) for n in range(RUNS_AT_MOST + 1)]
    for gap in gaps[:RUNS_AT_MOST]:
        del there[gap]
    assert due(CURSOR, there) == [str(gap) for gap in gaps[:RUNS_AT_MOST]]
    del there[gaps[-1]]
    assert due(CURSOR, there) == [f"{gaps[0]}…{gaps[-1]}"]


def test_every_day_of_the_long_window_is_pulled_weekly_and_all_at_once() -> None:
    there = looked(START, YESTERDAY, NOW)
    assert due(CLAUDE, there) == []
    late = date(2026, 10, 14)
    there[late] = NOW - timedelta(days=7, hours=4)
    assert (YESTERDAY - late).days == 36
    assert due(CLAUDE, there) == ["2026-10-14…2026-11-19"]
    assert due(CURSOR, there) == []
    there[late - ONE_DAY] = there.pop(late)
    there[late] = NOW
    assert due(CLAUDE, there) == []


def test_a_day_that_is_new_or_was_missed_does_not_bring_the_long_window_along() -> None:
    there = looked(START, date(2026, 11, 18), NOW - ONE_DAY)
    assert due(CLAUDE, there) == ["2026-11-17…2026-11-19"]
    del there[date(2026, 11, 2)]
    assert due(CLAUDE, there) == ["2026-11-02", "2026-11-17…2026-11-19"]


def test_each_day_is_asked_about_when_it_is_thirty_days_old_or_older() -> None:
    """A pull at that age makes the day final."""
    there: dict[date | None, datetime] = {}
    asked: dict[date, datetime] = {}
    for n in range(150):
        now = datetime(2026, 6, 1, 5, tzinfo=UTC) + timedelta(days=n)
        for span in CLAUDE.due(there, now, start=date(2026, 5, 1), zone=BERLIN):
            there |= dict.fromkeys(span.days, now)
            asked |= dict.fromkeys(span.days, now)
    old = {day: at for day, at in asked.items() if day < date(2026, 9, 15)}
    assert min((at.date() - day).days for day, at in old.items()) >= 30


def test_every_raw_table_is_asked_by_one_cadence_and_shows_how_fresh_it_is() -> None:
    keys = [key for cadence in CADENCES for key in cadence.keys]
    raw = {dg.AssetKey(["raw", t.name]) for t in TABLES if t.is_ledger and t != MONTH_CLOSE_ACTS}
    assert (set(keys), len(keys)) == (raw, len(raw))
    for cadence in CADENCES:
        assert set(cadence.asked_by) <= {*cadence.daily, *cadence.snapshots}
        assert cadence.settles + ONE_DAY < cadence.warns + timedelta(hours=1) < STALE
        for key in cadence.keys:
            policy = defs.resolve_asset_graph().get(key).freshness_policy_or_from_metadata
            if key.path[-1] in PULLS_WHERE_NEEDED:
                assert policy is None, "a day that needs no such pull is not late"
                continue
            assert policy == dg.FreshnessPolicy.time_window(fail_window=STALE, warn_window=cadence.warns)


@pytest.mark.parametrize(
    ("environ", "names"),
    [
        ({}, set()),
        ({"AI_USAGE_SIMULATE": "1"}, set(BY_NAME)),
        ({"ANTHROPIC_ADMIN_API_KEY": "x"}, {"claude", "claude_analytics"}),
        ({"ANTHROPIC_ANALYTICS_API_KEY": "x"}, {"claude_analytics", "claude_enterprise"}),
        ({"CURSOR_ADMIN_API_KEY": "x"}, {"cursor"}),
        ({"AI_USAGE_SHEET_ID": "csv:sheet"}, {"sheet"}),
    ],
)
def test_a_source_is_asked_where_its_key_is_set(tmp_path: Path, environ: dict[str, str], names: set[str]) -> None:
    of = read_settings({"AI_USAGE_NOW": NOW.isoformat(), "AI_USAGE_UPLOADS_DIR": str(tmp_path / "none"), **environ})
    assert {cadence.name for cadence in CADENCES if cadence.is_configured(of)} == names
