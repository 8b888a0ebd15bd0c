"""A stand-in for Claude's API, and a client of it."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from ai_usage.providers.anthropic.client import ClaudeAdmin
from ai_usage_tests.ingest.stand_in import (
    StandIn,
    standing_in,
)
from ai_usage_tests.providers.anthropic.reading import opened


@pytest.fixture
def stand_in() -> Iterator[StandIn]:
    with standing_in() as stand_in:
        yield stand_in


@pytest.fixture
def admin(stand_in: StandIn) -> Iterator[ClaudeAdmin]:
    with closing(opened(stand_in)) as admin:
        yield admin
