"""Google's own analyzer accepts every file of sql/, and each gives the same on both engines, cell for cell."""

import pytest

from ai_usage.core.grain import repeated_keys
from ai_usage.core.keys import keys_seen_nowhere
from ai_usage_tests.googlesql.engine import GoogleRefuses
from ai_usage_tests.googlesql.harmed import WORLDS
from ai_usage_tests.googlesql.two_engines import (
    DECLARED,
    FILES,
    MARTS,
    TwoEngines,
    as_ordered,
    cells,
    in_any_order,
    parameters_of,
    read,
)
from ai_usage_tests.googlesql.world import PARAMETERS

ANTHROPIC = "providers/anthropic"
COERCIBLE = {("INT64", "NUMERIC")}  # BigQuery widens these by itself when rows are inserted
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


@pytest.mark.parametrize(
    ("world", "name", "written", "instead"),
    [
        ("ordinary", f"{ANTHROPIC}/claude_allocated_shares", "if(place <= left_nano_usd, 1, 0)", "0"),
        (
            "ordinary",
            f"{ANTHROPIC}/claude_allocated_shares",
            "remainder desc, api_key_id asc",
            "remainder desc, api_key_id desc",
        ),
        ("ordinary", f"{ANTHROPIC}/claude_cost_shares", "<= things.rounding_usd", "= 0"),
        ("ordinary", f"{ANTHROPIC}/claude_tier_shares", "wanted * least(", "0 * least("),
        ("ordinary", f"{ANTHROPIC}/claude_usage_by_line", "then speed_tokens", "then 1 + speed_tokens"),
        ("ordinary", f"{ANTHROPIC}/claude_measured_costs", "'claude_console'", "'claude_consoles'"),
        (
            "ordinary",
            f"{ANTHROPIC}/claude_used_units",
            "used.kind = 'web_search', '', coalesce(used.model",
            "false, '', coalesce(used.model",
        ),
        (
            "ordinary",
            f"{ANTHROPIC}/claude_platform_pieces",
            "order by platform, user_email",
            "order by user_email desc",
        ),
        (
            "ordinary",
            f"{ANTHROPIC}/claude_code_estimates",
            "having count(distinct keys.api_key_id) = 1",
            "having true",
        ),
        (
            "ordinary",
            f"{ANTHROPIC}/claude_code_estimates",
            "- coalesce(by_code_keys.cost_usd, cast(0 as numeric))",
            "",
        ),
        ("ordinary", "marts/purchased_seats", "extract(day from last_day(days.activity_date))", "31"),
        ("ordinary", "marts/ai_activity", "cast(sum(suggestions) as float64)", "cast(7 as float64)"),
        (
            "ordinary",
            "marts/priced_charges",
            "round(safe_divide(cast(billed_c",
            "floor(safe_divide(cast(billed_c",
        ),
        ("ordinary", f"{ANTHROPIC}/claude_priority_costs", "0.5 * prices.usd_a_token", "0.5"),
        ("ordinary", "marts/spend_changes", "order by known_from asc", "order by known_from desc"),
        ("ordinary", "marts/figure_readings", "greatest(changes.known_from", "least(changes.known_from"),
        ("ordinary", "marts/figure_coverage", "figures.workspace_id = 'default'", "false"),
        ("ordinary", "functions/spend_as_of", "known_from <= cast", "known_from < cast"),
        ("harmed", "checks/every_dollar_has_a_method", "('actor', 'seat') and", "('seat') and"),
        ("ordinary", "marts/active_people", "interval 7 day", "interval 1 day"),
        ("ordinary", "marts/seat_value", "round(claude_seats.seat_usd, 2)", "round(claude_seats.seat_usd, 1)"),
        (
            "ordinary",
            "dashboards/results_by_check",
            "checked_date desc, evaluated_at desc",
            "checked_date asc, evaluated_at asc",
        ),
        ("ordinary", "dashboards/token_spend", "'0.000001'", "'0.00001'"),
        ("ordinary", "checks/ledger_is_whole", r"'\x00' order by", "',' order by"),
        (
            "harmed",
            "providers/anthropic/checks/claude_code_is_part_of_claude_costs",
            "cast('0.01' as numeric)",
            "cast('0.009999999' as numeric)",
        ),
    ],
)
def test_a_difference_is_seen(engines: TwoEngines, world: str, name: str, written: str, instead: str) -> None:
    text = read(name)
    assert written in text
    other = engines.on_google(world, name, text.replace(written, instead))
    ours = cells(engines.on_duckdb(world, name).rows(), other.columns)
    assert in_any_order(ours) != in_any_order(cells(other.rows, other.columns))


def test_what_the_ordinary_world_has_is_true(engines: TwoEngines) -> None:
    """The checks find nothing in the ordinary world, except those that only gather material, those for reports without
    records, and three facts about the company: it grows, its bot has no owner, and its sheet has keys under a wrong
    provider.
    """
    loud = {name for name in FILES if "checks/" in name and not engines.on_duckdb("ordinary", name).is_empty()}
    assert loud == {
        *("checks/budget_is_not_crossed", "checks/growth_is_within_limit", "checks/forecast_beats_naive"),
        *("checks/no_former_member_spends", "checks/spend_has_no_anomaly", "checks/mapping_is_unambiguous"),
        "providers/anthropic/checks/parity_cells",
        "checks/console_figures_match",
        "providers/cursor/checks/events_of_cycle",
        "checks/every_key_has_an_owner",
        "checks/ledger_is_whole",
        "checks/no_day_is_missing",
        "checks/revisions_are_recorded",
        "providers/anthropic/checks/priced_lines",
        "providers/google/checks/priced_lines",
        "providers/openai/checks/priced_lines",
        "providers/openai/checks/openai_costs_are_grouped_by_key",
        "providers/google/checks/gemini_metrics_match_bill",
        "providers/google/checks/licenses_match_billed_seats",
    }


def test_no_comparison_is_of_nothing_with_nothing(engines: TwoEngines) -> None:
    """A mart or a summary has rows in the ordinary world. A check returns the rows that make it fail, so it has rows at
    least in the harmed world; so has the card of idle seats. A contract has none.
    """
    files = [name for name in FILES if not name.startswith("contracts/")]
    worlds = {name: "harmed" if "checks/" in name or "dashboards/idle_seats" in name else "ordinary" for name in files}
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
def test_google_refuses_sql_that_only_duckdb_understands(engines: TwoEngines, duckdbs_own: str) -> None:
    with pytest.raises(GoogleRefuses):
        engines.google.evaluate("ordinary", duckdbs_own, {})


def test_a_refusal_names_the_line(engines: TwoEngines) -> None:
    with pytest.raises(GoogleRefuses, match=r"Unrecognized name: amount.*\[at 2:5\]"):
        engines.google.analyze("ordinary", "select\n    amount\nfrom ai_usage_analytics.claude_costs", {})


def test_keys_that_are_seen_nowhere_are_asked_for_in_googlesql(engines: TwoEngines) -> None:
    assert engines.google.analyze("ordinary", keys_seen_nowhere(), {"providers": PARAMETERS["providers"]}).columns


def test_keys_that_stand_twice_are_asked_for_in_googlesql(engines: TwoEngines) -> None:
    tables = [table for table in DECLARED.values() if table.key]
    query = repeated_keys(tables)
    parameters = {name: PARAMETERS[name] for name in ("first_day", "last_day")}
    assert engines.google.analyze("ordinary", query, parameters).columns
