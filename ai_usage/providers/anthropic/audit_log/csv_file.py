"""Reads the CSV export of claude.ai's audit log: a file in, its events out. Knows no table.

Source: Anthropic's help centre, "How to access audit logs". A file is read whole or not at all, and an error names
its line and quotes nothing of it: cells are private. Files that were opened and saved elsewhere are read too.
"""

import ast
import codecs
import csv
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, TextIO

import msgspec

from ai_usage.errors import AiUsageError
from ai_usage.partitions import ONE_DAY, Span
from ai_usage.providers.anthropic.audit_log.records import AuditEvent

NEEDED = ("created_at", "actor_info", "event", "entity_info")
PLATFORM = "client_platform"
EMAIL = ("email_address", "email", "user_email")
ID = ("uuid", "id", "user_id", "account_uuid")
DELIMITERS = ",;\t"
BEGIN = datetime(2023, 1, 1, tzinfo=UTC)  # before claude.ai: an older event is a damaged timestamp
AGAIN = "Export the log again (claude.ai, Organization settings, Data and privacy, Export logs), or take the file away."

Cell = Mapping[str, Any]


class UnreadableUpload(AiUsageError):
    """A file in the uploads folder that is no audit-log export, or a damaged one."""


@dataclass
class AuditLog:
    """The contents of one file: each event of the wanted days as often as it happened, and the days it covers."""

    name: str
    covers: Span | None = None  # from the first event's day to the last one's; both may be there in part
    events: Counter[AuditEvent] = field(default_factory=Counter)


def read_audit_log(path: Path, wanted: Span, *, now: datetime) -> AuditLog:
    """The file, its events of the wanted days alone; every line is looked at, wanted or not."""
    log = AuditLog(path.name)
    first, last = datetime.max.replace(tzinfo=UTC), BEGIN
    with warnings.catch_warnings():
        for of_a_backslash in (SyntaxWarning, DeprecationWarning):  # in a Python literal: no matter to us
            warnings.simplefilter("ignore", of_a_backslash)
        for event in _events(path, now):
            first, last = min(first, event.created_at), max(last, event.created_at)
            if event.created_at.date() in wanted:
                log.events[event] += 1
    if first <= last:
        log.covers = Span(first.date(), last.date())
    return log


def _events(path: Path, now: datetime) -> Iterator[AuditEvent]:
    try:
        with path.open(encoding=_encoding(path), newline="") as file:
            yield from _Reader(path, file, now)
    except UnicodeError:
        raise UnreadableUpload(
            f"{path} is neither UTF-8 nor UTF-16 text: save it as CSV UTF-8, or export the log again."
        ) from None
    except OSError as error:
        raise UnreadableUpload(f"{path} cannot be read: {error.strerror}.") from None


def _encoding(path: Path) -> str:
    with path.open("rb") as file:
        start = file.read(4)
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    return "utf-16-le" if start[1::2] == b"\0\0" else "utf-16-be" if start[::2] == b"\0\0" else "utf-8-sig"


class _Reader:
    """Rows of one open file as events; an `UnreadableUpload` names the line that is wrong."""

    def __init__(self, path: Path, file: TextIO, now: datetime) -> None:
        self.path, self.file, self.latest = path, file, now + ONE_DAY
        self.line = 0  # the first line of the row at hand

    def __iter__(self) -> Iterator[AuditEvent]:
        names, delimiter, lines_before = self._header()
        rows = csv.reader(self.file, delimiter=delimiter, strict=True)
        places = {name: names.index(name) for name in (*NEEDED, PLATFORM) if name in names}
        for row in self._rows(rows, lines_before):
            if len(row) != len(names):
                raise self._wrong(f"{len(row)} cells stand where the header has {len(names)}")
            yield self._event({name: row[place].strip() for name, place in places.items()})

    def _header(self) -> tuple[list[str], str, int]:
        """The names, what parts them, and the lines that took."""
        text = ""
        while not text.strip():
            text = self.file.readline()
            self.line += 1
            if not text:
                raise self._wrong("the file is empty: not even a header is in it")
        try:
            read = {d: next(csv.reader([text], delimiter=d, strict=True)) for d in DELIMITERS}
        except csv.Error:
            raise self._wrong("there is no header") from None
        names = {d: [cell.strip().lower() for cell in row] for d, row in read.items()}
        delimiter = max(DELIMITERS, key=lambda d: len({*NEEDED}.intersection(names[d])))
        found = names[delimiter]
        lacking = [name for name in NEEDED if found.count(name) != 1]
        if len(lacking) == len(NEEDED):
            raise self._wrong(f"there is no header: an audit-log export begins with {', '.join(NEEDED)}, …")
        if lacking:
            raise self._wrong(f"the header must name {', '.join(lacking)} once")
        return found, delimiter, self.line

    def _rows(self, rows: Any, lines_before: int) -> Iterator[Sequence[str]]:
        while True:
            self.line = lines_before + rows.line_num + 1
            try:
                row = next(rows)
            except StopIteration:
                return
            except csv.Error as error:
                why = "a field is too long" if "field limit" in str(error) else "the quotes do not add up"
                raise self._wrong(f"{why}; the row begins here") from None
            if any(cell.strip() for cell in row):
                yield row

    def _event(self, cells: Mapping[str, str]) -> AuditEvent:
        actor, entity = self._cell(cells, "actor_info"), self._cell(cells, "entity_info")
        if not cells["event"]:
            raise self._wrong("event is empty")
        email = _text(actor, EMAIL)
        return AuditEvent(
            created_at=self._instant(cells["created_at"]),
            event=cells["event"],
            actor_email=email.lower() if email else None,
            actor_id=_text(actor, ID),
            entity_type=_text(entity, ("type",)),
            entity_uuid=_text(entity, ("uuid", "id")),
            client_platform=cells.get(PLATFORM) or None,
        )

    def _cell(self, cells: Mapping[str, str], name: str) -> Cell:
        cell = _dictionary(cells[name])
        if cell is None:
            raise self._wrong(f"{name} is neither JSON nor a Python dictionary")
        return cell

    def _instant(self, text: str) -> datetime:
        try:
            at = datetime.fromisoformat(text.removesuffix(" UTC"))
            at = (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, OverflowError):
            raise self._wrong(
                "created_at is no instant such as 2026-11-03T09:15:00Z; did a spreadsheet save it?"
            ) from None
        if not BEGIN <= at <= self.latest:
            raise self._wrong(f"created_at is not between {BEGIN:%Y} and now")
        return at

    def _wrong(self, why: str) -> UnreadableUpload:
        return UnreadableUpload(f"{self.path}, line {self.line}: {why}. Nothing was read from the uploads. {AGAIN}")


@lru_cache(maxsize=1000)  # people come often, a thing once
def _dictionary(text: str) -> Cell | None:
    """A cell as the export writes it: JSON, or a Python dictionary; empty is nothing. None if it is neither."""
    if text in {"", "None", "null"}:
        return {}
    try:
        found = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        try:
            found = ast.literal_eval(text)
        except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
            return None
    return found if isinstance(found, dict) else None


def _text(cell: Cell, names: Sequence[str]) -> str | None:
    """The first of these entries that is not empty, in the dictionary or in its `metadata`."""
    beside = cell.get("metadata")
    for place in (cell, beside if isinstance(beside, dict) else {}):
        for name in names:
            value = place.get(name)
            if isinstance(value, str) and value.strip():
                return value.strip()
    return None
