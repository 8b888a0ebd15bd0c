"""The registry of checks: its checks are those that Dagster runs, the gate blocks by, and the pages document."""

from datetime import UTC, datetime

import polars as pl

from ai_usage.checks.page import by_name, checks_page, summary_table
from ai_usage.checks.registry import CHECKS, FORMERLY
from ai_usage.checks.result_table import CHECK_RESULTS, renamed
from ai_usage.commands.docs import CHECKS_PAGE
from ai_usage.definitions import defs
from ai_usage.layers import TABLE_WAS_BUILT
from ai_usage.marts.assets import VIEWS
from ai_usage.marts.gate import gating_checks
from ai_usage.providers.registry import BY_KEY, PROVIDERS
from ai_usage.warehouse.googlesql import read

AT = datetime(2026, 11, 20, tzinfo=UTC)


def test_dagster_has_the_checks_of_the_registry_each_once() -> None:
    keys = [check.key for check in CHECKS]
    assert len(set(keys)) == len(keys)
    assert set(keys) == {key for key in defs.resolve_asset_graph().asset_check_keys if key.name != TABLE_WAS_BUILT}


def test_a_check_gates_a_day_where_the_gate_of_its_provider_asks_it() -> None:
    gating = {(check.provider, check.name) for check in CHECKS if check.gates_day}
    assert gating == {(provider.key, name) for provider in PROVIDERS for name in gating_checks(provider.gate)}


def test_each_provider_s_own_checks_bear_its_key_and_have_their_queries_in_its_folder() -> None:
    for provider in PROVIDERS:
        assert {check.provider for check in provider.checks} == {provider.key}
        queries = {check.sql for check in provider.checks if check.sql}
        assert {query.partition("/checks/")[0] for query in queries} == {f"providers/{provider.key}"}


def test_what_is_counted_is_what_the_provider_s_core_rows_have() -> None:
    for key, provider in BY_KEY.items():
        text = read(f"providers/{key}/core_rows")
        assert {pull for pull in provider.daily_pulls if f"'{pull}'" in text} == {
            pull for of in provider.core for pull in of.counted
        }


def test_checks_of_one_name_catch_one_mistake_and_no_former_name_is_in_use() -> None:
    titles = {name: {check.title for check in of} for name, of in by_name(CHECKS).items()}
    assert {name for name, of in titles.items() if len(of) > 1} == set()
    assert not FORMERLY.keys() & titles.keys()


def test_the_page_is_what_the_registry_has() -> None:
    text = CHECKS_PAGE.read_text(encoding="utf-8")
    assert text == checks_page(CHECKS), "run make docs"
    assert text.index(summary_table(CHECKS)) < text.index("\n## "), "the page begins with the table of all checks"


def test_results_of_earlier_releases_come_along_under_the_new_name() -> None:
    assert FORMERLY["spend_is_as_usual"] == "spend_has_no_anomaly"
    before = _results(("spend_is_as_usual", "failed"), ("no_day_is_missing", "passed"))
    assert _found(renamed(before, FORMERLY)) == {("spend_has_no_anomaly", "failed"), ("no_day_is_missing", "passed")}
    both = _results(("spend_is_as_usual", "failed"), ("spend_has_no_anomaly", "passed"))
    assert _found(renamed(both, FORMERLY)) == {("spend_has_no_anomaly", "passed")}


def test_results_of_the_steps_that_views_had_do_not_stay() -> None:
    before = _results((TABLE_WAS_BUILT, "failed"), ("no_day_is_missing", "passed"))
    of_a_view = before.with_columns(asset=pl.lit(VIEWS[0].key.to_user_string()))
    assert _found(renamed(of_a_view, FORMERLY)) == {("no_day_is_missing", "passed")}
    assert _found(renamed(before, FORMERLY)) == {(TABLE_WAS_BUILT, "failed"), ("no_day_is_missing", "passed")}


def _results(*rows: tuple[str, str]) -> pl.DataFrame:
    return CHECK_RESULTS.frame(
        {
            "asset": ["marts/spend_anomalies" for _ in rows],
            "check_name": [name for name, _ in rows],
            "checked_date": [AT.date() for _ in rows],
            "result": [result for _, result in rows],
            "reason": [None for _ in rows],
            "evaluated_at": [AT for _ in rows],
            "run_id": ["run-1" for _ in rows],
        }
    )


def _found(results: pl.DataFrame) -> set[tuple[str, str]]:
    return set(results.select("check_name", "result").iter_rows())
