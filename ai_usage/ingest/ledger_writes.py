"""The common part of all providers' raw assets: ask for a run's days, write each answer as it comes, note what
came.
"""

import json
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Generic, Protocol, TypeVar

import dagster as dg

from ai_usage.ingest.days import Answers, NotYet
from ai_usage.ingest.each_account import Clients, Note, ask_each, clients_of
from ai_usage.ingest.held_answers import holding
from ai_usage.ingest.http.errors import (
    ApiError,
    DamagedAnswer,
    IncompleteAnswer,
    Refused,
    TooLarge,
    UnexpectedAnswer,
)
from ai_usage.ingest.optional import is_not_included
from ai_usage.layers import note
from ai_usage.partitions import Span, span_of_run
from ai_usage.settings import settings
from ai_usage.warehouse.ledger import Answer, Version
from ai_usage.warehouse.origin import refuse_a_mixture
from ai_usage.warehouse.port import Warehouse
from ai_usage.warehouse.table import DEFAULT_ACCOUNT, PULLS

InWarehouse = dg.ResourceParam[Warehouse]

NEWEST_PULLS = f"""
select activity_date, source, pages, request, envelope, is_simulated, content_hash
from {PULLS.address}
where pull = @pull and account = @account and activity_date between @first_day and @last_day
qualify row_number() over (partition by activity_date order by pulled_at desc, pull_id desc) = 1
order by activity_date
"""


@dataclass(frozen=True)
class Source:
    """A provider as Dagster sees it: the resource its clients are, and the variable that holds its key."""

    resource: str
    key_variable: str
    provider: str = ""  # its name for people

    @property
    def not_configured(self) -> str:
        return f"not configured: {self.key_variable} is not set, so nothing was asked and nothing written"


class Counted(Protocol):
    """Whatever counts its requests."""

    @property
    def requests(self) -> int: ...


class Client(Counted, Protocol):
    """Whatever asks a provider for one account."""

    @property
    def account(self) -> str: ...

    @property
    def is_simulated(self) -> bool: ...


C = TypeVar("C", bound=Client)


NotesOf = Callable[[Answer], Mapping[str, object]]


@dataclass(frozen=True, kw_only=True)
class Report(Generic[C]):
    """A report as its pull requests it. `make doctor` uses the same record: what the provider refuses to a pull, it
    refuses to doctor.
    """

    pull: str
    name: str  # for people
    ask: Callable[[C, Span], list[Answer]]  # a snapshot's answer does not depend on the days
    use: str = ""  # of an optional report: what is unknown without it
    needs: str = ""  # its plan or scope; every accepted key opens the reports that need none
    is_key_accepted: Callable[[C], bool] = lambda _: False  # of the key that the report is asked with
    is_asked_of: Callable[[C], bool] = lambda _: True  # whether an account has a key for it
    lacks: str = ""  # why nothing is asked where no account has
    key_variable: str = ""  # the variable that holds this key, where it is another one than the source's
    notes_of: NotesOf = lambda _: {}  # what else is noted of an answer's day

    def is_not_included(self, refusal: Refused, client: C) -> bool:
        """Whether the plan or scope lacks this report, so that it is skipped instead of failed."""
        return bool(self.needs) and is_not_included(refusal, lambda: self.is_key_accepted(client))

    def not_included(self, refusal: Refused) -> str:
        return f"not included: it needs {self.needs}. The provider answered {refusal.status}: {refusal.explanation}"


def as_it_is_now(ask: Callable[[C], Answer]) -> Callable[[C, Span], list[Answer]]:
    """Adapts a directory's request to a report's."""
    return lambda client, _: [ask(client)]


class Tally:
    """Counts requests, retries included, by the asset they were made for."""

    def __init__(self, client: Counted) -> None:
        self.client = client
        self.by_asset: Counter[str] = Counter()

    @contextmanager
    def of(self, asset: str) -> Iterator[None]:
        before = self.client.requests
        try:
            yield
        finally:
            self.by_asset[asset] += self.client.requests - before

    def note(self, noted: Note) -> None:
        for asset, requests in self.by_asset.items():
            noted(asset, None, requests_in_run=requests)


class InHalves:
    """Spans to ask for, oldest first. A span with an answer that was too large comes again in halves, as do
    those after it.
    """

    def __init__(self, spans: Iterable[Span]) -> None:
        self._left = deque(spans)

    def __iter__(self) -> Iterator[Span]:
        while self._left:
            yield self._left.popleft()

    def halve(self, span: Span) -> bool:
        """Whether there are halves: a single day has none."""
        days = len(span.days)
        left = [span, *self._left] if days > 1 else []
        if left:
            self._left = deque(part for each in left for part in each.cut(at_most=-(-days // 2)))
        return bool(left)


def pull_report(
    context: dg.AssetExecutionContext,
    source: Source,
    resource: Clients[C],
    warehouse: Warehouse,
    report: Report[C],
    *,
    at_most: int,
    span: Span | None = None,
) -> None:
    """Ask each account for the run's days of a report (or those of `span`), and write each answer as it comes. One that
    the plan or scope does not include is skipped with a note.
    """

    def pull(client: C, noted: Note) -> None:
        days = span or span_of_run(context)
        pull_days(context, client, warehouse, report, days, noted=noted, at_most=at_most)

    ask_accounts(context, source, resource, report, pull)


def pull_snapshot(
    context: dg.AssetExecutionContext, source: Source, resource: Clients[C], warehouse: Warehouse, report: Report[C]
) -> None:
    """Ask each account for a directory as it is now, and write it."""

    def pull(client: C, noted: Note) -> None:
        refuse_a_mixture(warehouse, is_simulated=client.is_simulated)
        today = settings().now().date()
        tally, asked_at = Tally(client), warehouse.now()
        with skipped_where_not_included(context, client, report, noted):
            try:
                with tally.of(f"raw/{report.pull}"):
                    answers = report.ask(client, Span(today, today))
                append_report(context, warehouse, client, report, answers, asked_at=asked_at, noted=noted)
            finally:
                tally.note(noted)

    ask_accounts(context, source, resource, report, pull)


def ask_accounts(
    context: dg.AssetExecutionContext,
    source: Source,
    resource: Clients[C],
    report: Report[C],
    pull: Callable[[C, Note], None],
) -> None:
    """Ask every account that has a key for the report; where none has, note why nothing was asked."""
    clients = clients_of(resource)
    asked = [client for client in clients if report.is_asked_of(client)]
    if asked:
        ask_each(context, source.provider, asked, pull)
    else:
        note_not_configured(context, source, f"raw/{report.pull}", why=report.lacks if clients else "")


def pull_days(
    context: dg.AssetExecutionContext,
    client: C,
    warehouse: Warehouse,
    report: Report[C],
    span: Span,
    *,
    noted: Note,
    at_most: int,
) -> None:
    """Ask one account for the days of a span, at most so many at a time, and write what comes (`holding`). An answer
    that is too large is asked for again by halves. One that cannot be used costs its own days: the others are still
    asked for, and then the pull fails. A report that the plan or scope does not include is skipped with a note.
    """
    refuse_a_mixture(warehouse, is_simulated=client.is_simulated)
    tally, pull = Tally(client), report.pull
    unusable: list[ApiError] = []
    write = partial(append_report, context, warehouse, client, report, noted=noted)
    with skipped_where_not_included(context, client, report, noted), holding(warehouse, write) as held:
        try:
            spans = InHalves(span.cut(at_most=at_most))
            for some_days in spans:
                asked_at = warehouse.now()
                try:
                    with tally.of(f"raw/{pull}"):
                        answers = report.ask(client, some_days)
                except TooLarge as error:
                    context.log.warning("%s of %s: %s", pull, some_days, error)
                    if not spans.halve(some_days):
                        unusable.append(error)
                except (DamagedAnswer, IncompleteAnswer, UnexpectedAnswer) as error:
                    context.log.warning("%s of %s is left as it was: %s", pull, some_days, error)
                    unusable.append(error)
                else:
                    held.add(answers, asked_at)
        finally:
            tally.note(noted)
    if unusable:
        raise unusable[0]


@contextmanager
def skipped_where_not_included(
    context: dg.AssetExecutionContext, client: C, report: Report[C], noted: Note
) -> Iterator[None]:
    """Turns the refusal of an optional report into a note that names the plan or scope it needs."""
    try:
        yield
    except Refused as refusal:
        if not report.is_not_included(refusal, client):
            raise
        why = report.not_included(refusal)
        context.log.warning("%s of the account %s skipped, %s", report.pull, client.account, why)
        noted(f"raw/{report.pull}", None, skipped=why)


def append_report(
    context: dg.AssetExecutionContext,
    warehouse: Warehouse,
    client: C,
    report: Report[C],
    answers: Sequence[Answer],
    *,
    noted: Note,
    asked_at: datetime | None = None,
) -> None:
    """`append_noted`, of what an account answered to a report."""
    append_noted(context, warehouse, report.pull, answers, asked_at=asked_at, account=client.account, noted=noted,
                 notes_of=report.notes_of)  # fmt: skip


def append_noted(
    context: dg.AssetExecutionContext,
    warehouse: Warehouse,
    pull: str,
    answers: Sequence[Answer],
    *,
    asked_at: datetime | None = None,
    account: str = DEFAULT_ACCOUNT,
    noted: Note | None = None,
    notes_of: NotesOf = lambda _: {},
) -> None:
    """Write an account's answers to the ledger, and note on each day what version of it there is now, or why there is
    none, and what `notes_of` an answer has. `asked_at` replaces the time of each answer: before the first request.
    """
    noted = noted or partial(note, context)
    versions = warehouse.append(
        pull, [replace(each, asked_at=asked_at or each.asked_at, account=account) for each in answers]
    )
    for answer, version in zip(answers, versions, strict=True):
        noted(f"raw/{pull}", version.day, **_described(version), pages=answer.pages, **notes_of(answer))
        if not version.is_newest:
            context.log.warning("%s of %s: a later question was answered first: kept as an older version.", pull,
                                version.day or "now")  # fmt: skip
    for missing in answers.left_out if isinstance(answers, Answers) else ():
        if isinstance(missing, NotYet):
            context.log.info("%s: %s", pull, missing)
        else:
            context.log.warning("%s of %s: %s", pull, missing.day, missing)
        if missing.day in span_of_run(context):
            noted(f"raw/{pull}", missing.day, skipped=str(missing))


def held(warehouse: Warehouse, pull: str, span: Span, account: str) -> list[Answer]:
    """An account's last answer of each day, as the ledger has it; a day with missing records is not included."""
    with warehouse.connected():
        asked = {"pull": pull, "account": account, "first_day": span.first, "last_day": span.last}
        rows = warehouse.ask(NEWEST_PULLS, **asked).to_dicts()
        lines = warehouse.newest(pull, span).of_account(account).lines
    answers = [
        Answer(
            row["source"],
            row["activity_date"],
            [text.encode() for text in lines.filter(lines["activity_date"] == row["activity_date"])["record"]],
            row["pages"],
            json.loads(row["request"]),
            json.loads(row["envelope"]),
            row["is_simulated"],
            account=account,
        )
        for row in rows
    ]
    return [answer for answer, row in zip(answers, rows, strict=True) if answer.content_hash == row["content_hash"]]


def note_not_configured(context: dg.AssetExecutionContext, source: Source, *assets: str, why: str = "") -> None:
    """Note that nothing was asked, for want of a key."""
    why = why or source.not_configured
    context.log.warning(why)
    for asset in assets:
        note(context, asset, None, skipped=why)


def _described(version: Version) -> dict[str, object]:
    return {
        "records": version.records,
        "pull_id": version.pull_id,
        "pulled_at": dg.MetadataValue.timestamp(version.pulled_at),
        "is_new_version": version.is_new,
    }
