"""A mart's code version changes exactly if its SELECT or its table changes."""

import dagster as dg
import pytest

from ai_usage.definitions import defs
from ai_usage.marts.files import Mart, marts, read_mart
from ai_usage.marts.versions import code_versions, version_of, versions
from ai_usage.warehouse.googlesql import read
from ai_usage_tests.marts.test_files import GOOD, NAMES


def version(text: str, of_views: tuple[str, ...] = ()) -> str:
    return version_of(text, read_mart("marts/good", text, NAMES).table, of_views)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("What it answers", "What else it answers"),
        ("select\n", "select  -- of one day\n"),
        ("select\n", "select\n    /* of\n one day */\n"),
        ("of whom", "who used it"),
    ],
)
def test_words_and_spaces_change_no_version(old: str, new: str) -> None:
    assert version(GOOD.replace(old, new)) == version(GOOD)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("b.cost_usd,", "b.cost_usd + 1 as cost_usd,"),
        ("p.pull = 'claude_cost_report'", "p.pull = 'claude_cost_report  '"),
        ("p.pull = 'claude_cost_report'", "p.pull = '--claude_cost_report'"),
        ("cost_usd numeric:", "cost_usd numeric not null:"),
        ("cost_usd numeric:", "cost_usd integer:"),
    ],
)
def test_another_select_or_type_changes_the_version(old: str, new: str) -> None:
    assert old in GOOD
    assert version(GOOD.replace(old, new)) != version(GOOD)


def test_a_changed_view_changes_the_versions_of_what_reads_it_and_no_other() -> None:
    read_by_marts = {name for mart in marts() for _, name in mart.reads}
    view = next(mart for mart in marts() if mart.table.view_of and mart.table.name in read_by_marts)
    changed = versions(marts(), lambda query: f"{read(query)}\nlimit 1" if query == view.query else read(query))
    differing = {name for name, version in changed.items() if version != code_versions()[name]}
    views = {mart.table.name for mart in marts() if mart.table.view_of and mart.table.name in differing}
    assert differing == {view.table.name, *(mart.table.name for mart in marts() if reads(mart, views))}
    assert len(differing) > 1


def reads(mart: Mart, views: set[str]) -> bool:
    return any(("marts", view) in mart.reads for view in views)


def test_the_version_stands_at_the_asset() -> None:
    graph = defs.resolve_asset_graph()
    for name, version in code_versions().items():
        assert graph.get(dg.AssetKey(["marts", name])).code_version == version
