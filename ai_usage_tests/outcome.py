"""The outcome of a run: which steps succeeded, the results of the checks, and the metadata of each day."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any, cast

import dagster as dg

from ai_usage.automation.runs import Runs
from ai_usage.checks.results import CheckResult, results_of
from ai_usage.layers import TABLE_WAS_BUILT


def together(runs: Runs) -> "Outcome":
    """The outcome of several runs."""
    return Outcome(cast("dg.ExecuteInProcessResult", Together(runs.results)), runs.not_configured)


@dataclass(frozen=True)
class Together:
    """The results of several runs, with the interface of one."""

    results: Sequence[dg.ExecuteInProcessResult]

    @property
    def success(self) -> bool:
        return all(Outcome(result).result.success for result in self.results)

    @property
    def run_id(self) -> str:
        return self.results[-1].run_id

    @property
    def all_events(self) -> list[dg.DagsterEvent]:
        return [event for result in self.results for event in result.all_events]

    def __getattr__(self, name: str) -> Callable[[], list[Any]]:
        return lambda: [one for result in self.results for one in getattr(result, name)()]


class Result(dg.ExecuteInProcessResult):
    """A run has not succeeded if a table was not built, even if no step failed."""

    @property
    def success(self) -> bool:
        return super().success and not Outcome(self).not_built


@dataclass(frozen=True)
class Outcome:
    """The outcome of a run: which steps succeeded, the results of the checks, and the metadata of each day."""

    result: dg.ExecuteInProcessResult  # of one run, or of several Together
    not_configured: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not isinstance(self.result, Together):
            self.result.__class__ = Result

    @cached_property
    def evaluations(self) -> dict[tuple[str, str], dict[date | None, dg.AssetCheckEvaluation]]:
        """(check, table) → day → evaluation. `not_built` has whether a table was built."""
        return {of: found for of, found in self.all_evaluations.items() if of[0] != TABLE_WAS_BUILT}

    @cached_property
    def all_evaluations(self) -> dict[tuple[str, str], dict[date | None, dg.AssetCheckEvaluation]]:
        found: dict[tuple[str, str], dict[date | None, dg.AssetCheckEvaluation]] = {}
        for evaluation in self.result.get_asset_check_evaluations():
            day = date.fromisoformat(evaluation.partition) if evaluation.partition else None
            found.setdefault((evaluation.check_name, evaluation.asset_key.path[-1]), {})[day] = evaluation
        return found

    @cached_property
    def results(self) -> list[CheckResult]:
        """The result of every check: passed, warned, failed or not evaluated."""
        runs = getattr(self.result, "results", [self.result])  # one, or several together
        planned = {key for run in runs for key in run.job_def.asset_layer.asset_graph.asset_check_keys}
        return results_of(((event, 0.0) for event in self.result.all_events), planned)

    def not_evaluated(self, check: str, table: str | None = None) -> dict[date | None, str]:
        """The days on which a check is not evaluated, and why. None is for a check without days, or one that did not
        run.
        """
        return {
            one.day: one.why
            for one in self.results
            if one.result == "not evaluated" and one.check == check and table in (None, one.asset.split("/")[-1])
        }

    def not_passed(self, check: str, table: str | None = None) -> set[date | None]:
        """The days on which a check warned or failed."""
        return {
            day
            for (name, of), evaluations in self.all_evaluations.items()
            for day, evaluation in evaluations.items()
            if name == check and table in (None, of) and not evaluation.passed
        }

    def checks_not_passed(self) -> set[str]:
        """The checks that warned or failed on a day, except those of freshness: tests seldom pull up to yesterday."""
        return {name for name, _ in self.evaluations if self.not_passed(name)} - {"pull_is_recent", "bill_is_fresh"}

    def evaluation(self, check: str, day: date | None, table: str = "claude_costs") -> dg.AssetCheckEvaluation:
        return self.evaluations[check, table][day]

    def why(self, check: str, day: date | None, table: str = "claude_costs") -> str:
        """The sentence of a result; empty if the check has nothing to report."""
        return self.evaluation(check, day, table).description or ""

    def noted(self, asset: str, day: date | None) -> dict[str, Any]:
        """The metadata of `layer/table` on a day, whether it was materialized or left unchanged."""
        key = dg.AssetKey(asset.split("/"))
        return {
            name: entry.value
            for of in self.asset_events
            if of.asset_key == key and of.partition in ([day.isoformat(), None] if day else [None])
            for name, entry in of.metadata.items()
        }

    def noted_anywhere(self, name: str) -> dict[str, str]:
        """Asset → this entry, from its last materialization that has it."""
        return {
            of.asset_key.to_user_string(): str(of.metadata[name].value)
            for of in self.asset_events
            if name in of.metadata
        }

    @property
    def asset_events(self) -> list[dg.AssetMaterialization | dg.AssetObservation]:
        """The events of assets that were materialized, and of those that were left unchanged."""
        return [
            event.step_materialization_data.materialization
            if event.is_step_materialization
            else event.asset_observation_data.asset_observation
            for event in self.result.all_events
            if event.is_step_materialization or event.is_asset_observation
        ]

    @property
    def materialized(self) -> dict[str, set[date | None]]:
        """Asset → its days that were materialized."""
        found: dict[str, set[date | None]] = {}
        for event in self.result.get_asset_materialization_events():
            day = event.materialization.partition
            found.setdefault(event.materialization.asset_key.to_user_string(), set()).add(
                date.fromisoformat(day) if day else None
            )
        return found

    @property
    def not_built(self) -> dict[str, str]:
        """Asset → why its table was not built."""
        return {
            check.asset_key.to_user_string(): check.description or ""
            for check in self.result.get_asset_check_evaluations()
            if check.check_name == TABLE_WAS_BUILT and not check.passed
        }

    @property
    def failed(self) -> dict[str, str]:
        """Step → the message of its failure, or why it did not build its table."""
        return {asset.replace("/", "__"): why for asset, why in self.not_built.items()} | {
            event.step_key or "": event.step_failure_data.user_failure_data.description or ""
            if event.step_failure_data.user_failure_data
            else event.step_failure_data.error_display_string
            for event in self.result.get_step_failure_events()
        }

    @property
    def succeeded(self) -> set[str]:
        return {event.step_key or "" for event in self.result.get_step_success_events()} - self.failed.keys()
