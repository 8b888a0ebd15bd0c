"""Is every restatement recorded and reported: else the total of a closed month could change unnoticed."""

from collections.abc import Mapping
from typing import Any

from ai_usage.check import Check, DailyCheck, Result, Rows, SnapshotCheck, each_day, failed, passed, some, warned
from ai_usage.checks.bills import BILLS, SOURCES
from ai_usage.providers.provider import Provider
from ai_usage.providers.registry import PROVIDERS
from ai_usage.warehouse.port import Warehouse

RECORDED, STANDS = "revisions_are_recorded", "reported_spend_stands"


def revisions_are_recorded(provider: Provider) -> DailyCheck:
    bill, *_ = provider.core
    sql = f"checks/{RECORDED}"
    return DailyCheck(
        name=RECORDED,
        provider=provider.key,
        asset=f"core/{bill.first.name}",
        title="a total that changed without a recorded revision",
        description="What a day comes to now is its newest recorded version, and each version was known until the "
        "next one came: no total changes without its revision.",
        severity="failed",
        sources=(provider.source,),
        pulls=(provider.bill.pull,),
        also_reads=("core/spend_versions",),
        sql=sql,
        evaluate=each_day(sql, lambda rows: _unrecorded(rows[0]), provider=provider.key),
    )


def _unrecorded(row: Mapping[str, Any]) -> Result:
    built = f"The day comes to {row['built_usd']:,f} USD"
    if row["newest_usd"] is None:
        return failed(f"{built}, and core/spend_versions has no version of it.", [row])
    newest = f"{row['newest_usd']:,f} USD"
    if row["difference_usd"]:
        return failed(
            f"{built}, the newest of its {row['versions']} recorded versions to {newest}: "
            f"{row['difference_usd']:+,f} USD that no revision records.",
            [row],
        )
    if row["gaps"] or row["open_versions"] != 1:
        return failed(
            f"{built}, as its newest version does, but among the {row['versions']} versions there are {row['gaps']} "
            f"gaps and {row['open_versions']} open ones, not one: a version was lost or stands twice.",
            [row],
        )
    return warned(
        f"{built}, as its newest version does, but {row['unrecorded_versions']} versions of the ledger are not in "
        "core/spend_versions: they cannot be read, or it was not built since.",
        [row],
    )


def _stands(warehouse: Warehouse) -> Result | None:
    if not any(warehouse.pulled_days(pull) for pull in BILLS):
        return None
    return judge_restatements(warehouse.query(f"checks/{STANDS}").to_dicts())


def judge_restatements(rows: Rows) -> Result:
    """What providers restated lately, each day in a sentence."""
    if not rows:
        return passed("No day was restated late in the last week.")
    rows = [{"named": f"{row['provider']}, {row['restated_date']}", "said": _restated(row), **row} for row in rows]
    return warned(some((row["said"] for row in rows), between=" "), rows)


def _restated(row: Mapping[str, Any]) -> str:
    return (
        f"{row['restated_date']} of {row['provider']} came to {row['old_usd']:,.2f} USD until "
        f"{row['revised_at']:%Y-%m-%d %H:%M} UTC, and to {row['new_usd']:,.2f} since: {row['change_usd']:+,.2f} USD."
    )


reported_spend_stands = SnapshotCheck(
    name=STANDS,
    asset="core/spend_versions",
    title="a day that the provider restated late",
    description="No day was restated in the last week that had been pulled three days after it, or later.",
    severity="warned",
    sources=SOURCES,
    pulls=BILLS,
    sql=f"checks/{STANDS}",
    evaluate=_stands,
)

CHECKS: list[Check] = [reported_spend_stands, *(revisions_are_recorded(provider) for provider in PROVIDERS)]
