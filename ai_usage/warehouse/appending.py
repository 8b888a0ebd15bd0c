"""What an append writes: rows of `pulls`, and records where the content is new. Engine-free: an engine looks up what
the ledger has, and writes what is planned here.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import polars as pl

from ai_usage.partitions import Span
from ai_usage.warehouse.ledger import Answer, Look, Version, new_pull_id, place
from ai_usage.warehouse.table import PULLS

AccountDay = tuple[str, date | None]
Known = Mapping[AccountDay, Mapping[str, Any]]  # account and day → a version: at least its pull_id and content_hash


@dataclass(frozen=True)
class Appended:
    """What to write, all of it or none, and the versions that result."""

    records: pl.DataFrame | None  # rows of the pull's raw table
    commits: pl.DataFrame  # rows of `pulls`
    versions: list[Version]


def span_of(answers: Sequence[Answer]) -> Span | None:
    """The days of the answers; None for a snapshot."""
    days = [answer.day for answer in answers if answer.day is not None]
    return Span(min(days), max(days)) if days else None


def by_version(newest: pl.DataFrame) -> Known:
    """Account and day → its newest version."""
    return {(row["account"], row["activity_date"]): row for row in newest.to_dicts()}


def plan_append(
    pull: str,
    answers: Sequence[Answer],
    *,
    newest: Known,
    looks: Mapping[AccountDay, Look],
    as_of: Callable[[date | None, datetime], Known],
    now: Callable[[], datetime],
) -> Appended:
    """Where each answer stands among the versions, and whether its records are new. `as_of` looks up a day's newest
    versions by an instant: an answer that comes late is compared with the version before it.
    """
    commits, records, versions = [], [], []
    for answer in answers:
        pull_id, moment = new_pull_id(), now()
        asked_at = min(answer.asked_at or moment, moment)
        of = (answer.account, answer.day)
        known = newest.get(of)
        is_same = known is not None and known["content_hash"] == answer.content_hash
        placed = place(asked_at, looks.get(of), now=moment, is_same=is_same)
        if not placed.is_newest:
            known = as_of(answer.day, asked_at).get(of)
        is_new = known is None or known["content_hash"] != answer.content_hash
        if is_new:
            records.append(_record_frame(pull_id, answer))
        records_pull_id = pull_id if known is None or is_new else known["pull_id"]
        commits.append(_commit_row(pull, pull_id, placed.pulled_at, asked_at, records_pull_id, answer))
        versions.append(Version(answer.day, pull_id, placed.pulled_at, len(answer.records), is_new, placed.is_newest))
    columns = {name: [row[name] for row in commits] for name in PULLS.columns}
    return Appended(pl.concat(records) if records else None, PULLS.frame(columns), versions)


def _record_frame(pull_id: str, answer: Answer) -> pl.DataFrame:
    """Rows of a raw table. Built by polars from the bytes themselves: no record is parsed or copied twice."""
    texts = [record.decode() for record in answer.records]
    return pl.DataFrame(
        {
            "pull_id": pl.repeat(pull_id, len(texts), dtype=pl.String, eager=True),
            "account": pl.repeat(answer.account, len(texts), dtype=pl.String, eager=True),
            "activity_date": pl.repeat(answer.day, len(texts), dtype=pl.Date, eager=True),
            "position": pl.int_range(len(texts), dtype=pl.Int64, eager=True),
            "record": pl.Series(texts, dtype=pl.String),
        }
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
