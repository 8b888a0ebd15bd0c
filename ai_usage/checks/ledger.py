"""Checks that raw still holds what was pulled: no record lost, doubled or altered, and no instant in the future.
Missing pulls are the subject of `completeness`.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from functools import partial
from typing import Any

from ai_usage.check import PASSED, Check, DailyCheck, Result, SnapshotCheck, by_day, failed, some, warned
from ai_usage.ingest.ledger_writes import Source
from ai_usage.partitions import Span
from ai_usage.providers.provider import Provider
from ai_usage.providers.registry import PROVIDERS
from ai_usage.settings import settings
from ai_usage.sheet import tables as sheets
from ai_usage.sheet.pulls import SOURCE as SHEET
from ai_usage.warehouse.ledger import CLOCKS_DIFFER, pull_ids_until_now
from ai_usage.warehouse.ledger_check import broken_pulls
from ai_usage.warehouse.port import Warehouse
from ai_usage.warehouse.table import PULLS

NAME = "ledger_is_whole"
SQL = f"checks/{NAME}"
TITLE = "a record of raw that was lost, doubled or altered since it was pulled"
DESCRIPTION = "Each record of {} is in raw exactly once, as it was sent."
NO_DAY = date(1970, 1, 1)  # for snapshots, which have no day


def ledger_is_whole(
    source: Source,
    asset: str,
    pulls: Sequence[str],
    *,
    relies_on: tuple[str, ...],
    provider: str,
    gates_day: bool = False,
    is_optional: bool = False,
) -> DailyCheck:
    """Whether the newest version of each daily pull is in raw as it was pulled. The check waits only for the pulls
    it relies on: a record missing in another pull is reported, but must not delay the money.
    """
    return DailyCheck(
        name=NAME,
        provider=provider,
        asset=asset,
        title=TITLE,
        description=DESCRIPTION.format(", ".join(pulls)),
        severity="failed",
        sources=(source,),
        pulls=relies_on,
        also_reads=tuple(f"raw/{pull}" for pull in relies_on if f"raw/{pull}" != asset),
        sql=SQL,
        evaluate=partial(_broken_days, pulls),
        gates_day=gates_day,
        is_optional=is_optional,
    )


def snapshots_are_whole(source: Source, asset: str, pulls: Sequence[str], *, provider: str = "") -> SnapshotCheck:
    """The same for a source's snapshots."""
    return SnapshotCheck(
        name=NAME,
        provider=provider,
        asset=asset,
        title=TITLE,
        description=DESCRIPTION.format(", ".join(pulls)),
        severity="failed",
        sources=(source,),
        pulls=(pulls[0],),
        also_reads=tuple(f"raw/{pull}" for pull in pulls if f"raw/{pull}" != asset),
        sql=SQL,
        evaluate=partial(_broken_snapshots, pulls),
    )


def _broken_days(pulls: Sequence[str], warehouse: Warehouse, span: Span) -> Mapping[date, Result]:
    found = by_day(broken_pulls(warehouse, pulls, span.first, span.last, with_hashes=True))
    return {day: _broken(rows) for day, rows in found.items() if day}


def _broken_snapshots(pulls: Sequence[str], warehouse: Warehouse) -> Result | None:
    if not _was_pulled(warehouse, pulls):
        return None
    rows = broken_pulls(warehouse, pulls, NO_DAY, NO_DAY, with_hashes=True).to_dicts()
    return _broken(rows) if rows else PASSED


def _was_pulled(warehouse: Warehouse, pulls: Sequence[str]) -> bool:
    there = warehouse.ask(f"select pull from {PULLS.address} where pull in unnest(@pulls) limit 1", pulls=list(pulls))
    return not there.is_empty()


def _broken(rows: Sequence[Mapping[str, Any]]) -> Result:
    return failed(f"{'; '.join(map(_what_is_broken, rows))}.", rows)


def _what_is_broken(row: Mapping[str, Any]) -> str:
    if row["commits"] != 1:
        return (
            f"raw/{row['pull']} has {row['commits']} rows in {PULLS.address} for the pull its records are of, not one"
        )
    standing = f"raw/{row['pull']} holds {row['records_standing']} of the {row['records']} records that were pulled"
    return standing if row["records"] != row["records_standing"] else f"{standing}, but not as they were sent"


OF_THE_FUTURE = f"""
select pull, activity_date, pull_id, coalesce(asked_at, pulled_at) as asked_at
from {PULLS.address}
where pull in unnest(@pulls) and (coalesce(asked_at, pulled_at) > @by or pull_id > @ids_by)
order by pulled_at, pull, activity_date
"""


def no_pull_is_of_the_future(source: Source, pulls: Sequence[str], *, provider: str = "") -> SnapshotCheck:
    """Whether no pull has an instant in the future: then a clock was wrong, and the order of versions is not
    reliable.
    """
    return SnapshotCheck(
        name="no_pull_is_of_the_future",
        provider=provider,
        asset=f"raw/{pulls[0]}",
        title="pulls made while the machine's clock was wrong",
        description="No pull has an instant in the future: the machine's clock was right each time.",
        severity="warned",
        sources=(source,),
        pulls=tuple(pulls),
        evaluate=partial(_of_the_future, pulls),
        is_optional=True,
        is_about_now=True,
    )


def _of_the_future(pulls: Sequence[str], warehouse: Warehouse) -> Result | None:
    if not _was_pulled(warehouse, pulls):
        return None
    now = settings().now()
    asked = {"pulls": list(pulls), "by": now + CLOCKS_DIFFER, "ids_by": pull_ids_until_now()}
    rows = warehouse.ask(OF_THE_FUTURE, **asked).to_dicts()
    if not rows:
        return PASSED
    latest = max(row["asked_at"] for row in rows)
    return warned(
        f"{len(rows)} pulls of {some(sorted({row['pull'] for row in rows}))} have instants in the future, up to "
        f"{latest:%Y-%m-%d %H:%M} UTC: the clock was wrong. Later pulls still count.",
        rows,
    )


def _of(provider: Provider) -> list[Check]:
    """A provider's checks: of its snapshots, if any, and of each pull that comes from another source."""
    daily, snapshots = list(provider.daily_pulls), list(provider.snapshot_pulls)
    bill, *_ = provider.core
    directories = [of for of in provider.core if set(of.pulls) <= set(provider.snapshot_pulls)]
    asset = next((f"core/{of.first.name}" for of in directories), f"raw/{next(iter(snapshots), '')}")
    return [
        ledger_is_whole(
            provider.source,
            f"core/{bill.first.name}",
            daily,
            relies_on=provider.gate.pulls,
            provider=provider.key,
            gates_day=True,
        ),
        *([snapshots_are_whole(provider.source, asset, snapshots, provider=provider.key)] if snapshots else []),
        no_pull_is_of_the_future(provider.source, [*daily, *snapshots], provider=provider.key),
        *(check for pull, source in provider.uploads.items() for check in _of_upload(provider, pull, source)),
    ]


def _of_upload(provider: Provider, pull: str, source: Source) -> list[Check]:
    return [
        ledger_is_whole(source, f"raw/{pull}", [pull], relies_on=(pull,), provider=provider.key, is_optional=True),
        no_pull_is_of_the_future(source, [pull], provider=provider.key),
    ]


CHECKS: list[Check] = [
    *(check for provider in PROVIDERS for check in _of(provider)),
    snapshots_are_whole(SHEET, f"raw/{sheets.PULLS[0]}", sheets.PULLS),
    no_pull_is_of_the_future(SHEET, list(sheets.PULLS)),
]
