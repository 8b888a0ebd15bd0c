"""Anomalies: spending that deviates from its baseline, and spending of former members. Both warn, row by row."""

from collections.abc import Collection, Mapping
from datetime import date, timedelta

from ai_usage.check import (
    ALERTS_BY_ROW,
    Check,
    DailyCheck,
    Finding,
    NotEvaluated,
    Result,
    Row,
    Rows,
    SnapshotCheck,
    alerted,
    passed,
    sentences,
    warned,
    without_input,
    wrong_rows,
)
from ai_usage.checks.bills import BILLS, BY_SCOPE, SOURCES, of_money
from ai_usage.core.thresholds import own_limits
from ai_usage.partitions import Span
from ai_usage.warehouse.port import Warehouse

ANOMALIES = "marts/spend_anomalies"
THRESHOLDS = """
select baseline_days, least_history_days, least_weekdays_count, least_weekend_days_count
from ai_usage_analytics.anomaly_thresholds
"""
SATURDAY = 5
SCOPES = ("api_key", "person", "model", "provider", "team")  # finest first
NOUNS = {"api_key": "key", "person": "", "team": "team", "model": "model", "provider": ""}


def _anomalies(warehouse: Warehouse, span: Span) -> Mapping[date, Finding]:
    built = warehouse.ask(
        "select distinct spend_date from ai_usage_analytics.spend_by_scope "
        "where spend_date between @first_day and @last_day",
        first_day=span.first,
        last_day=span.last,
    )["spend_date"].to_list()
    blind = without_input("marts/spend_by_scope has nothing of the day: materialize it.")
    found = wrong_rows(warehouse, "checks/spend_has_no_anomaly", span)
    known = {day for pull in BILLS for day in warehouse.pulled_days(pull)}
    [thresholds] = warehouse.ask(THRESHOLDS).to_dicts()
    own = own_limits(warehouse, "anomaly")
    unknown = {day: why for day in span.days if (why := too_new(day, known, thresholds))}
    return (
        unknown
        | {day: blind for day in span.days if day in known and day not in built}
        | {day: evaluate_anomalies(rows, own) for day, rows in found.items()}
    )


def too_new(day: date, known: Collection[date], thresholds: Mapping[str, int]) -> NotEvaluated | None:
    """Why a day has no baseline: too few days like it are known before it. None if there are enough."""
    history = (day - min(known, default=day)).days
    if history < thresholds["least_history_days"]:
        return NotEvaluated(
            f"Only {history} days of history: {thresholds['least_history_days']} are needed for a baseline."
        )
    is_weekend = day.weekday() >= SATURDAY
    since = day - timedelta(days=thresholds["baseline_days"])
    like_it = sum(since <= one < day and (one.weekday() >= SATURDAY) == is_weekend for one in known)
    needed = thresholds["least_weekend_days_count" if is_weekend else "least_weekdays_count"]
    kind = "weekend days" if is_weekend else "weekdays"
    if like_it >= needed:
        return None
    return NotEvaluated(
        f"Only {like_it} {kind} of the {thresholds['baseline_days']} days before are known: "
        f"{needed} are needed for a baseline."
    )


def evaluate_anomalies(rows: Rows, own: str = "") -> Result:
    """A day's anomalies, each in a sentence, and which limits are the company's `own`."""
    rows = alerted(rows, lambda row: f"{row['kind'].replace('_', ' ')} of {_thing(row)}", _anomaly)
    return warned(
        f"{sentences(rows, at_most=4)} {own}".strip(),
        [row if is_alerted(row, rows) else {**row, ALERTS_BY_ROW: ""} for row in rows],
    )


def is_alerted(row: Row, rows: Rows) -> bool:
    """Whether it is worth a separate message: the first day of a deviation, in the finest scope of its cause."""
    return not row["is_repeat"] and is_finest(row, rows)


def is_finest(row: Row, rows: Rows) -> bool:
    """A spike of a key is also one of its model, team and provider. Only the finest, the key's, is reported."""
    finer = SCOPES[: SCOPES.index(row["scope"])]
    return not any(
        one["kind"] == row["kind"] and one["scope"] in finer and row["provider"] in {one["provider"], None}
        for one in rows
        if one["kind"] in {"spike", "drop"}
    )


def _thing(row: Row) -> str:
    return f"{NOUNS[row['scope']]} {row['label']}".strip()


def _anomaly(row: Row) -> str:
    who = _thing(row)
    if row["kind"] in {"new_key", "new_model"}:
        return f"New {who} of {row['provider']}: ${row['spent_usd']:,.2f} so far."
    by = f" ({row['contributors']})" if row["contributors"] else ""
    way = "above" if row["excess_usd"] > 0 else "below"
    return (
        f"{who}: ${row['spent_usd']:,.2f}, ${abs(row['excess_usd']):,.2f} {way} the baseline of "
        f"${row['expected_usd']:,.2f}{by}."
    )


spend_has_no_anomaly = DailyCheck(
    name="spend_has_no_anomaly",
    formerly="spend_is_as_usual",
    asset=ANOMALIES,
    title="a spike, a drop, a new key or model",
    description="No key, person, team, model or provider deviates far from its baseline for such days, and no key or "
    "model is new.",
    severity="warned",
    sources=SOURCES,
    pulls=BILLS,
    also_reads=(BY_SCOPE,),
    sql="checks/spend_has_no_anomaly",
    evaluate=_anomalies,
)


def evaluate_former_members(rows: Rows) -> Result:
    """Keys and accounts with spend that belong to former members."""
    if not rows:
        return passed("No key or account of a former member spends.")
    rows = alerted(rows, lambda row: f"{_thing(row)} ({row['of_whom']})", _former_member)
    return warned(f"Keys and accounts of former members still spend: {sentences(rows)}", rows)


def _former_member(row: Row) -> str:
    return f"{_thing(row)} ({row['of_whom']}), ${row['spent_usd']:,.2f} in thirty days."


no_former_member_spends = SnapshotCheck(
    name="no_former_member_spends",
    formerly="no_departed_member_spends",
    asset=ANOMALIES,
    title="a former member's key that still spends",
    description="No key or account of a former member spends.",
    severity="warned",
    sources=SOURCES,
    pulls=BILLS,
    also_reads=(BY_SCOPE,),
    sql="checks/no_former_member_spends",
    evaluate=of_money("checks/no_former_member_spends", evaluate_former_members),
    is_about_now=True,
)

CHECKS: list[Check] = [spend_has_no_anomaly, no_former_member_spends]
