"""Checks that every restatement is recorded and reported: the total of a closed month must not change unnoticed."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any

from ai_usage.check import (
    Check,
    DailyCheck,
    Finding,
    Result,
    Row,
    Rows,
    SnapshotCheck,
    alerted,
    failed,
    of_accounts,
    passed,
    sentences,
    warned,
    wrong_rows,
)
from ai_usage.checks.bills import BILLS, SOURCES
from ai_usage.checks.money import STATING, core_amounts
from ai_usage.partitions import Span
from ai_usage.providers.provider import Provider
from ai_usage.providers.registry import PROVIDERS
from ai_usage.warehouse.port import Warehouse

RECORDED, STANDS = "revisions_are_recorded", "reported_spend_stands"
SQL = f"checks/{RECORDED}"
NOTHING = Decimal("0.000000000")  # with the decimals of an amount in core


def revisions_are_recorded(provider: Provider) -> DailyCheck:
    bill, *_ = provider.core
    return DailyCheck(
        name=RECORDED,
        provider=provider.key,
        asset=f"core/{bill.first.name}",
        title="a total that changed without a recorded revision",
        description="Each account's current amount of a day is its newest recorded version, and each version was known "
        "until the next one: no total changes without a revision.",
        severity="failed",
        sources=(provider.source,),
        pulls=(provider.bill.pull,),
        also_reads=("core/spend_versions",),
        sql=SQL,
        evaluate=partial(_recorded, provider),
    )


def _recorded(provider: Provider, warehouse: Warehouse, span: Span) -> Mapping[date, Finding]:
    versions = wrong_rows(warehouse, SQL, span, provider=provider.key, bill=provider.bill.pull)
    built = core_amounts(warehouse, span, provider)
    found = {day: evaluate_versions(built.get(day, {}), of_day) for day, of_day in versions.items()}
    return {day: finding for day, finding in found.items() if finding}


def evaluate_versions(built: Mapping[str, Decimal], rows: Rows) -> Finding | None:
    """Errors in an account's amount of a day, or in its versions; None if there are none. `built` has the amount of
    each account.
    """
    recorded = {str(row["account"]): row for row in rows}
    unknown = {"newest_usd": None, "versions": 0, "open_versions": 0, "gaps": 0, "unrecorded_versions": 0}
    names = [*recorded, *(name for name, usd in built.items() if usd and name not in recorded)]
    accounts = {
        name: {"built_usd": built.get(name, NOTHING), "account": name, **recorded.get(name, unknown)} for name in names
    }
    wrong = {name: _unrecorded(row) for name, row in accounts.items() if not _is_recorded(row)}
    return of_accounts(wrong) if wrong else None


def _is_recorded(row: Row) -> bool:
    is_newest = row["built_usd"] == row["newest_usd"]
    return is_newest and row["open_versions"] == 1 and not row["gaps"] and not row["unrecorded_versions"]


def _unrecorded(row: Row) -> Result:
    built = f"The day's amount is {row['built_usd']:,f} USD"
    if row["newest_usd"] is None:
        return failed(f"{built}, and core/spend_versions has no version of it.", [row])
    newest = f"{row['newest_usd']:,f} USD"
    if difference := row["built_usd"] - row["newest_usd"]:
        return failed(
            f"{built}, the newest of its {row['versions']} recorded versions to {newest}: "
            f"{difference:+,f} USD that no revision records.",
            [row],
        )
    if row["gaps"] or row["open_versions"] != 1:
        return failed(
            f"{built}, as its newest version does, but among the {row['versions']} versions there are {row['gaps']} "
            f"gaps and {row['open_versions']} open ones, not one: a version is missing or there twice.",
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
    return evaluate_restatements([row for provider in PROVIDERS for row in restatements(warehouse, provider)])


def restatements(warehouse: Warehouse, provider: Provider) -> list[dict[str, Any]]:
    """A provider's recent restatements of days that were already reported, largest first."""
    return warehouse.query(f"checks/{STANDS}", provider=provider.key, bill=provider.bill.pull).to_dicts()


def evaluate_restatements(rows: Rows) -> Result:
    """Recent restatements, one sentence per day."""
    if not rows:
        return passed("No day was restated late in the last week.")
    rows = sorted(rows, key=lambda row: (-abs(row["change_usd"]), row["alert_key"]))
    rows = alerted(rows, lambda row: f"{_of(row)}, {row['restated_date']}", _restated)
    return warned(sentences(rows), rows)


def _of(row: Row) -> str:
    return str(row["provider"]) if row["account_count"] == 1 else f"{row['provider']} ({row['account']})"


def _restated(row: Row) -> str:
    return (
        f"{row['restated_date']} of {_of(row)} came to {row['old_usd']:,.2f} USD until "
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

CHECKS: list[Check] = [reported_spend_stands, *(revisions_are_recorded(provider) for provider in STATING)]
