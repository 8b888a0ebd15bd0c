"""The raw ledger's rules, the same on every engine: what an answer is, whether it is a new version, its place in the
order of versions, and the rows that are written. An engine looks up the existing versions (`sql/ledger/`), and writes
what is planned here.
"""

import hashlib
import json
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any, Protocol

import polars as pl

from ai_usage.errors import WarehouseError
from ai_usage.partitions import Span
from ai_usage.places import COMMAND
from ai_usage.warehouse.table import DEFAULT_ACCOUNT, PULLS

AN_INSTANT = timedelta(microseconds=1)
CLOCKS_DIFFER = timedelta(hours=1)  # by less than this an instant ahead of now is not of the future
ANOTHER_FOLDER = "AI_USAGE_DATA_DIR to another folder"
ANOTHER_PROJECT = "BIGQUERY_PROJECT to another project"

AccountDay = tuple[str, date | None]


@dataclass(frozen=True)
class Answer:
    """What a provider sent of one account's day, or as a snapshot (`day` is None): its records as the bytes it sent."""

    source: str
    day: date | None
    records: Sequence[bytes]
    pages: int
    request: Mapping[str, Any]
    envelope: Mapping[str, Any] = field(default_factory=dict)
    is_simulated: bool = False
    is_ordered: bool = False  # whether the order of the records matters: rows of a sheet are known by number
    asked_at: datetime | None = None  # when the request began; None: when it is written
    account: str = DEFAULT_ACCOUNT  # that was asked

    @cached_property
    def content_hash(self) -> str:
        """Equal for equal records; where providers promise no order, in any."""
        records = self.records if self.is_ordered else sorted(self.records)
        return hashlib.sha256(b"\0".join(records)).hexdigest()  # no JSON text holds a NUL

    @property
    def request_json(self) -> str:
        return json.dumps(self.request, sort_keys=True)

    @property
    def envelope_json(self) -> str:
        return json.dumps(self.envelope, sort_keys=True)


@dataclass(frozen=True)
class Version:
    """What the ledger holds of an account's day or snapshot after a pull."""

    day: date | None
    pull_id: str
    pulled_at: datetime
    records: int
    is_new: bool
    is_newest: bool = True  # false where the answer to a later question was written before


@dataclass(frozen=True)
class Look:
    """The newest version of a day or snapshot: its place in the order of versions, and when it was asked for."""

    pulled_at: datetime
    asked_at: datetime


@dataclass(frozen=True)
class Place:
    """A version's place in the order of versions, `pulled_at`, and whether it is the newest one."""

    pulled_at: datetime
    is_newest: bool


def place(asked_at: datetime, newest: Look | None, *, now: datetime, is_same: bool = False) -> Place:
    """The place of an answer among the versions, by the time of its request. An answer that arrives after that to a
    later request is an older version, unless it is equal. No version of the future hides it: a clock was wrong then,
    and it follows that one.
    """
    if newest is None or newest.pulled_at < asked_at:
        return Place(asked_at, is_newest=True)
    if asked_at < newest.asked_at <= now and not is_same:
        return Place(asked_at, is_newest=False)
    return Place(newest.pulled_at + AN_INSTANT, is_newest=True)


def new_pull_id() -> str:
    """Sorts after every id this machine made before, and never meets another machine's."""
    return f"{time.time_ns():020d}-{secrets.token_hex(4)}"


def pull_ids_until_now() -> str:
    """Sorts after every id made until now, and before those that a clock ahead of this machine's made."""
    return f"{time.time_ns() + int(CLOCKS_DIFFER.total_seconds()) * 10**9:020d}"


@dataclass(frozen=True)
class Appended:
    """What to write, all of it or none, and the versions that result."""

    records: pl.DataFrame | None  # rows of the pull's raw table
    commits: pl.DataFrame  # rows of `pulls`
    versions: list[Version]


class Held(Protocol):
    """What an engine's ledger holds of a pull's days, or of its snapshot where there is no span."""

    def newest_versions(self, pull: str, span: Span | None, as_of: datetime | None = None) -> pl.DataFrame:
        """Of each account and day the newest version, or the newest by an instant: `sql/ledger/newest.sql`."""

    def newest_looks(self, pull: str, span: Span | None) -> Mapping[AccountDay, Look]:
        """Account and day → its newest version: `sql/ledger/looks.sql`."""

    def origins(self) -> set[bool]:
        """Whether pulls are simulated: of all, one value or none."""


def mixture(warehouse: str, *, is_simulated: bool, elsewhere: str = ANOTHER_FOLDER) -> WarehouseError:
    """What to do where figures of one kind were about to join those of the other in `warehouse`: `elsewhere` is what
    to set for a warehouse apart.
    """
    if is_simulated:
        return WarehouseError(
            f"{warehouse} holds real data, and simulated data would join them: nothing was pulled. Set a provider's "
            f"key, or {elsewhere}."
        )
    return WarehouseError(
        f"{warehouse} holds simulated data, and real data would join them: nothing was pulled. Start afresh with "
        f"{COMMAND} reset, which deletes what is there, or set {elsewhere}."
    )


def plan_append(
    pull: str,
    answers: Sequence[Answer],
    held: Held,
    *,
    now: Callable[[], datetime],
    warehouse: str,
    elsewhere: str = ANOTHER_FOLDER,
) -> Appended:
    """Where each answer stands among the versions, and whether its records are new. An answer that comes late is
    compared with the version before it. `WarehouseError` if real and simulated data would mix in `warehouse`.
    """
    if held.origins() - {answers[0].is_simulated}:
        raise mixture(warehouse, is_simulated=answers[0].is_simulated, elsewhere=elsewhere)
    span = _span_of(answers)
    newest, looks = _by_version(held.newest_versions(pull, span)), held.newest_looks(pull, span)
    commits, records, versions = [], [], []
    for answer in answers:
        pull_id, moment = new_pull_id(), now()
        asked_at = min(answer.asked_at or moment, moment)
        of = (answer.account, answer.day)
        known = newest.get(of)
        is_same = known is not None and known["content_hash"] == answer.content_hash
        placed = place(asked_at, looks.get(of), now=moment, is_same=is_same)
        if not placed.is_newest:
            day = Span(answer.day, answer.day) if answer.day else None
            known = _by_version(held.newest_versions(pull, day, asked_at)).get(of)
        is_new = known is None or known["content_hash"] != answer.content_hash
        if is_new:
            records.append((pull_id, answer))
        records_pull_id = pull_id if known is None or is_new else known["pull_id"]
        commits.append(_commit_row(pull, pull_id, placed.pulled_at, asked_at, records_pull_id, answer))
        versions.append(Version(answer.day, pull_id, placed.pulled_at, len(answer.records), is_new, placed.is_newest))
    columns = {name: [row[name] for row in commits] for name in PULLS.columns}
    return Appended(_record_frame(records) if records else None, PULLS.frame(columns), versions)


def _span_of(answers: Sequence[Answer]) -> Span | None:
    """The days of the answers; None for a snapshot."""
    days = [answer.day for answer in answers if answer.day is not None]
    return Span(min(days), max(days)) if days else None


def _by_version(newest: pl.DataFrame) -> Mapping[AccountDay, Mapping[str, Any]]:
    """Account and day → its version."""
    return {(row["account"], row["activity_date"]): row for row in newest.to_dicts()}


def _record_frame(new: Sequence[tuple[str, Answer]]) -> pl.DataFrame:
    """Rows of a raw table, of answers by their pull's id. No record is parsed, and of many answers, most of them small,
    one frame is made.
    """
    answers = [answer for _, answer in new]
    heads = pl.DataFrame(
        {
            "pull_id": [pull_id for pull_id, _ in new],
            "account": [answer.account for answer in answers],
            "activity_date": [answer.day for answer in answers],
        },
        schema={"pull_id": pl.String, "account": pl.String, "activity_date": pl.Date},
    )
    head_of_each = [n for n, answer in enumerate(answers) for _ in answer.records]
    return heads[head_of_each].with_columns(
        pl.Series("position", [n for answer in answers for n in range(len(answer.records))], dtype=pl.Int64),
        pl.Series("record", [record.decode() for answer in answers for record in answer.records], dtype=pl.String),
    )


def _commit_row(
    pull: str, pull_id: str, pulled_at: datetime, asked_at: datetime, records_pull_id: str, answer: Answer
) -> dict[str, object]:
    return {
        "pull_id": pull_id,
        "source": answer.source,
        "account": answer.account,
        "pull": pull,
        "activity_date": answer.day,
        "pulled_at": pulled_at,
        "pages": answer.pages,
        "records": len(answer.records),
        "content_hash": answer.content_hash,
        "records_pull_id": records_pull_id,
        "request": answer.request_json,
        "envelope": answer.envelope_json,
        "is_simulated": answer.is_simulated,
        "asked_at": None if asked_at == pulled_at else asked_at,
    }
