"""What was known when: each version the ledger has of what a provider billed for a day. From raw alone, so that it can
be rebuilt, and needs no memory of its own.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import dagster as dg

from ai_usage.core.tables import SPEND_VERSIONS
from ai_usage.ingest.day_replacement import DAYS_AT_ONCE, GROUP, KINDS
from ai_usage.ingest.ledger_writes import InWarehouse
from ai_usage.layers import daily_asset, note
from ai_usage.money import read_rates
from ai_usage.partitions import span_of_run
from ai_usage.providers.anthropic import rows as claude
from ai_usage.providers.anthropic.assets import COST_REPORT
from ai_usage.providers.cursor import pulls as cursor_pulls
from ai_usage.providers.cursor import rows as cursor
from ai_usage.settings import settings
from ai_usage.warehouse.ledger import Records

ASSET = "core/spend_versions"
UNTOLD = {"skipped": "no provider was asked what it billed for this day: left as it was"}
NOBODY = claude.Organization("", {})  # whose lines they are changes no sum


@dataclass(frozen=True)
class Bill:
    """Where a provider tells what it bills, and how one version of a day adds up."""

    provider: str
    pull: str
    billed: Callable[[Records], Decimal]


def _cost_lines(said: Records) -> Decimal:
    rates = read_rates(settings().currency_rates)
    return Decimal(claude.cost_rows(said, NOBODY, rates)["amount_usd"].sum())


def _chargeable_events(said: Records) -> Decimal:
    events = cursor.event_rows(said)
    return Decimal(events.filter(events["is_chargeable"])["charged_usd"].sum())


BILLS = (
    Bill("anthropic", "claude_cost_report", _cost_lines),
    Bill("cursor", "cursor_usage_events", _chargeable_events),
)


@daily_asset("core", SPEND_VERSIONS, group=GROUP, kinds=KINDS, deps=[COST_REPORT, cursor_pulls.cursor_usage_events])
def spend_versions(context: dg.AssetExecutionContext, warehouse: InWarehouse) -> None:
    """What each provider was known to bill for a day, and from when until when: what we would have reported then."""
    with warehouse.connected():
        for days in span_of_run(context).cut(at_most=DAYS_AT_ONCE):
            heard = [(bill, warehouse.versions(bill.pull, days)) for bill in BILLS]
            told = sorted({day for _, said in heard for day in said.days})
            rows = [row for bill, said in heard for row in version_rows(bill, said)]
            built = SPEND_VERSIONS.frame({name: [row[name] for row in rows] for name in SPEND_VERSIONS.columns})
            warehouse.replace_days(SPEND_VERSIONS, told, built)
            for day in days.days:
                note(context, ASSET, day, **(_described(day, rows, heard) if day in told else UNTOLD))


def version_rows(bill: Bill, said: Records) -> list[dict[str, Any]]:
    """Rows of `spend_versions`, of one provider. A version with a record that cannot be used never was what we would
    have reported: the one before it stands until the next that can be used whole.
    """
    lines = said.lines.partition_by("pull_id", as_dict=True)
    newest: dict[date, dict[str, Any]] = {}
    rows = []
    for version in said.versions.iter_rows(named=True):
        own = lines.get((version["pull_id"],), said.lines.clear())
        of_version = Records(said.pull, said.versions, own)
        billed_usd = bill.billed(of_version)
        if of_version.rejections:
            continue
        day, at = version["activity_date"], version["pulled_at"]
        if day in newest:
            newest[day]["known_to"] = at
        newest[day] = {
            "activity_date": day,
            "provider": bill.provider,
            "billed_usd": billed_usd,
            "lines": own.height,
            "known_from": at,
            "known_to": None,
            "pull_id": version["pull_id"],
            "ingestion_timestamp": at,
        }
        rows.append(newest[day])
    return rows


def _described(day: date, rows: Sequence[dict[str, Any]], heard: Sequence[tuple[Bill, Records]]) -> dict[str, object]:
    own = [row for row in rows if row["activity_date"] == day]
    versions = sum(said.versions["activity_date"].to_list().count(day) for _, said in heard)
    unreadable = {"versions_that_cannot_be_read": versions - len(own)} if versions > len(own) else {}
    newest = {f"{row['provider']}_usd": row["billed_usd"] for row in own}
    return {"dagster/partition_row_count": len(own), **newest, **unreadable}


ASSETS = [spend_versions]
