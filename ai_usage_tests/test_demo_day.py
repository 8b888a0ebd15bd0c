"""One simulated week from the provider's HTTP to the mart: the result equals the simulator's true figures."""

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

import dagster as dg
import pytest

from ai_usage.catalog import TABLES
from ai_usage.check import ERROR, Result, by_day
from ai_usage.checks.alert_events import ALERT_EVENTS
from ai_usage.checks.result_table import CHECK_RESULTS
from ai_usage.checks.sightings import SCHEMA_DRIFT_SIGHTINGS
from ai_usage.marts.assets import ASSETS
from ai_usage.marts.column_lineage import column_lineage
from ai_usage.marts.files import marts
from ai_usage.money import usd
from ai_usage.partitions import Span
from ai_usage.providers.anthropic.checks.list_prices import evaluate_prices
from ai_usage.settings import settings
from ai_usage.simulator import Simulator
from ai_usage.simulator.claude_code_days import estimate
from ai_usage.warehouse.googlesql import parsed
from ai_usage_tests.googlesql.engine import GoogleEngine
from ai_usage_tests.googlesql.limits import outer_joins_without_equality
from ai_usage_tests.googlesql.recorded import Recorded, recording
from ai_usage_tests.googlesql.texts import every_text
from ai_usage_tests.outcome import Outcome
from ai_usage_tests.platform import Platform, contents, platform_in

WEEK = Span(date(2026, 11, 13), date(2026, 11, 19))
ANALYTICS = "ai_usage_analytics"


NOT_EVALUATED = {  # in a single week, without uploads
    "events_equal_cycle_spend",
    "events_equal_past_cycles",
    "forecast_beats_naive",
    "forecast_is_within_budget",
    "gemini_metrics_match_bill",  # the bill of a week may still be incomplete
    "growth_is_within_limit",
    "ledger_is_whole",
    "licenses_match_billed_seats",  # licenses are billed on the first of a month
    "no_pull_is_of_the_future",
    "pull_is_recent",
    "schema_drift",
    "spend_has_no_anomaly",
    "uploads_are_fresh",
}


@dataclass(frozen=True)
class Demo:
    platform: Platform
    outcome: Outcome
    truth: Simulator
    texts: Recorded


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    platform = platform_in(tmp_path_factory.mktemp("demo"))
    with recording() as texts:
        outcome = platform.refresh(replace(settings(), simulate=True), WEEK)
    return Demo(platform, outcome, Simulator(now=settings().now()), texts)


def test_every_check_passes_but_those_a_week_is_too_short_for_and_those_of_the_sheet(demo: Demo) -> None:
    assert demo.outcome.result.success
    evaluations = [evaluation for found in demo.outcome.evaluations.values() for evaluation in found.values()]
    wrong = {evaluation.check_name: evaluation for evaluation in evaluations if not evaluation.passed}
    assert all(evaluation.severity == dg.AssetCheckSeverity.WARN for evaluation in wrong.values())
    assert wrong.keys() == {
        "console_figures_match",
        "every_cost_has_a_list_price",  # a line item of OpenAI names no model
        "gemini_licenses_are_used",
        "limits_are_not_reached",
        "mapped_keys_are_known",
        "mapping_is_unambiguous",
        "no_former_member_spends",
        "seats_are_used",
        "sheet_rows_are_valid",
    }
    figures = wrong["console_figures_match"].description or ""
    assert "as a whole and in 5 workspaces: 31 of its 31 days were never pulled (make backfill)" in figures
    assert " purchased Cursor seats have no member: " in (wrong["seats_are_used"].description or "")
    former = wrong["no_former_member_spends"].description or ""
    assert "key evals (ivan.zeman@example.com)" in former
    not_evaluated = {one.check for one in demo.outcome.results if one.result == "not evaluated"}
    assert not_evaluated == NOT_EVALUATED
    cycle = demo.outcome.not_evaluated("events_equal_cycle_spend")[None]
    assert cycle.startswith("10 days of events of the billing cycle since 2026-11-03 were never pulled")
    daily = [
        days.keys()
        for (check, _), days in demo.outcome.evaluations.items()
        if None not in days and check != "gemini_metrics_match_bill"  # not the newest days
    ]
    assert len(daily) == 80  # the checks by day for which a week is long enough
    assert all(list(days) == WEEK.days for days in daily)


def test_every_text_that_reached_the_warehouse_is_googlesql_to_google(demo: Demo) -> None:
    """The texts in files and modules are analyzed in ai_usage_tests/googlesql."""
    composed = {text: parameters for text, parameters in demo.texts.items() if text not in every_text().values()}
    assert 30 < len(composed) < len(demo.texts)
    google = GoogleEngine()
    google.declare("week", TABLES, {table.address: [] for table in TABLES})
    try:
        assert all(google.analyze("week", text, parameters).columns for text, parameters in composed.items())
    finally:
        google.close()
    assert not [text for text in composed if outer_joins_without_equality(parsed(text))]


def test_amounts_in_metadata_are_numbers_to_plot_with_the_exact_text_and_none_counts_a_dollar_twice(demo: Demo) -> None:
    noted = demo.outcome.noted("marts/claude_total_expenses", WEEK.last)
    exact = demo.platform.dollars()[WEEK.last]
    assert (noted["cost_usd"], noted["cost_usd_exact"]) == (float(exact), str(exact))
    assert not [name for name in demo.outcome.noted("marts/spend_by_scope", WEEK.last) if "_usd" in name]


def test_the_newest_materialization_of_a_mart_has_its_column_lineage(demo: Demo) -> None:
    built = [mart for mart in marts() if f"marts/{mart.table.name}" in demo.outcome.materialized]
    assert len(built) > len(ASSETS) / 2
    for mart in built:
        newest = demo.outcome.noted(f"marts/{mart.table.name}", WEEK.last if mart.is_daily else None)
        assert newest["dagster/column_lineage"] == column_lineage(mart)
    assert "dagster/column_lineage" not in demo.outcome.noted("marts/ai_spend", WEEK.days[0])  # one in a run is enough


def test_cursor_events_equal_those_of_the_provider_in_number_and_to_the_last_digit(demo: Demo) -> None:
    built = demo.platform.sql(
        f"""select activity_date, count(*), sum(charged_usd), count(distinct user_email)
        from {ANALYTICS}.cursor_usage_events group by activity_date order by activity_date"""
    )
    truth = [(day, demo.truth.cursor_day(day).events) for day in WEEK.days]
    assert built == [
        (day, len(events), sum(e.charged_cents for e in events) / 100, len({e.email for e in events}))
        for day, events in truth
        if events
    ]
    assert sum(row[1] for row in built) > 1000


def test_cursor_seats_are_billed_as_the_sheet_has_them(demo: Demo) -> None:
    rows = [one.values for one in demo.truth.sheet.good if one.tab == "seats"]
    [seats] = [Decimal(str(row["seats"])) for row in rows if (row["plan"], row["valid_to"]) == ("Teams", None)]
    billed = demo.platform.sql(
        f"""select spend_date, sum(quantity), round(sum(billed_usd), 6), count(user_email) from {ANALYTICS}.ai_spend
        where provider = 'cursor' and meter = 'seat' group by 1 order by 1"""
    )
    a_day = (Decimal(40) * seats / 30).quantize(Decimal("1e-6"))
    assert [(day, count, usd) for day, count, usd, _ in billed] == [(day, seats, a_day) for day in WEEK.days]
    assert all(0 < members < seats for *_, members in billed)


def test_each_cost_line_equals_that_of_the_provider_to_the_last_digit(demo: Demo) -> None:
    default = demo.truth.organization.default_workspace.id
    rows = demo.platform.sql(
        f"""select activity_date, coalesce(workspace_id, '{default}'), description, amount_usd
        from {ANALYTICS}.claude_costs"""
    )
    truth = {
        (day, *line): usd(cents=cents) for day in WEEK.days for line, cents in demo.truth.day(day).cost_lines.items()
    }
    assert {(day, space, text): amount for day, space, text, amount in rows} == truth
    assert len(rows) == len(truth) > 500


def test_analytics_have_the_same_money_to_the_last_digit_and_name_who_spent_it(demo: Demo) -> None:
    costs = demo.platform.dollars("claude_analytics_costs", "amount_usd")
    assert costs == demo.platform.dollars("claude_costs", "amount_usd")
    members = {member.email.lower() for member in demo.truth.organization.people}
    found = {
        email for (email,) in demo.platform.sql(f"select distinct user_email from {ANALYTICS}.claude_analytics_costs")
    }
    assert found - {None} <= members
    assert len(found) > 10


def test_each_commit_counts_once(demo: Demo) -> None:
    [(rows, commits)] = demo.platform.sql(
        f"select count(*), count(distinct commit_hash) from {ANALYTICS}.cursor_ai_commits"
    )
    [(pulled,)] = demo.platform.sql("select count(distinct record->>'commitHash') from ai_usage_raw.cursor_ai_commits")
    assert rows == commits == pulled > 100


def test_what_was_known_last_is_what_core_has(demo: Demo) -> None:
    now = f"select activity_date, billed_usd from {ANALYTICS}.spend_versions where known_to is null and provider = "
    assert dict(demo.platform.sql(f"{now} 'anthropic'")) == demo.platform.dollars("claude_costs", "amount_usd")
    billed = (
        f"select activity_date, sum(charged_usd) from {ANALYTICS}.cursor_usage_events where is_chargeable group by 1"
    )
    known = {day: usd for day, usd in demo.platform.sql(f"{now} 'cursor'") if usd}
    assert known == {day: usd for day, usd in demo.platform.sql(billed) if usd}


def test_each_day_of_the_mart_equals_the_total_of_the_provider(demo: Demo) -> None:
    truth = {day: usd(cents=demo.truth.day(day).total_cents) for day in WEEK.days}
    assert demo.platform.dollars() == demo.platform.dollars("claude_daily_cost", "amount_usd") == truth
    assert min(truth.values()) > 0


def test_each_token_is_counted_once(demo: Demo) -> None:
    for table in ("claude_usage_tokens", "claude_daily_tokens"):
        rows = demo.platform.sql(
            f"""select activity_date, sum(uncached_input_tokens), sum(cache_read_input_tokens),
            sum(cache_creation_5m_tokens), sum(cache_creation_1h_tokens), sum(output_tokens)
            from {ANALYTICS}.{table} group by 1"""
        )
        assert {day: tuple(sums) for day, *sums in rows} == {
            day: tuple(demo.truth.day(day).tokens.values()) for day in WEEK.days
        }


def test_claude_codes_estimates_are_its_records(demo: Demo) -> None:
    for table in ("claude_code_usage_stats", "claude_code_model_usage"):
        estimates = {
            day: [usd(cents=estimate(*used)) for record in demo.truth.day(day).claude_code for used in record.models]
            for day in WEEK.days
        }
        truth = {day: sum(amounts, Decimal()) for day, amounts in estimates.items()}
        assert demo.platform.dollars(table, "estimated_cost_usd") == truth
    [(records,)] = demo.platform.sql(f"select count(*) from {ANALYTICS}.claude_code_usage_stats")
    assert records == sum(len(demo.truth.day(day).claude_code) for day in WEEK.days)


def test_the_summary_of_claude_ai_is_what_its_people_did(demo: Demo) -> None:
    final = Span(WEEK.first, date(2026, 11, 17))  # figures of later days are provisional
    [pulled] = demo.platform.warehouse.query(
        "providers/anthropic/summary/claude_ai", first_day=final.first, last_day=final.last
    ).to_dicts()
    truth = [one for day in final.days for one in demo.truth.people_day(day) if one.messages]
    assert pulled == {
        "people": len({one.person.id for one in truth}),
        "conversations": sum(one.conversations for one in truth),
        "messages": sum(one.messages for one in truth),
        "file_uploads": sum(one.files for one in truth),
        "sources": "enterprise_api",
    }
    assert pulled["people"] > 50


def test_a_slip_of_a_hundred_on_any_single_line_is_caught(demo: Demo) -> None:
    query = "providers/anthropic/checks/priced_lines"
    lines = demo.platform.warehouse.query(query, first_day=WEEK.first, last_day=WEEK.last)
    evaluated = 0
    for day, rows in by_day(lines).items():
        for row in rows:
            if row["units"] is None:  # machine time has no unit: there the day's own sums must not add up
                continue
            for slipped in (row["amount_usd"] * 100, row["amount_usd"] / 100):
                evaluation = evaluate_prices(day, [{**row, "amount_usd": slipped}])
                assert isinstance(evaluation, Result)
                assert (evaluation.passed, evaluation.severity) == (False, ERROR), row
                evaluated += 1
    assert evaluated > 1000


def test_core_and_marts_are_rebuilt_from_raw_without_a_call(demo: Demo) -> None:
    before = contents(demo.platform.warehouse.path)
    views = {table.name for table in TABLES if table.view_of}
    for table in before.keys() - views - {CHECK_RESULTS.name, ALERT_EVENTS.name, SCHEMA_DRIFT_SIGHTINGS.name}:
        demo.platform.sql(f"delete from {ANALYTICS}.{table}")
    demo.platform.claude.asked.clear()
    layers = (dg.AssetSelection.key_prefixes("core") | dg.AssetSelection.key_prefixes("marts")).without_checks()
    assert demo.platform.materialize(layers, WEEK, demo.platform.claude.admin()).result.success
    assert contents(demo.platform.warehouse.path) == before
    assert not demo.platform.claude.asked


def test_the_published_copy_is_the_database(demo: Demo) -> None:
    assert contents(demo.platform.warehouse.published_path) == contents(demo.platform.warehouse.path)
