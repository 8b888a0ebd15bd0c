"""Checks that licenses of Code Assist are used, and that their number equals the billed seats."""

from collections.abc import Callable
from decimal import Decimal

from ai_usage.check import (
    Check,
    Finding,
    NotEvaluated,
    Row,
    Rows,
    SnapshotCheck,
    evaluate_mart,
    passed,
    some,
    warned,
)
from ai_usage.providers.google.usage_pulls import OF_LICENSES
from ai_usage.warehouse.port import Warehouse

SQL = "providers/google/checks/"
PULL = "gemini_licenses"


def _where_listed(evaluate: Callable[[Warehouse], Finding]) -> Callable[[Warehouse], Finding | None]:
    """Not evaluated if licenses were never listed."""

    def evaluated(warehouse: Warehouse) -> Finding | None:
        return None if warehouse.newest(PULL, None).versions.is_empty() else evaluate(warehouse)

    return evaluated


def evaluate_seats(rows: Rows) -> Finding:
    """Whether the bill has as many seats as there are licenses. Seats without a number are not compared."""
    counted = [row for row in rows if row["is_counted"]]
    if not any(row["billed_seats"] is not None for row in counted):
        return NotEvaluated("No month of Code Assist was billed with a number of seats.")
    wrong = [row for row in counted if (row["billed_seats"] or 0) != row["licenses"]]
    if not wrong:
        return passed(f"{sum(row['licenses'] for row in counted)} licenses are as many as were billed.")
    return warned(f"Licenses are not as many as were billed: {some(map(_seats, wrong), between='; ')}.", wrong)


def _seats(row: Row) -> str:
    billed = "no billed seat"
    if row["billed_date"]:
        billed = f"{row['billed_seats']} billed seats of {row['billed_date']:%Y-%m}"
    return f"account {row['account']} has {row['licenses']} licenses and {billed}"


licenses_match_billed_seats = SnapshotCheck(
    name="licenses_match_billed_seats",
    provider="google",
    asset="core/gemini_licenses",
    title="licenses that are not billed, or seats without a license",
    description="The licenses of Code Assist are as many as the seats of the newest month on the bill.",
    severity="warned",
    sources=(OF_LICENSES,),
    pulls=(PULL,),
    also_reads=("core/gemini_costs",),
    sql=f"{SQL}licenses_match_billed_seats",
    evaluate=_where_listed(
        lambda warehouse: evaluate_seats(warehouse.query(f"{SQL}licenses_match_billed_seats").to_dicts())
    ),
    is_about_now=True,
    is_optional=True,
)


def evaluate_use(rows: Rows) -> Finding:
    """Unassigned and unused licenses, and what they cost."""
    if not rows:
        return passed("Every license has a user who used it in the last four weeks, or is too new to count as idle.")
    idle = [row for row in rows if row["is_assigned"]]
    parts = [f"{row['seats']} licenses are unassigned: {_saving([row])}." for row in rows if row not in idle]
    if idle:
        named = some(row["user_email"] for row in idle)
        parts.append(f"Not used in the last four weeks: {len(idle)}, {_saving(idle)}. {named}.")
    return warned(" ".join(parts), rows)


def _saving(rows: Rows) -> str:
    unpriced = sum(row["seats"] for row in rows if row["saving_usd"] is None)
    saving = sum((row["saving_usd"] or Decimal() for row in rows), Decimal())
    return f"{saving:,.2f} USD a month" + (f", {unpriced} of unknown price" if unpriced else "")


gemini_licenses_are_used = SnapshotCheck(
    name="gemini_licenses_are_used",
    provider="google",
    asset="marts/seat_use",
    title="paid licenses without a user, or unused",
    description="Every license of Code Assist has a user and was used on some day of the last four weeks.",
    severity="warned",
    sources=(OF_LICENSES,),
    pulls=(PULL,),
    sql=f"{SQL}gemini_licenses_are_used",
    evaluate=_where_listed(
        lambda warehouse: evaluate_mart(warehouse, "seat_use", f"{SQL}gemini_licenses_are_used", evaluate_use)
    ),
    is_about_now=True,
    is_optional=True,
)

CHECKS: list[Check] = [licenses_match_billed_seats, gemini_licenses_are_used]
