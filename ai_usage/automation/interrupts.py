"""Ctrl-C in a run of this process. Dagster makes a failed step of it, ends the run and returns as if all were well."""

import dagster as dg


def raise_if_stopped(result: dg.ExecuteInProcessResult) -> None:
    """`KeyboardInterrupt` if a person stopped the run, so that nothing follows it."""
    for event in result.all_events:
        error = event.step_failure_data.error if event.is_step_failure else None
        while error:
            if error.cls_name in {"DagsterExecutionInterruptedError", "KeyboardInterrupt"}:
                raise KeyboardInterrupt
            error = error.cause
