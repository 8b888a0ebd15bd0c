"""Dagster's own daemon on the real definitions, in a hurry: it looks every moment, runs in its own process, and its
clock stands where a test puts it. Loaded as the code location, and executed in place of `dagster-daemon run`.
"""

import os
import sys
from datetime import datetime
from pathlib import Path

from ai_usage.settings import Settings

CLOCK = Path(os.environ["TEST_CLOCK"])
Settings.now = lambda _: datetime.fromisoformat(CLOCK.read_text(encoding="utf-8"))  # type: ignore[method-assign,assignment]

from ai_usage.sources import http  # noqa: E402 - after the clock

http.Patience.__init__.__defaults__ = (2, 5.0, 0.01, 0.02, 0.01)

from ai_usage.definitions import build_defs  # noqa: E402
from ai_usage.settings import settings  # noqa: E402

defs = build_defs(settings())
for sensor in defs.sensors or ():
    sensor._min_interval = 1

if __name__ == "__main__":
    import dagster._daemon.sensor as sensors
    from dagster._daemon.cli import run_command

    sensors.MIN_INTERVAL_LOOP_TIME = 1
    sys.argv = ["dagster-daemon", "-f", __file__]
    run_command()
