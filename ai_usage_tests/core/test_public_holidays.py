"""Public holidays: their dates, and that a forecast expects little usage on them."""

from datetime import date

import pytest

from ai_usage.core.public_holidays import public_holidays
from ai_usage.errors import SettingError


def test_a_country_and_a_part_of_it_have_their_holidays() -> None:
    whole, part = (public_holidays(region, 2025, 2026) for region in ("DE", "DE-BY"))
    assert {date(2025, 10, 3), date(2026, 12, 25), date(2026, 4, 6)} <= set(whole)  # the last is Easter Monday
    assert date(2026, 1, 6) in set(part) - set(whole)
    assert {day.year for day in whole} == {2025, 2026}


def test_an_unknown_part_of_a_country_is_an_error() -> None:
    with pytest.raises(SettingError, match="AI_USAGE_HOLIDAYS is 'DE-XX'"):
        public_holidays("DE-XX", 2026, 2026)


def test_without_a_country_there_are_no_holidays() -> None:
    assert public_holidays("", 2025, 2026) == {}
