"""Every file of sql/ is GoogleSQL to Google's own analyzer, and means the same on both engines, cell for cell."""

import pytest

from ai_usage.warehouse.googlesql import read
from ai_usage_tests.googlesql.engine import GoogleRefuses
from ai_usage_tests.googlesql.two_engines import (
    DECLARED,
    FILES,
    MARTS,
    TwoEngines,
    as_ordered,
    cells,
    in_any_order,
    parameters_of,
)
from ai_usage_tests.googlesql.world import WORLDS

COERCIBLE = {("INT64", "NUMERIC")}  # what BigQuery widens by itself when rows are inserted
# Exact to nine decimals in GoogleSQL, DOUBLE on DuckDB.
DIVISIONS = {"$divide", "safe_divide", "div", "avg"}


@pytest.mark.parametrize("name", FILES)
def test_google_takes_every_file_for_a_query_over_the_declared_tables(engines: TwoEngines, name: str) -> None:
    columns = engines.google.analyze("ordinary", read(name), parameters_of(name)).columns
    assert columns
    assert not [column for column in columns if column.startswith("$")], "a column without a name"


@pytest.mark.parametrize("mart", MARTS)
def test_a_marts_select_gives_its_tables_columns_in_types_that_fit(engines: TwoEngines, mart: str) -> None:
    table = DECLARED[mart]
    columns = engines.google.analyze("ordinary", read(MARTS[mart]), parameters_of(MARTS[mart])).columns
    assert columns.keys() == table.columns.keys()
    wanted = {name: table.columns[name].type.googlesql.partition("(")[0] for name in columns}
    misfits = {name: (columns[name], of) for name, of in wanted.items() if columns[name] != of}
    assert set(misfits.values()) <= COERCIBLE, misfits
    on_duckdb = engines.raw_on_duckdb("ordinary", MARTS[mart])
    assert cells(on_duckdb.select(*columns).rows(), columns), "there, too, no type may lose anything"


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("world", WORLDS)
def test_both_engines_give_the_same_cells(engines: TwoEngines, name: str, world: str) -> None:
    on_google, on_duckdb = engines.on_google(world, name), engines.on_duckdb(world, name)
    assert on_duckdb.columns == list(on_google.columns)
    ours, googles = cells(on_duckdb.rows(), on_google.columns), cells(on_google.rows, on_google.columns)
    assert in_any_order(ours) == in_any_order(googles)
    assert as_ordered(name, on_google.columns, ours) == as_ordered(name, on_google.columns, googles)


def test_no_comparison_is_of_nothing_with_nothing(engines: TwoEngines) -> None:
    """A mart or a summary has rows in the ordinary world; a check, which has the rows that make its claim false, at
    least in the harmed one.
    """
    worlds = {name: "harmed" if name.startswith("checks/") else "ordinary" for name in FILES}
    assert {name for name, world in worlds.items() if engines.on_duckdb(world, name).is_empty()} == set()


@pytest.mark.parametrize("name", FILES)
def test_money_is_divided_as_floats_or_as_whole_nano_dollars(engines: TwoEngines, name: str) -> None:
    calls = engines.google.analyze("ordinary", read(name), parameters_of(name)).calls
    assert {function for function, of in calls if of == "NUMERIC"} & DIVISIONS == set()


@pytest.mark.parametrize("duckdbs_own", [
    "select activity_date::string from ai_usage_analytics.claude_costs",
    "select cast(amount_usd as double) from ai_usage_analytics.claude_costs",
    "select cast(model as varchar) from ai_usage_analytics.claude_costs",
    "select * exclude (model) from ai_usage_analytics.claude_costs",
    "select sum(amount_usd) filter (where model is null) from ai_usage_analytics.claude_costs",
    "select model from ai_usage_analytics.claude_costs order by all",
    "select list_contains([1], 1)",
    "select 7 // 2",
    "select date_diff('day', date '2024-02-28', date '2024-02-29')",
    "select max_by(model, amount_usd) from ai_usage_analytics.claude_costs",
])  # fmt: skip
def test_google_refuses_what_only_duckdb_speaks(engines: TwoEngines, duckdbs_own: str) -> None:
    with pytest.raises(GoogleRefuses):
        engines.google.evaluate("ordinary", duckdbs_own, {})


def test_a_refusal_names_the_line(engines: TwoEngines) -> None:
    with pytest.raises(GoogleRefuses, match=r"Unrecognized name: amount.*\[at 2:5\]"):
        engines.google.analyze("ordinary", "select\n    amount\nfrom ai_usage_analytics.claude_costs", {})
