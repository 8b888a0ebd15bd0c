"""A first hour, in a process of its own since its settings are its own: `make demo`, then the daemon of `make ui` until it
has nothing left to do, then whatever commands it is given. Prints what came of each as JSON.

The demo is shorter than a real one. Runs are executed here, one after the other, instead of in processes of the daemon.
"""

import json
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ai_usage import settings as settings_module

settings_module.DAYS_OF_A_DEMO = int(os.environ.pop("TEST_DAYS_OF_A_DEMO"))

import dagster as dg  # noqa: E402 - after the days
import duckdb  # noqa: E402

from ai_usage.commands.__main__ import main  # noqa: E402
from ai_usage.settings import settings  # noqa: E402

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
LOOKS_AT_MOST = 6  # a round of all sensors; three minutes are three rounds of most


def found() -> dict[str, Any]:
    """What a person sees of the warehouse: rows and sums, the days, what the checks say."""
    with duckdb.connect(str(settings().published_database), read_only=True) as db:
        spend = db.execute(
            "select provider, count(*), sum(billed_usd), sum(estimated_usd), min(spend_date), max(spend_date) "
            "from ai_usage_analytics.ai_spend group by provider order by provider"
        ).fetchall()
        checks = db.execute("select * from ai_usage_analytics.check_results").pl().to_dicts()
    return {"spend": spend, "checks": checks}


def daemon() -> Iterator[str]:
    """Every sensor's looks and the runs they ask for, until none asks for more. Yields each run."""
    from ai_usage.definitions import defs  # noqa: PLC0415 - built from the settings of now

    repository = defs.get_repository_def()
    cursors: dict[str, str | None] = {}
    keys: set[str] = set()
    with dg.DagsterInstance.get() as instance:
        for _ in range(LOOKS_AT_MOST):
            before = len(keys)
            for sensor in repository.sensor_defs:
                with dg.build_sensor_context(
                    instance=instance,
                    cursor=cursors.get(sensor.name),
                    repository_def=repository,
                    resources=dict(defs.resources or {}),
                ) as context:
                    said = sensor.evaluate_tick(context)
                cursors[sensor.name] = said.cursor or cursors.get(sensor.name)
                for request in said.run_requests or ():
                    if f"{sensor.name} {request.run_key}" not in keys:
                        keys.add(f"{sensor.name} {request.run_key}")
                        yield run(instance, request, sensor.job_name)
            if len(keys) == before:
                return
    raise AssertionError(f"the sensors never rest: {sorted(keys)}")


def run(instance: dg.DagsterInstance, request: dg.RunRequest, job: str) -> str:
    from ai_usage.definitions import defs  # noqa: PLC0415

    result = defs.resolve_job_def(request.job_name or job).execute_in_process(
        instance=instance,
        tags=request.tags,
        asset_selection=request.asset_selection,
        run_config=QUIET,
        raise_on_error=False,
    )
    return f"{job} {'succeeded' if result.success else 'failed'}"


def lived(commands: list[list[str]]) -> dict[str, Any]:
    told: dict[str, Any] = {"demo": main(["demo"]), "after_demo": found()}
    told["runs"] = list(daemon())
    told["after_ui"] = found()
    told["start_date"] = settings().start_date
    told["codes"] = [main(command) for command in commands]
    return told


if __name__ == "__main__":
    logging.getLogger("dagster").setLevel(logging.CRITICAL)
    Path(os.environ["TEST_RESULT"]).write_text(
        json.dumps(lived(json.loads(sys.argv[1])), default=str),
        encoding="utf-8",
    )
