"""The marts as assets: one for each file that `files` finds, with what its SELECT reads as its parents,
through views too.
"""

from typing import Any

import dagster as dg

from ai_usage.layers import daily_asset, snapshot_asset, spec
from ai_usage.marts.build_days import rebuild
from ai_usage.marts.files import Mart, marts
from ai_usage.marts.versions import code_versions
from ai_usage.warehouse.port import Warehouse

VIEWS = {mart.table.name: mart for mart in marts() if mart.table.view_of}


def parents_of(mart: Mart) -> set[tuple[str, str]]:
    """Layer and name of what a mart reads and, of one that is built, of the tables that it reads through views: a run
    that leaves a view out must build these first all the same.
    """
    return {*mart.reads, *(() if mart.table.view_of else _through_views(mart))}


def _through_views(mart: Mart) -> set[tuple[str, str]]:
    found = set[tuple[str, str]]()
    for view in (VIEWS[name] for layer, name in mart.reads if layer == "marts" and name in VIEWS):
        tables = {(layer, name) for layer, name in view.reads if layer != "raw" and name not in VIEWS}
        found |= tables | _through_views(view)
    return found


def asset_of(mart: Mart) -> dg.AssetsDefinition | dg.AssetSpec:
    """The asset that a mart's file declares. A view has no step: it is there as soon as the warehouse is open."""
    table = mart.table
    declared: dict[str, Any] = {
        "group": mart.group,
        "deps": [dg.AssetKey(list(address)) for address in sorted(parents_of(mart))],
        "version": code_versions()[table.name],
    }
    gating = [pull for gate in mart.gates for pull in gate.pulls]
    if table.view_of:
        kinds = {"sql", "duckdb", "view"}
        of_view = spec("marts", table, kinds=kinds, description=mart.about, daily=mart.is_daily, days_of=gating, **declared)
        return of_view.replace_attributes(partitions_def=None)

    def built(context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Warehouse]) -> None:
        rebuild(context, warehouse, mart)

    built.__doc__ = mart.about
    declared["kinds"] = {"sql", "duckdb"}
    if mart.is_daily:
        return daily_asset("marts", table, days_of=gating, **declared)(built)
    return snapshot_asset("marts", table, **declared)(built)


ASSETS = [asset_of(mart) for mart in marts()]
