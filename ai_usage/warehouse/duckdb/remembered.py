"""Cached answers: valid until the tables that they read are written, or another process writes to the file."""

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from ai_usage.warehouse.duckdb import connection

MANY = 100_000  # rows of an answer that is too large to be remembered
MOST = 300_000  # rows of all answers together: when they become more, all are forgotten
MOST_RECORDS = 50_000  # the same of the ledger's records, which are longer
MOST_ANSWERS = 1_000


class Kept(dict[Any, tuple[frozenset[str], pl.DataFrame]]):
    """Question → what it reads, and the answer. `rows` counts those of all answers."""

    rows = 0

    def keep(self, question: Any, reads: Iterable[str], answer: pl.DataFrame) -> None:
        before = self.get(question)
        self[question] = frozenset(reads), answer
        self.rows += answer.height - (before[1].height if before else 0)

    def forget(self, written: Collection[str]) -> None:
        """The answers that read what was written."""
        for question in [of for of, (reads, _) in self.items() if not reads.isdisjoint(written)]:
            self.rows -= self.pop(question)[1].height

    def forget_all(self) -> None:
        self.clear()
        self.rows = 0


@dataclass
class Remembered:
    """`path` is the file that the answers are of."""

    path: Path
    _answers: Kept = field(default_factory=Kept, init=False)
    _records: Kept = field(default_factory=Kept, init=False)
    _of: Any = field(default=None, init=False)  # the state of the file

    def share(self, answers: Kept) -> None:
        """Share the answers with others that read the same state of the file."""
        self._answers, self._of = answers, connection.state(self.path)

    def answer(self, question: Any, reads: Iterable[str], ask: Callable[[], pl.DataFrame]) -> pl.DataFrame:
        self._renew()
        return _kept(self._answers, question, reads, ask, at_most=MANY, together=MOST)

    def records(self, question: Any, reads: Iterable[str], ask: Callable[[], pl.DataFrame]) -> pl.DataFrame:
        self._renew()
        return _kept(self._records, question, reads, ask, at_most=MOST_RECORDS, together=MOST_RECORDS)

    @contextmanager
    def own_write(self, written: Collection[str]) -> Iterator[None]:
        """A write of this process: cached answers that do not read what it writes stay valid. If `written` is empty,
        none does.
        """
        is_known = connection.state(self.path) == self._of
        yield
        if is_known and written:
            self._of = connection.state(self.path)
            for kept in (self._answers, self._records):
                kept.forget(written)

    def _renew(self) -> None:
        if (state := connection.state(self.path)) != self._of:
            self._answers, self._records, self._of = Kept(), Kept(), state


def _kept(
    kept: Kept, question: Any, reads: Iterable[str], ask: Callable[[], pl.DataFrame], *, at_most: int, together: int
) -> pl.DataFrame:
    if question in kept:
        return kept[question][1]
    found = ask()
    if len(kept) >= MOST_ANSWERS or kept.rows + found.height > together:
        kept.forget_all()
    if found.height <= at_most:
        kept.keep(question, reads, found)
    return found
