"""The check results of a run: passed, warned, failed or not evaluated, read from Dagster's events.

Dagster stores an evaluation for each check that passed, warned or failed. It has no fourth result. So a check that had
nothing to evaluate stores no evaluation, which Dagster shows as skipped, and stores the reason in an observation of its
asset.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any, Literal

import dagster as dg

from ai_usage.partitions import runs_of_days

Result = Literal["passed", "warned", "failed", "not evaluated"]
RESULTS: tuple[Result, ...] = ("passed", "warned", "failed", "not evaluated")
NOT_EVALUATED_TAG = "ai_usage/not_evaluated"  # the tag of such an observation with the check's name
NOTHING_NEW = "Not run: its source is not configured or returned nothing, so there was nothing to build or check."
WAS_NOT_RUN = "Not run: a step that it depends on failed in this run."


@dataclass(frozen=True)
class CheckResult:
    """The result of one check of one asset on one UTC day. A check without days or that did not run has no day."""

    asset: str  # layer/table
    check: str
    day: date | None
    result: Result
    why: str
    at: float = 0.0  # seconds since the epoch

    @property
    def key(self) -> tuple[str, str, date | None]:
        return self.asset, self.check, self.day


def counted(results: Iterable[CheckResult]) -> dict[Result, int]:
    """The number of each result."""
    found = [one.result for one in results]
    return {result: found.count(result) for result in RESULTS}


def summary(results: Iterable[CheckResult]) -> str:
    """Such as `154 passed, 3 warned, 1 failed, 12 not evaluated`."""
    return ", ".join(f"{count} {result}" for result, count in counted(results).items())


def observation(key: dg.AssetCheckKey, whys: Mapping[date | None, str]) -> dg.AssetObservation:
    """The event that lists the days on which a check had nothing to evaluate, with the reasons."""
    spans: list[dict[str, str | None]] = []
    if None in whys:
        spans.append({"first": None, "last": None, "why": whys[None]})
    of_days = sorted((why, day) for day, why in whys.items() if day is not None)
    for why, group in groupby(of_days, key=lambda one: one[0]):
        together = runs_of_days([day for _, day in group])
        spans += [{"first": str(span.first), "last": str(span.last), "why": why} for span in together]
    reasons = "; ".join(dict.fromkeys(str(span["why"]) for span in spans))
    return dg.AssetObservation(
        key.asset_key,
        description=f"{key.name} is not evaluated: {reasons}",
        metadata={"check": key.name, "not_evaluated": dg.MetadataValue.json(spans)},
        tags={NOT_EVALUATED_TAG: key.name},
    )


def results_of(
    events: Iterable[tuple[dg.DagsterEvent, float]], planned: Collection[dg.AssetCheckKey] = ()
) -> list[CheckResult]:
    """The results in a run's events, each with its time: the last one of each check and day. `planned` are the checks
    of a run that is over: a check has failed if its step failed, and is not evaluated if it did not run.
    """
    found: dict[tuple[str, str, date | None], CheckResult] = {}
    failed_steps: dict[str, str] = {}
    ended = 0.0
    for event, at in events:
        ended = max(ended, at)
        for one in _results_in(event, at):
            found[one.key] = one
        if event.is_step_failure:
            failed_steps[event.step_key or ""] = reason_of(event)
    there = {(asset, check) for asset, check, _ in found}
    for key in planned:
        asset = key.asset_key.to_user_string()
        if (asset, key.name) in there:
            continue
        steps = (step_name(key.asset_key), blocking_step_name(key.asset_key))
        why = next((failed_steps[step] for step in steps if step in failed_steps), None)
        found[asset, key.name, None] = (
            CheckResult(asset, key.name, None, "not evaluated", WAS_NOT_RUN, ended)
            if why is None
            else CheckResult(asset, key.name, None, "failed", f"Could not run: {why}", ended)
        )
    return list(found.values())


def never_run(checks: Iterable[dg.AssetCheckKey], found: Iterable[CheckResult]) -> list[CheckResult]:
    """A "not evaluated" for each of the checks that has none of these results: no run planned it."""
    there = {(one.asset, one.check) for one in found}
    keys = [(key.asset_key.to_user_string(), key.name) for key in checks]
    return [CheckResult(*key, None, "not evaluated", NOTHING_NEW) for key in sorted(keys) if key not in there]


def step_name(asset: dg.AssetKey) -> str:
    """The name of the step that evaluates a table's checks."""
    return f"check__{'__'.join(asset.path)}"


def blocking_step_name(asset: dg.AssetKey) -> str:
    """The name of the step that evaluates those of a table's checks that can block its days."""
    return f"{step_name(asset)}__gate"


def _results_in(event: dg.DagsterEvent, at: float) -> Iterator[CheckResult]:
    if event.event_type == dg.DagsterEventType.ASSET_CHECK_EVALUATION:
        yield of_evaluation(event.asset_check_evaluation_data, at)
    elif event.event_type == dg.DagsterEventType.ASSET_OBSERVATION:
        seen = event.asset_observation_data.asset_observation
        spans = seen.metadata.get("not_evaluated") if NOT_EVALUATED_TAG in seen.tags else None
        if isinstance(spans, dg.JsonMetadataValue) and isinstance(spans.value, list):
            for span in spans.value:
                for day in _days(span["first"], span["last"]):
                    check = seen.tags[NOT_EVALUATED_TAG]
                    yield CheckResult(seen.asset_key.to_user_string(), check, day, "not evaluated", span["why"], at)


def of_evaluation(event: dg.AssetCheckEvaluation, at: float = 0.0) -> CheckResult:
    """The result in a stored evaluation, without the day with which its description begins."""
    is_warning = event.severity == dg.AssetCheckSeverity.WARN
    return CheckResult(
        event.asset_key.to_user_string(),
        event.check_name,
        date.fromisoformat(event.partition) if event.partition else None,
        "passed" if event.passed else "warned" if is_warning else "failed",
        (event.description or "").removeprefix(f"{event.partition}: "),
        at,
    )


def reason_of(event: dg.DagsterEvent) -> str:
    """Why a step failed: its own sentence, or the innermost error."""
    data = event.step_failure_data
    if data.user_failure_data and data.user_failure_data.description:
        return data.user_failure_data.description
    return innermost(data.error)


def innermost(error: Any) -> str:
    """The message of the error that caused the others."""
    while error and error.cause:
        error = error.cause
    return error.message.strip() if error else "unknown"


def _days(first: str | None, last: str | None) -> list[date | None]:
    if first is None or last is None:
        return [None]
    return [
        date.fromordinal(n)
        for n in range(date.fromisoformat(first).toordinal(), date.fromisoformat(last).toordinal() + 1)
    ]
