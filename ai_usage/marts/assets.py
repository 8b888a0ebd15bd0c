"""The marts as assets: one for each file that `files` finds, with what its SELECT reads as its parents,
through views too.
"""

import dagster as dg

from ai_usage.layers import daily_asset, snapshot_asset
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


def asset_of(mart: Mart) -> dg.AssetsDefinition:
    """The asset that a mart's file declares."""

    def built(context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Warehouse]) -> None:
        rebuild(context, warehouse, mart)

    built.__doc__ = mart.about
    kinds = {"sql", "duckdb", *({"view"} if mart.table.view_of else ())}
    deps = [dg.AssetKey(list(address)) for address in sorted(parents_of(mart))]
    version = code_versions()[mart.table.name]
    if not mart.is_daily:
        return snapshot_asset("marts", mart.table, group=mart.group, kinds=kinds, deps=deps, version=version)(built)
    gating = [pull for gate in mart.gates for pull in gate.pulls]
    daily = daily_asset("marts", mart.table, group=mart.group, kinds=kinds, deps=deps, days_of=gating, version=version)
    return daily(built)


ASSETS = [asset_of(mart) for mart in marts()]
