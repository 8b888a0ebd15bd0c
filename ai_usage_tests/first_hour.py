"""A first hour, in a separate process because of its settings: `make demo`, then the work of the daemon of `make ui`
until none is left, then the given commands. Writes the result of each as JSON.

The demo is shorter than a real one. Runs are executed here, one after the other, in place of the daemon's processes.
"""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ai_usage
from ai_usage import settings as settings_module

settings_module.DAYS_OF_A_DEMO = int(os.environ["TEST_DAYS_OF_A_DEMO"])

from ai_usage.commands.__main__ import main  # noqa: E402 - after the days
from ai_usage_tests import lean  # noqa: E402, F401

DEMO = main(["demo"])

import dagster as dg  # noqa: E402 - after the demo: what follows is built from the settings that a command settles
import duckdb  # noqa: E402

from ai_usage.commands import backfill  # noqa: E402
from ai_usage.commands.refresh import Outcome  # noqa: E402
from ai_usage.definitions import defs  # noqa: E402
from ai_usage.partitions import DAYS, Span  # noqa: E402
from ai_usage.settings import Settings, settings  # noqa: E402

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
LOOKS_AT_MOST = 6  # ticks of each sensor; in three minutes most sensors have three


def found() -> dict[str, Any]:
    """The results that a person sees: rows and sums of the spend, and the last result of every check."""
    with duckdb.connect(str(settings().published_database), read_only=True) as db:
        spend = db.execute(
            "select provider, count(*), sum(billed_usd), sum(estimated_usd), min(spend_date), max(spend_date) "
            "from ai_usage_analytics.ai_spend group by provider order by provider"
        ).fetchall()
        checks = db.execute("select * from ai_usage_analytics.check_results").pl().to_dicts()
    return {"spend": spend, "checks": checks}


def left() -> dict[str, Any]:
    """The code that ran, the names in its working folder, and whether boards exist."""
    return {
        "code": ai_usage.__file__,
        "names": sorted(path.name for path in Path().iterdir()),
        "boards": (settings().data_dir / "site" / "index.html").is_file(),
    }


def daemon() -> Iterator[str]:
    """Each run that the sensors request, tick after tick until none requests more, and the runs of the schedules."""
    repository = defs.get_repository_def()
    cursors: dict[str, str | None] = {}
    asked: set[tuple[str, str | None]] = set()
    with dg.DagsterInstance.get() as instance:
        for _ in range(LOOKS_AT_MOST):
            before = len(asked)
            for sensor in repository.sensor_defs:
                with dg.build_sensor_context(
                    instance=instance,
                    cursor=cursors.get(sensor.name),
                    repository_def=repository,
                    resources=dict(defs.resources or {}),
                ) as context:
                    tick = sensor.evaluate_tick(context)
                cursors[sensor.name] = tick.cursor or cursors.get(sensor.name)
                for request in tick.run_requests or ():
                    if (sensor.name, request.run_key) not in asked:
                        asked.add((sensor.name, request.run_key))
                        yield run(instance, str(request.job_name or sensor.job_name), request)
            if len(asked) == before:
                break
        else:
            raise AssertionError(f"the sensors never rest: {asked}")
        for schedule in repository.schedule_defs:
            yield run(instance, schedule.job_name)


def run(instance: dg.DagsterInstance, job: str, request: dg.RunRequest | None = None) -> str:
    result = defs.resolve_job_def(job).execute_in_process(
        instance=instance,
        tags=request.tags if request else None,
        asset_selection=request.asset_selection if request else None,
        run_config=QUIET,
        raise_on_error=False,
    )
    return f"{job} {'succeeded' if result.success else 'failed'}"


def lived(commands: list[list[str]]) -> dict[str, Any]:
    what: dict[str, Any] = {"demo": DEMO, "after_demo": found(), **left()}
    what["runs"] = list(daemon())
    what["after_ui"] = found()
    partitions = DAYS.get_partition_keys()
    what["partitions"] = [partitions[0], partitions[-1]]
    asked: list[Span] = []

    def refresh(of: Settings, span: Span) -> Outcome:  # `make demo` has done this already
        asked.append(span)
        return Outcome()

    backfill.refresh = refresh  # type: ignore[attr-defined]
    what["codes"] = {" ".join(command): main(command) for command in commands}
    what["backfilled"] = [str(span) for span in asked]
    return what


if __name__ == "__main__":
    result = lived(json.loads(sys.argv[1]))
    Path(os.environ["TEST_RESULT"]).write_text(json.dumps(result, default=str), encoding="utf-8")
