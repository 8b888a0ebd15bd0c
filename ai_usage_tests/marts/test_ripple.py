"""A day that is late or restated changes the mart partitions that read it, and no others."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import dagster as dg
import pytest

from ai_usage.catalog import TABLES
from ai_usage.definitions import defs
from ai_usage.marts.build_days import rebuild_days
from ai_usage.marts.files import Mart, marts
from ai_usage.partitions import DAYS, Span
from ai_usage.settings import settings
from ai_usage.warehouse.googlesql import read
from ai_usage.warehouse.table import STAMPS
from ai_usage_tests.mock_claude import DAY, NEXT, ordinary
from ai_usage_tests.platform import Platform, of_others_than, platform_in, whatever_makes

GRAPH = defs.resolve_asset_graph()
LOOKS_BACK = {mart.table.name for mart in marts() if mart.is_daily and "date_sub(@first_day" in read(mart.query)}
SELDOM = {"former_member_spend", "spend_anomalies"}  # most days have no row
OTHERS = LOOKS_BACK | SELDOM
DAILY = [mart for mart in marts() if mart.is_daily and not mart.is_monthly and mart.table.name not in OTHERS]
SPAN = Span(date(2026, 11, 10), date(2026, 11, 12))
MIDDLE = date(2026, 11, 11)


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Platform:
    platform = platform_in(tmp_path_factory.mktemp("ripple"))
    of = replace(settings(), simulate=True)
    assert platform.refresh(
        of,
        SPAN,
        only=whatever_makes(
            "core/openai_daily_cost", "core/gemini_daily_cost", *(f"marts/{mart.table.name}" for mart in DAILY)
        ),
    ).result.success
    return platform


def test_only_marts_that_compare_a_day_with_those_before_it_look_back() -> None:
    """In these marts a restated day does not change the results of later days."""
    of_anomalies = {"usage_baselines", "spend_deviations", "new_keys_and_models"}
    assert {"active_people", "spend_by_scope", *of_anomalies} == LOOKS_BACK


@pytest.mark.parametrize("mart", DAILY, ids=lambda mart: mart.table.name)
def test_a_day_of_a_mart_is_made_of_that_day_alone(past: Platform, mart: Mart, tmp_path: Path) -> None:
    """Otherwise a rebuilt day would leave other days wrong, and no run would rebuild those."""
    alone = past.copy(tmp_path)
    with alone.warehouse.connected():  # once: opening the file takes longer than deleting from it
        for table in TABLES:
            if table.date_column and table.name != mart.table.name:
                alone.sql(f"delete from {table.address} where {table.date_column} != '{MIDDLE}'")
        rebuild_days(alone.warehouse, replace(mart, blocked_by=()), Span(MIDDLE, MIDDLE))
    assert rows(alone, mart, MIDDLE) == rows(past, mart, MIDDLE) != []


@pytest.mark.parametrize("mart", DAILY, ids=lambda mart: mart.table.name)
def test_dagster_knows_the_same_day_downstream_and_no_other(mart: Mart) -> None:
    key = dg.AssetKey(["marts", mart.table.name])
    for parent in GRAPH.get(key).parent_keys:
        if GRAPH.get(parent).partitions_def is None:
            continue
        mapping = GRAPH.get_partition_mapping(key, parent)
        of_day = DAYS.subset_with_partition_keys([str(MIDDLE)])
        below = mapping.get_downstream_partitions_for_partitions(of_day, DAYS, DAYS)
        assert set(below.get_partition_keys()) == {str(MIDDLE)}


def test_a_restated_day_reaches_every_mart_and_leaves_the_day_beside_it(platform: Platform) -> None:
    built = [mart for mart in DAILY if mart.table.name.startswith(("claude_", "api_", "ai_spend"))]
    built = [mart for mart in built if mart.table.name not in {"claude_parity", "claude_usage_by_line"}]
    only = whatever_makes(*(f"marts/{mart.table.name}" for mart in built)) - of_others_than("anthropic")
    platform.run({DAY: ordinary(10), NEXT: ordinary(20)}, only=only)
    before = {mart.table.name: (rows(platform, mart, DAY), rows(platform, mart, NEXT)) for mart in built}
    platform.run({DAY: ordinary(11)}, span=Span(DAY, DAY), only=only)
    for mart in built:
        was, beside = before[mart.table.name]
        assert was
        assert rows(platform, mart, DAY) != was, mart.table.name
        assert rows(platform, mart, NEXT) == beside


def rows(platform: Platform, mart: Mart, day: date) -> list[tuple[object, ...]]:
    columns = ", ".join(name for name in mart.table.columns if name not in STAMPS)
    return platform.sql(
        f"select {columns} from {mart.table.address} where {mart.table.date_column} = '{day}' order by all"
    )
