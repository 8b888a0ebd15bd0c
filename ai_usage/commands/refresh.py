"""Runs the graph over a range of days in this process, showing what it is at, and tells what came of it."""

import logging
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import dagster as dg
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from ai_usage.automation.interrupts import raise_if_stopped
from ai_usage.automation.refresh import range_tags
from ai_usage.commands.shell import ERR, OUT
from ai_usage.definitions import build_defs
from ai_usage.partitions import Span
from ai_usage.settings import Settings


@dataclass
class Outcome:
    """What a refresh did: steps that failed and why, verdicts, requests by asset."""

    failures: dict[str, str] = field(default_factory=dict)
    verdicts: list[dg.AssetCheckEvaluation] = field(default_factory=list)
    requests: Counter[str] = field(default_factory=Counter)
    skipped: dict[str, str] = field(default_factory=dict)

    @property
    def wrong(self) -> list[dg.AssetCheckEvaluation]:
        """The verdicts that are not green, errors first, then by day."""
        red = [v for v in self.verdicts if not v.passed]
        return sorted(red, key=lambda v: (v.severity != dg.AssetCheckSeverity.ERROR, v.partition or "", v.check_name))

    @property
    def is_good(self) -> bool:
        return not self.failures and not any(v.severity == dg.AssetCheckSeverity.ERROR for v in self.wrong)


def refresh(of: Settings, span: Span) -> Outcome:
    """Pull, build and check the days in one run, recorded in the instance that the UI shows."""
    job = build_defs(of, loggers={"progress": _progress_logger}).resolve_job_def("refresh_range")
    steps = [node.name for node in job.nodes]
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=OUT,
        transient=OUT.is_terminal,
    ) as progress:
        _Follower.current = _Follower(progress, len(steps))
        with dg.DagsterInstance.get() as instance:
            result = job.execute_in_process(
                tags=range_tags(span),
                instance=instance,
                run_config={"loggers": {"progress": {}}},
                raise_on_error=False,
            )
    raise_if_stopped(result)
    return outcome_of(result)


def outcome_of(result: dg.ExecuteInProcessResult) -> Outcome:
    """What a run in this process came to."""
    outcome = Outcome(verdicts=list(result.get_asset_check_evaluations()))
    for event in result.all_events:
        if event.is_step_failure:
            outcome.failures[event.step_key or ""] = _why(event)
        elif event.is_step_materialization:
            asset = event.asset_key.to_user_string() if event.asset_key else ""
            metadata = event.step_materialization_data.materialization.metadata
            if "requests_in_run" in metadata:
                outcome.requests[asset] = int(metadata["requests_in_run"].value)  # type: ignore[arg-type]
            if "skipped" in metadata:
                outcome.skipped[asset] = str(metadata["skipped"].value)
    return outcome


def _why(event: dg.DagsterEvent) -> str:
    data = event.step_failure_data
    if data.user_failure_data and data.user_failure_data.description:
        return data.user_failure_data.description
    error = data.error
    while error and error.cause:
        error = error.cause
    return error.message.strip() if error else "unknown"


def tell_troubles(outcome: Outcome, *, at_most: int = 15) -> None:
    """Failures, then red verdicts, each in a line."""
    for why, steps in _by_cause(outcome.failures).items():
        ERR.print(f"[bold red]✗ {', '.join(steps)}[/] {escape(why)}", soft_wrap=True)
    for verdict in outcome.wrong[:at_most]:
        colour = "red" if verdict.severity == dg.AssetCheckSeverity.ERROR else "yellow"
        day = verdict.partition or "whole"
        OUT.print(f"[{colour}]✗ {day} {verdict.check_name}[/] {escape(verdict.description or '')}", soft_wrap=True)
    if len(outcome.wrong) > at_most:
        OUT.print(f"  … and {len(outcome.wrong) - at_most} more; the Dagster UI lists them all.")
    for why, assets in _by_cause(outcome.skipped).items():
        OUT.print(f"[yellow]– {', '.join(assets)}[/] {escape(why)}", soft_wrap=True)


def _by_cause(failures: Mapping[str, str]) -> dict[str, list[str]]:
    """Steps by why they failed: one wrong key is one trouble, at however many endpoints it was refused."""
    causes: dict[str, tuple[str, list[str]]] = {}
    for step, why in failures.items():
        cause = re.sub(r"/v1/\S+|request id \S+", "", why)
        causes.setdefault(cause, (why, []))[1].append(step.replace("__", "/"))
    return dict(causes.values())


class _Follower(logging.Handler):
    """Moves the progress bar along with the run's events."""

    current: "_Follower | None" = None

    def __init__(self, progress: Progress, steps: int) -> None:
        super().__init__()
        self.progress = progress
        self.task = progress.add_task("starting", total=steps)

    def emit(self, record: logging.LogRecord) -> None:
        told = getattr(record, "dagster_meta", {})
        event = told.get("dagster_event")
        if event is None:
            if record.levelno == logging.WARNING:  # a step's own word; errors are told when the run is over
                said = escape(str(told.get("orig_message")))
                self.progress.console.print(f"[yellow]{said}[/]", soft_wrap=True)
        elif event.is_step_start:
            self.progress.update(self.task, description=event.step_key.replace("__", " ").replace("_", " "))
        elif event.is_step_success or event.is_step_failure or event.is_step_skipped:
            self.progress.advance(self.task)
            if not OUT.is_terminal and not event.step_key.startswith("check__"):  # a log has no moving bar
                mark = "·" if event.is_step_success else "✗"
                self.progress.console.print(f"  {mark} {event.step_key.replace('__', '/')}")


@dg.logger
def _progress_logger(_: dg.InitLoggerContext) -> logging.Logger:
    """Feeds the progress bar."""
    logger = logging.Logger("progress", logging.DEBUG)  # noqa: LOG001 - of this run alone, not the process's
    if _Follower.current:
        logger.addHandler(_Follower.current)
    return logger
