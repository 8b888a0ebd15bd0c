"""Each check of allocation fails: three good days of the simulated providers, harmed in one place."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import dagster as dg
import pytest

from ai_usage.partitions import Span
from ai_usage.settings import settings
from ai_usage_tests.platform import Platform, checks_of, platform_in, whatever_makes

DAYS = Span(date(2026, 11, 10), date(2026, 11, 12))
DAY = date(2026, 11, 11)

ALLOCATION = "allocation_loses_nothing"
MEASURED = "allocated_cost_is_the_measured_cost"
EXPENSES = "expenses_equal_costs"
MIXED = "billed_and_estimated_never_mixed"
METHOD = "every_dollar_has_a_method"
SIGHT = "checks_can_see_data"
NAMES = [ALLOCATION, EXPENSES, MIXED, METHOD, SIGHT]

A = "ai_usage_analytics"


def one(table: str, where: str = "true", day: str = "expense_date") -> str:
    """A condition that only the most expensive row of the day meets."""
    money = "billed_usd" if table in {"ai_spend", "cursor_expenses"} else "cost_usd"
    return f"""rowid = (select rowid from {A}.{table} where {day} = '{DAY}' and {where}
        order by {money} desc nulls last, rowid limit 1)"""


SPEND = {"day": "spend_date"}
HARMS = {
    "a share lost": (ALLOCATION, f"delete from {A}.claude_cost_shares where {one('claude_cost_shares')}"),
    "a share counted twice": (
        ALLOCATION,
        f"insert into {A}.claude_cost_shares from {A}.claude_cost_shares where {one('claude_cost_shares')}",
    ),
    "a nano-dollar too much": (
        ALLOCATION,
        f"""update {A}.claude_attributed_costs set cost_usd = cost_usd + 0.000000001
        where {one("claude_attributed_costs")}""",
    ),
    "money moved to another workspace": (
        ALLOCATION,
        f"update {A}.claude_attributed_costs set workspace_id = 'else' where {one('claude_attributed_costs')}",
    ),
    "a key's cost moved to another key": (
        MEASURED,
        f"update {A}.claude_cost_shares set api_key_id = 'else' where {one('claude_cost_shares')}",
    ),
    "an actor's cost moved to another": (
        MEASURED,
        f"""update {A}.claude_cost_shares set actor_email = 'else@example.com'
        where {one("claude_cost_shares", "actor_email is not null")}""",
    ),
    "cents as dollars on a platform": (
        EXPENSES,
        f"update {A}.claude_expenses set cost_usd = cost_usd * 100 where {one('claude_expenses')}",
    ),
    "a key's expenses twice": (
        EXPENSES,
        f"insert into {A}.api_usage_expenses from {A}.api_usage_expenses where {one('api_usage_expenses')}",
    ),
    "another total": (
        EXPENSES,
        f"update {A}.claude_total_expenses set cost_usd = cost_usd + 0.01 where expense_date = '{DAY}'",
    ),
    "unattributed money left out": (
        EXPENSES,
        f"""delete from {A}.ai_spend where spend_date = '{DAY}' and attribution_method = 'unattributed'
        and platform = 'claude_api'""",
    ),
    "an estimate added to the bill": (
        EXPENSES,
        f"""update {A}.ai_spend set billed_usd = estimated_usd, estimated_usd = null
        where {one("ai_spend", "meter = 'claude_code_estimate'", **SPEND)}""",
    ),
    "Cursor cents as dollars": (
        EXPENSES,
        f"""update {A}.cursor_expenses set billed_usd = billed_usd * 100
        where {one("cursor_expenses", "cost_type = 'usage_based'")}""",
    ),
    "a Cursor seat lost": (
        EXPENSES,
        f"""delete from {A}.ai_spend where {one("ai_spend", "provider = 'cursor' and meter = 'seat'", **SPEND)}""",
    ),
    "both amounts in a row": (
        MIXED,
        f"update {A}.ai_spend set estimated_usd = 1 where {one('ai_spend', **SPEND)}",
    ),
    "neither amount": (
        MIXED,
        f"""update {A}.ai_spend set estimated_usd = null
        where {one("ai_spend", "meter = 'claude_code_estimate'", **SPEND)}""",
    ),
    "an estimate under a billed meter": (
        MIXED,
        f"""update {A}.ai_spend set meter = 'output_tokens'
        where {one("ai_spend", "meter = 'claude_code_estimate'", **SPEND)}""",
    ),
    "an API customer's estimate beside the bill": (
        MIXED,
        f"""insert into {A}.ai_spend select * replace ('claude_code_estimate' as meter, null as billed_usd,
        billed_usd as estimated_usd) from {A}.ai_spend where {one("ai_spend", "platform = 'claude_code'", **SPEND)}""",
    ),
    "an unknown method": (
        METHOD,
        f"update {A}.ai_spend set attribution_method = 'magic' where {one('ai_spend', **SPEND)}",
    ),
    "an actor without a name": (
        METHOD,
        f"""update {A}.ai_spend set user_email = null
        where {one("ai_spend", "attribution_method = 'actor'", **SPEND)}""",
    ),
    "a seat without a person": (
        METHOD,
        f"""update {A}.ai_spend set user_email = null
        where {one("ai_spend", "attribution_method = 'seat'", **SPEND)}""",
    ),
    "unattributed money with a name": (
        METHOD,
        f"""update {A}.ai_spend set user_email = 'x@example.com'
        where {one("ai_spend", "attribution_method = 'unattributed'", **SPEND)}""",
    ),
    "a key's owner without the key": (
        METHOD,
        f"""update {A}.ai_spend set api_key_id = null
        where {one("ai_spend", "attribution_method = 'key_sheet'", **SPEND)}""",
    ),
    "ai_spend not built": (SIGHT, f"delete from {A}.ai_spend where spend_date = '{DAY}'"),
    "one provider not in ai_spend": (
        SIGHT,
        f"delete from {A}.ai_spend where spend_date = '{DAY}' and provider = 'cursor'",
    ),
    **{
        f"{table} not built": (SIGHT, f"delete from {A}.{table} where expense_date = '{DAY}'")
        for table in (
            "claude_cost_shares",
            "claude_attributed_costs",
            "claude_expenses",
            "claude_total_expenses",
            "cursor_expenses",
        )
    },
}


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Platform:
    platform = platform_in(tmp_path_factory.mktemp("allocation"))
    expenses = ("claude_total_expenses", "claude_expenses", "api_usage_expenses", "cursor_expenses")
    only = whatever_makes(
        "marts/ai_spend",
        "core/openai_daily_cost",
        "core/gemini_daily_cost",
        *(f"marts/{mart}" for mart in expenses),
    )
    outcome = platform.refresh(replace(settings(), simulate=True), DAYS, only=only | checks_of(*NAMES, MEASURED))
    assert outcome.result.success
    assert {check for check in (*NAMES, MEASURED) if outcome.not_passed(check)} == set()
    return platform


@pytest.fixture
def good(past: Platform, tmp_path: Path) -> Platform:
    """Three days of both providers, pulled and built, on which every check passes."""
    return past.copy(tmp_path)


@pytest.mark.parametrize("harm", HARMS)
def test_a_mistake_with_money_fails_its_day_and_no_other(good: Platform, harm: str) -> None:
    check, sql = HARMS[harm]
    [(rows,)] = good.sql(sql)
    assert rows > 0
    outcome = good.check(check, DAYS)
    assert (check, outcome.not_passed(check)) == (check, {DAY})
    [wrong] = [v for found in outcome.evaluations.values() for v in found.values() if not v.passed]
    assert wrong.severity == dg.AssetCheckSeverity.ERROR
    assert str(DAY) in (wrong.description or "")
    assert " USD" in (wrong.description or "") or check == SIGHT


@pytest.mark.parametrize("check", NAMES)
def test_a_check_over_nothing_is_not_evaluated(tmp_path: Path, check: str) -> None:
    platform = platform_in(tmp_path)
    outcome = platform.check(check, DAYS)
    assert outcome.evaluations == {}
    assert outcome.not_evaluated(check).keys() == set(DAYS.days)


def test_on_a_blocked_day_the_difference_is_a_warning_that_names_the_block(good: Platform) -> None:
    good.sql(f"update {A}.claude_daily_cost set amount_usd = amount_usd + 1 where activity_date = '{DAY}'")
    good.sql(f"""delete from {A}.claude_costs where rowid = (select min(rowid) from {A}.claude_costs
        where activity_date = '{DAY}' and amount_usd > 0)""")
    outcome = good.check(ALLOCATION, DAYS)
    assert outcome.not_passed(ALLOCATION) == {DAY}
    evaluation = outcome.evaluation(ALLOCATION, DAY, "claude_attributed_costs")
    assert evaluation.severity == dg.AssetCheckSeverity.WARN
    assert "The day is blocked by no_day_is_missing, grouped_lines_equal_console_figure" in (
        evaluation.description or ""
    )
