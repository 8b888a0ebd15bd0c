"""The alert sensors as the daemon runs them, over an instance and a warehouse of the test."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import dagster as dg

from ai_usage.alerts.delivery import Alerts, Persistence
from ai_usage.automation import alerts as automation
from ai_usage.check import NotEvaluated, Result, failed, warned
from ai_usage.checks.alert_events import keep_events
from ai_usage.checks.runner import stored
from ai_usage.warehouse.duckdb.engine import DuckDBWarehouse
from ai_usage_tests.platform import QUIET

DAY, NEXT = date(2026, 11, 10), date(2026, 11, 11)
CHECK = "no_day_is_missing"
COSTS, CODE = dg.AssetKey(["core", "claude_costs"]), dg.AssetKey(["core", "claude_code_usage_stats"])
CHECKS, RUNS, _, EVENTS, DIGEST = automation.SENSORS
HURRY = Persistence(attempts=2, first_wait=0.01, seconds=5)
SALT = "0123456789abcdef"
Results = Mapping[date | None, Result | NotEvaluated]
FAILED, WARNED = failed("3 USD are missing."), warned("Looks odd.")


@dataclass
class Watched:
    """The sensors as the daemon runs them: a new process for each tick; only files persist between ticks."""

    instance: dg.DagsterInstance
    alerts: Alerts
    warehouse: DuckDBWarehouse
    truth: dict[dg.AssetKey, Results] = field(default_factory=dict)

    def evaluate(self, results: Results, asset: dg.AssetKey = COSTS, check: str = CHECK) -> None:
        """A run from the command line, in which the check has these results."""
        spec = dg.AssetCheckSpec(check, asset=asset)

        @dg.multi_asset_check(specs=[spec])
        def evaluating() -> Iterator[Any]:
            keep_events(self.warehouse, spec.key, results)
            yield from stored(spec, results)

        result = dg.materialize([dg.AssetSpec(asset), evaluating], instance=self.instance, run_config=QUIET,
                                selection=dg.AssetSelection.checks(evaluating))  # fmt: skip
        assert result.success
        if self.warehouse.path.exists():
            self.warehouse.publish()

    def tick(self, sensor: dg.SensorDefinition = CHECKS) -> str:
        with dg.build_sensor_context(instance=self.instance, resources={"alerts": self.alerts}) as context:
            tick = sensor.evaluate_tick(context)
        assert not tick.run_requests
        return tick.skip_message or ""
