"""Checks that paid seats are used, and that their number equals the purchased seats."""

from collections.abc import Callable
from decimal import Decimal

from ai_usage.check import Check, Result, Rows, SnapshotCheck, passed, some, warned, without_input
from ai_usage.providers.cursor.pulls import SOURCE
from ai_usage.warehouse.port import Warehouse

SQL = "providers/cursor/checks/"


def _of_seats(name: str, mart: str, result: Callable[[Rows], Result]) -> Callable[[Warehouse], Result | None]:
    def evaluate(warehouse: Warehouse) -> Result | None:
        if not warehouse.pulled_days("cursor_daily_usage"):
            return None
        if _count(warehouse, "cursor_usage_stats") and not _count(warehouse, mart):
            return without_input(f"marts/{mart} is empty: build it.")
        return result(warehouse.query(f"{SQL}{name}").to_dicts())

    return evaluate


def _count(warehouse: Warehouse, table: str) -> int:
    return int(warehouse.ask(f"select count(*) as row_count from ai_usage_analytics.{table}").item())


def evaluate_seats(rows: Rows) -> Result:
    """Idle and unassigned seats, with their cost."""
    if not rows:
        return passed("Every seat has a member who used it in the last four weeks, or is too new to count as idle.")
    idle = [row for row in rows if row["is_assigned"]]
    parts = [
        f"{row['seats']} purchased Cursor seats have no member: {_saving([row])}." for row in rows if row not in idle
    ]
    if idle:
        named = some(row["user_email"] for row in idle)
        parts.append(f"{len(idle)} Cursor seats were not used in the last four weeks: {_saving(idle)}. {named}.")
    return warned(" ".join(parts), rows)


def _saving(rows: Rows) -> str:
    unpriced = sum(row["seats"] for row in rows if row["saving_usd"] is None)
    saving = sum((row["saving_usd"] or Decimal() for row in rows), Decimal())
    return f"{saving:,.2f} USD a month" + (f", {unpriced} of unknown price" if unpriced else "")


seats_are_used = SnapshotCheck(
    name="seats_are_used",
    provider="cursor",
    asset="marts/seat_use",
    title="paid seats without a member, or unused",
    description="Every paid Cursor seat has a member and was used on some day of the last four weeks.",
    severity="warned",
    sources=(SOURCE,),
    pulls=("cursor_daily_usage",),
    sql=f"{SQL}seats_are_used",
    evaluate=_of_seats("seats_are_used", "seat_use", evaluate_seats),
    is_about_now=True,
)


def evaluate_purchase(rows: Rows) -> Result:
    """Whether the sheet has as many purchased seats as Cursor has members."""
    if not rows:
        return passed("Cursor has no more members than the sheet has purchased seats.")
    [row] = rows
    return warned(
        f"On {row['as_of_date']} Cursor has {row['members']} members, and the sheet's tab seats has "
        f"{row['purchased_seats']} purchased seats: these are billed, and which members have them is not known.",
        rows,
    )


members_have_purchased_seats = SnapshotCheck(
    name="members_have_purchased_seats",
    provider="cursor",
    asset="marts/seat_use",
    title="more members than purchased seats in the sheet",
    description="Cursor has no more paid members than the sheet's tab seats has purchased seats.",
    severity="warned",
    sources=(SOURCE,),
    pulls=("cursor_daily_usage",),
    also_reads=("marts/cursor_seats",),
    sql=f"{SQL}members_have_purchased_seats",
    evaluate=_of_seats("members_have_purchased_seats", "cursor_seats", evaluate_purchase),
)

CHECKS: list[Check] = [seats_are_used, members_have_purchased_seats]
