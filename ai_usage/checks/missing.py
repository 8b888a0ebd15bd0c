"""The result of a check without its pulls, and the days that a check must evaluate."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import dagster as dg

from ai_usage.check import Finding, NotEvaluated, failed
from ai_usage.checks.accounts import NEVER_PULLED, is_configured, key_variables, optional_of
from ai_usage.ingest.ledger_writes import Source
from ai_usage.partitions import Span
from ai_usage.settings import settings

PRESENT = timedelta(days=3)  # a run with an older last day is about the past: it pulled nothing about the present

RANGE_START, RANGE_END, ONE_PARTITION = (
    "dagster/asset_partition_range_start",
    "dagster/asset_partition_range_end",
    "dagster/partition",
)


@dataclass(frozen=True)
class Missing:
    """The result of a check without its pulls."""

    pulls: Sequence[str]
    optional: frozenset[str]  # pulls that a plan, a key's scope or the sheet may lack; empty: the check is not optional
    configured: bool
    was_to_pull: bool  # whether this run should have made one of them
    not_configured: str

    @classmethod
    def of(
        cls,
        context: dg.AssetCheckExecutionContext,
        sources: Sequence[Source],
        pulls: Sequence[str],
        *,
        is_optional: bool,
    ) -> "Missing":
        selected = context.job_def.asset_layer.selected_asset_keys
        unset = [variable for one in sources for variable in key_variables(one, pulls)]
        return cls(
            pulls=pulls,
            optional=optional_of(sources, pulls) if is_optional else frozenset(),
            configured=any(is_configured(one, client_of(context, one), pulls) for one in sources),
            was_to_pull=any(dg.AssetKey(["raw", pull]) in selected for pull in pulls),
            not_configured=f"Not configured: {' and '.join(unset)} {'is' if len(unset) == 1 else 'are'} not set.",
        )

    def finding(self, *, was_asked: bool, lacking: Collection[str] = ()) -> Finding:
        """`was_asked`: whether the provider was asked about this day at all. `lacking`: the missing pulls of the day;
        empty: all are missing.
        """
        never = [pull for pull in self.pulls if pull in lacking] or self.pulls
        if not self.configured:
            return NotEvaluated(self.not_configured)
        if optional := [pull for pull in never if pull in self.optional]:
            return NotEvaluated(
                f"Optional, and never pulled: {_named(optional)}. The plan, the key's scope or the sheet lacks it."
            )
        if self.optional:
            return NotEvaluated(f"{_named(never)} was never pulled.")
        if was_asked or self.was_to_pull:
            return failed(f"{NEVER_PULLED}: {_named(never)}.")
        return NotEvaluated(f"No provider was asked: {_named(never)} was never pulled.")


def _named(pulls: Sequence[str]) -> str:
    return ", ".join(f"raw/{pull}" for pull in pulls)


def client_of(context: dg.AssetCheckExecutionContext, source: Source) -> Any:
    """The source's client, or those of its accounts; None if it is not configured."""
    return getattr(context.resources, source.resource)


def of_the_past(context: dg.AssetCheckExecutionContext) -> NotEvaluated | None:
    """Why a check about now is not evaluated in this run, if its days do not reach the present."""
    span = span_of_check(context, ())
    if span is None or settings().now().date() - span.last <= PRESENT:
        return None
    return NotEvaluated(f"It is about now, and this run is of {span}.")


def span_of_check(context: dg.AssetCheckExecutionContext, pulled: Collection[date]) -> Span | None:
    """The days of the run; without a partition, from the first day ever pulled to the last. None if there is none."""
    tags = context.run.tags
    if RANGE_START in tags:
        return Span(date.fromisoformat(tags[RANGE_START]), date.fromisoformat(tags[RANGE_END]))
    if ONE_PARTITION in tags:
        day = date.fromisoformat(tags[ONE_PARTITION])
        return Span(day, day)
    return Span(min(pulled), max(pulled)) if pulled else None
