"""One emulator for each process of tests."""

from collections.abc import Iterator

import pytest

from ai_usage_tests.bigquery.running import NOT_READY, Emulator, emulator, is_ready


@pytest.fixture(scope="session")
def running() -> Iterator[Emulator]:
    if not is_ready():
        pytest.fail(NOT_READY, pytrace=False)
    with emulator() as running:
        yield running
