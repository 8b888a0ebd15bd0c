"""What entries of Code Assist's log become: rows of `gemini_code_assist_stats`. Pure: records in, a frame out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from ai_usage.providers.google.code_assist.records import Acceptance, LogEntry, Payload
from ai_usage.providers.google.code_assist.tables import GEMINI_CODE_ASSIST_STATS
from ai_usage.warehouse.reading.field_types import address_of
from ai_usage.warehouse.reading.ledger_records import Records
from ai_usage.warehouse.table import ACCOUNT_STAMPS

DIMENSIONS = ("activity_date", "project_id", "user_email", *ACCOUNT_STAMPS)


@dataclass
class _Accepted:
    """What was accepted, by the request that it answered: of each the largest count of lines."""

    lines: dict[str, int | None] = field(default_factory=dict)

    def add(self, entry: str, acceptance: Acceptance) -> None:
        request = acceptance.original_request_id or entry
        counts = (self.lines.get(request), acceptance.lines)
        self.lines[request] = max((count for count in counts if count is not None), default=None)

    @property
    def total(self) -> int | None:
        """None as soon as the lines of one are not known."""
        counts = list(self.lines.values())
        return None if None in counts else sum(count or 0 for count in counts)


@dataclass
class _Day:
    """One user's day in one project."""

    shown_code: set[str] = field(default_factory=set)
    shown_chat: set[str] = field(default_factory=set)
    code: _Accepted = field(default_factory=_Accepted)
    chat: _Accepted = field(default_factory=_Accepted)
    api_requests: int = 0
    entries: set[tuple[Any, ...]] = field(default_factory=set)
    records: int = 0

    def add(self, entry: LogEntry, place: int) -> None:
        """Count an entry, once however often it came. Without the id of its request each entry is one of its own."""
        self.records += 1
        key = (entry.log_name, entry.timestamp, entry.insert_id or place)
        if key in self.entries:
            return
        self.entries.add(key)
        payload, own = entry.json_payload or Payload(), f"entry {place}"
        if payload.code_exposure:
            self.shown_code.add(payload.code_exposure.original_request_id or own)
        if payload.chat_exposure:
            self.shown_chat.add(payload.chat_exposure.original_request_id or own)
        if payload.code_acceptance:
            self.code.add(own, payload.code_acceptance)
        if payload.chat_acceptance:
            self.chat.add(own, payload.chat_acceptance)
        self.api_requests += payload.api_request is not None

    def measures(self) -> Mapping[str, int | None]:
        return {
            "code_exposures": len(self.shown_code),
            "code_acceptances": len(self.code.lines),
            "code_lines_accepted": self.code.total,
            "chat_exposures": len(self.shown_chat),
            "chat_acceptances": len(self.chat.lines),
            "chat_lines_accepted": self.chat.total,
            "api_requests": self.api_requests,
            "record_count": self.records,
        }


def activity_rows(records: Records) -> pl.DataFrame:
    """Rows of `gemini_code_assist_stats`: of each account and day one for each user and project."""
    read = records.read(LogEntry)
    stamps = read.lines.select("activity_date", *ACCOUNT_STAMPS).iter_rows(named=True)
    found: dict[tuple[Any, ...], _Day] = {}
    for place, (entry, stamp) in enumerate(zip(read.values, stamps, strict=True)):
        row = {**stamp, "project_id": _project_of(entry), "user_email": address_of(entry.labels.user_id)}
        found.setdefault(tuple(row[name] for name in DIMENSIONS), _Day()).add(entry, place)
    rows = [{**dict(zip(DIMENSIONS, key, strict=True)), **day.measures()} for key, day in found.items()]
    table = GEMINI_CODE_ASSIST_STATS
    return table.frame({name: [row[name] for row in rows] for name in table.columns})


def _project_of(entry: LogEntry) -> str | None:
    """The project of the log, by its id; else as the resource has it, which may be its number."""
    kind, _, rest = (entry.log_name or "").partition("/")
    if kind == "projects":
        return rest.partition("/")[0] or None
    return (entry.resource.labels.resource_container or "").removeprefix("projects/") or None
