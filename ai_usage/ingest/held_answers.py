"""Answers that wait to be written together. Where a write is two jobs of seconds each, one for each request would take
longer than the requests; the embedded engine writes each answer as it comes.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime

from ai_usage.ingest.days import Answers
from ai_usage.warehouse.ledger import Answer
from ai_usage.warehouse.port import Warehouse

MOST_RECORDS = 20_000  # that wait: bounds the memory, and what a killed run asks for again

Write = Callable[[Answers], None]


class HeldAnswers:
    """An account's answers to one report that are not written yet. `most_days`: as many as one write may have."""

    def __init__(self, write: Write, most_days: int) -> None:
        self._write = write
        self._most_days = most_days
        self._held = Answers()

    def add(self, answers: Sequence[Answer], asked_at: datetime) -> None:
        """What came of one request, which began at `asked_at`; writes all of it once it is enough."""
        self._held.extend(replace(each, asked_at=asked_at) for each in answers)
        self._held.left_out += answers.left_out if isinstance(answers, Answers) else []
        if len(self._held) >= self._most_days or sum(len(each.records) for each in self._held) >= MOST_RECORDS:
            self.write()

    def write(self) -> None:
        held, self._held = self._held, Answers()
        if held or held.left_out:
            self._write(held)


@contextmanager
def holding(warehouse: Warehouse, write: Write) -> Iterator[HeldAnswers]:
    """In the end everything is written, also if a request failed: what came before it is kept."""
    held = HeldAnswers(write, warehouse.days_at_once(1))
    try:
        yield held
    except Exception:
        held.write()
        raise
    held.write()
