"""The real definitions with few assets, checks and sensors, and a clock of the test. The code server of the test's
deployment and each of its runs load this module.
"""

import os
from datetime import datetime

from dagster_postgres import PostgresEventLogStorage

from ai_usage.settings import Settings

NOW = datetime.fromisoformat(os.environ["TEST_NOW"])
Settings.now = lambda _: NOW  # type: ignore[method-assign,assignment]

from ai_usage import definitions  # noqa: E402 - after the clock
from ai_usage.automation import alerts, build_requests, refresh  # noqa: E402
from ai_usage.automation.cadence import CADENCES  # noqa: E402
from ai_usage.settings import settings  # noqa: E402
from ai_usage_tests import lean  # noqa: E402
from ai_usage_tests.parts import assets_of, checks_of  # noqa: E402

SENSORS = {"pull_claude_when_due", "rebuild_what_changed", "check_alerts", "run_failure_alerts"}
MADE = {"core/claude_costs", "core/claude_daily_cost"}
[CLAUDE, SHEET] = [cadence for cadence in CADENCES if cadence.job in {"pull_claude", "pull_sheet"}]

definitions.ASSETS[:] = assets_of(
    definitions.ASSETS, set(), MADE | {key.to_user_string() for key in (*CLAUDE.keys, *SHEET.keys)}
)
definitions.CHECKS[:] = checks_of(definitions.CHECKS, {"records_are_readable"}, definitions.ASSETS)
refresh.JOBS[:] = [job for job in refresh.JOBS if job.name == CLAUDE.job]
refresh.SENSORS[:] = [sensor for sensor in refresh.SENSORS if sensor.name in SENSORS]
alerts.SENSORS[:] = [sensor for sensor in alerts.SENSORS if sensor.name in SENSORS]

lean.keep_one_instance()

# With each event Dagster would read the tables and columns of Postgres, over a new connection.
for answer in ("has_table", "_has_asset_key_col_on_connection", "_has_asset_key_index_cols_on_connection"):
    setattr(PostgresEventLogStorage, answer, lambda *_: True)
PostgresEventLogStorage.supports_asset_checks = property(lambda _: True)  # type: ignore[assignment,method-assign]

defs = definitions.build_defs(settings())
for sensor in (*refresh.SENSORS, *alerts.SENSORS, build_requests.rebuild_what_changed):
    sensor._min_interval = 4
