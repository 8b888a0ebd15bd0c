"""Declares the assets of this project: address, layer, days, and what a run notes about each day.

One name, three addresses: the asset `[layer, table]`, the warehouse's `schema.table`, the function's own name.

Here is also the border of DESIGN §3.3. Dagster skips whatever is downstream of a failed step, so a step that builds a
table does not fail: it leaves the table as it was, materializes nothing, and fails the check `table_was_built`.
"""

import time
import traceback
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache, wraps
from inspect import isgeneratorfunction
from typing import Any, TypeVar, cast

import dagster as dg
from dagster._core.definitions.source_asset import SYSTEM_METADATA_KEY_SOURCE_ASSET_OBSERVATION

from ai_usage.errors import AiUsageError, WarehouseError, interruption
from ai_usage.partitions import DAYS, span_of_run
from ai_usage.warehouse.builds import BUILDS, Build
from ai_usage.warehouse.port import Warehouse
from ai_usage.warehouse.present_step import working_on
from ai_usage.warehouse.table import Table

OWNERS = ["team:data-platform"]
POOL = "duckdb"  # of what is built: dagster.yaml lets one queued run at a time have a pool
MANY_DAYS_A_RUN = dg.BackfillPolicy.single_run()
TABLE_WAS_BUILT = "table_was_built"
LEFT = "Not built, left as it was"
SKIPPED = "skipped"  # the note about a day, or all days of a run, for which nothing was written, with the reason
NO_EVENT = {SYSTEM_METADATA_KEY_SOURCE_ASSET_OBSERVATION: True}  # of an output: Dagster materializes nothing for it

LAST_FAILURE = f"""
select failure
from {BUILDS.address}
where asset = @asset and failure is not null
order by built_at desc
limit 1
"""

F = TypeVar("F", bound=Callable[..., Any])
Decorate = Callable[[Callable[..., Any]], dg.AssetsDefinition]
Results = Iterator[dg.MaterializeResult[None] | dg.Output[None] | dg.AssetCheckResult]


@dataclass(frozen=True)
class Declared:
    """What a table is made of, by its address `layer/table`."""

    is_daily: bool
    parents: tuple[str, ...]
    days_of: Collection[str]


DECLARED: dict[str, Declared] = {}
GATING_PULLS: list[str] = []  # the pulls of every provider's gate, which the registry puts here


def spec(layer: str, table: Table, *, group: str, kinds: set[str], description: str = "", deps: Sequence[Any] = (),
         daily: bool = True, days_of: Collection[str] = (), version: str | None = None) -> dg.AssetSpec:  # fmt: skip
    """The description of a table in Dagster."""
    described = dg.AssetSpec(
        key=[layer, table.name],
        group_name=group,
        description=f"{description}\n\nOne row: {table.grain}.".strip(),
        deps=list(deps),
        kinds=kinds,
        owners=OWNERS,
        tags={"layer": layer},
        metadata=table.metadata(),
        partitions_def=DAYS if daily else None,
        code_version=version,
    )
    parents = tuple(dep.asset_key.to_user_string() for dep in described.deps)
    DECLARED[described.key.to_user_string()] = Declared(daily, parents, days_of)
    return described


def daily_asset(layer: str, table: Table, *, group: str, kinds: set[str], deps: Sequence[Any] = (),
                days_of: Collection[str] = (), version: str | None = None) -> Decorate:  # fmt: skip
    """An asset partitioned by UTC day that takes a whole range in one run. It can be built for the days of which the
    daily pulls it is made of, or those of `days_of`, were asked.
    """
    return _asset(layer, table, group=group, kinds=kinds, deps=deps, daily=True, days_of=days_of, version=version)


def snapshot_asset(layer: str, table: Table, *, group: str, kinds: set[str], deps: Sequence[Any] = (),
                   version: str | None = None) -> Decorate:  # fmt: skip
    """An asset without days: a directory as it is now."""
    return _asset(layer, table, group=group, kinds=kinds, deps=deps, daily=False, version=version)


def _asset(layer: str, table: Table, *, daily: bool, **more: Any) -> Decorate:
    def decorate(function: Callable[..., Any]) -> dg.AssetsDefinition:
        described = spec(layer, table, daily=daily, description=_plain(function.__doc__), **more)
        is_pull = layer == "raw"
        return dg.multi_asset(
            name=f"{layer}__{table.name}",
            specs=[described],
            check_specs=None if is_pull else [was_built(described.key)],
            can_subset=not is_pull,  # a run may leave the check out
            pool=pool_of(described),
            backfill_policy=MANY_DAYS_A_RUN if daily else None,
        )(pulled(function, described.key) if is_pull else built(function, described.key))

    return decorate


def pool_of(table: dg.AssetSpec) -> str:
    """The pool of a table's step. Each provider's pulls have their own: while one provider is slow, neither another's
    pulls nor the builds wait for it. A pull has the warehouse only while it writes an answer, and waits for the file.
    """
    return str(table.group_name) if table.key.path[0] == "raw" else POOL


def pool_of_check(asset: dg.AssetKey) -> str | None:
    """The pool of a check. A check of a pull has none: it reads for a moment, and the pull's run must not need the pool
    of the builds.
    """
    return None if asset.path[0] == "raw" else POOL


def was_built(asset: dg.AssetKey) -> dg.AssetCheckSpec:
    """The check of a table's own step."""
    return dg.AssetCheckSpec(
        TABLE_WAS_BUILT,
        asset=asset,
        description="The table was built. If not, it stands as it was before, and only what is made of it is affected.",
    )


def pulled(function: F, asset: dg.AssetKey) -> F:
    """A step that asks a provider. It may fail: its run is that provider's own."""

    @wraps(function)
    def step(context: dg.AssetExecutionContext, *args: Any, **kwargs: Any) -> Results:
        with working_on(asset.to_user_string()):
            function(context, *args, **kwargs)
        yield from materialized(context, asset)

    return in_plain_words(cast("F", step))


def built(function: F, asset: dg.AssetKey) -> F:
    """A step that builds a table or a page. Whatever goes wrong in it, a defect of ours too, fails its check and keeps
    nothing else from being built. Only a warehouse that cannot be used stops the run.
    """

    @wraps(function)
    def step(context: dg.AssetExecutionContext, warehouse: Warehouse) -> Results:
        if not context.selected_asset_keys:  # the check runs alone
            yield last_build(warehouse, asset)
            return
        began, failure = time.time_ns(), ""
        try:
            with working_on(asset.to_user_string()):
                function(context, warehouse)
        except WarehouseError:
            raise
        except Exception as error:
            if interruption(error):
                raise
            failure = reason(error)
            context.log.error("%s: %s", LEFT, explained(error))  # noqa: TRY400 - the traceback is in it
        warehouse.note_build(_build(asset, context, began, failure))
        if context.selected_asset_check_keys:
            yield _was_built(asset, failure)
        if failure:
            yield from _not_materialized(context, asset, {"not_built": failure})
        else:
            yield from materialized(context, asset)

    return in_plain_words(cast("F", step))


def last_build(warehouse: Warehouse, asset: dg.AssetKey) -> dg.AssetCheckResult:
    """The check without a build: what the last one came to."""
    failures = warehouse.ask(LAST_FAILURE, asset=asset.to_user_string())["failure"]
    return _was_built(asset, next(iter(failures), ""))


def _was_built(asset: dg.AssetKey, failure: str) -> dg.AssetCheckResult:
    description = f"{LEFT}: {failure}" if failure else None
    return dg.AssetCheckResult(passed=not failure, asset_key=asset, check_name=TABLE_WAS_BUILT, description=description)


def _build(asset: dg.AssetKey, context: dg.AssetExecutionContext, began: int, failure: str) -> Build:
    name = asset.to_user_string()
    return Build(name, _days(context, asset), began, failure, tables_behind(name))


@cache
def tables_behind(asset: str) -> tuple[str, ...]:
    """The tables that a table is made of, and of a mart those that block its days."""
    if asset not in DECLARED:
        return ()
    pulls = {f"raw/{pull}" for pull in DECLARED[asset].days_of} if asset.startswith("marts/") else set()
    blocking = [name for name, of in DECLARED.items() if name.startswith("core/") and pulls & set(of.parents)]
    return (*DECLARED[asset].parents, *blocking)


def reason(error: Exception) -> str:
    """An error on one line: the sentence of one of ours; the kind and first line of a defect."""
    if isinstance(error, AiUsageError):
        return str(error)
    first = next(iter(str(error).strip().splitlines()), "")
    return f"{type(error).__name__}: {first}" if first else type(error).__name__


def explained(error: Exception) -> str:
    """An error for a log: the traceback of what is a defect of ours."""
    return str(error) if isinstance(error, AiUsageError) else "".join(traceback.format_exception(error))


def materialized(context: dg.AssetExecutionContext, asset: dg.AssetKey) -> Iterator[dg.MaterializeResult[None] | Any]:
    """A step's results for Dagster: only the days that it wrote are materialized. A day that it noted as `skipped`
    becomes an observation with the reason.

    Dagster would materialize every day of the run, and without an output it skips everything downstream. So if days are
    missing, the output is marked as having no event, and the events are logged here.
    """
    noted = context.get_step_execution_context().get_asset_metadata
    whole = noted(asset) or {}
    if SKIPPED in whole:
        return (yield from _not_materialized(context, asset, whole))
    days = _days(context, asset)
    left = {day: of_day for day in days if day and SKIPPED in (of_day := noted(asset, day.isoformat()) or {})}
    if not left:
        return (yield dg.MaterializeResult(asset_key=asset))
    for day in days:
        event = dg.AssetObservation if day in left else dg.AssetMaterialization
        partition = day.isoformat() if day else None
        context.log_event(event(asset, partition=partition, metadata={**whole, **(noted(asset, partition) or {})}))
    yield _output(context, asset)


def _not_materialized(
    context: dg.AssetExecutionContext, asset: dg.AssetKey, why: Mapping[str, Any]
) -> Iterator[dg.Output[None]]:
    context.log_event(dg.AssetObservation(asset, metadata=why))
    yield _output(context, asset)


def _output(context: dg.AssetExecutionContext, asset: dg.AssetKey) -> dg.Output[None]:
    return dg.Output(None, output_name=context.assets_def.get_output_name_for_asset_key(asset), metadata=NO_EVENT)


def _days(context: dg.AssetExecutionContext, asset: dg.AssetKey) -> list[date | None]:
    """The run's days, of an asset that has days."""
    if context.assets_def.specs_by_key[asset].partitions_def is None:
        return [None]
    return list(span_of_run(context).days)


@cache
def pulls_behind(asset: str) -> frozenset[str]:
    """The daily pulls from which a table is built: a day can be built if one of them was made."""
    of = DECLARED[asset]
    found = set(of.days_of)
    for parent in of.parents:
        if parent in DECLARED and DECLARED[parent].is_daily:
            found |= {parent.removeprefix("raw/")} if parent.startswith("raw/") else pulls_behind(parent)
    return frozenset(found)


def in_plain_words(function: F) -> F:
    """The same step, failing with the one sentence of an `AiUsageError` instead of a traceback, and ending the run if a
    person stops it.
    """

    @contextmanager
    def plain() -> Iterator[None]:
        try:
            yield
        except Exception as error:
            if stop := interruption(error):
                raise stop from None
            if isinstance(error, AiUsageError):
                raise dg.Failure(description=str(error), allow_retries=False) from error
            raise

    @wraps(function)
    def step(*args: Any, **kwargs: Any) -> Any:
        with plain():
            return function(*args, **kwargs)

    @wraps(function)
    def generator_step(*args: Any, **kwargs: Any) -> Any:
        with plain():
            yield from function(*args, **kwargs)

    return cast("F", generator_step if isgeneratorfunction(function) else step)


def _plain(docstring: str | None) -> str:
    return " ".join((docstring or "").split())


def note(context: dg.AssetExecutionContext, asset: str, day: date | None, **metadata: Any) -> None:
    """Add metadata to one day's materialization of `layer/table`; without a day, to all of the run's. An amount of
    money is a number, which Dagster plots, with the exact amount as text beside it.
    """
    amounts = {name: value for name, value in metadata.items() if isinstance(value, Decimal)}
    exact = {f"{name}_exact": str(value) for name, value in amounts.items()}
    context.add_asset_metadata(
        metadata | {name: float(value) for name, value in amounts.items()} | exact,
        asset_key=dg.AssetKey(asset.split("/")),
        partition_key=day.isoformat() if day else None,
    )
