"""Checks that spending is as planned: budgets, forecasts and growth.

These checks are about the company, not about the data. So they warn, and only a budget that is used up fails. Each row
has an `alert_key`: the same event always has the same key, so that it is alerted once.
"""

from collections.abc import Callable
from datetime import date
from decimal import Decimal

from ai_usage.check import (
    Check,
    Finding,
    NotEvaluated,
    Result,
    Row,
    Rows,
    SnapshotCheck,
    alerted,
    evaluate_mart,
    failed,
    passed,
    sentences,
    warned,
)
from ai_usage.checks.bills import BILLS, BY_SCOPE, SOURCES, if_any, of_money
from ai_usage.settings import settings
from ai_usage.sheet.pulls import SOURCE as SHEET
from ai_usage.sheet.tabs import BUDGETS
from ai_usage.warehouse.port import Warehouse

CAN_FORECAST = """
select count(*) as row_count
from ai_usage_analytics.budget_status
where days_elapsed < days_in_month and forecast_usd is not null
"""
CAN_COMPARE = """
select count(*) as row_count
from ai_usage_analytics.spend_growth as growth
cross join ai_usage_analytics.growth_thresholds as thresholds
where growth.scope = 'total' and growth.days >= thresholds.least_days and growth.growth_ratio is not null
"""


def _of_budgets(sql: str, result: Callable[[Rows], Result]) -> Callable[[Warehouse], Finding | None]:
    def evaluated(warehouse: Warehouse) -> Finding | None:
        if warehouse.newest(BUDGETS.pull, None).versions.is_empty():
            return None
        if not warehouse.ask("select count(*) as row_count from ai_usage_analytics.budgets").item():
            return NotEvaluated("The sheet has no budgets.")
        return evaluate_mart(warehouse, "budget_status", sql, result)

    return evaluated


def _month(row: Row) -> str:
    return f"{date.fromisoformat(row['month'] + '-01'):%B %Y}"


def _budget(row: Row) -> str:
    if row["scope"] == "total":
        return f"{_month(row)} total budget"
    return f"{_month(row)} budget of {row['scope'].replace('_', ' ')} {row['scope_name']}"


def evaluate_budgets(rows: Rows) -> Result:
    """Budgets that reached a threshold: 100% fails, 50% warns."""
    if not rows:
        return passed("Less than half of each budget is used.")
    is_used_up = any(row["severity"] == "ERROR" for row in rows)
    rows = alerted(rows, lambda row: f"{_budget(row)}, {row['threshold_ratio']:.0%}", _used)
    return failed(sentences(rows), rows) if is_used_up else warned(sentences(rows), rows)


def _used(row: Row) -> str:
    share = f"{row['spent_ratio']:.0%}" if row["spent_ratio"] is not None else "all"
    return (
        f"{_budget(row)}: ${row['spent_usd']:,.2f} of ${row['budget_usd']:,.2f} used ({share}). "
        f"Passed {row['threshold_ratio']:.0%} on {row['crossed_on']}."
    )


budget_is_not_crossed = SnapshotCheck(
    name="budget_is_not_crossed",
    asset="marts/budget_status",
    title="a budget that is used to 50, 80 or 100 %",
    description="Less than half of each budget of the month is used: 50 % and 80 % are a warning, 100 % is a failure.",
    severity="failed",
    sources=(SHEET,),
    pulls=(BUDGETS.pull,),
    also_reads=(BY_SCOPE,),
    sql="checks/budget_is_not_crossed",
    evaluate=_of_budgets("checks/budget_is_not_crossed", evaluate_budgets),
    is_about_now=True,
)


def evaluate_forecasts(rows: Rows) -> Result:
    """Budgets that will be exceeded before their month is over."""
    if not rows:
        return passed("No budget is forecast to be exceeded before its month ends.")
    rows = alerted(rows, lambda row: f"{_budget(row)}, forecast", _exceeded)
    return warned(sentences(rows), rows)


def _exceeded(row: Row) -> str:
    return (
        f"{_budget(row)} of ${row['budget_usd']:,.2f} will be exceeded by ${row['over_usd']:,.2f}: "
        f"${row['forecast_usd']:,.2f} is forecast (80 % prediction interval ${row['forecast_low_usd']:,.2f} to "
        f"${row['forecast_high_usd']:,.2f})."
    )


forecast_is_within_budget = SnapshotCheck(
    name="forecast_is_within_budget",
    asset="marts/budget_status",
    title="a budget that will be exceeded before the month ends",
    description="By the forecast, no budget is exceeded before its month ends.",
    severity="warned",
    sources=(SHEET,),
    pulls=(BUDGETS.pull,),
    also_reads=(BY_SCOPE,),
    sql="checks/forecast_is_within_budget",
    evaluate=if_any(
        CAN_FORECAST,
        _of_budgets("checks/forecast_is_within_budget", evaluate_forecasts),
        "No month with a budget is running and known well enough to forecast its end.",
    ),
    is_about_now=True,
)


def evaluate_growth(rows: Rows, at_most: Decimal) -> Result:
    """Whether a month cost much more than the month before, over as many days. Spend without any before is new."""
    over: Rows = [row for row in rows if row["growth_ratio"] is not None and row["growth_ratio"] > at_most]
    if not over:
        return passed(f"No growth over {at_most:.0%} in the newest month that can be compared.")
    over = alerted(over, lambda row: f"{_growing(row)} in {row['month']}", _growth)
    return warned(sentences(over), over)


def _growing(row: Row) -> str:
    return "All spend" if row["scope"] == "total" else str(row["scope_name"])


def _growth(row: Row) -> str:
    return (
        f"{_growing(row)} of the first {row['days']} days of {_month(row)} is {row['growth_ratio']:.0%} above the "
        f"month before: ${row['spent_usd']:,.2f} after ${row['previous_usd']:,.2f}."
    )


growth_is_within_limit = SnapshotCheck(
    name="growth_is_within_limit",
    asset="marts/spend_growth",
    title="a month that costs much more than the one before",
    description="No month costs more than AI_USAGE_GROWTH_AT_MOST above the month before, over as many days.",
    severity="warned",
    sources=SOURCES,
    pulls=BILLS,
    also_reads=(BY_SCOPE,),
    sql="checks/growth_is_within_limit",
    evaluate=if_any(
        CAN_COMPARE,
        of_money("checks/growth_is_within_limit", lambda rows: evaluate_growth(rows, settings().growth_at_most)),
        "No month has enough days that are known in it and in the month before.",
    ),
    is_about_now=True,
)


def evaluate_backtest(rows: Rows) -> Finding:
    """Whether past forecasts were closer than the naive run rate, and their intervals had the expected coverage."""
    if not rows:
        return NotEvaluated("No month is over yet for which a forecast was made.")
    [row] = rows
    why = (
        f"Over {row['trials']} forecasts of past months the forecast was {row['mape_ratio']:.1%} off, the naive "
        f"run rate {row['naive_mape_ratio']:.1%}; intervals held {row['interval_coverage_ratio']:.0%} (80 % is meant)"
    )
    if row["mape_ratio"] > row["naive_mape_ratio"]:
        return failed(f"{why}.", rows) if row["has_enough_trials"] else warned(f"{why}: too few to be sure.", rows)
    if not (row["has_enough_trials"] and row["has_enough_months"]):
        return passed(f"{why}. Of {row['months']} months: too few to evaluate the intervals.")
    if not row["is_interval_right"]:
        return failed(f"{why}: do not rely on the interval.", rows)
    return passed(f"{why}.")


forecast_beats_naive = SnapshotCheck(
    name="forecast_beats_naive",
    asset="marts/forecast_backtest",
    title="a forecast that is worse than the run rate, or an interval that does not hold",
    description="Over past months the forecast was closer to the actual totals than the naive run rate, and "
    "its interval held about 80 % of them.",
    severity="failed",
    sources=SOURCES,
    pulls=BILLS,
    also_reads=(BY_SCOPE,),
    sql="checks/forecast_beats_naive",
    evaluate=of_money("checks/forecast_beats_naive", evaluate_backtest),
)


def evaluate_limits(rows: Rows) -> Result:
    """Limits that are 80% or fully used."""
    if not rows:
        return passed("Less than 80% of each spend limit is used.")
    rows = alerted(rows, lambda row: f"Spend limit of {_limited(row)}", _limit_used)
    return warned(sentences(rows), rows)


def _limited(row: Row) -> str:
    of = row["user_email"] or f"{row['scope']} {row['account']}"
    return f"{of} at {row['provider']}"


def _limit_used(row: Row) -> str:
    since = f" since {row['period_start']}" if row["period_start"] else ""
    return (
        f"Spend limit of {_limited(row)}: ${row['used_usd']:,.2f} of ${row['limit_usd']:,.2f} used "
        f"({row['used_ratio']:.0%}){since}."
    )


def _limits(warehouse: Warehouse) -> Finding | None:
    if not any(warehouse.pulled_days(pull) for pull in BILLS):
        return None
    if not warehouse.ask("select count(*) as row_count from ai_usage_analytics.limit_use").item():
        return NotEvaluated("No provider reported a spend limit.")
    return evaluate_limits(warehouse.query("checks/limits_are_not_reached").to_dicts())


limits_are_not_reached = SnapshotCheck(
    name="limits_are_not_reached",
    asset="marts/limit_use",
    title="a spend limit that is used to 80 or 100 %",
    description="Less than 80 % of each spend limit that a provider reports is used.",
    severity="warned",
    sources=SOURCES,
    pulls=BILLS,
    sql="checks/limits_are_not_reached",
    evaluate=_limits,
    is_about_now=True,
)

CHECKS: list[Check] = [
    budget_is_not_crossed,
    forecast_is_within_budget,
    growth_is_within_limit,
    forecast_beats_naive,
    limits_are_not_reached,
]
