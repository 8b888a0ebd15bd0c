"""What this process knows of a project's tables: the rows of small ones, the records it pulled, and answers. A question
about tables that are held here costs no job.

It holds as long as no other run writes. Whoever writes takes the lease first, so the row of the lease shows whether one
did: `trust` forgets everything when that row is not the one that this process saw or left.
"""

import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
from google.cloud import bigquery

from ai_usage.warehouse.duckdb import connection, statements
from ai_usage.warehouse.googlesql import to_duckdb
from ai_usage.warehouse.table import ANALYTICS, RAW, Table

SMALL_ROWS = 5_000  # of a table that is held; one that has more is asked where it is
REMEMBERED_ROWS = 100_000  # of one answer; a longer one is asked again
REMEMBERED = 1_000_000  # rows of all answers together, each counted as one more
RECORD_BYTES = 600_000_000  # of pulled records that are held
Parameters = Mapping[str, Any]


@cache
def memory_of(_project: str, _host: str) -> "Memory":
    """The one that all warehouses of this project share in this process."""
    return Memory()


class Memory:
    """Tables of one project, in a database in memory. Threads take turns by `lock`. An address is `dataset.table`."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.db: duckdb.DuckDBPyConnection = connection.connect(Path(":memory:"))
        for schema in (RAW, ANALYTICS):
            self.db.execute(f"create schema {schema}")
        self.state: object = None  # of the lease, while what is here is true
        self.found: dict[str, bigquery.Table] = {}  # tables as BigQuery has them: their columns are used alone
        self._made: set[str] = set()  # tables and views in the database
        self._whole: set[str] = set()  # tables with every row that BigQuery has
        self._large: set[str] = set()
        self._written: Counter[str] = Counter()
        self._answers: dict[Any, tuple[Any, pl.DataFrame]] = {}  # question → what was written before, and the answer
        self._answered = 0
        self._pull_ids: dict[str, set[str]] = {}
        self._record_bytes = 0

    def trust(self, state: object) -> None:
        """What is here was true of this state of the lease; of any other one it is not known to be."""
        if state is None or state != self.state:
            self.forget()
        self.state = state

    def follow(self, state: object, *, is_ours: bool) -> None:
        """The lease was changed: by us, or by another run instead."""
        if is_ours:
            self.state = state
        else:
            self.forget()

    def forget(self) -> None:
        with self.lock:
            for address in list(self._whole):
                self._empty(address)
            self._forget_answers()
            self._forget_records()
            self.state = None

    def is_whole(self, address: str) -> bool:
        return address in self._whole

    def is_large(self, address: str) -> bool:
        """Whether it was seen to have more rows than are held. Tables hardly ever shrink."""
        return address in self._large

    def note_large(self, address: str) -> None:
        self._large.add(address)

    def hold(self, table: Table, rows: pl.DataFrame) -> None:
        """These are all of a table's rows."""
        self._empty(table.address)
        self._insert(table, rows)
        self._whole.add(table.address)

    def hold_if_small(self, table: Table, rows: pl.DataFrame) -> None:
        """The same, unless they are too many."""
        if rows.height <= SMALL_ROWS:
            self.hold(table, rows)
        else:
            self.drop(table.address)
            self.note_large(table.address)

    def wrote(self, address: str) -> None:
        """A table was written: answers about it are of before."""
        self._written[address] += 1

    def drop(self, address: str) -> None:
        """A table was written in a way that is not followed here."""
        self.wrote(address)
        if address in self._whole:
            self._empty(address)

    def replace(self, table: Table, rows: pl.DataFrame, where: str, parameters: Parameters) -> None:
        """Rows were put in place of others. The condition is GoogleSQL and calls the table `old`."""
        self.wrote(table.address)
        if table.address not in self._whole:
            return
        sql, names = to_duckdb(f"delete from {table.address} as old where {where}")
        self.db.execute(sql, {name: parameters[name] for name in names})
        self._insert(table, rows)
        if self._count(table.address) > SMALL_ROWS:
            self._empty(table.address)
            self._large.add(table.address)

    def add_to_ledger(self, pulls: Table, rows: pl.DataFrame) -> None:
        """Rows of `pulls`, which is held whatever its size."""
        self.wrote(pulls.address)
        if pulls.address in self._whole:
            self._insert(pulls, rows)

    def answer(
        self,
        googlesql: str,
        parameters: Parameters,
        reads: Sequence[str] | None,
        views: Sequence[Table],
        ask: Callable[[], pl.DataFrame],
    ) -> pl.DataFrame:
        """The answer to a question that reads these tables, through these views, each after those that it reads.
        `reads` is None where it is not known what it reads: then any write makes it another question.
        """
        if reads is not None and self._whole.issuperset(reads):
            return self._own_answer(googlesql, parameters, views)
        written = self._written.total() if reads is None else tuple(self._written[address] for address in reads)
        question = googlesql, repr(sorted(parameters.items()))
        if question in self._answers and self._answers[question][0] == written:
            return self._answers[question][1]
        found = ask()
        if found.height <= REMEMBERED_ROWS:
            self._remember(question, (written, found))
        return found

    def _remember(self, question: Any, answer: tuple[Any, pl.DataFrame]) -> None:
        if self._answered > REMEMBERED:
            self._forget_answers()
        self._answers[question] = answer
        self._answered += answer[1].height + 1

    def _forget_answers(self) -> None:
        self._answers.clear()
        self._answered = 0

    def _own_answer(self, googlesql: str, parameters: Parameters, views: Sequence[Table]) -> pl.DataFrame:
        for view in views:
            if view.address not in self._made:
                self.db.execute(f"create view {view.address} as {statements.view(view)}")
                self._made.add(view.address)
        sql, names = to_duckdb(googlesql)
        found: pl.DataFrame = self.db.sql(sql, params={name: parameters[name] for name in names}).pl(
            connection.ROWS_A_BATCH
        )
        return found

    def lacking(self, table: Table, pull_ids: Sequence[str]) -> list[str]:
        """The pulls of which the records are not here."""
        return [] if self.is_whole(table.address) else sorted({*pull_ids} - self._pull_ids.get(table.address, set()))

    def make_room(self) -> None:
        """Before more records come, too many of those that are kept are forgotten: all of them."""
        if self._record_bytes > RECORD_BYTES:
            self._forget_records()

    def keep_records(self, table: Table, pull_ids: Sequence[str], records: pl.DataFrame) -> None:
        """All records of these pulls."""
        self._insert(table, records)
        self._record_bytes += int(records.estimated_size())
        self._pull_ids.setdefault(table.address, set()).update(pull_ids)

    def _forget_records(self) -> None:
        for address in list(self._pull_ids):
            self._empty(address)
        self._record_bytes = 0

    def _insert(self, table: Table, rows: pl.DataFrame) -> None:
        self.make(table)
        if rows.height:
            self.db.register("incoming", rows)
            self.db.execute(f"insert into {table.address} by name select * from incoming")
            self.db.unregister("incoming")

    def make(self, table: Table) -> None:
        """Have the table in the database, whether or not its rows are known."""
        if table.address not in self._made:
            self.db.execute(statements.create(table))
            self._made.add(table.address)

    def _empty(self, address: str) -> None:
        self._whole.discard(address)
        self._pull_ids.pop(address, None)
        if address in self._made:
            self.db.execute(f"delete from {address}")

    def _count(self, address: str) -> int:
        found = self.db.execute(f"select count(*) from {address}").fetchone()
        return int(found[0]) if found else 0
