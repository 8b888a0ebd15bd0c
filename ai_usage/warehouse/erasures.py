"""Erased people, without their identity: the ledger keeps digests of their names, so that later records of a provider
about them are rewritten as they come in. `erasure` finds a person and rewrites a warehouse.
"""

import hashlib
import json
import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from ai_usage.phrases import Phrases, canonical, word_count
from ai_usage.warehouse.ledger import Answer
from ai_usage.warehouse.port import Warehouse
from ai_usage.warehouse.table import RAW, Table, instant, string

ERASURES = Table(
    name="erasures",
    schema=RAW,
    grain="one erased person, without anything that identifies them",
    question="When was a person erased, and in how many places?",
    example="select erased_at, replacement, counts from ai_usage_raw.erasures order by erased_at desc",
    columns={
        "erasure_id": string("random", required=True),
        "begun_at": instant("when the erasure began", required=True),
        "erased_at": instant("when it was completed; null until then: run it again"),
        "replacement": string("the address that stands in place of theirs", required=True),
        "digest_key": string("what the digests are keyed with, in hexadecimal", required=True),
        "phrases": string("keyed digests of what named them, and what stands in its place, as JSON", required=True),
        "counts": string("rows that were rewritten, by table, as JSON"),
    },
    date_column=None,
)

ANYWHERE, WHOLE_NAME, ACCOUNT = "anywhere", "whole name", "account"
NAME_COLUMNS = {"user_name", "api_key_name", "name", "description"}
NAMED = re.compile(r'("(?:name|userName|user_name|display_name|full_name|api_key_name)"\s*:\s*)("(?:[^"\\]|\\.)*")')
CELL = re.compile(r'()("(?:[^"\\]|\\.)*")')


@dataclass(frozen=True)
class Phrase:
    """A text that names a person, and its replacement. `ANYWHERE`: replaced wherever it occurs. `WHOLE_NAME`: only in a
    record of theirs, since the word alone may mean something else. `ACCOUNT` marks a record as theirs, and stays.
    """

    text: str
    kind: str
    replacement: str = ""


@dataclass(frozen=True)
class Entry:
    """A phrase as the ledger keeps it."""

    digest: str
    kind: str
    words: int
    replacement: str


def new_key() -> str:
    return secrets.token_hex(16)


def entries(phrases: Iterable[Phrase], key: str) -> list[Entry]:
    """Digests of the phrases, each once."""
    made = [Entry(digest(p.text, key), p.kind, word_count(p.text), p.replacement) for p in phrases]
    return list({entry.digest: entry for entry in reversed(made)}.values())


def digest(phrase: str, key: str) -> str:
    return _digest(canonical(phrase), key)


def _digest(phrase: str, key: str) -> str:
    return hashlib.blake2b(phrase.encode(), key=bytes.fromhex(key), digest_size=16).hexdigest()


@dataclass
class Erased:
    """Rewrites what names the erased. Holds digests alone, not their names."""

    key: str
    known: Mapping[str, Entry]
    _is_theirs: bool = field(default=False, init=False)
    _seen: dict[str, Entry | None] = field(default_factory=dict, init=False)

    @classmethod
    def of_rows(cls, rows: Iterable[tuple[str, str]]) -> "Erased | None":
        """Of `digest_key` and `phrases` of every row of `erasures`; None if no one was erased."""
        found = list(rows)
        if not found:
            return None
        all_entries = [Entry(**entry) for _, phrases in found for entry in json.loads(phrases)]
        return cls(found[0][0], {entry.digest: entry for entry in all_entries})

    @cached_property
    def _anywhere(self) -> Phrases:
        return Phrases(self._instead, {e.words for e in self.known.values() if e.kind != WHOLE_NAME and e.words})

    @cached_property
    def _has_whole_names(self) -> bool:
        return any(entry.kind == WHOLE_NAME for entry in self.known.values())

    def text(self, text: str) -> str:
        """A text or JSON, with something else where it named them."""
        self._is_theirs = False
        clean = self._anywhere.replaced(text)
        if self._is_theirs and self._has_whole_names and clean[:1] in {"{", "["}:
            clean = (NAMED if clean[0] == "{" else CELL).sub(self._without_whole_name, clean)
        return clean

    def answer(self, answer: Answer) -> Answer:
        """An answer as it may come into the ledger."""
        records = [self.text(record.decode()).encode() for record in answer.records]
        request, envelope = (json.loads(self.text(part)) for part in (answer.request_json, answer.envelope_json))
        return replace(answer, records=records, request=request, envelope=envelope)

    def row(self, row: Mapping[str, str | None]) -> dict[str, str]:
        """What changes in a row of a table: column → its new text."""
        changed, is_theirs = {}, False
        for name, text in row.items():
            clean = self.text(text) if text else text
            is_theirs |= self._is_theirs
            if text and clean and clean != text:
                changed[name] = clean
        for name in NAME_COLUMNS & row.keys() if is_theirs and self._has_whole_names else ():
            entry = self._entry(canonical(row[name] or ""))
            if entry and entry.kind == WHOLE_NAME:
                changed[name] = entry.replacement
        return changed

    def _without_whole_name(self, found: re.Match[str]) -> str:
        try:
            entry = self._entry(canonical(json.loads(found[2], strict=False)))
        except ValueError:
            return found[0]
        return f"{found[1]}{json.dumps(entry.replacement)}" if entry and entry.kind == WHOLE_NAME else found[0]

    def _instead(self, phrase: str) -> str | None:
        entry = self._entry(phrase)
        if entry is None or entry.kind == WHOLE_NAME:
            return None
        self._is_theirs = True
        return entry.replacement if entry.kind == ANYWHERE else None

    def _entry(self, phrase: str) -> Entry | None:
        if phrase not in self._seen:
            if len(self._seen) > 200_000:
                self._seen.clear()
            self._seen[phrase] = self.known.get(_digest(phrase, self.key))
        return self._seen[phrase]


def without_the_erased(warehouse: Warehouse, answers: Sequence[Answer]) -> Sequence[Answer]:
    """The answers, with nothing that names a person who was erased: providers go on sending them."""
    erased = Erased.of_rows(warehouse.ask(f"select digest_key, phrases from {ERASURES.address}").iter_rows())
    return [erased.answer(answer) for answer in answers] if erased else answers


def erasures_row(**values: Any) -> dict[str, list[Any]]:
    return {name: [values.get(name)] for name in ERASURES.columns}
