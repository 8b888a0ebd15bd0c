"""A platform with a good past, made once; each test harms a copy."""

from datetime import timedelta
from pathlib import Path

import pytest

from ai_usage_tests.platform import DAY, Platform, ordinary, platform_in

DAYS = [DAY + timedelta(days=n) for n in range(3)]


@pytest.fixture(scope="session")  # a package's is made again each time a process comes back to these files
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Platform:
    platform = platform_in(tmp_path_factory.mktemp("untouched"))
    outcome = platform.run({day: ordinary(10 + n) for n, day in enumerate(DAYS)})
    assert outcome.result.success
    assert outcome.all_red() == set()
    return platform


@pytest.fixture
def good(untouched: Platform, tmp_path: Path) -> Platform:
    """Three days that were pulled, add up and reached the mart."""
    return untouched.copy(tmp_path)
