"""Checks that a billing cycle reconciles: each person's chargeable events with `/teams/spend` at the same instant.

That figure is cumulative and current, while core has events by whole days: events of the current day come from a
separate pull, made right after the figure's. Usage is aggregated hourly, so an event of the figure's last hour may or
may not be in it: both are right. A past cycle is compared at its last snapshot; the charges of the day before that may
have been recomputed since.
"""

import json
from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from ai_usage.check import Check, Finding, NotEvaluated, Result, SnapshotCheck, failed, passed, some, warned
from ai_usage.money import usd
from ai_usage.partitions import ONE_DAY, Span
from ai_usage.providers.cursor.client import SETTLING
from ai_usage.providers.cursor.pulls import SOURCE
from ai_usage.providers.cursor.records import UsageEvent
from ai_usage.providers.cursor.spend import EPOCH, Snapshot, snapshots
from ai_usage.warehouse.port import Warehouse
from ai_usage.warehouse.reading.field_types import address_of
from ai_usage.warehouse.reading.ledger_records import Records
from ai_usage.warehouse.table import PULLS

SQL = "providers/cursor/checks/events_of_cycle"
A_LINE = Decimal("1e-9")  # what one event may be rounded by
FINEST = Decimal("1e-6")  # Cursor adds floats
RECOMPUTED = timedelta(hours=24)  # for so long Cursor computes an event's charge anew
PAST_CYCLES = 3  # that are evaluated again
LAST_OF_CYCLES = f"""
select json_value(envelope, '$.subscriptionCycleStart') as cycle_start, max(pulled_at) as pulled_at
from {PULLS.address}
where pull = 'cursor_spend'
group by cycle_start
having cycle_start is not null
order by pulled_at desc
"""
WHOLE_CENTS = Decimal("0.005")  # a figure without fractions of a cent was rounded to it


@dataclass
class Charged:
    """The sum of one person's chargeable events: those that are certainly settled, and those of the settling hour."""

    settled: Decimal = Decimal(0)
    settling: Decimal = Decimal(0)
    events: int = 0

    def explains(self, figure: Decimal) -> bool:
        is_whole = figure == figure.quantize(Decimal("0.01"))
        slack = (WHOLE_CENTS if is_whole else FINEST) + self.events * A_LINE
        least, most = sorted((Decimal(0), self.settling))
        return least - slack <= figure - self.settled <= most + slack


def _open_cycle(warehouse: Warehouse) -> Finding | None:
    spend, open_day = (_last(warehouse, pull) for pull in ("cursor_spend", "cursor_usage_events_today"))
    if spend is None:
        return None
    if not (found := snapshots(spend)):
        return warned("raw/cursor_spend does not state when its billing cycle began.")
    figure = found[-1]
    if open_day is None or open_day.versions["pulled_at"][0] < figure.at:
        return NotEvaluated("raw/cursor_usage_events_today was not pulled after raw/cursor_spend. Materialize both.")
    first_open = _first_day(open_day)
    closed = Span(figure.cycle_start.date(), first_open - ONE_DAY) if figure.cycle_start.date() < first_open else None
    missing = sorted(set(closed.days) - set(warehouse.pulled_days("cursor_usage_events"))) if closed else []
    if missing:
        return NotEvaluated(
            f"{len(missing)} days of events of the billing cycle since {figure.cycle_start:%Y-%m-%d} were never "
            f"pulled: {some(missing)}. Backfill them."
        )
    charged = _charged(warehouse, figure, closed, figure.at - SETTLING)
    _add_open_day(charged, figure, open_day)
    spent, wrong = _compared(figure, charged)
    return _result(wrong, spent, figure)


def _past_cycles(warehouse: Warehouse) -> Finding | None:
    ends = warehouse.ask(LAST_OF_CYCLES).rows()
    if not ends:
        return None
    pulled = set(warehouse.pulled_days("cursor_usage_events"))
    compared, rows, differ = [], [], []
    for at in [at for _, at in ends][1 : 1 + PAST_CYCLES]:  # the first one is still open
        for figure in snapshots(warehouse.history("cursor_spend", since=at, until=at))[-1:]:
            closed = Span(figure.cycle_start.date(), figure.at.date())
            if not pulled.issuperset(closed.days):
                continue
            _, wrong = _compared(figure, _charged(warehouse, figure, closed, figure.at - RECOMPUTED))
            compared.append(f"{figure.cycle_start:%Y-%m-%d}")
            if wrong:
                differ.append(_differences(wrong, figure))
                rows += [{"cycle_start": f"{figure.cycle_start:%Y-%m-%d}", **row} for row in wrong]
    if differ:
        return failed(" ".join(differ), rows)
    if not compared:
        return NotEvaluated("No past billing cycle has a snapshot of raw/cursor_spend and all of its days of events.")
    return passed(f"The cycles since {', '.join(compared)} reconcile.")


def _compared(figure: Snapshot, charged: dict[str | None, Charged]) -> tuple[dict[str, Decimal], list[dict[str, Any]]]:
    """Each member's spend by the figure, and the members with events that do not add up to it. Events without a person
    may be anyone's: then the differences together must equal them.
    """
    spent: dict[str, Decimal] = defaultdict(Decimal)
    for member in figure.members.values():
        spent[address_of(member.email) or member.key] += usd(cents=member.spend or Decimal(0))
    of_no_member = charged.pop(None, Charged())
    wrong = [
        _row(email, spent.get(email), charged.get(email, Charged()))
        for email in sorted({*filter(None, charged), *spent})
        if not charged.get(email, Charged()).explains(spent.get(email, Decimal(0)))
    ]
    missing = sum((row["difference_usd"] for row in wrong), Decimal(0))
    return spent, [] if wrong and of_no_member.events and of_no_member.explains(missing) else wrong


def _charged(
    warehouse: Warehouse, figure: Snapshot, closed: Span | None, settled_until: datetime
) -> dict[str | None, Charged]:
    """The sum of the chargeable events of whole days by person; None is an unknown person."""
    if closed is None:
        return {}
    rows = warehouse.query(
        SQL,
        first_day=closed.first,
        last_day=closed.last,
        cycle_start=figure.cycle_start,
        settled_until=settled_until,
        figure_at=figure.at,
    )
    return {email: Charged(settled, settling, events) for email, events, settled, settling in rows.iter_rows()}


def _add_open_day(charged: dict[str | None, Charged], figure: Snapshot, open_day: Records) -> None:
    for event in open_day.read(UsageEvent).values:
        at = EPOCH + timedelta(milliseconds=int(event.timestamp))
        if event.is_billed and event.service_account_id is None and figure.cycle_start <= at <= figure.at:
            own = charged.setdefault(address_of(event.user_email), Charged())
            own.events += 1
            amount = usd(cents=event.charged_cents or Decimal(0))
            if at <= figure.at - SETTLING:
                own.settled += amount
            else:
                own.settling += amount


def _row(email: str, spend: Decimal | None, charged: Charged) -> dict[str, Any]:
    return {
        "user_email": email,
        "spend_usd": spend,
        "events_usd": charged.settled,
        "of_the_last_hour_usd": charged.settling,
        "difference_usd": (spend or Decimal(0)) - charged.settled,
    }


def _result(wrong: list[dict[str, Any]], spent: dict[str, Decimal], figure: Snapshot) -> Result:
    if wrong:
        return failed(_differences(wrong, figure), wrong)
    total = f"{sum(spent.values()):,f}"
    return passed(f"{len(spent)} members' events {_at(figure)}, equal their spend: {total} USD.")


def _differences(wrong: list[dict[str, Any]], figure: Snapshot) -> str:
    wrong.sort(key=lambda row: -abs(row["difference_usd"]))
    named = some((f"{row['user_email']} {row['difference_usd']:+,f} USD" for row in wrong), at_most=3)
    return f"Spend differs from the events of {len(wrong)} people {_at(figure)}: {named}."


def _at(figure: Snapshot) -> str:
    return f"of the cycle since {figure.cycle_start:%Y-%m-%d}, at {figure.at:%Y-%m-%d %H:%M} UTC"


def _last(warehouse: Warehouse, pull: str) -> Records | None:
    """The last pull of a snapshot, with the instant it was asked for, even if it brought nothing new."""
    newest: datetime | None = warehouse.ask(
        f"select max(pulled_at) as newest from {PULLS.address} where pull = @pull", pull=pull
    ).item()
    if newest is None:
        return None
    found = warehouse.history(pull, since=newest)
    last = found.versions.tail(1).with_columns(pulled_at="asked_at")
    return Records(pull, last, found.lines.filter(found.lines["pull_id"] == last["pull_id"][0]))


def _first_day(open_day: Records) -> date:
    """From when on the open day's pull has events; Cursor names the period it answered for."""
    start = json.loads(open_day.versions["envelope"][0])["period"]["startDate"]
    return (EPOCH + timedelta(milliseconds=start)).date()


events_equal_cycle_spend = SnapshotCheck(
    name="events_equal_cycle_spend",
    formerly="events_add_up_to_cycle_spend",
    provider="cursor",
    asset="core/cursor_usage_events",
    title="events that are lost, doubled or another member's, by person, compared with `/teams/spend`",
    description="Each person's chargeable events of the billing cycle add up to what /teams/spend reports, except the "
    "last hour, which Cursor may not have added up yet. Service accounts are in no member's spend.",
    severity="failed",
    sources=(SOURCE,),
    pulls=("cursor_spend",),
    also_reads=("raw/cursor_spend", "raw/cursor_usage_events_today"),
    sql=SQL,
    evaluate=_open_cycle,
    is_about_now=True,
)

events_equal_past_cycles = SnapshotCheck(
    name="events_equal_past_cycles",
    formerly="events_add_up_to_past_cycles",
    provider="cursor",
    asset="core/cursor_usage_events",
    title=f"the same for the last {PAST_CYCLES} past cycles",
    description=f"The same holds for the last {PAST_CYCLES} past billing cycles, at the last snapshot of /teams/spend "
    "of each, except the charges of the day before it, which Cursor may have recalculated.",
    severity="failed",
    sources=(SOURCE,),
    pulls=("cursor_spend",),
    also_reads=("raw/cursor_spend",),
    sql=SQL,
    evaluate=_past_cycles,
    is_optional=True,
)

CHECKS: list[Check] = [events_equal_cycle_spend, events_equal_past_cycles]
