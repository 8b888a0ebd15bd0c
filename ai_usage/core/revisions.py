"""Each version in the ledger of a day's billed cost, with the time in which it was the newest one. Built from raw
alone, so that it can be rebuilt at any time.
"""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import dagster as dg

from ai_usage.ingest.day_replacement import GROUP, KINDS, spans_with_few_records
from ai_usage.ingest.ledger_writes import InWarehouse
from ai_usage.layers import daily_asset, note
from ai_usage.partitions import span_of_run
from ai_usage.providers.provider import Provider
from ai_usage.providers.registry import PROVIDERS
from ai_usage.warehouse.reading.ledger_records import Records
from ai_usage.warehouse.table import ACCOUNT_STAMPS, Table, dollars, instant, integer, string
from ai_usage.warehouse.table import day as day_column

SPEND_VERSIONS = Table(
    name="spend_versions",
    grain="one version of what one provider billed for one UTC day, as the ledger has it",
    question="What was known at an instant about the bill of a day?",
    example="select activity_date, provider, account, billed_usd from ai_usage_analytics.spend_versions where "
    "known_from <= '2026-11-05 06:00:00+00' and (known_to is null or known_to > '2026-11-05 06:00:00+00') "
    "order by activity_date",
    columns={
        "activity_date": day_column("the UTC day that was billed"),
        "provider": string("the provider", required=True),
        "billed_usd": dollars("its cost lines, or what its chargeable events were charged; 0 of an empty day"),
        "lines": integer("cost lines, or events; chargeable or not"),
        "known_from": instant("when this version was pulled", required=True),
        "known_to": instant("when the next one was; null while this is the newest"),
        **ACCOUNT_STAMPS,
    },
    cluster=("provider",),
    key=("activity_date", "provider", "account", "pull_id"),
)

ASSET = "core/spend_versions"
NOT_PULLED = {"skipped": "no bill of this day was pulled: left as it was"}


BILLS = [dg.AssetKey(["raw", provider.bill.pull]) for provider in PROVIDERS]


@daily_asset("core", SPEND_VERSIONS, group=GROUP, kinds=KINDS, deps=BILLS)
def spend_versions(context: dg.AssetExecutionContext, warehouse: InWarehouse) -> None:
    """Versions of each day's billed cost, with the time in which each was the newest one."""
    with warehouse.connected():
        pulls = [provider.bill.pull for provider in PROVIDERS]
        for days in spans_with_few_records(warehouse, pulls, span_of_run(context)):
            bills = [(provider, warehouse.versions(provider.bill.pull, days)) for provider in PROVIDERS]
            pulled = sorted({day for _, records in bills for day in records.days})
            rows = [row for provider, records in bills for row in version_rows(provider, records)]
            built = SPEND_VERSIONS.frame({name: [row[name] for row in rows] for name in SPEND_VERSIONS.columns})
            warehouse.replace_days(SPEND_VERSIONS, pulled, built)
            for day in days.days:
                note(context, ASSET, day, **(_described(day, rows, bills) if day in pulled else NOT_PULLED))


def version_rows(provider: Provider, records: Records) -> list[dict[str, Any]]:
    """Rows of `spend_versions`, for one provider's accounts. A version with a rejected record is skipped: the version
    before it stays the newest until the next one without rejections.
    """
    lines = records.lines.partition_by("pull_id", as_dict=True)
    newest: dict[tuple[str, date], dict[str, Any]] = {}
    rows = []
    for version in records.versions.iter_rows(named=True):
        own = lines.get((version["pull_id"],), records.lines.clear())
        of_version = Records(records.pull, records.versions, own)
        billed_usd = Decimal(provider.bill.lines(of_version)["amount_usd"].sum())
        if of_version.rejections:
            continue
        day, at = version["activity_date"], version["pulled_at"]
        place = (version["account"], day)
        if place in newest:
            newest[place]["known_to"] = at
        newest[place] = {
            "activity_date": day,
            "provider": provider.key,
            "billed_usd": billed_usd,
            "lines": own.height,
            "known_from": at,
            "known_to": None,
            "account": version["account"],
            "pull_id": version["pull_id"],
            "ingestion_timestamp": at,
        }
        rows.append(newest[place])
    return rows


def _described(
    day: date, rows: Sequence[dict[str, Any]], bills: Sequence[tuple[Provider, Records]]
) -> dict[str, object]:
    own = [row for row in rows if row["activity_date"] == day]
    versions = sum(records.versions["activity_date"].to_list().count(day) for _, records in bills)
    unreadable = {"versions_that_cannot_be_read": versions - len(own)} if versions > len(own) else {}
    newest: dict[str, Decimal] = {}
    for row in own:
        if row["known_to"] is None:
            name = f"{row['provider']}_usd"
            newest[name] = newest.get(name, Decimal(0)) + row["billed_usd"]
    return {"dagster/partition_row_count": len(own), **newest, **unreadable}


ASSETS = [spend_versions]
