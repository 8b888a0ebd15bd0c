"""Dagster's view events: no run materializes a view."""

import dagster as dg
import pytest

from ai_usage.automation import view_events
from ai_usage.automation.view_events import show_views
from ai_usage.definitions import defs
from ai_usage.marts.assets import VIEWS
from ai_usage.marts.column_lineage import column_lineage
from ai_usage.marts.files import marts


def events_of(instance: dg.DagsterInstance, view: dg.AssetSpec) -> list[dg.AssetMaterialization]:
    found = instance.fetch_materializations(view.key, limit=9).records
    return [record.asset_materialization for record in found if record.asset_materialization]


def test_each_version_of_a_view_is_one_event_with_its_column_lineage(monkeypatch: pytest.MonkeyPatch) -> None:
    by_name = {mart.table.name: mart for mart in marts() if mart.table.view_of}
    assert {view.key.path[-1] for view in VIEWS} == set(by_name)
    with dg.DagsterInstance.ephemeral() as instance:
        show_views(instance)
        show_views(instance)
        for view in VIEWS:
            [shown] = events_of(instance, view)
            assert shown.metadata["dagster/column_lineage"].value == column_lineage(by_name[view.key.path[-1]])
        first, *others = VIEWS
        monkeypatch.setattr(view_events, "VIEWS", [first.replace_attributes(code_version="another"), *others])
        show_views(instance)
        assert [len(events_of(instance, view)) for view in VIEWS] == [2, *(1 for _ in others)]


def test_a_view_is_no_part_of_any_run_and_what_reads_it_waits_for_its_tables() -> None:
    graph = defs.resolve_asset_graph()
    views = {view.key for view in VIEWS}

    def tables_of(key: dg.AssetKey) -> set[dg.AssetKey]:
        above = graph.get(key).parent_keys
        return {one for one in above - views if one.path[0] != "raw"}.union(*map(tables_of, above & views))

    readers = [reader for view in views for reader in graph.get(view).child_keys - views]
    assert not [view for view in views if graph.get(view).is_executable]
    assert readers
    assert not [reader for reader in readers if tables_of(reader) - graph.get(reader).parent_keys]
