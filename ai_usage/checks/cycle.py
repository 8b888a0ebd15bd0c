"""Does a billing cycle add up: each person's chargeable events with what `/teams/spend` says, at the same instant.

That figure is cumulative and of now, while core has events by whole days: those of the day that is not over come from a
pull of their own, made right after the figure's. Usage is aggregated hourly, so an event of the figure's last hour may
be in it already or not yet: both are right.
"""

import json
from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import dagster as dg

from ai_usage.checks.verdicts import Finding, NotJudged, Verdict, snapshot_check, some
from ai_usage.money import usd
from ai_usage.partitions import ONE_DAY, Span
from ai_usage.sources.cursor.client import SETTLING
from ai_usage.sources.cursor.pulls import SOURCE as CURSOR
from ai_usage.sources.cursor.records import UsageEvent
from ai_usage.sources.cursor.spend import EPOCH, Snapshot, snapshots
from ai_usage.warehouse.ledger import Records
from ai_usage.warehouse.port import Warehouse
from ai_usage.warehouse.table import PULLS

A_LINE = Decimal("1e-9")  # what one event may be rounded by
FINEST = Decimal("1e-6")  # the vendor adds floats
WHOLE_CENTS = Decimal("0.005")  # a figure without fractions of a cent was rounded to it


@dataclass
class Charged:
    """What one person's chargeable events come to: surely settled, and of the settling hour."""

    settled: Decimal = Decimal(0)
    settling: Decimal = Decimal(0)
    events: int = 0

    def explains(self, figure: Decimal) -> bool:
        is_whole = figure == figure.quantize(Decimal("0.01"))
        slack = (WHOLE_CENTS if is_whole else FINEST) + self.events * A_LINE
        least, most = sorted((Decimal(0), self.settling))
        return least - slack <= figure - self.settled <= most + slack


def _cycle_adds_up(warehouse: Warehouse) -> Finding | None:
    spend, open_day = (_last(warehouse, pull) for pull in ("cursor_spend", "cursor_usage_events_today"))
    if spend is None:
        return None
    [figure] = snapshots(spend)
    if open_day is None or open_day.versions["pulled_at"][0] < figure.at:
        return NotJudged("raw/cursor_usage_events_today was not pulled after raw/cursor_spend. Materialize both.")
    first_open = _first_day(open_day)
    closed = Span(figure.cycle_start.date(), first_open - ONE_DAY) if figure.cycle_start.date() < first_open else None
    missing = sorted(set(closed.days) - set(warehouse.pulled_days("cursor_usage_events"))) if closed else []
    if missing:
        return NotJudged(
            f"{len(missing)} days of events of the billing cycle since {figure.cycle_start:%Y-%m-%d} were never "
            f"pulled: {some(missing)}. Backfill them."
        )
    charged = _charged(warehouse, figure, closed, open_day)
    spent: dict[str, Decimal] = defaultdict(Decimal)
    for member in figure.members.values():
        spent[member.email.strip().lower()] += usd(cents=member.spend_cents)
    wrong = [
        _row(email, spent.get(email), charged[email])
        for email in sorted({*charged, *spent})
        if not charged[email].explains(spent.get(email, Decimal(0)))
    ]
    return _verdict(wrong, spent, figure)


def _charged(warehouse: Warehouse, figure: Snapshot, closed: Span | None, open_day: Records) -> dict[str, Charged]:
    found: dict[str, Charged] = defaultdict(Charged)
    settled_until = figure.at - SETTLING
    if closed:
        rows = warehouse.query(
            "checks/events_of_cycle",
            first_day=closed.first,
            last_day=closed.last,
            cycle_start=figure.cycle_start,
            settled_until=settled_until,
            figure_at=figure.at,
        )
        for email, events, settled, settling in rows.iter_rows():
            found[email] = Charged(settled, settling, events)
    for event in open_day.decode(UsageEvent):
        at = EPOCH + timedelta(milliseconds=int(event.timestamp))
        if event.is_chargeable and event.service_account_id is None and figure.cycle_start <= at <= figure.at:
            own = found[event.user_email.strip().lower()]
            own.events += 1
            if at <= settled_until:
                own.settled += usd(cents=event.charged_cents)
            else:
                own.settling += usd(cents=event.charged_cents)
    return found


def _row(email: str, spend: Decimal | None, charged: Charged) -> dict[str, Any]:
    return {
        "user_email": email,
        "spend_usd": spend,
        "events_usd": charged.settled,
        "of_the_last_hour_usd": charged.settling,
        "difference_usd": (spend or Decimal(0)) - charged.settled,
    }


def _verdict(wrong: list[dict[str, Any]], spent: dict[str, Decimal], figure: Snapshot) -> Verdict:
    at = f"of the cycle since {figure.cycle_start:%Y-%m-%d}, at {figure.at:%Y-%m-%d %H:%M} UTC"
    if not wrong:
        return Verdict.right(f"{len(spent)} members' events {at}, come to their spend: {sum(spent.values()):,f} USD.")
    wrong.sort(key=lambda row: -abs(row["difference_usd"]))
    named = some((f"{row['user_email']} {row['difference_usd']:+,f} USD" for row in wrong), at_most=3)
    return Verdict.error(f"Spend is not what the events come to for {len(wrong)} people {at}: {named}.", wrong)


def _last(warehouse: Warehouse, pull: str) -> Records | None:
    """The last pull of a snapshot, with its own instant even if it brought nothing new."""
    at: datetime | None = warehouse.ask(
        f"select max(pulled_at) as at from {PULLS.address} where pull = @pull", pull=pull
    ).item()
    return warehouse.history(pull, since=at) if at else None


def _first_day(open_day: Records) -> date:
    """From when on the open day's pull has events; the vendor says which period it answered for."""
    start = json.loads(open_day.versions["envelope"][0])["period"]["startDate"]
    return (EPOCH + timedelta(milliseconds=start)).date()


events_add_up_to_cycle_spend = snapshot_check(
    "events_add_up_to_cycle_spend",
    dg.AssetKey(["core", "cursor_usage_events"]),
    _cycle_adds_up,
    source=CURSOR,
    description="Each person's chargeable events of the billing cycle come to what /teams/spend says, but for the last "
    "hour, which Cursor may not have added up yet. Service accounts are in no member's spend.",
    pull="cursor_spend",
    also_reads=[dg.AssetKey(["raw", "cursor_spend"]), dg.AssetKey(["raw", "cursor_usage_events_today"])],
    is_about_now=True,
)

CHECKS = [events_add_up_to_cycle_spend]
