"""Parts of the graph, for tests that need only a part."""

from collections.abc import Collection, Iterable
from functools import cache

import dagster as dg

from ai_usage.check import Check
from ai_usage.layers import tables_behind


@cache
def behind(asset: str) -> frozenset[str]:
    """An asset and everything upstream of it."""
    return frozenset({asset}).union(*(behind(one) for one in tables_behind(asset)))


def assets_of(
    assets: Iterable[dg.AssetsDefinition], layers: Collection[str], made: Collection[str]
) -> list[dg.AssetsDefinition]:
    """The assets of whole layers, and the named ones of the other layers."""
    return [one for one in assets if any(key.path[0] in layers or key.to_user_string() in made for key in one.keys)]


def checks_of(checks: Iterable[Check], names: Collection[str], assets: Iterable[dg.AssetsDefinition]) -> list[Check]:
    """The checks with these names that check these assets."""
    there = {key for one in assets for key in one.keys}
    return [one for one in checks if one.name in names and one.key.asset_key in there]
