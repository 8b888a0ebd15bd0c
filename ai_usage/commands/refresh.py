"""Refreshes a range of days in this process, shows the progress, and prints the results."""

import logging
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date

import dagster as dg
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from ai_usage.automation.dead_runs import runs_of_this_process
from ai_usage.automation.runs import Runs
from ai_usage.automation.warehouse_resource import warehouse_of
from ai_usage.checks.results import CheckResult, Result, never_run, of_evaluation, results_of, summary
from ai_usage.commands.data_folder import RESERVE
from ai_usage.commands.terminal import ERR, OUT
from ai_usage.definitions import build_defs
from ai_usage.layers import SKIPPED, TABLE_WAS_BUILT, reason
from ai_usage.partitions import Span, runs_of_days
from ai_usage.settings import Settings


@dataclass
class Outcome:
    """What the runs of a refresh did: steps that failed and why, check results, requests by asset."""

    failures: dict[str, str] = field(default_factory=dict)
    evaluations: list[dg.AssetCheckEvaluation] = field(default_factory=list)
    not_evaluated: list[CheckResult] = field(default_factory=list)
    requests: Counter[str] = field(default_factory=Counter)
    skipped: dict[str, str] = field(default_factory=dict)

    @property
    def results(self) -> list[CheckResult]:
        """Every check result: passed, warned, failed and not evaluated. A check that one of several runs evaluated is
        evaluated.
        """
        evaluated = [of_evaluation(evaluation) for evaluation in self.evaluations]
        keys, checks = {one.key for one in evaluated}, {(one.asset, one.check) for one in evaluated}
        return evaluated + [
            one
            for one in {one.key: one for one in self.not_evaluated}.values()
            if one.key not in keys and (one.day or (one.asset, one.check) not in checks)
        ]

    @property
    def wrong(self) -> list[CheckResult]:
        """The results that failed or warned, failed ones first, then by day."""
        wrong = [one for one in self.results if one.result in {"failed", "warned"}]
        return sorted(wrong, key=lambda one: (one.result, one.day or date.min, one.check, one.asset))

    @property
    def summary(self) -> str:
        """Such as `154 passed, 3 warned, 1 failed, 12 not evaluated`."""
        return summary(self.results)

    @property
    def is_good(self) -> bool:
        return not self.failures and not any(one.result == "failed" for one in self.wrong)


def refresh(of: Settings, span: Span) -> Outcome:
    """Pull the days from every source, then build and check what changed, in runs that the UI shows."""
    with _recorded(of) as runs:
        runs.refresh(span)
    return outcome_of(runs)


def build(of: Settings, span: Span) -> Outcome:
    """Build and check the days, and everything else that is stale, from the ledger: no provider is asked."""
    with _recorded(of) as runs:
        runs.build(span)
    return outcome_of(runs)


@contextmanager
def _recorded(of: Settings) -> Iterator[Runs]:
    """Runs in this process, recorded in the instance that the UI shows, with a bar that moves along."""
    repository = build_defs(of, loggers={"progress": _progress_logger}).get_repository_def()
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=OUT,
        transient=OUT.is_terminal,
    ) as progress:
        _Follower.current = follower = _Follower(progress)
        with dg.DagsterInstance.get() as instance, ends_what_broke_off(of, instance):
            yield Runs(
                of,
                repository,
                instance,
                warehouse_of(of),
                run_config={"loggers": {"progress": {}}},
                begins=lambda job: follower.begin(len(job.nodes)),
            )


@contextmanager
def ends_what_broke_off(of: Settings, instance: dg.DagsterInstance) -> Iterator[None]:
    """Ends the runs that this process began and did not finish, so that none stays in progress: even on a full disk,
    where Dagster needs the reserved space to record the end.
    """
    try:
        yield
    except BaseException as error:
        (of.data_dir / RESERVE).unlink(missing_ok=True)
        with suppress(Exception):  # the error is what counts; the next command ends what is left
            for run in runs_of_this_process(instance):
                instance.report_run_failed(run, f"It broke off: {reason_or_kind(error)}. What it pulled is kept.")
        raise


def reason_or_kind(error: BaseException) -> str:
    """An error on one line."""
    return reason(error) if isinstance(error, Exception) else type(error).__name__


def outcome_of(runs: Runs) -> Outcome:
    """The results of the runs."""
    outcome = Outcome(failures=dict(runs.failures), skipped=dict(runs.not_configured))
    found: list[CheckResult] = []
    for result in runs.results:
        outcome.evaluations += result.get_asset_check_evaluations()
        planned = result.job_def.asset_layer.asset_graph.asset_check_keys
        found += results_of(((event, 0.0) for event in result.all_events), planned)
        for event in result.all_events:
            if event.is_step_materialization:
                metadata = event.step_materialization_data.materialization.metadata
            elif event.is_asset_observation:
                metadata = event.asset_observation_data.asset_observation.metadata
            else:
                continue
            asset = event.asset_key.to_user_string() if event.asset_key else ""
            if "requests_in_run" in metadata:
                outcome.requests[asset] = int(metadata["requests_in_run"].value)  # type: ignore[arg-type]
            if event.is_asset_observation and SKIPPED in metadata:
                outcome.skipped[asset] = str(metadata[SKIPPED].value)
    checks = (key for key in runs.repository.asset_graph.asset_check_keys if key.name != TABLE_WAS_BUILT)
    outcome.not_evaluated = [one for one in (*found, *never_run(checks, found)) if one.result == "not evaluated"]
    return outcome


MARKS: dict[Result, tuple[str, str]] = {
    "failed": ("red", "✗"),
    "warned": ("yellow", "!"),
    "not evaluated": ("yellow", "–"),
    "passed": ("green", "✓"),
}


def print_troubles(outcome: Outcome, *, at_most: int = 15) -> None:
    """Steps that failed, then checks that failed, then warnings, then what was skipped: each in a line."""
    for why, steps in _by_cause(outcome.failures).items():
        ERR.print(f"[bold red]✗ {', '.join(steps)}[/] {escape(why)}", soft_wrap=True)
    troubles = _alike(outcome.wrong)
    for days, one in troubles[:at_most]:
        color, mark = MARKS[one.result]
        when = f"{days} " if days else ""
        why = f"On {one.day}: {one.why}" if days.endswith(" days)") else one.why
        OUT.print(f"[{color}]{mark} {when}{one.check} of {one.asset}[/] {escape(why)}", soft_wrap=True)
    if len(troubles) > at_most:
        OUT.print(f"  … and {len(troubles) - at_most} more; the Dagster UI lists them all.")
    for why, assets in _by_cause(outcome.skipped).items():
        OUT.print(f"[yellow]– {', '.join(assets)}[/] {escape(why)}", soft_wrap=True)


def print_not_evaluated(outcome: Outcome) -> None:
    """Why checks were not evaluated, a line for each reason with the number of checks."""
    reasons: dict[str, list[CheckResult]] = {}
    for one in outcome.results:
        if one.result == "not evaluated":
            reasons.setdefault(re.sub(r"raw/\w+(, raw/\w+)*|\d+|week\w+( days)?", "", one.why), []).append(one)
    color, mark = MARKS["not evaluated"]
    for group in sorted(reasons.values(), key=lambda group: -len(group)):
        checks = {(one.asset, one.check) for one in group}
        many = f"{len(checks)} checks, such as " if len(checks) > 1 else ""
        first = f"{group[0].check} of {group[0].asset}"
        OUT.print(f"[{color}]{mark} not evaluated: {many}{first}:[/] {escape(group[0].why)}", soft_wrap=True)


def _alike(wrong: Iterable[CheckResult]) -> list[tuple[str, CheckResult]]:
    """Groups the results of a check that differ only in day and numbers: the days, and the first result."""
    groups: dict[tuple[str, str, str, str], list[CheckResult]] = {}
    for one in wrong:
        groups.setdefault((one.result, one.check, one.asset, re.sub(r"\d+", "0", one.why)), []).append(one)
    return [(days_of(one.day for one in group), group[0]) for group in groups.values()]


def days_of(days: Iterable[date | None]) -> str:
    """Such as `2026-11-03…2026-11-07 (5 days)`."""
    known = sorted({day for day in days if day})
    spans = ", ".join(map(str, runs_of_days(known)))
    return f"{spans} ({len(known)} days)" if len(known) > 1 else spans


def _by_cause(failures: Mapping[str, str]) -> dict[str, list[str]]:
    """Steps by their error: one wrong key is one trouble, however many endpoints refused it."""
    causes: dict[str, tuple[str, list[str]]] = {}
    for step, why in failures.items():
        cause = re.sub(r"/v1/\S+|request id \S+", "", why)
        causes.setdefault(cause, (why, []))[1].append(step.replace("__", "/"))
    return dict(causes.values())


class _Follower(logging.Handler):
    """Moves the progress bar along with the run's events."""

    current: "_Follower | None" = None

    def __init__(self, progress: Progress) -> None:
        super().__init__()
        self.progress = progress
        self.steps = 0
        self.task = progress.add_task("starting", total=None)

    def begin(self, steps: int) -> None:
        """Starts the bar for another run with this number of steps."""
        self.steps += steps
        self.progress.update(self.task, total=self.steps)

    def emit(self, record: logging.LogRecord) -> None:
        meta = getattr(record, "dagster_meta", {})
        event = meta.get("dagster_event")
        if event is None:
            if record.levelno == logging.WARNING:  # a step's own warning; errors are printed when the run is over
                warning = escape(str(meta.get("orig_message")))
                self.progress.console.print(f"[yellow]{warning}[/]", soft_wrap=True)
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
