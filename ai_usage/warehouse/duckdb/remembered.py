"""Answers to questions about the ledger, asked once until another process writes to the file."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from ai_usage.warehouse.duckdb import connection

MANY = 100_000  # rows of an answer that is too large to be remembered
MOST_RECORDS = (
    50_000  # that are remembered of all pulls together: a run of few days reads the same ones again and again
)


@dataclass
class Remembered:
    """`path` is the file that the answers are of. Records are forgotten first, all of them, when they become many."""

    path: Path
    _answers: dict[Any, pl.DataFrame] = field(default_factory=dict, init=False)
    _records: dict[Any, pl.DataFrame] = field(default_factory=dict, init=False)
    _of: Any = field(default=None, init=False)  # the state of the file

    def share(self, answers: dict[Any, pl.DataFrame]) -> None:
        """Share the answers with others that read the same state of the file."""
        self._answers, self._of = answers, connection.state(self.path)

    def answer(self, question: Any, ask: Callable[[], pl.DataFrame]) -> pl.DataFrame:
        self._renew()
        if (found := self._answers.get(question)) is None:
            found = ask()
            if found.height <= MANY:
                self._answers[question] = found
        return found

    def records(self, question: Any, ask: Callable[[], pl.DataFrame]) -> pl.DataFrame:
        self._renew()
        if (found := self._records.get(question)) is None:
            found = ask()
            if sum(of.height for of in self._records.values()) + found.height > MOST_RECORDS:
                self._records.clear()
            if found.height <= MOST_RECORDS:
                self._records[question] = found
        return found

    @contextmanager
    def own_write(self, pull: str | None) -> Iterator[None]:
        """A write of this process to the ledger of a pull, or to none: what it does not change is known after it."""
        is_known = connection.state(self.path) == self._of
        yield
        if is_known:
            self._of = connection.state(self.path)
            if pull:
                self._answers = {of: answer for of, answer in self._answers.items() if of[1] != pull}
                self._records = {of: found for of, found in self._records.items() if of[0] != pull}

    def _renew(self) -> None:
        if (state := connection.state(self.path)) != self._of:
            self._answers, self._records, self._of = {}, {}, state
