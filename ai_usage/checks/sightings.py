"""One result for all days of a run: what a `RunCheck` found, and since when it is known, which a table keeps."""

from collections import Counter
from dataclasses import dataclass
from datetime import date
from typing import Any

import dagster as dg

from ai_usage.check import ALERTS_BY_ROW, Result, Sightings, passed, some, warned
from ai_usage.checks.alert_events import merge_rows, rows_of
from ai_usage.warehouse.port import Warehouse
from ai_usage.warehouse.table import Table, day, instant, integer, string

SCHEMA_DRIFT_SIGHTINGS = Table(
    name="schema_drift_sightings",
    grain="one thing that one check saw in the records of one asset",
    question="Which unknown fields and values did a provider send, and since when?",
    example="select asset, what, first_seen_date, last_seen_date, record_count from "
    "ai_usage_analytics.schema_drift_sightings order by last_seen_date desc",
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
        """A row of the result's table; alerts send it once, by its key."""
        table = check.asset_key.to_user_string()
        return {
            ALERTS_BY_ROW: f"{table}: {self.what}",
            "sentence": f"{table}: {self}.",
            "alert_key": f"{check.name}/{check.asset_key.path[-1]}/{self.what}",
            "what": self.what,
            "first_seen": self.first_seen,
            "days": self.days,
            "records": self.records,
        }


def evaluate_sightings(warehouse: Warehouse, check: dg.AssetCheckKey, sightings: Sightings, warning: str) -> Result:
    """One result for everything that was seen, the most frequent first."""
    found = _noted(warehouse, check, sightings)
    if not found:
        return passed(f"Nothing unknown in {sightings.records} records.")
    return warned(f"{warning}: {some(found, at_most=20, between='; ')}.", [one.row(check) for one in found])


def _noted(warehouse: Warehouse, check: dg.AssetCheckKey, sightings: Sightings) -> list[Seen]:
    """What was seen, and since when it is known: what an earlier run saw is not new."""
    total: Counter[str] = sum(sightings.seen.values(), Counter())
    if not total:
        return []
    of = {"check_name": check.name, "asset": check.asset_key.to_user_string()}
    known = {row["what"]: row for row in rows_of(warehouse, SCHEMA_DRIFT_SIGHTINGS, of).to_dicts()}
    found = []
    for what, records in sorted(total.items(), key=lambda item: (-item[1], item[0])):
        days = [day for day, things in sightings.seen.items() if what in things]
        dates = [*days, *(known[what][f"{end}_seen_date"] for end in ("first", "last") if what in known)]
        found.append(Seen(what, min(dates), max(dates), len(days), records))
    now = warehouse.now()
    rows = [(*of.values(), one.what, one.first_seen, one.last_seen, one.days, one.records, now) for one in found]
    merge_rows(warehouse, SCHEMA_DRIFT_SIGHTINGS, of, rows, "what")
    return found
