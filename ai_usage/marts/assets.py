"""The marts as assets: one for each file that `files` finds, with what its SELECT reads as its parents,
through views too. Views are assets without a step.
"""

from collections.abc import Iterable
from typing import Any

import dagster as dg

from ai_usage.layers import daily_asset, snapshot_asset, spec
from ai_usage.marts.build_days import rebuild
from ai_usage.marts.files import Mart, marts
from ai_usage.marts.versions import code_versions
from ai_usage.warehouse.port import Warehouse

OF_VIEWS = {mart.table.name: mart for mart in marts() if mart.table.view_of}


def parents_of(mart: Mart) -> set[tuple[str, str]]:
    """Layer and name of what a mart reads and, of one that is built, of the tables that it reads through views: a run
    has no step for a view and must build these first.
    """
    marts_read = (name for layer, name in mart.reads if layer == "marts")
    return {*mart.reads, *(() if mart.table.view_of else through_views(marts_read))}


def through_views(names: Iterable[str]) -> set[tuple[str, str]]:
    """Layer and name of the tables that are read through those of these marts that are views, other than raw ones."""
    found = set[tuple[str, str]]()
    for view in (OF_VIEWS[name] for name in names if name in OF_VIEWS):
        found |= {(layer, name) for layer, name in view.reads if layer != "raw" and name not in OF_VIEWS}
        found |= through_views(name for layer, name in view.reads if layer == "marts")
    return found


def asset_of(mart: Mart) -> dg.AssetsDefinition:
    """The asset that fills the table of a mart's file."""

    def built(context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Warehouse]) -> None:
        rebuild(context, warehouse, mart)

    built.__doc__ = mart.about
    if mart.is_daily:
        return daily_asset("marts", mart.table, days_of=_gating(mart), **_declared(mart))(built)
    return snapshot_asset("marts", mart.table, **_declared(mart))(built)


def view_of(mart: Mart) -> dg.AssetSpec:
    """What Dagster shows of a view. No run fills it: it is there as soon as the warehouse is open."""
    declared = _declared(mart)
    declared["kinds"] |= {"view"}
    shown = spec("marts", mart.table, description=mart.about, daily=mart.is_daily, days_of=_gating(mart), **declared)
    return shown.replace_attributes(partitions_def=None)


def _declared(mart: Mart) -> dict[str, Any]:
    return {
        "group": mart.group,
        "kinds": {"sql", "duckdb"},
        "deps": [dg.AssetKey(list(address)) for address in sorted(parents_of(mart))],
        "version": code_versions()[mart.table.name],
    }


def _gating(mart: Mart) -> list[str]:
    return [pull for gate in mart.gates for pull in gate.pulls]


ASSETS = [asset_of(mart) for mart in marts() if not mart.table.view_of]
VIEWS = [view_of(mart) for mart in OF_VIEWS.values()]
