"""Costs compared with costs, tokens and list prices: each check fails on the harmed day and passes on the others."""

from decimal import Decimal

import dagster as dg
import pytest

from ai_usage.check import ERROR, WARN, Result
from ai_usage.partitions import Span
from ai_usage.providers.anthropic.checks.list_prices import evaluate_prices
from ai_usage_tests.mock_claude import DAY, DAYS, NEXT, Row, ordinary
from ai_usage_tests.platform import Platform

COSTS, CODE = "ai_usage_analytics.claude_costs", "ai_usage_analytics.claude_code_usage_stats"
USAGE, FIGURE = "ai_usage_analytics.claude_usage_tokens", "ai_usage_analytics.claude_daily_cost"
THAT_DAY = f"where activity_date = '{DAY}'"

MART = dg.AssetSelection.assets("marts/claude_total_expenses")
FACTS = dg.AssetSelection.assets("core/claude_costs", "core/claude_daily_cost", "core/claude_usage_tokens")
MONEY = MART | FACTS.upstream()
GROUPED, PRICE = "grouped_lines_equal_console_figure", "unit_price_is_a_list_price"
LISTED = "every_cost_has_a_list_price"
PART, EXPLAINED = "claude_code_is_part_of_claude_costs", "usage_without_cost_is_explained"

ONE_LINE = f"where rowid = (select min(rowid) from {COSTS} {THAT_DAY})"
SET, TIMES, OVER = f"update {COSTS} set", "amount_usd = amount_usd * 100", "amount_usd = amount_usd / 100"
SEARCH = "token_type = null, cost_type = 'web_search', amount_usd = 1"
ONE_SEARCH = f"update {USAGE} set web_search_requests = 1 {THAT_DAY}"
ESTIMATED = f"update {CODE} set estimated_cost_usd ="

HARMS = {  # check, the change of the data, the severity, and a part of the sentence that names it
    "lines_lost": (
        GROUPED,
        f"delete from {COSTS} {THAT_DAY}",
        ERROR,
        "add up to nothing, the Console reports 10.00875",
    ),
    "figure_lost": (GROUPED, f"delete from {FIGURE} {THAT_DAY}", ERROR, "Console reports nothing"),
    "line_twice": (GROUPED, f"insert into {COSTS} from {COSTS} {ONE_LINE}", ERROR, "+6.0025"),
    "lines_a_hundredfold": (PRICE, f"{SET} {TIMES} {THAT_DAY}", ERROR, "3 of 3 lines"),
    "lines_a_hundredth": (PRICE, f"{SET} {OVER} {THAT_DAY}", ERROR, "3 of 3 lines"),
    "a_line_a_hundredfold": (PRICE, f"{SET} {TIMES} {ONE_LINE}", ERROR, "1 of 3 lines"),
    "a_line_a_hundredth": (PRICE, f"{SET} {OVER} {ONE_LINE}", ERROR, "1 of 3 lines"),
    "money_without_tokens": (PRICE, f"delete from {USAGE} {THAT_DAY}", ERROR, "3 of 3 lines"),
    "a_dear_search": (PRICE, f"{SET} {SEARCH} {ONE_LINE}; {ONE_SEARCH}", ERROR, "1 of 3 lines"),
    "code_beyond_the_bill": (PART, f"{ESTIMATED} 11 {THAT_DAY}", WARN, "11.000000000 USD of 10"),
    "code_in_cents": (PART, f"{ESTIMATED} 500 {THAT_DAY}", ERROR, "500.000000000 USD of 10"),
    "code_unbilled": (PART, f"delete from {COSTS} {THAT_DAY}", ERROR, "of 0"),
    "a_day_unbilled": (EXPLAINED, f"delete from {COSTS} {THAT_DAY}", ERROR, "no cost on this day"),
    "a_line_unbilled": (EXPLAINED, f"delete from {COSTS} {ONE_LINE}", WARN, "240,100 tokens in 1 groups without cost"),
}


@pytest.mark.parametrize("harm", HARMS)
def test_the_check_names_the_day_that_was_harmed(good: Platform, harm: str) -> None:
    check, sql, severity, why = HARMS[harm]
    good.sql(sql)
    outcome = good.check(check)
    assert outcome.not_passed(check) == {DAY}
    table = "claude_usage_tokens" if check == EXPLAINED else "claude_costs"
    evaluation = outcome.evaluation(check, DAY, table)
    assert evaluation.severity == severity
    assert why in (evaluation.description or "")
    assert outcome.evaluations[check, table].keys() == set(DAYS)


UNPRICED = {
    "model claude-novel-9": "model = 'claude-novel-9'",
    "token type thoughts": "token_type = 'thoughts'",
    "cost type gpu": "token_type = null, cost_type = 'gpu'",
}


@pytest.mark.parametrize("what", UNPRICED)
def test_what_the_price_list_does_not_know_is_one_warning_for_all_days(good: Platform, what: str) -> None:
    """Its lines are not evaluated; lines beside them are. A day with no other lines is not evaluated at all."""
    good.sql(f"{SET} model = 'claude-opus-4-5', token_type = 'output_tokens' where activity_date > '{DAY}'")
    good.sql(f"{SET} {UNPRICED[what]} where activity_date > '{DAY}'")
    outcome = good.check(LISTED)
    evaluation = outcome.evaluation(LISTED, None)
    assert (outcome.not_passed(LISTED), evaluation.severity) == ({None}, WARN)
    assert f"{what} (4× on 2 days, first seen {NEXT})" in (evaluation.description or "")
    table = evaluation.metadata["rows"]
    assert isinstance(table, dg.TableMetadataValue)
    [row] = table.records
    assert row.data["alert_key"] == f"{LISTED}/claude_costs/{what}"
    assert (row.data["days"], row.data["records"]) == (2, 4)
    prices = good.check(PRICE)
    assert prices.not_passed(PRICE) == set()
    assert prices.evaluations[PRICE, "claude_costs"].keys() == {DAY}
    assert prices.not_evaluated(PRICE) == dict.fromkeys(DAYS[1:], "None of the 2 lines has a list price.")


def test_a_line_without_a_list_price_hides_no_wrong_one(good: Platform) -> None:
    good.sql(f"{SET} {TIMES} {THAT_DAY}")
    good.sql(f"{SET} model = 'claude-novel-9' {ONE_LINE}")
    outcome = good.check(PRICE)
    assert "2 of 3 lines are not at a list price" in outcome.why(PRICE, DAY)
    assert outcome.not_passed(PRICE) == {DAY}


def test_a_check_of_one_day_evaluates_that_day_alone(good: Platform) -> None:
    good.sql(f"update {COSTS} set amount_usd = amount_usd * 100")
    outcome = good.check(GROUPED, span=Span(NEXT, NEXT))
    assert outcome.evaluations[GROUPED, "claude_costs"].keys() == {NEXT}


def test_cents_read_as_dollars_everywhere_agree_in_sum_but_are_no_list_price(platform: Platform) -> None:
    def hundredfold(rows: list[Row]) -> list[Row]:
        return [{**r, "amount": str(Decimal(r["amount"]) * 100)} for r in rows]

    platform.claude.lines[DAY] = platform.claude.totals[DAY] = hundredfold
    outcome = platform.run({DAY: ordinary(), NEXT: ordinary()}, only=MONEY)
    assert outcome.not_passed(GROUPED) == set()
    assert outcome.not_passed(PRICE) == {DAY}


def test_priority_tier_explains_tokens_without_cost(good: Platform) -> None:
    good.sql(f"update {USAGE} set service_tier = 'priority' {THAT_DAY}")
    good.sql(f"delete from {COSTS} {THAT_DAY}")
    assert good.check(EXPLAINED).not_passed(EXPLAINED) == set()


def test_an_idle_day_passes_and_tokens_without_any_cost_do_not(platform: Platform) -> None:
    platform.claude.lines[NEXT] = platform.claude.totals[NEXT] = lambda rows: []
    outcome = platform.run({DAY: [], NEXT: ordinary()}, only=MONEY)
    assert outcome.not_passed(GROUPED) == {NEXT}
    assert "There are 560,550 billable tokens and no cost" in outcome.why(GROUPED, NEXT)


def test_a_provisional_day_is_pulled_once_more_and_then_its_sums_agree(platform: Platform) -> None:
    answers = iter([["1000"], ["1000", "5"]])  # the lines are late, the total is not
    platform.claude.lines[DAY] = lambda rows: rows[: len(next(answers))]
    outcome = platform.run({DAY: ["1000", "5"], NEXT: ["7"]}, only=MONEY)
    assert platform.dollars() == {DAY: Decimal("10.05"), NEXT: Decimal("0.07")}
    assert outcome.not_passed(GROUPED) == set()
    asked = platform.claude.asked
    assert [asked[kind, str(day)] for day in (DAY, NEXT) for kind in ("lines", "cost_report")] == [2, 2, 1, 1]


def test_a_day_that_never_agrees_is_pulled_once_more_only(platform: Platform) -> None:
    platform.claude.lines[DAY] = lambda rows: rows[:1]
    platform.run({DAY: ["1000", "5"]}, only=MONEY)
    assert platform.claude.asked["lines", str(DAY)] == platform.claude.asked["cost_report", str(DAY)] == 2
    assert platform.dollars() == {}


def test_machine_time_is_named_where_it_cannot_be_priced() -> None:
    line = dict.fromkeys(("workspace_id", "model", "token_type", "units"))
    evaluation = evaluate_prices(DAY, [{**line, "cost_type": "session_usage", "amount_usd": Decimal(1)}])
    assert isinstance(evaluation, Result)
    assert (evaluation.passed, evaluation.why) == (
        True,
        "0 lines at list prices. 1 × session_usage has no published unit.",
    )


def test_opposite_faults_of_two_accounts_do_not_cancel(platform: Platform) -> None:
    assert platform.run({DAY: ordinary()}).result.success
    costs, console = (f"ai_usage_analytics.{table}" for table in ("claude_costs", "claude_daily_cost"))
    for table, usd in ((costs, 1), (console, 3)):
        platform.sql(
            f"insert into {table} select * replace ('eu' as account, {usd} as amount_usd) from {table} limit 1"
        )
    one_line = f"(select min(rowid) from {costs} where account = 'default')"
    platform.sql(f"update {costs} set amount_usd = amount_usd + 2 where rowid = {one_line}")
    query = "providers/anthropic/checks/grouped_lines_equal_console_figure"
    wrong = platform.warehouse.query(query, first_day=DAY, last_day=DAY)
    assert dict(wrong.select("account", "difference_usd").rows()) == {"default": 2, "eu": -2}
