"""Dagster's own daemon on the real definitions, with short intervals. It ticks every few seconds and executes runs in
its own process, and the test sets its clock. The module is loaded as the code location, and executed in place of
`dagster-daemon run`.
"""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import Any

from ai_usage import settings as clock
from ai_usage.settings import Settings

CLOCK = Path(os.environ["TEST_CLOCK"])
Settings.now = lambda _: datetime.fromisoformat(CLOCK.read_text(encoding="utf-8"))  # type: ignore[method-assign,assignment]
clock.refuse_a_pretended_clock = lambda of: of  # the providers are simulated

from ai_usage.ingest.http import retry  # noqa: E402 - after the clock

retry.Patience.__init__.__kwdefaults__ |= {"attempts": 2, "first_wait": 0.01, "longest_wait": 0.01, "jitter": 0.01}  # type: ignore[operator]

from ai_usage.alerts import delivery  # noqa: E402

delivery.Persistence.__init__.__defaults__ = (1, 0.01, 15.0)  # seconds per tick; the next tick is soon

from ai_usage import definitions  # noqa: E402
from ai_usage.automation.warehouse_resource import WarehouseResource  # noqa: E402
from ai_usage.errors import WarehouseError  # noqa: E402
from ai_usage.settings import settings  # noqa: E402
from ai_usage.warehouse import durable_files  # noqa: E402
from ai_usage.warehouse.duckdb import spare_copy  # noqa: E402
from ai_usage.warehouse.port import Warehouse  # noqa: E402
from ai_usage_tests import lean, lineage_once  # noqa: E402, F401
from ai_usage_tests.parts import assets_of, behind, checks_of  # noqa: E402

lean.keep_connections()

FULL = CLOCK.with_name("full_disk")
there_is_space = durable_files.refuse_a_full_disk


def refuse_a_full_disk(folder: Path, needed: int, target: Path) -> None:
    """The disk is full while the test's file exists."""
    if FULL.exists():
        raise WarehouseError(f"No space left for {target}.")
    there_is_space(folder, needed, target)


durable_files.refuse_a_full_disk = refuse_a_full_disk
spare_copy.refuse_a_full_disk = refuse_a_full_disk  # type: ignore[attr-defined]

# Other assets have their own tests and would take most of the time.
MADE = {
    *("claude_priced_tiers", "claude_allocated_shares", "claude_cost_shares", "claude_attributed_costs"),
    *("claude_total_expenses", "cursor_expenses", "ai_spend", "spend_by_scope", "budget_status", "spend_revisions"),
}
EVALUATED = {
    *("no_day_is_missing", "grouped_lines_equal_console_figure", "reported_spend_stands", "revisions_are_recorded"),
    *("budget_is_not_crossed", "bill_is_fresh", "sheet_can_be_read"),
}
NEEDED = frozenset({"core/sheet_rejections"}).union(*(behind(f"marts/{mart}") for mart in MADE))
MADE_OF = {f"marts/{mart}" for mart in MADE} | {asset for asset in NEEDED if asset.startswith("core/")}
definitions.ASSETS[:] = assets_of(definitions.ASSETS, {"raw"}, MADE_OF)
definitions.CHECKS[:] = checks_of(definitions.CHECKS, EVALUATED, definitions.ASSETS)

handed = WarehouseResource.yield_for_execution


@contextmanager
def over_one_connection(self: Any, context: Any) -> Iterator[Warehouse]:
    """No other process uses the file, and opening it for each step takes a sixth of the time."""
    with handed(self, context) as warehouse, warehouse.connected():
        yield warehouse


WarehouseResource.yield_for_execution = over_one_connection  # type: ignore[method-assign]
defs = definitions.build_defs(settings())
for sensor in defs.sensors or ():
    sensor._min_interval = 4

if __name__ == "__main__":
    import dagster._daemon.sensor as sensors
    from dagster._daemon import controller
    from dagster._daemon.cli import run_command
    from dagster._daemon.run_coordinator import QueuedRunCoordinatorDaemon

    turns = Lock()

    def in_turn(iterate: Callable[..., Iterator[Any]]) -> Callable[..., Iterator[Any]]:
        """Runs and sensors wait for each other. A sensor that ticks during a run requests nothing here, and on a slow
        machine there would be many such ticks.
        """

        def iterate_in_turn(*of: Any, **named: Any) -> Iterator[Any]:
            with turns:
                yield from iterate(*of, **named)

        return iterate_in_turn

    sensors.execute_sensor_iteration = in_turn(sensors.execute_sensor_iteration)
    QueuedRunCoordinatorDaemon.run_iteration = in_turn(QueuedRunCoordinatorDaemon.run_iteration)  # type: ignore[assignment,method-assign]

    controller.RELOAD_WORKSPACE_INTERVAL = 86_400  # otherwise a code server starts each minute and imports everything
    sensors.MIN_INTERVAL_LOOP_TIME = 2
    sys.argv = ["dagster-daemon", "-f", __file__]
    run_command()
