"""Checks that pulled records can be read: rejected records, and fields and values outside the contract."""

import json
from collections.abc import Callable, Sequence
from datetime import date
from functools import partial

from ai_usage.check import (
    PASSED,
    Check,
    DailyCheck,
    Finding,
    Result,
    Row,
    Rows,
    RunCheck,
    Sightings,
    SnapshotCheck,
    each_account,
    each_day,
    failed,
    some,
    warned,
)
from ai_usage.checks.accounts import IN_LEDGER
from ai_usage.ingest.drift import drift
from ai_usage.ingest.ledger_writes import Source
from ai_usage.marts.gate import READABLE
from ai_usage.partitions import Span
from ai_usage.providers.provider import CoreTables, Provider
from ai_usage.providers.registry import PROVIDERS
from ai_usage.warehouse.port import Warehouse

TITLE = "a record with money, identity or day that cannot be read"
DESCRIPTION = "Each record of {} can be used: what carries money, identity or the day is readable."
OF_SNAPSHOTS = "checks/snapshot_records_are_readable"
FROM_THE_CLIENT = {"etags"}  # what a client puts beside the records itself


def records_are_readable(provider: Provider, of: CoreTables) -> DailyCheck:
    """Whether the core tables' pulls have no rejected record. One of a bill blocks its day; one of another report is
    missing there, and blocks nothing.
    """
    pulls = provider.read_by(of, provider.daily_pulls)
    is_billing = set(pulls) <= set(provider.gate.billing)
    wrong: Callable[[str, Rows], Result] = failed if is_billing else warned
    sql = f"checks/{READABLE}"
    return DailyCheck(
        name=READABLE,
        provider=provider.key,
        asset=f"core/{of.first.name}",
        title=TITLE,
        description=DESCRIPTION.format(", ".join(pulls)),
        severity="failed" if is_billing else "warned",
        sources=(provider.source,),
        pulls=pulls,
        also_reads=of.others,
        sql=sql,
        evaluate=each_day(sql, lambda rows: wrong(_rejected(rows), rows), pulls=list(pulls)),
        is_optional=provider.is_optional(pulls),
        optional_pulls=provider.optional_beside(pulls),
        gates_day=is_billing,
    )


def snapshots_are_readable(
    table: str, pulls: tuple[str, ...], sources: tuple[Source, ...], provider: str = ""
) -> SnapshotCheck:
    """The same for snapshots: only the rejected record is missing."""
    return SnapshotCheck(
        name=READABLE,
        provider=provider,
        asset=f"core/{table}",
        title=TITLE,
        description=DESCRIPTION.format(", ".join(pulls)),
        severity="warned",
        sources=sources,
        pulls=pulls,
        sql=OF_SNAPSHOTS,
        evaluate=partial(_rejected_snapshots, pulls, provider),
    )


def _rejected_snapshots(pulls: Sequence[str], provider: str, warehouse: Warehouse) -> Finding | None:
    accounts = warehouse.ask(IN_LEDGER, pulls=list(pulls))
    if accounts.is_empty():
        return None
    rows = warehouse.query(OF_SNAPSHOTS, pulls=list(pulls)).to_dicts()
    if not rows:
        return PASSED
    if provider:
        return each_account(rows, lambda of_one: warned(_rejected(of_one), of_one))
    return warned(_rejected(rows, names_account=len(accounts) > 1), rows)  # accounts of several providers


def _rejected(rows: Rows, *, names_account: bool = False) -> str:
    total = sum(row["records"] for row in rows)
    named = some((_field(row, names_account=names_account) for row in rows), between="; ")
    return f"{total} {'record' if total == 1 else 'records'} cannot be used: {named}."


def _field(row: Row, *, names_account: bool) -> str:
    account = f" of account {row['account']}" if names_account else ""
    return f"{row['pull']}{account}: {row['field']}: {row['reason']} ({row['records']}×)"


def schema_drift(provider: Provider, pull: str, of: type) -> RunCheck:
    """Whether a pull's records hold only known fields and values: one result per run, for all its days."""
    return RunCheck(
        name="schema_drift",
        provider=provider.key,
        asset=f"raw/{pull}",
        title="a field or value that the provider's contract does not name",
        description="Every field and value is one that the provider's contract names; others are kept in raw and named "
        "here.",
        warning="Kept in raw, but the contract does not name it",
        sources=(provider.source,),
        pulls=(pull,),
        look=partial(_drifted, provider, pull, of),
        is_daily=pull in provider.daily_pulls,
        is_optional=provider.is_optional([pull]),
    )


def _drifted(
    provider: Provider, pull: str, of: type, warehouse: Warehouse, span: Span | None, sightings: Sightings
) -> None:
    records = warehouse.newest(pull, span)
    by_day = records.lines.partition_by("activity_date", as_dict=True)
    of_days = {day: lines["record"] for (day,), lines in by_day.items()}
    envelopes: dict[date | None, list[str]] = {}
    for day, envelope in records.versions.select("activity_date", "envelope").iter_rows():
        envelopes.setdefault(day, []).append(envelope)
    none = records.lines["record"].clear()
    for at, day in records.versions.select("pulled_at", "activity_date").iter_rows():
        texts = of_days.get(day, none)
        unknown = drift(texts, of, are_rejections_known=pull in provider.pulls_read)
        for of_envelope in envelopes[day]:
            beside = json.loads(of_envelope).keys() - provider.envelope_fields - FROM_THE_CLIENT
            unknown.update(f"unknown field {name} beside the records" for name in beside)
        sightings.add(day or at.date(), unknown, len(texts))


def _of(provider: Provider) -> list[Check]:
    pulls = (*provider.daily_pulls.items(), *provider.snapshot_pulls.items())
    snapshots = [(of.first.name, provider.read_by(of, provider.snapshot_pulls)) for of in provider.core]
    return [
        *(records_are_readable(provider, of) for of in provider.core if provider.read_by(of, provider.daily_pulls)),
        *(snapshots_are_readable(table, of, (provider.source,), provider.key) for table, of in snapshots if of),
        *(schema_drift(provider, pull, of) for pull, of in pulls),
    ]


def _of_directories() -> list[Check]:
    """Members and keys: one table over all providers that list them."""
    people = [(of.source, pull) for of in PROVIDERS if of.people for pull in of.people.pulls if pull not in _own(of)]
    keys = [(of.source, of.keys.pulls[0]) for of in PROVIDERS if of.keys]
    return [
        snapshots_are_readable(table, tuple(pull for _, pull in found), tuple(dict.fromkeys(of for of, _ in found)))
        for table, found in (("dim_api_key_mapping", keys), ("dim_person", people))
        if found
    ]


def _own(provider: Provider) -> set[str]:
    """The pulls with a separate core table that reports their rejections."""
    return {pull for of in provider.core for pull in of.pulls}


CHECKS: list[Check] = [*(check for provider in PROVIDERS for check in _of(provider)), *_of_directories()]
