"""Every form in which providers send an instant, and values that are not instants."""

from datetime import date
from typing import Any

import pytest

from ai_usage.ingest.instants import day_of_instant, day_of_seconds

DAY = date(2026, 11, 1)


@pytest.mark.parametrize(
    "sent",
    [
        *("2026-11-01", "2026-11-01T00:00:00Z", "2026-11-01T23:59:59.999Z", "2026-11-01T12:00:00", " 2026-11-01 "),
        *("2026-11-01T00:30:00+00:30", "2026-10-31T23:30:00-01:00", "2026-11-01T00:00:00.123456Z"),
        *(1793491200000, 1793577599999, 1793491200000.0, 1793491200000.5, "1793491200000", "1793491200000.5"),
    ],
)
def test_an_instant_is_its_utc_day(sent: Any) -> None:
    assert day_of_instant(sent) == DAY


def test_milliseconds_are_never_a_compact_date() -> None:
    """Python reads "2028121212345" as 12 December 2028, 23:45."""
    assert day_of_instant("2028121212345") == date(2034, 4, 8)


@pytest.mark.parametrize(
    "sent",
    [
        *(
            None,
            True,
            False,
            "",
            " ",
            "soon",
            "2026-13-01",
            "2026-11-31",
            [],
            {},
            ["2026-11-01"],
            {"day": "2026-11-01"},
        ),
        *(0, -1, 5, "5", 1793491200, 1e30, -1e30, float("nan"), float("inf"), "nan", "inf", "9" * 5000, "²"),
        *("1970-01-01", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-12:00"),
    ],
)
def test_what_is_no_instant_has_no_day(sent: Any) -> None:
    assert day_of_instant(sent) is None


@pytest.mark.parametrize("sent", [1793491200, 1793491200.0, 1793577599.9, "1793577599"])
def test_seconds_are_of_a_utc_day(sent: Any) -> None:
    assert day_of_seconds(sent) == date(2026, 11, 1)


@pytest.mark.parametrize(
    "sent",
    [
        *(None, True, "", " ", "soon", "2026-11-01", "1793491200.5", [], {}, 0, -1, "5", 1e30, float("nan")),
        *(float("inf"), "9" * 5000, "²", 1793491200000),
    ],
)
def test_what_is_no_number_of_seconds_has_no_day(sent: Any) -> None:
    assert day_of_seconds(sent) is None
