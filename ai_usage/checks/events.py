"""What checks found that is reported once: the events of `alert_events`, and the sightings of what records have new.

A check of spending (a budget, a spike, a restated day) has a row for each event, with an `alert_key` that is the same
in every run. Dagster's metadata shows some of these rows in the UI; all of them are kept here, for alerts.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import dagster as dg
import polars as pl

from ai_usage.warehouse.port import Warehouse
from ai_usage.warehouse.table import Table, day, instant, integer, string

TITLE, TEXT = "named", "said"  # of a row that is an event: what it is about, and the sentence
WITHOUT_TITLE = ""  # of a row that a finer one stands for
EVENTS_IN_TABLE = "alert_events"  # in a result's metadata: how many of its rows are events

ALERT_EVENTS = Table(
    name="alert_events",
    grain="one event that a check of one asset found, by its alert_key",
    columns={
        "alert_key": string("the same for the same event in every run: alerts send each once", required=True),
        "topic": string("the check's name", required=True),
        "asset": string("layer/table that it checks", required=True),
        "severity": string("warned or failed", required=True),
        "provider": string("of whom it is; null of several"),
        "account": string("its account; null of several, or where it is not known"),
        "scope": string("of what kind the thing is, such as team or api_key"),
        "scope_name": string("and its name or id"),
        "event_date": day("the UTC day of it; null of what is of no day, such as a month's budget", required=False),
        "title": string("what it is about", required=True),
        "text": string("in a sentence", required=True),
        "found_at": instant("when a run found it, the last time", required=True),
    },
    date_column=None,
)
SCHEMA_DRIFT_SIGHTINGS = Table(
    name="schema_drift_sightings",
    grain="one thing that one check saw in the records of one asset",
    columns={
        "check_name": string("such as schema_drift", required=True),
        "asset": string("layer/table with the records", required=True),
        "what": string("such as unknown field tier", required=True),
        "first_seen_date": day("the first UTC day of which a record had it", required=True),
        "last_seen_date": day("and the last one", required=True),
        "day_count": integer("on how many days of the last run that saw it"),
        "record_count": integer("in how many records of that run"),
        "noted_at": instant("when that run saw it", required=True),
    },
    date_column=None,
)


@dataclass
class Sightings:
    """What was seen on some days: how many records there were, and each noteworthy thing with the number of records it
    was in. A directory's day is the one of its pull.
    """

    records: int = 0
    seen: dict[date, Counter[str]] = field(default_factory=dict)

    def add(self, day: date, things: Counter[str], records: int) -> None:
        self.records += records
        self.seen[day] = things


@dataclass(frozen=True)
class Seen:
    """One thing, over all days of a run: where it was first seen, on how many days and in how many records."""

    what: str
    first_seen: date
    last_seen: date
    days: int
    records: int

    def __str__(self) -> str:
        on = f" on {self.days} days" if self.days > 1 else ""
        return f"{self.what} ({self.records}×{on}, first seen {self.first_seen})"

    def row(self, check: dg.AssetCheckKey) -> dict[str, Any]:
        """As the result's table has it, and as an event."""
        table = check.asset_key.to_user_string()
        return {
            TITLE: f"{table}: {self.what}",
            TEXT: f"{table}: {self}.",
            "alert_key": f"{check.name}/{check.asset_key.path[-1]}/{self.what}",
            "what": self.what,
            "first_seen": self.first_seen,
            "days": self.days,
            "records": self.records,
        }


def note_sightings(warehouse: Warehouse, check: dg.AssetCheckKey, sightings: Sightings) -> list[Seen]:
    """What was seen, what is in most records first, and since when it is known: a run of a few days does not make a
    thing new. It is kept for the next run.
    """
    total: Counter[str] = sum(sightings.seen.values(), Counter())
    if not total:
        return []
    of = {"check_name": check.name, "asset": check.asset_key.to_user_string()}
    before = _kept(warehouse, SCHEMA_DRIFT_SIGHTINGS, of)
    known = {row["what"]: row for row in before.to_dicts()}
    found = []
    for what, records in sorted(total.items(), key=lambda item: (-item[1], item[0])):
        days = [day for day, things in sightings.seen.items() if what in things]
        dates = [*days, *(known[what][f"{end}_seen_date"] for end in ("first", "last") if what in known)]
        found.append(Seen(what, min(dates), max(dates), len(days), records))
    fresh = [(*of.values(), one.what, one.first_seen, one.last_seen, one.days, one.records) for one in found]
    _keep(warehouse, SCHEMA_DRIFT_SIGHTINGS, of, before, [(*row, warehouse.now()) for row in fresh], "what")
    return found


def keep_events(
    warehouse: Warehouse, check: dg.AssetCheckKey, rows: Iterable[tuple[date | None, str, Mapping[str, Any]]]
) -> None:
    """Put a run's events in the place of those with the same `alert_key`: of each its day, how grave its result is, and
    the row.
    """
    of = {"topic": check.name, "asset": check.asset_key.to_user_string()}
    fresh = {row[0]: row for row in _events(rows, of, warehouse.now())}  # one row a key
    if fresh:
        with warehouse.connected():
            _keep(warehouse, ALERT_EVENTS, of, _kept(warehouse, ALERT_EVENTS, of), list(fresh.values()), "alert_key")


def _events(
    rows: Iterable[tuple[date | None, str, Mapping[str, Any]]], of: Mapping[str, str], at: datetime
) -> Iterator[tuple[Any, ...]]:
    for day_, severity, row in rows:
        if row[TITLE] != WITHOUT_TITLE:
            own = {"ERROR": "failed", "WARN": "warned"}.get(row.get("severity", ""), severity)
            where = [row.get(name) for name in ("provider", "account", "scope", "scope_name")]
            yield (row["alert_key"], *of.values(), own, *where, day_, row[TITLE], row[TEXT], at)


def _kept(warehouse: Warehouse, table: Table, of: Mapping[str, str]) -> pl.DataFrame:
    where = " and ".join(f"{name} = @{name}" for name in of)
    return warehouse.ask(f"select {', '.join(table.columns)} from {table.address} where {where}", **of)


def _keep(
    warehouse: Warehouse,
    table: Table,
    of: Mapping[str, str],
    before: pl.DataFrame,
    rows: Sequence[tuple[Any, ...]],
    key: str,
) -> None:
    fresh = table.frame(dict(zip(table.columns, zip(*rows, strict=True), strict=True)))
    kept = table.frame(before.to_dict(as_series=False)).join(fresh, on=key, how="anti")
    warehouse.replace_all(table, pl.concat([kept, fresh]).sort(key), of=of)
