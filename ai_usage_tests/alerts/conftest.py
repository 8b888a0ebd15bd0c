"""Receivers on this machine, and the sensors that send to them."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest

from ai_usage.alerts.channels import Webhook
from ai_usage.alerts.delivery import Alerts
from ai_usage.alerts.outbox import Outbox
from ai_usage.automation import alerts as automation
from ai_usage.checks.alert_events import ALERT_EVENTS
from ai_usage.checks.sightings import SCHEMA_DRIFT_SIGHTINGS
from ai_usage.settings import settings
from ai_usage.warehouse.builds import BUILDS
from ai_usage.warehouse.duckdb.engine import DuckDBWarehouse
from ai_usage.warehouse.table import PULLS
from ai_usage_tests.alerts.receivers import Hook, hook
from ai_usage_tests.alerts.watched import HURRY, Watched


@pytest.fixture
def web() -> Iterator[Hook]:
    with hook() as found:
        yield found


@pytest.fixture
def watched(tmp_path: Path, web: Hook, monkeypatch: pytest.MonkeyPatch) -> Watched:
    """The sensors with a webhook, on Dagster's default storage, made faster."""
    instance = dg.DagsterInstance.ephemeral(tempdir=str(tmp_path / "dagster"))
    now = lambda: datetime(2026, 11, 12, tzinfo=UTC)  # noqa: E731
    outbox = Outbox(tmp_path / "state" / "alerts.sqlite")
    with outbox.transaction() as memory:  # the first start has a test of its own
        memory.move(automation.STARTED, 1)
    of = replace(settings(), data_dir=tmp_path)
    monkeypatch.setattr(automation, "settings", lambda: of)
    tables = [PULLS, BUILDS, ALERT_EVENTS, SCHEMA_DRIFT_SIGHTINGS]
    warehouse = DuckDBWarehouse(of.database, of.published_database, tables, of.now)
    return Watched(instance, Alerts(outbox, [Webhook(web.url)], now, is_simulated=False, persistence=HURRY), warehouse)
