"""How an asset of this project is declared: its address, its layer, its days, and what a run notes about each day.

One name, three addresses: the asset `[layer, table]`, the warehouse's `schema.table`, the function's own name.
"""

from collections.abc import Callable, Sequence
from datetime import date
from functools import wraps
from inspect import isgeneratorfunction
from typing import Any, TypeVar, cast

import dagster as dg

from ai_usage.errors import AiUsageError
from ai_usage.partitions import DAYS
from ai_usage.warehouse.table import Table

OWNERS = ["team:data-platform"]
POOL = "duckdb"  # one writer: dagster.yaml lets one queued run at a time have it
MANY_DAYS_A_RUN = dg.BackfillPolicy.single_run()

F = TypeVar("F", bound=Callable[..., Any])
Decorate = Callable[[Callable[..., Any]], dg.AssetsDefinition]


def spec(layer: str, table: Table, *, group: str, kinds: set[str], description: str = "", deps: Sequence[Any] = (),
         daily: bool = True) -> dg.AssetSpec:  # fmt: skip
    """What Dagster is told of a table before it is ever filled."""
    return dg.AssetSpec(
        key=[layer, table.name],
        group_name=group,
        description=f"{description}\n\nOne row: {table.grain}.".strip(),
        deps=list(deps),
        kinds=kinds,
        owners=OWNERS,
        tags={"layer": layer},
        metadata=table.metadata(),
        partitions_def=DAYS if daily else None,
    )


def daily_asset(layer: str, table: Table, *, group: str, kinds: set[str], deps: Sequence[Any] = ()) -> Decorate:
    """An asset partitioned by UTC day that takes a whole range in one run."""
    return _asset(layer, table, group=group, kinds=kinds, deps=deps, daily=True)


def snapshot_asset(layer: str, table: Table, *, group: str, kinds: set[str], deps: Sequence[Any] = ()) -> Decorate:
    """An asset without days: a directory as it is now."""
    return _asset(layer, table, group=group, kinds=kinds, deps=deps, daily=False)


def _asset(layer: str, table: Table, *, daily: bool, **more: Any) -> Decorate:
    def decorate(function: Callable[..., Any]) -> dg.AssetsDefinition:
        described = spec(layer, table, daily=daily, description=_plain(function.__doc__), **more)
        return dg.multi_asset(
            name=f"{layer}__{table.name}",
            specs=[described],
            pool=POOL,
            backfill_policy=MANY_DAYS_A_RUN if daily else None,
        )(in_plain_words(function))

    return decorate


def in_plain_words(function: F) -> F:
    """The same step, failing with the one sentence of an `AiUsageError` instead of a traceback."""

    @wraps(function)
    def step(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except AiUsageError as error:
            raise dg.Failure(description=str(error), allow_retries=False) from error

    @wraps(function)
    def generator_step(*args: Any, **kwargs: Any) -> Any:
        try:
            yield from function(*args, **kwargs)
        except AiUsageError as error:
            raise dg.Failure(description=str(error), allow_retries=False) from error

    return cast("F", generator_step if isgeneratorfunction(function) else step)


def _plain(docstring: str | None) -> str:
    return " ".join((docstring or "").split())


def note(context: dg.AssetExecutionContext, asset: str, day: date | None, **metadata: Any) -> None:
    """Add metadata to one day's materialization of `layer/table`; without a day, to all of the run's."""
    context.add_asset_metadata(
        metadata, asset_key=dg.AssetKey(asset.split("/")), partition_key=day.isoformat() if day else None
    )
