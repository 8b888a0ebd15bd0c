"""A warehouse as of an instant: the ledger is cut there, and the usual assets rebuild core and marts from it. What was
never in the ledger is of today: this code, and the prices that CURSOR_PLANS names.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import dagster as dg

from ai_usage.automation.interrupts import heeded
from ai_usage.automation.refresh import range_tags
from ai_usage.automation.runs import failures_of, not_built
from ai_usage.definitions import ASSETS
from ai_usage.marts.gate import blocked_days
from ai_usage.partitions import ONE_DAY, Span
from ai_usage.providers.registry import PROVIDERS
from ai_usage.warehouse.port import Warehouse

BUILT = [asset for asset in ASSETS if {key.path[0] for key in asset.keys} <= {"core", "marts"}]
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
AN_INSTANT = timedelta(microseconds=1)  # the precision of instants here

DayOfProvider = tuple[date, str]
Owner = tuple[str | None, str | None, str | None]  # key, person, team
BlockedByProvider = dict[DayOfProvider, list[str]]


@dataclass
class Past:
    """A rebuilt warehouse: failed steps with reasons, and the days that were blocked then, with the checks."""

    world: Warehouse
    failures: Mapping[str, str]
    blocked: BlockedByProvider


@dataclass
class Spend:
    """The billed cost of some days in a warehouse."""

    billed: dict[DayOfProvider, Decimal] = field(default_factory=dict)
    usage: dict[DayOfProvider, Decimal] = field(default_factory=dict)
    owners: dict[DayOfProvider, dict[Owner, Decimal]] = field(default_factory=dict)


def rebuilt(ledger: Warehouse, at: datetime, span: Span, *, into: Path) -> Past:
    """The days as known at the instant, in a separate warehouse at `into`.

    A blocked day keeps its last good version in the marts. So if days were blocked then, the state just before each
    change is built first, and the instant last: in the order in which the marts were built.
    """
    past = _build(ledger, at, span, into)
    if not past.failures and (moments := _before_each_change(past, span)):
        into.unlink()
        for moment, day in moments:
            _build(ledger, moment, Span(day, day), into)
        past = _build(ledger, at, span, into)
    return past


def _build(ledger: Warehouse, at: datetime, span: Span, into: Path) -> Past:
    world = ledger.as_of(at, Span(span.first - ONE_DAY, span.last), into=into)  # commits also read the day before
    with world.connected(), dg.DagsterInstance.ephemeral() as instance:
        # Logging this run, which is never shown, took a third of the time.
        instance.event_log_storage.store_event = lambda _: None  # type: ignore[method-assign,assignment]
        with heeded():
            result = dg.materialize(
                BUILT,
                resources={"warehouse": world},
                tags=range_tags(span),
                instance=instance,
                run_config=QUIET,
                raise_on_error=False,
            )
    return Past(world, failures_of(result) | not_built(result), blocked_by_provider(world, span))


def blocked_by_provider(warehouse: Warehouse, span: Span) -> BlockedByProvider:
    """Each provider's blocked days, with the checks that block them."""
    return {
        (day, provider.key): checks
        for provider in PROVIDERS
        if any(warehouse.pulled_days(pull) for pull in provider.gate.pulls)
        for day, checks in blocked_days(warehouse, span, provider.gate).items()
    }


def _before_each_change(past: Past, span: Span) -> list[tuple[datetime, date]]:
    """For each blocked day, the instants just before something new was pulled, after the day had all required
    pulls.
    """
    moments = set()
    for provider in PROVIDERS:
        pulls = provider.gate.pulls
        heard = past.world.ask(
            "select activity_date, account, pull, pulled_at from ai_usage_raw.pulls where pull in unnest(@pulls) "
            "and pull_id = records_pull_id and activity_date between @first_day and @last_day order by pulled_at",
            pulls=list(pulls),
            first_day=span.first,
            last_day=span.last,
        )
        for day in {day for day, key in past.blocked if key == provider.key}:
            there: dict[str, set[str]] = {}
            for of, account, pull, pulled_at in heard.iter_rows():
                if of == day:
                    if there.setdefault(account, set()) == set(pulls):
                        moments.add((pulled_at - AN_INSTANT, day))
                    there[account].add(pull)
    return sorted(moments)


def spend_in(warehouse: Warehouse, span: Span) -> Spend:
    """The billed cost in its `ai_spend`."""
    found = Spend()
    for row in warehouse.query("summary/spend_by_attribution", **_period(span)).iter_rows(named=True):
        key, owner = (row["spend_date"], row["provider"]), (row["api_key_id"], row["user_email"], row["team_name"])
        sums: list[dict[Any, Decimal]] = [found.billed] if row["is_seat"] else [found.billed, found.usage]
        for billed in sums:
            billed[key] = billed.get(key, Decimal()) + row["billed_usd"]
        own = found.owners.setdefault(key, {})
        own[owner] = own.get(owner, Decimal()) + row["billed_usd"]
    return found


def usage_known(warehouse: Warehouse, at: datetime, span: Span) -> dict[DayOfProvider, Decimal]:
    """The cost of these days by the function `spend_as_of`, of all accounts together."""
    of_accounts = warehouse.query("functions/spend_as_of", as_of=at)
    known: dict[DayOfProvider, Decimal] = {}
    for day, provider, billed_usd in of_accounts.select("activity_date", "provider", "billed_usd").iter_rows():
        if day in span:
            known[day, provider] = known.get((day, provider), Decimal()) + billed_usd
    return known


def differences(one: Mapping[DayOfProvider, Decimal], other: Mapping[DayOfProvider, Decimal]) -> list[DayOfProvider]:
    """The days and providers for which two sums differ, largest difference first; a missing one counts as 0."""
    apart = {key: one.get(key, Decimal()) - other.get(key, Decimal()) for key in {*one, *other}}
    return sorted((key for key in apart if apart[key]), key=lambda key: (-abs(apart[key]), key))


def _period(span: Span) -> dict[str, date]:
    return {"first_day": span.first, "last_day": span.last}
