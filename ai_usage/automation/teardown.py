"""How a run's steps are executed. The process puts its name on the run before anything else, so a run that was killed
is recognized as dead. A run that cannot publish the warehouse has failed, though each of its steps succeeded.

The warehouse's resource publishes when the steps are over. Dagster logs an error there as an engine event, and the run
as a success; here the error fails the run, which raises an alert.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import dagster as dg
from dagster._core.execution.context.system import PlanOrchestrationContext
from dagster._core.execution.plan.plan import ExecutionPlan
from dagster._core.executor.in_process import InProcessExecutor
from dagster._core.storage.tags import MAX_RETRIES_TAG

from ai_usage.automation.dead_runs import run_by_this_process
from ai_usage.checks.results import innermost
from ai_usage.errors import WarehouseBusy, WarehouseError

TEARDOWN = "Teardown of resources"  # how Dagster's event of it begins


def teardown_failure(events: Iterable[dg.DagsterEvent]) -> str:
    """One sentence: why a run's resources could not be closed; empty if they were."""
    for event in events:
        if event.is_engine_event and event.engine_event_data.error and (event.message or "").startswith(TEARDOWN):
            return _sentence(event.engine_event_data.error)
    return ""


def _sentence(error: Any) -> str:
    """The message of an error: of the errors that caused one another, the first one of ours, else the first."""
    one = error
    while one:
        if one.cls_name in {WarehouseError.__name__, WarehouseBusy.__name__}:
            return str(one.message).partition(": ")[2].strip()
        one = one.cause
    return innermost(error)


class FailsAtTeardown(InProcessExecutor):
    """Runs the steps one after the other in the run's own process, after putting its name on the run. Fails the run if
    its resources fail to close.
    """

    def execute(
        self, plan_context: PlanOrchestrationContext, execution_plan: ExecutionPlan
    ) -> Iterator[dg.DagsterEvent]:
        plan_context.instance.add_run_tags(plan_context.run_id, run_by_this_process(plan_context.run_id))
        why = ""
        for event in super().execute(plan_context, execution_plan):
            why = why or teardown_failure([event])
            yield event
        if why:
            # No step failed, so there is none to retry: the next run publishes what this one could not.
            plan_context.instance.add_run_tags(plan_context.run_id, {MAX_RETRIES_TAG: "0"})
            raise WarehouseError(why)


def _made(init: dg.InitExecutorContext) -> FailsAtTeardown:
    plain: Any = dg.in_process_executor.executor_creation_fn
    made: InProcessExecutor = plain(init)
    return FailsAtTeardown(made.retries, made.step_dependency_config, made.marker_to_close)


CONFIG: Any = dg.in_process_executor.config_schema
in_process = dg.ExecutorDefinition(
    "in_process",
    CONFIG,
    executor_creation_fn=_made,
    description="All steps of a run in one process. A run that cannot publish the warehouse has failed.",
)


def fail_if_torn_down(instance: dg.DagsterInstance, result: dg.ExecuteInProcessResult) -> str:
    """The same for a run from the command line, for which Dagster uses its own executor."""
    why = teardown_failure(result.all_events)
    if why and (run := instance.get_run_by_id(result.run_id)) and run.status == dg.DagsterRunStatus.SUCCESS:
        instance.report_run_failed(run, why)
    return why
