"""UTC days: spans, the fewest requests that cover them, and the newest day."""

from datetime import date, timedelta

import pytest

from ai_usage.partitions import DAYS, ONE_DAY, Span, days_since_start, midnight, runs_of_days
from ai_usage.settings import read_settings

FIRST = date(2026, 2, 27)


def span(days: int) -> Span:
    return Span(FIRST, FIRST + timedelta(days=days - 1))


@pytest.mark.parametrize(
    ("days", "at_most", "sizes"), [(1, 31, [1]), (31, 31, [31]), (32, 31, [31, 1]), (5, 2, [2, 2, 1])]
)
def test_a_span_is_cut_into_the_fewest_that_cover_it(days: int, at_most: int, sizes: list[int]) -> None:
    cut = list(span(days).cut(at_most=at_most))
    assert [len(part.days) for part in cut] == sizes
    assert [day for part in cut for day in part.days] == span(days).days


def test_a_span_has_both_its_ends_and_does_not_end_before_it_begins() -> None:
    assert span(3).days == [date(2026, 2, 27), date(2026, 2, 28), date(2026, 3, 1)]
    assert (str(span(1)), str(span(2))) == ("2026-02-27", "2026-02-27…2026-02-28")
    with pytest.raises(ValueError, match="ends before it begins"):
        Span(FIRST, FIRST - ONE_DAY)


def test_runs_are_what_lies_together() -> None:
    days = [FIRST + timedelta(days=n) for n in (4, 0, 1, 1, 3, 9)]
    assert [len(run.days) for run in runs_of_days(days)] == [2, 2, 1]
    assert list(runs_of_days([])) == []


def test_midnight_is_how_providers_write_a_day() -> None:
    assert midnight(FIRST) == "2026-02-27T00:00:00Z"


@pytest.mark.parametrize(
    ("now", "last"),
    [
        ("2026-11-20T12:00:00Z", "2026-11-19"),
        ("2026-11-20T00:30:00+02:00", "2026-11-18"),
        ("2027-03-01T00:00:00Z", "2027-02-28"),
        ("2026-01-02T00:00:00Z", "2026-01-01"),
    ],
)
def test_the_newest_partition_is_the_last_utc_day_that_is_over(now: str, last: str) -> None:
    partitions = days_since_start(read_settings({"AI_USAGE_NOW": now}))
    assert (partitions.get_first_partition_key(), partitions.get_last_partition_key()) == ("2026-01-01", last)


def test_without_a_pretended_clock_yesterday_is_the_newest() -> None:
    of = read_settings({})
    assert days_since_start(of).get_last_partition_key() == of.yesterday().isoformat()
    assert days_since_start(of).end_offset == 0


def test_the_tests_own_clock_moves_the_partitions_of_the_assets() -> None:
    assert (DAYS.get_first_partition_key(), DAYS.get_last_partition_key()) == ("2026-10-01", "2026-11-19")
