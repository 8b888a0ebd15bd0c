"""One result for all that the days of a run have in common: what a `RunCheck` saw, and since when it is known."""

from collections import Counter
from dataclasses import dataclass
from datetime import date
from typing import Any

import dagster as dg

from ai_usage.check import ALERTS_BY_ROW, Result, Sightings, passed, some, warned

RUNS_REMEMBERED = 5  # of a check, to say since when a thing is known


@dataclass(frozen=True)
class Seen:
    """One thing, over all days of a run: where it was first seen, on how many days and in how many records."""

    what: str
    first_seen: date
    days: int
    records: int

    def __str__(self) -> str:
        on = f" on {self.days} days" if self.days > 1 else ""
        return f"{self.what} ({self.records}×{on}, first seen {self.first_seen})"

    def row(self, check: dg.AssetCheckKey) -> dict[str, Any]:
        """As the result's table has it; alerts send it once, by its key."""
        table = check.asset_key.to_user_string()
        return {
            ALERTS_BY_ROW: f"{table}: {self.what}",
            "said": f"{table}: {self}.",
            "alert_key": f"{check.name}/{check.asset_key.path[-1]}/{self.what}",
            "what": self.what,
            "first_seen": self.first_seen,
            "days": self.days,
            "records": self.records,
        }


def judge_sightings(
    instance: dg.DagsterInstance, check: dg.AssetCheckKey, sightings: Sightings, warning: str
) -> Result:
    """One result for all that was seen, what is in most records first."""
    total: Counter[str] = sum(sightings.seen.values(), Counter())
    if not total:
        return passed(f"Nothing unknown in {sightings.records} records.")
    before = _first_seen_before(instance, check)
    found = []
    for what, records in sorted(total.items(), key=lambda item: (-item[1], item[0])):
        days = [day for day, things in sightings.seen.items() if what in things]
        found.append(Seen(what, min([*days, before.get(what, date.max)]), len(days), records))
    return warned(f"{warning}: {some(found, at_most=20, between='; ')}.", [one.row(check) for one in found])


def _first_seen_before(instance: dg.DagsterInstance, check: dg.AssetCheckKey) -> dict[str, date]:
    """Since when the last runs of the check have known each thing: a run of a few days does not make it new."""
    found: dict[str, date] = {}
    for record in instance.event_log_storage.get_asset_check_execution_history(check, limit=RUNS_REMEMBERED):
        evaluation = record.evaluation  # or, of a run that is not over, what is planned
        table = evaluation.metadata.get("rows") if isinstance(evaluation, dg.AssetCheckEvaluation) else None
        for row in table.records if isinstance(table, dg.TableMetadataValue) else ():
            if "first_seen" in row.data:
                what = str(row.data["what"])
                found[what] = min(date.fromisoformat(str(row.data["first_seen"])), found.get(what, date.max))
    return found
