"""What the raw assets of all vendors do alike: ask for a run's days, write each answer as it comes, note what came."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol, TypeVar

import dagster as dg

from ai_usage.layers import note
from ai_usage.partitions import Span, span_of_run
from ai_usage.sources.http import Refused
from ai_usage.warehouse.ledger import Answer, Version
from ai_usage.warehouse.origin import refuse_a_mixture
from ai_usage.warehouse.port import Warehouse
from ai_usage.warehouse.table import PULLS

InWarehouse = dg.ResourceParam[Warehouse]

NEWEST_PULLS = f"""
select activity_date, source, pages, request, envelope, is_simulated, content_hash
from {PULLS.address}
where pull = @pull and activity_date between @first_day and @last_day
qualify row_number() over (partition by activity_date order by pulled_at desc, pull_id desc) = 1
order by activity_date
"""


@dataclass(frozen=True)
class Source:
    """A vendor as Dagster sees it: the resource its client is, and the variable that holds its key."""

    resource: str
    key_variable: str

    @property
    def not_configured(self) -> str:
        return f"not configured: {self.key_variable} is not set, so nothing was asked and nothing written"


class Client(Protocol):
    """Whatever asks a vendor and counts its requests."""

    @property
    def requests(self) -> int: ...

    @property
    def is_simulated(self) -> bool: ...


C = TypeVar("C", bound=Client)


class Tally:
    """Counts requests, retries included, by the asset they were made for."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.by_asset: Counter[str] = Counter()

    @contextmanager
    def of(self, asset: str) -> Iterator[None]:
        before = self.client.requests
        try:
            yield
        finally:
            self.by_asset[asset] += self.client.requests - before

    def note(self, context: dg.AssetExecutionContext) -> None:
        for asset, requests in self.by_asset.items():
            note(context, asset, None, requests_in_run=requests)


def pull_days(
    context: dg.AssetExecutionContext,
    source: Source,
    client: C | None,
    warehouse: Warehouse,
    pull: str,
    ask: Callable[[C, Span], list[Answer]],
    *,
    at_most: int,
    span: Span | None = None,
) -> None:
    """Ask for the run's days (or those of `span`), at most so many at a time, and write each answer as it comes."""
    if client is None:
        return note_not_configured(context, source, f"raw/{pull}")
    refuse_a_mixture(warehouse, is_simulated=client.is_simulated)
    tally = Tally(client)
    try:
        for some_days in (span or span_of_run(context)).cut(at_most=at_most):
            with tally.of(f"raw/{pull}"):
                answers = ask(client, some_days)
            append_noted(context, warehouse, pull, answers)
    finally:
        tally.note(context)
    return None


def pull_snapshot(
    context: dg.AssetExecutionContext,
    source: Source,
    client: C | None,
    warehouse: Warehouse,
    pull: str,
    ask: Callable[[C], Answer],
) -> None:
    """Ask for a directory as it is now, and write it."""
    if client is None:
        return note_not_configured(context, source, f"raw/{pull}")
    refuse_a_mixture(warehouse, is_simulated=client.is_simulated)
    tally = Tally(client)
    with tally.of(f"raw/{pull}"):
        answer = ask(client)
    append_noted(context, warehouse, pull, [answer])
    return tally.note(context)


def append_noted(context: dg.AssetExecutionContext, warehouse: Warehouse, pull: str, answers: Sequence[Answer]) -> None:
    """Write answers to the ledger, and note on each day what version of it there is now."""
    for answer, version in zip(answers, warehouse.append(pull, answers), strict=True):
        note(context, f"raw/{pull}", version.day, **_described(version), pages=answer.pages)


def held(warehouse: Warehouse, pull: str, span: Span) -> list[Answer]:
    """What was last answered of each day, as the ledger has it; a day whose records are not whole is left out."""
    with warehouse.connected():
        rows = warehouse.ask(NEWEST_PULLS, pull=pull, first_day=span.first, last_day=span.last).to_dicts()
        lines = warehouse.newest(pull, span).lines
    answers = [
        Answer(
            row["source"],
            row["activity_date"],
            [text.encode() for text in lines.filter(lines["activity_date"] == row["activity_date"])["record"]],
            row["pages"],
            json.loads(row["request"]),
            json.loads(row["envelope"]),
            row["is_simulated"],
        )
        for row in rows
    ]
    return [answer for answer, row in zip(answers, rows, strict=True) if answer.content_hash == row["content_hash"]]


def note_not_configured(context: dg.AssetExecutionContext, source: Source, *assets: str) -> None:
    """Say that nothing was asked, for want of a key."""
    context.log.warning(source.not_configured)
    for asset in assets:
        note(context, asset, None, skipped=source.not_configured)


def note_not_open(context: dg.AssetExecutionContext, pull: str, refusal: Refused) -> None:
    """Say that an optional pull was skipped, and what the vendor said."""
    context.log.warning("%s skipped, this key may not read it: %s", pull, refusal)
    note(context, f"raw/{pull}", None, skipped=f"this key may not read it: {refusal}")


def _described(version: Version) -> dict[str, object]:
    return {
        "records": version.records,
        "pull_id": version.pull_id,
        "pulled_at": dg.MetadataValue.timestamp(version.pulled_at),
        "is_new_version": version.is_new,
    }
