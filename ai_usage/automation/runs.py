"""A refresh in this process: a run of each source's pull job, then runs of the build job for what changed.

`make backfill`, `make build`, the demo and the jobs `refresh_day` and `refresh_range` all use it; sensors launch the
same jobs through the queue. Each run is recorded like any other. A source that fails only fails its own run.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import dagster as dg
from dagster._core.utils import make_new_run_id

from ai_usage.automation.build_requests import requests
from ai_usage.automation.cadence import CADENCES
from ai_usage.automation.dead_runs import end_the_dead, run_by_this_process
from ai_usage.automation.interrupts import heeded
from ai_usage.automation.refresh import BUILD, CHAIN, REFRESH_DAY, REFRESH_RANGE, range_tags, time_limit
from ai_usage.automation.teardown import fail_if_torn_down, in_process, teardown_failure
from ai_usage.checks.missing import ONE_PARTITION, RANGE_END, RANGE_START
from ai_usage.checks.results import innermost, reason_of
from ai_usage.errors import SettingError, WarehouseError
from ai_usage.layers import LEFT, TABLE_WAS_BUILT
from ai_usage.partitions import DAYS, Span
from ai_usage.places import COMMAND
from ai_usage.settings import Settings, settings
from ai_usage.warehouse.port import Warehouse

REFRESH_POOL = "refresh"  # one at a time; its runs of pulls and builds run in its own process and need no pool

Repository = Any  # Dagster's repository: its jobs have their resources


@dataclass
class Runs:
    """Runs jobs one after the other. `begins` is called with each job before it runs."""

    of: Settings
    repository: Repository
    instance: dg.DagsterInstance
    ledger: Warehouse
    run_config: Mapping[str, Any] | None = None
    begins: Callable[[dg.JobDefinition], None] = lambda _: None
    results: list[dg.ExecuteInProcessResult] = field(default_factory=list)
    not_configured: dict[str, str] = field(default_factory=dict)  # by source

    def refresh(self, span: Span) -> None:
        """Pull the days from every configured source, then build them and everything else that is stale."""
        self.pull(span)
        self.build(span)

    def pull(self, span: Span) -> None:
        """A run for each source that is configured."""
        end_the_dead(self.instance)
        for cadence in CADENCES:
            if not cadence.is_configured(self.of):
                self.not_configured[cadence.name] = f"not configured: {cadence.key_variable} is not set"
                continue
            self.run(cadence.job, {**(range_tags(span) if cadence.daily else {}), CHAIN: cadence.job})

    def build(self, asked: Span | None) -> None:
        """Build what is stale, and all of the days that were asked for, from the ledger."""
        for request in list(requests(self.ledger, self.repository.asset_graph, asked=asked)):
            self.run(BUILD, dict(request.tags), request.asset_selection)

    def run(self, name: str, tags: Mapping[str, str], keys: Any = None) -> None:
        """One run. An unusable warehouse, or an interrupt, cancels the runs that would follow."""
        job = self.repository.get_job(name)
        if keys is not None:
            job = job.get_subset(asset_selection=frozenset(keys))
        self.begins(job)
        run_id = make_new_run_id()
        with heeded():
            result = job.execute_in_process(
                run_id=run_id,
                tags={**tags, **run_by_this_process(run_id)},
                instance=self.instance,
                run_config=dict(self.run_config or {}),
                raise_on_error=False,
            )
            self.results.append(result)
            fail_if_torn_down(self.instance, result)
        for event in result.get_step_failure_events():
            if is_of_the_warehouse(event.step_failure_data.error):
                raise WarehouseError(reason_of(event))

    @property
    def failures(self) -> dict[str, str]:
        """What failed and why: steps, and whatever failed before its first step."""
        found: dict[str, str] = {}
        for result in self.results:
            found |= failures_of(result)
        return found


def failures_of(result: dg.ExecuteInProcessResult) -> dict[str, str]:
    """Step → why it failed. The key is the job's name if the run failed before its first step, and `warehouse` if it
    could not publish the warehouse.
    """
    steps = {event.step_key or "": reason_of(event) for event in result.get_step_failure_events()}
    if why := teardown_failure(result.all_events):
        steps["warehouse"] = why
    if steps or result.success:
        return steps
    errors = [getattr(event.event_specific_data, "error", None) for event in result.all_events if event.is_failure]
    return {result.job_def.name: innermost(next(filter(None, errors), None))}


def is_of_the_warehouse(error: Any) -> bool:
    """Whether a step failed because the warehouse cannot be used."""
    return bool(error) and (error.cls_name == WarehouseError.__name__ or is_of_the_warehouse(error.cause))


def not_built(result: dg.ExecuteInProcessResult) -> dict[str, str]:
    """Table → why it was not changed."""
    return {
        check.asset_key.to_user_string(): (check.description or "unknown").removeprefix(f"{LEFT}: ")
        for check in result.get_asset_check_evaluations()
        if check.check_name == TABLE_WAS_BUILT and not check.passed
    }


def jobs(repository: Callable[[], Repository]) -> Iterator[dg.JobDefinition]:
    """`refresh_day` and `refresh_range`, for the UI: one op that does what `make backfill` does."""

    @dg.op(
        name="refresh",
        pool=REFRESH_POOL,
        required_resource_keys={"warehouse"},
        description="Runs each source's pull job, then the build job for what changed, as runs of their own.",
    )
    def refresh(context: dg.OpExecutionContext) -> None:
        runs = Runs(settings(), repository(), context.instance, context.resources.warehouse)
        runs.refresh(span_asked(context.run.tags))
        built = {table: why for result in runs.results for table, why in not_built(result).items()}
        ended = {result.run_id: "succeeded" if result.success else "failed" for result in runs.results}
        context.log.info("Runs: %s", ended)
        if troubles := runs.failures | built:
            summary = "; ".join(f"{what}: {sentence}" for what, sentence in troubles.items())
            raise dg.Failure(description=summary, allow_retries=False)

    executor = in_process
    yield dg.job(
        name=REFRESH_DAY,
        partitions_def=DAYS,
        executor_def=executor,
        run_tags=time_limit(),
        description="Pull one UTC day from every source, then build and check what changed. Pick the day as the "
        "partition. Each source and the build are runs of their own.",
    )(lambda: refresh() and None)
    yield dg.job(
        name=REFRESH_RANGE,
        executor_def=executor,
        run_tags=time_limit(),
        description="The same for a range of days, in the fewest requests. The range is in the tags "
        f"{RANGE_START} and {RANGE_END}; `{COMMAND} backfill` does the same from the command line.",
    )(lambda: refresh() and None)


def span_asked(tags: Mapping[str, str]) -> Span:
    """The days that a run's tags name."""
    if RANGE_START in tags and RANGE_END in tags:
        return Span(date.fromisoformat(tags[RANGE_START]), date.fromisoformat(tags[RANGE_END]))
    if ONE_PARTITION in tags:
        day = date.fromisoformat(tags[ONE_PARTITION])
        return Span(day, day)
    raise SettingError(f"This run names no day: set its tags {RANGE_START} and {RANGE_END}, such as 2026-01-31.")
