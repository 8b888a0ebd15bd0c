"""Both engines with every world in them, once per process of tests."""

from collections.abc import Iterator

import pytest

from ai_usage.catalog import TABLES
from ai_usage.warehouse.bigquery.lease import WRITER_LEASE
from ai_usage_tests.googlesql.engine import NOT_READY, GoogleEngine
from ai_usage_tests.googlesql.harmed import WORLDS
from ai_usage_tests.googlesql.two_engines import TwoEngines


@pytest.fixture(scope="session")
def google() -> Iterator[GoogleEngine]:
    if not GoogleEngine.is_ready():
        pytest.fail(NOT_READY, pytrace=False)
    engine = GoogleEngine()
    yield engine
    engine.close()


@pytest.fixture(scope="session")
def google_with_tables(google: GoogleEngine) -> GoogleEngine:
    """With the world `empty`: every table without rows, and the extra table of BigQuery's engine."""
    tables = [*TABLES, WRITER_LEASE]
    google.declare("empty", tables, {table.address: [] for table in tables})
    return google


@pytest.fixture(scope="session")
def engines(google: GoogleEngine, tmp_path_factory: pytest.TempPathFactory) -> TwoEngines:
    engines = TwoEngines(google)
    for world, lines in WORLDS.items():
        engines.fill(world, lines, tmp_path_factory.mktemp(world))
    return engines
