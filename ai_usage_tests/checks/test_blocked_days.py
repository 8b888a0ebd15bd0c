"""One bad day blocks only that day: six real mistakes and similar harmless cases, each on a day of one range run."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

import dagster as dg
import pytest

from ai_usage_tests.mock_claude import DAY, Bend, Row, ordinary
from ai_usage_tests.outcome import Outcome
from ai_usage_tests.platform import Platform, platform_in, whatever_makes

GROUPED, UNIQUE = "grouped_lines_equal_console_figure", "cost_lines_are_unique"
TOTAL: Row = {
    "currency": "USD",
    "amount": "1.00",
    **dict.fromkeys(("workspace_id", "description", "cost_type", "model", "token_type")),
}


def _dust(rows: list[Row], cents: str) -> Row:
    return {**rows[0], "amount": cents, "description": "dust"}


Mistake = tuple[Bend, set[str]]  # the change of the day's lines, and the checks that must fail
MISTAKES: dict[str, Mistake] = {
    "dollars_for_cents": (lambda rows: [{**r, "amount": str(Decimal(r["amount"]) * 100)} for r in rows], {GROUPED}),
    "first_page_only": (lambda rows: rows[:1], {GROUPED}),
    "default_workspace_dropped": (lambda rows: [r for r in rows if r["workspace_id"]], {GROUPED}),
    "ungrouped_rows_mixed_in": (lambda rows: [*rows, TOTAL], {GROUPED, UNIQUE}),
    "an_ungrouped_row_of_no_money": (lambda rows: [*rows, {**TOTAL, "amount": "0"}], {UNIQUE}),
    "a_day_lost": (lambda rows: [], {GROUPED}),
    "a_line_twice": (lambda rows: [*rows, rows[0]], {GROUPED, UNIQUE}),
    "a_free_line_twice": (lambda rows: [*rows, *[{**rows[0], "amount": "0", "description": "free"}] * 2], {UNIQUE}),
    "a_billionth_of_a_dollar": (lambda rows: [*rows, _dust(rows, "0.0000001")], {GROUPED}),
    "less_than_money_can_say": (lambda rows: [*rows, _dust(rows, "0.00000006")], set()),
}
HARMED = {name: DAY - timedelta(days=2 * n) for n, name in enumerate(MISTAKES)}
HONEST = [day + timedelta(days=1) for day in HARMED.values()]
MART = dg.AssetSelection.assets("marts/claude_total_expenses").without_checks()
MONEY = MART | whatever_makes("core/claude_costs", "core/claude_daily_cost", "core/claude_usage_tokens")
BEFORE, AFTER = 10, 11  # dollars, approximately: every day is restated between the runs


@dataclass(frozen=True)
class History:
    good: dict[date, Decimal]
    outcome: Outcome
    marts: dict[date, Decimal]
    healed: dict[date, Decimal]


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> History:
    """A good run, a run of the same days with every other day harmed, and one after the provider was corrected."""
    platform: Platform = platform_in(tmp_path_factory.mktemp("holding"))
    platform.run({day: ordinary(BEFORE) for day in (*HARMED.values(), *HONEST)}, only=MONEY)
    good = platform.dollars()
    platform.claude.lines = {HARMED[name]: bend for name, (bend, _) in MISTAKES.items()}
    with_checks = MONEY | dg.AssetSelection.checks_for_assets(dg.AssetKey(["core", "claude_costs"]))
    outcome = platform.run({day: ordinary(AFTER) for day in (*HARMED.values(), *HONEST)}, only=with_checks)
    marts = platform.dollars()
    platform.claude.lines = {}
    platform.run(only=MONEY)
    return History(good, outcome, marts, platform.dollars())


@pytest.mark.parametrize("name", MISTAKES)
def test_a_real_mistake_fails_its_day(history: History, name: str) -> None:
    noticed = {check for check in (GROUPED, UNIQUE) if HARMED[name] in history.outcome.not_passed(check)}
    assert noticed == MISTAKES[name][1]


@pytest.mark.parametrize("name", [name for name, (_, checks) in MISTAKES.items() if checks])
def test_the_mart_keeps_the_last_good_version_of_the_harmed_day_and_names_the_check(
    history: History, name: str
) -> None:
    day = HARMED[name]
    assert history.marts[day] == history.good[day]
    assert set(history.outcome.noted("marts/claude_total_expenses", day)["blocked_by"]) == MISTAKES[name][1]


def test_the_other_days_of_the_run_go_on(history: History) -> None:
    assert history.outcome.result.success
    assert not {GROUPED, UNIQUE} & {
        c for c in history.outcome.checks_not_passed() if history.outcome.not_passed(c) & set(HONEST)
    }
    assert {history.marts[day] for day in HONEST} == {Decimal(f"{AFTER}.00875")}
    assert "blocked_by" not in history.outcome.noted("marts/claude_total_expenses", HONEST[0])


def test_a_day_is_unblocked_once_its_sums_agree(history: History) -> None:
    assert set(history.healed.values()) == {Decimal(f"{AFTER}.00875")}
    assert history.healed.keys() == history.good.keys()


def test_a_day_lost_from_the_ledger_is_blocked_too(good: Platform) -> None:
    good.sql(f"delete from ai_usage_raw.pulls where pull = 'claude_cost_report' and activity_date = '{DAY}'")
    kept = good.dollars()
    good.sql("update ai_usage_analytics.claude_costs set amount_usd = amount_usd + 1")
    good.sql("update ai_usage_analytics.claude_daily_cost set amount_usd = amount_usd + 3")
    outcome = good.run(only=MART)
    assert {day for day, usd in good.dollars().items() if usd == kept[day]} == {DAY}
    assert outcome.noted("marts/claude_total_expenses", DAY)["blocked_by"] == ["no_day_is_missing"]


def test_core_leaves_a_day_that_was_never_pulled_as_it_was(good: Platform) -> None:
    good.sql(f"delete from ai_usage_raw.pulls where pull = 'claude_cost_report' and activity_date = '{DAY}'")
    before = good.dollars("claude_costs", "amount_usd")
    outcome = good.run(only=dg.AssetSelection.assets("core/claude_costs").without_checks())
    assert good.dollars("claude_costs", "amount_usd") == before
    assert "left as it was" in outcome.noted("core/claude_costs", DAY)["skipped"]
