"""Is spending as planned, as usual, and used: what a person should hear of without having to look.

These claims are about the company, not about the data. So they warn, and only a budget that is spent is an error. Each
row shown bears an `alert_key`: the same thing always has the same, so that whoever tells people can tell it once.
"""

from collections.abc import Callable, Collection, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import dagster as dg

from ai_usage.checks.allocation import EITHER, PULLS_OF_EITHER
from ai_usage.checks.runner import (
    ERROR,
    Finding,
    NotJudged,
    Rows,
    Verdict,
    daily_check,
    snapshot_check,
    some,
    wrong_rows,
)
from ai_usage.partitions import Span
from ai_usage.providers.cursor.pulls import SOURCE as FROM_CURSOR
from ai_usage.settings import settings
from ai_usage.sheet.pulls import SOURCE as FROM_SHEET
from ai_usage.sheet.tabs import BUDGETS
from ai_usage.warehouse.port import Warehouse

BUDGET_STATUS, GROWTH, ANOMALIES, SEAT_USE, BACKTEST, BY_SCOPE = (
    dg.AssetKey(["marts", table])
    for table in (
        "budget_status",
        "spend_growth",
        "spend_anomalies",
        "seat_use",
        "forecast_backtest",
        "spend_by_scope",
    )
)
ENOUGH_TRIALS = 60  # fewer are one or two months, which may have been odd ones
EXACT = Decimal("0.01")  # intervals about forecasts as near as that may hold everything: seats alone are foreseen
COVERAGE = (Decimal("0.65"), Decimal("0.95"))  # of intervals meant to hold 80 %


def _found(warehouse: Warehouse, claim: str) -> Rows:
    return warehouse.query(f"checks/{claim}").to_dicts()


def _unbuilt(warehouse: Warehouse, mart: str) -> Verdict | None:
    """The verdict where a mart should have rows and has none: what is claimed of nothing is not true."""
    rows = warehouse.ask(f"select count(*) as row_count from ai_usage_analytics.{mart}").item()
    return None if rows else Verdict.error(f"marts/{mart} is empty: build it.")


def _each(rows: Rows, named: Callable[[Mapping[str, Any]], str], said: Callable[[Mapping[str, Any]], str]) -> Rows:
    """The rows with the words in which each is told by itself: what it is about, and what of it."""
    return [{"named": named(row), "said": said(row), **row} for row in rows]


def _whose(row: Mapping[str, Any]) -> str:
    return (
        "The whole budget"
        if row["scope"] == "total"
        else f"The budget of {row['scope'].replace('_', ' ')} {row['scope_name']}"
    )


CAN_FORECAST = """
select count(*) as row_count
from ai_usage_analytics.budget_status
where days_elapsed < days_in_month and forecast_usd is not null
"""
CAN_COMPARE = """
select count(*) as row_count
from ai_usage_analytics.spend_growth
where scope = 'total' and days >= 14 and growth_ratio is not null
"""


def _unless(
    rows: Callable[[Warehouse], Finding | None], nothing: str, why: str
) -> Callable[[Warehouse], Finding | None]:
    """The same, not judged where a query counts nothing that it could be judged by."""

    def judged(warehouse: Warehouse) -> Finding | None:
        finding = rows(warehouse)
        is_clean = isinstance(finding, Verdict) and finding.passed
        return NotJudged(why) if is_clean and not warehouse.ask(nothing).item() else finding

    return judged


def _of_budgets(claim: str, judge: Callable[[Rows], Verdict]) -> Callable[[Warehouse], Finding | None]:
    def judged(warehouse: Warehouse) -> Finding | None:
        if warehouse.newest(BUDGETS.pull, None).versions.is_empty():
            return None
        if not warehouse.ask("select count(*) as row_count from ai_usage_analytics.budgets").item():
            return NotJudged("The sheet has no budgets.")
        return _unbuilt(warehouse, "budget_status") or judge(_found(warehouse, claim))

    return judged


def _of_money(claim: str, judge: Callable[[Rows], Finding]) -> Callable[[Warehouse], Finding | None]:
    def judged(warehouse: Warehouse) -> Finding | None:
        if not any(warehouse.pulled_days(pull) for pull in PULLS_OF_EITHER):
            return None
        return _unbuilt(warehouse, "spend_by_scope") or judge(_found(warehouse, claim))

    return judged


def judge_budgets(rows: Rows) -> Verdict:
    """Budgets that reached a threshold: all of it is an error, half of it a warning."""
    if not rows:
        return Verdict.right("Less than half of each budget is spent.")
    rows = _each(rows, lambda row: f"{_whose(row)} for {row['month']}, {row['threshold_ratio']:.0%}", _budget_said)
    said = _said(rows)
    is_spent = any(row["severity"] == ERROR.value for row in rows)
    return Verdict.error(said, rows) if is_spent else Verdict.warning(said, rows)


def _said(rows: Rows, at_most: int = 5) -> str:
    return some((row["said"] for row in rows), at_most=at_most, between=" ")


def _budget_said(row: Mapping[str, Any]) -> str:
    share = f"{row['spent_ratio']:.0%}" if row["spent_ratio"] is not None else "all"
    return (
        f"{_whose(row)} for {row['month']}: {row['spent_usd']:,.2f} of {row['budget_usd']:,.2f} USD spent, {share}; "
        f"{row['threshold_ratio']:.0%} reached on {row['crossed_on']}."
    )


budget_is_not_crossed = snapshot_check(
    "budget_is_not_crossed",
    BUDGET_STATUS,
    _of_budgets("budget_is_not_crossed", judge_budgets),
    source=FROM_SHEET,
    description="Of no budget of the month half (a warning), four fifths (a warning) or all (an error) is spent.",
    pull=BUDGETS.pull,
    also_reads=[BY_SCOPE],
    is_about_now=True,
)


def judge_forecasts(rows: Rows) -> Verdict:
    """Budgets that will be spent before their month is over."""
    if not rows:
        return Verdict.right("No budget is forecast to be spent before its month ends.")
    rows = _each(rows, lambda row: f"{_whose(row)} for {row['month']}, forecast", _forecast_said)
    return Verdict.warning(_said(rows), rows)


def _forecast_said(row: Mapping[str, Any]) -> str:
    return (
        f"{_whose(row)} for {row['month']}, {row['budget_usd']:,.2f} USD, will be exceeded by "
        f"{row['over_usd']:,.2f}: {row['forecast_usd']:,.2f} USD forecast (80 % interval "
        f"{row['forecast_low_usd']:,.2f} to {row['forecast_high_usd']:,.2f})."
    )


forecast_is_within_budget = snapshot_check(
    "forecast_is_within_budget",
    BUDGET_STATUS,
    _unless(
        _of_budgets("forecast_is_within_budget", judge_forecasts),
        CAN_FORECAST,
        "No month with a budget is running and known well enough to forecast its end.",
    ),
    source=FROM_SHEET,
    description="Each budget will last to the end of its month, by the forecast.",
    pull=BUDGETS.pull,
    also_reads=[BY_SCOPE],
    is_about_now=True,
)


LOOKS_BACK, WEEKDAYS_NEEDED, WEEKEND_DAYS_NEEDED = timedelta(days=35), 8, 4  # as sql/marts/spend_anomalies.sql has them
SATURDAY = 5


def _as_usual(warehouse: Warehouse, span: Span) -> Mapping[date, Finding]:
    seen = warehouse.ask(
        "select distinct spend_date from ai_usage_analytics.spend_by_scope "
        "where spend_date between @first_day and @last_day",
        first_day=span.first,
        last_day=span.last,
    )["spend_date"].to_list()
    blind = Verdict.error("marts/spend_by_scope has nothing of the day: materialize it.")
    found = wrong_rows(warehouse, "spend_is_as_usual", span)
    known = set(warehouse.pulled_days(PULLS_OF_EITHER[0])) | set(warehouse.pulled_days(PULLS_OF_EITHER[1]))
    too_new = {day: why for day in span.days if (why := _too_new(day, known))}
    return (
        too_new
        | {day: blind for day in span.days if day in known and day not in seen}
        | {day: judge_anomalies(rows) for day, rows in found.items()}
    )


def _too_new(day: date, known: Collection[date]) -> NotJudged | None:
    """Why nothing is usual yet on a day, where too few days like it are known before it."""
    is_weekend = day.weekday() >= SATURDAY
    like_it = sum(day - LOOKS_BACK <= one < day and (one.weekday() >= SATURDAY) == is_weekend for one in known)
    needed = WEEKEND_DAYS_NEEDED if is_weekend else WEEKDAYS_NEEDED
    kind = "weekend days" if is_weekend else "weekdays"
    if like_it >= needed:
        return None
    return NotJudged(f"Only {like_it} {kind} of the five weeks before are known: {needed} are needed to compare with.")


def judge_anomalies(rows: Rows) -> Verdict:
    """A day's unusual things, each in a sentence."""
    rows = _each(rows, lambda row: f"{row['kind'].replace('_', ' ')} of {_thing(row)}", _anomaly_said)
    return Verdict.warning(_said(rows, at_most=4), [_told(row, rows) for row in rows])


def _told(row: Mapping[str, Any], rows: Rows) -> Mapping[str, Any]:
    """A spike of a key is one of its model, its team and its provider too: told once, of the finest."""
    finer = SCOPES[: SCOPES.index(row["scope"])]
    is_told = not any(
        one["kind"] == row["kind"] and one["scope"] in finer and row["provider"] in {one["provider"], None}
        for one in rows
        if one["kind"] in {"spike", "drop"}
    )
    return row if is_told else {**row, "named": ""}


SCOPES = ("api_key", "person", "model", "provider", "team")  # finest first
NOUNS = {"api_key": "key", "person": "", "team": "team", "model": "model", "provider": ""}


def _thing(row: Mapping[str, Any]) -> str:
    return f"{NOUNS[row['scope']]} {row['label']}".strip()


def _anomaly_said(row: Mapping[str, Any]) -> str:
    who = _thing(row)
    if row["kind"] in {"new_key", "new_model"}:
        return f"New: {who} of {row['provider']}, {row['spent_usd']:,.2f} USD so far."
    by = f" ({row['contributors']})" if row["contributors"] else ""
    way = "more" if row["excess_usd"] > 0 else "less"
    return (
        f"{who}: {row['spent_usd']:,.2f} USD, {abs(row['excess_usd']):,.2f} {way} than the usual "
        f"{row['expected_usd']:,.2f}{by}."
    )


spend_is_as_usual = daily_check(
    "spend_is_as_usual",
    ANOMALIES,
    _as_usual,
    source=EITHER,
    description="No key, person, team, model or provider costs far more or less than on such days; nothing is new.",
    relies_on=PULLS_OF_EITHER,
    also_reads=[BY_SCOPE],
)


def judge_growth(rows: Rows, at_most: Decimal) -> Verdict:
    """Whether a month came to much more than the month before, over as many days. What was nothing before is new."""
    over: Rows = [row for row in rows if row["growth_ratio"] is not None and row["growth_ratio"] > at_most]
    if not over:
        return Verdict.right(f"No growth over {at_most:.0%} in the newest month that can be compared.")
    over = _each(over, lambda row: f"{_growing(row)} in {row['month']}", _growth_said)
    return Verdict.warning(_said(over), over)


def _growing(row: Mapping[str, Any]) -> str:
    return "All spend" if row["scope"] == "total" else str(row["scope_name"])


def _growth_said(row: Mapping[str, Any]) -> str:
    return (
        f"{_growing(row)} of the first {row['days']} days of {row['month']} is {row['growth_ratio']:.0%} above the "
        f"month before: {row['spent_usd']:,.2f} USD after {row['previous_usd']:,.2f}."
    )


growth_is_within_limit = snapshot_check(
    "growth_is_within_limit",
    GROWTH,
    _unless(
        _of_money("growth_is_within_limit", lambda rows: judge_growth(rows, settings().growth_at_most)),
        CAN_COMPARE,
        "No month has two weeks that are known in it and in the month before.",
    ),
    source=EITHER,
    description="No month costs more than AI_USAGE_GROWTH_AT_MOST above the month before, over as many days.",
    pull=PULLS_OF_EITHER,
    also_reads=[BY_SCOPE],
    is_about_now=True,
)


def _seats(warehouse: Warehouse) -> Verdict | None:
    if not warehouse.pulled_days("cursor_daily_usage"):
        return None
    members = warehouse.ask("select count(*) as row_count from ai_usage_analytics.cursor_usage_stats").item()
    unbuilt = _unbuilt(warehouse, "seat_use") if members else None
    return unbuilt or judge_seats(_found(warehouse, "seats_are_used"))


def judge_seats(rows: Rows) -> Verdict:
    """Seats that no member uses, or has, and what they cost."""
    if not rows:
        return Verdict.right("Every seat has a member who used it in the last four weeks, or is too new to judge.")
    idle = [row for row in rows if row["is_assigned"]]
    said = [
        f"{row['seats']} purchased Cursor seats have no member: {_saving([row])}." for row in rows if row not in idle
    ]
    if idle:
        named = some(row["user_email"] for row in idle)
        said.append(f"{len(idle)} Cursor seats were not used in the last four weeks: {_saving(idle)}. {named}.")
    return Verdict.warning(" ".join(said), rows)


def _saving(rows: Rows) -> str:
    unpriced = sum(row["seats"] for row in rows if row["saving_usd"] is None)
    saving = sum((row["saving_usd"] or Decimal() for row in rows), Decimal())
    return f"{saving:,.2f} USD a month" + (f", {unpriced} of unknown price" if unpriced else "")


seats_are_used = snapshot_check(
    "seats_are_used",
    SEAT_USE,
    _seats,
    source=FROM_CURSOR,
    description="Every paid Cursor seat has a member and was used on some day of the last four weeks.",
    pull="cursor_daily_usage",
    is_about_now=True,
)


def _purchased(warehouse: Warehouse) -> Verdict | None:
    if not warehouse.pulled_days("cursor_daily_usage"):
        return None
    members = warehouse.ask("select count(*) as row_count from ai_usage_analytics.cursor_usage_stats").item()
    unbuilt = _unbuilt(warehouse, "cursor_seats") if members else None
    return unbuilt or judge_purchase(_found(warehouse, "members_have_purchased_seats"))


def judge_purchase(rows: Rows) -> Verdict:
    """Whether the sheet has as many purchased seats as Cursor has members."""
    if not rows:
        return Verdict.right("Cursor has no more members than the sheet has purchased seats.")
    [row] = rows
    return Verdict.warning(
        f"On {row['as_of_date']} Cursor has {row['members']} members, and the sheet's tab seats has "
        f"{row['purchased_seats']} purchased seats: these are billed, and which members have them is not known.",
        rows,
    )


members_have_purchased_seats = snapshot_check(
    "members_have_purchased_seats",
    SEAT_USE,
    _purchased,
    source=FROM_CURSOR,
    description="Cursor has no more paid members than the sheet's tab seats has purchased seats.",
    pull="cursor_daily_usage",
    also_reads=[dg.AssetKey(["marts", "cursor_seats"])],
)


def judge_departed(rows: Rows) -> Verdict:
    """Keys and accounts that spend for nobody who is here."""
    if not rows:
        return Verdict.right("Nothing is spent under people who are no members.")
    rows = _each(rows, lambda row: f"{_thing(row)} ({row['of_whom']})", _departed_said)
    return Verdict.warning(f"Still spending under people who are no members any more: {_said(rows)}", rows)


def _departed_said(row: Mapping[str, Any]) -> str:
    return f"{_thing(row)} ({row['of_whom']}), {row['spent_usd']:,.2f} USD in thirty days."


no_departed_member_spends = snapshot_check(
    "no_departed_member_spends",
    ANOMALIES,
    _of_money("no_departed_member_spends", judge_departed),
    source=EITHER,
    description="No key or account spends whose owner or maker has left Claude's and Cursor's lists of members.",
    pull=PULLS_OF_EITHER,
    also_reads=[BY_SCOPE],
    is_about_now=True,
)


def judge_backtest(rows: Rows) -> Finding:
    """Whether past forecasts were nearer than the naive run-rate, and their intervals as wide as they should be."""
    if not rows:
        return NotJudged("No month is over yet for which a forecast was made.")
    [row] = rows
    said = (
        f"Over {row['trials']} forecasts of past months the forecast was {row['mape_ratio']:.1%} off, the naive "
        f"run-rate {row['naive_mape_ratio']:.1%}; intervals held {row['interval_coverage_ratio']:.0%} (80 % is meant)"
    )
    has_enough = row["trials"] >= ENOUGH_TRIALS
    if row["mape_ratio"] > row["naive_mape_ratio"]:
        return Verdict.error(f"{said}.", rows) if has_enough else Verdict.warning(f"{said}: too few to be sure.", rows)
    is_held = COVERAGE[0] <= row["interval_coverage_ratio"] <= (COVERAGE[1] if row["mape_ratio"] > EXACT else 1)
    if has_enough and not is_held:
        return Verdict.warning(f"{said}: do not rely on the interval.", rows)
    return Verdict.right(f"{said}.")


forecast_beats_naive = snapshot_check(
    "forecast_beats_naive",
    BACKTEST,
    _of_money("forecast_beats_naive", judge_backtest),
    source=EITHER,
    description="Over past months the forecast was nearer to what they came to than the naive run-rate.",
    pull=PULLS_OF_EITHER,
    also_reads=[BY_SCOPE],
)

CHECKS = [
    budget_is_not_crossed,
    forecast_is_within_budget,
    spend_is_as_usual,
    growth_is_within_limit,
    seats_are_used,
    members_have_purchased_seats,
    no_departed_member_spends,
    forecast_beats_naive,
]
