"""Two reports of the same cost, pulled one after the other: the lines, and the total that they must add up to.

If a day's lines do not add up to its total, the day may still be settling: both reports are asked once more before a
check may call it a difference.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Generic, TypeVar

import dagster as dg

from ai_usage.ingest.each_account import Clients, Note, ask_each, clients_of
from ai_usage.ingest.held_answers import HeldAnswers, holding
from ai_usage.ingest.http.errors import TooLarge
from ai_usage.ingest.ledger_writes import Client, InHalves, Report, Source, Tally, append_report, note_not_configured
from ai_usage.layers import materialized
from ai_usage.partitions import Span, runs_of_days, span_of_run
from ai_usage.warehouse.ledger import Answer
from ai_usage.warehouse.origin import refuse_a_mixture
from ai_usage.warehouse.port import Warehouse

C = TypeVar("C", bound=Client)


@dataclass(frozen=True, kw_only=True)
class Compared(Generic[C]):
    """The two reports, and the function that sums an answer's amounts; None if any of them cannot be used."""

    lines: Report[C]
    totals: Report[C]
    sum_of: Callable[[Answer], Decimal | None]
    at_most: int  # days a request

    @property
    def both(self) -> tuple[Report[C], Report[C]]:
        return self.lines, self.totals


def pull_compared(
    context: dg.AssetExecutionContext,
    source: Source,
    resource: Clients[C],
    warehouse: Warehouse,
    compared: Compared[C],
) -> Iterator[dg.MaterializeResult[None]]:
    """Ask each account that has a key for the lines for both reports of the run's days, and write what comes."""
    assets = [f"raw/{report.pull}" for report in compared.both]
    clients = clients_of(resource)
    asked = [client for client in clients if compared.lines.is_asked_of(client)]
    if asked:
        ask_each(context, source.provider, asked, partial(_pull, context, warehouse, compared))
    else:
        note_not_configured(context, source, *assets, why=compared.lines.lacks if clients else "")
    for asset in assets:
        yield from materialized(context, dg.AssetKey(asset.split("/")))


def _pull(
    context: dg.AssetExecutionContext, warehouse: Warehouse, compared: Compared[C], client: C, noted: Note
) -> None:
    """Both reports of one account."""
    refuse_a_mixture(warehouse, is_simulated=client.is_simulated)
    tally = Tally(client)
    with ExitStack() as stack:
        held = [
            stack.enter_context(
                holding(warehouse, partial(append_report, context, warehouse, client, report, noted=noted))
            )
            for report in compared.both
        ]
        pull = partial(_pull_once, warehouse, compared, client, tally, held)
        spans = InHalves(span_of_run(context).cut(at_most=compared.at_most))
        for span in spans:
            try:
                lines, totals = pull(span)
            except TooLarge:
                if spans.halve(span):
                    continue
                raise
            unsettled = [day for day in lines.keys() & totals.keys() if lines[day] != totals[day]]
            for again in runs_of_days(unsettled):
                context.log.warning("Lines and total differ on %s: asked once more.", again)
                for each in held:
                    each.write()  # both answers about a day are kept
                pull(again)
    tally.note(noted)


def _pull_once(
    warehouse: Warehouse, compared: Compared[C], client: C, tally: Tally, held: Sequence[HeldAnswers], span: Span
) -> Sequence[dict[date, Decimal]]:
    """Each report's sum by day; only days on which every amount can be read."""
    asked_at = warehouse.now()
    found: list[list[Answer]] = []
    for report in compared.both:
        with tally.of(f"raw/{report.pull}"):
            found.append(report.ask(client, span))
    with warehouse.connected():
        for waiting, answers in zip(held, found, strict=True):
            waiting.add(answers, asked_at)
    return [_sums(answers, compared.sum_of) for answers in found]


def _sums(answers: Sequence[Answer], sum_of: Callable[[Answer], Decimal | None]) -> dict[date, Decimal]:
    sums = {answer.day: sum_of(answer) for answer in answers}
    return {day: amount for day, amount in sums.items() if day and amount is not None}
