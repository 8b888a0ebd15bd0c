"""`Warehouse` over three datasets of a BigQuery project. Records are loaded first and then their rows in `pulls`, the
commit; everything else is written by one statement each. One run writes at a time, by a lease.
"""

import secrets
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl

from ai_usage.partitions import Span
from ai_usage.warehouse.bigquery import statements
from ai_usage.warehouse.bigquery.errors import LeaseLost
from ai_usage.warehouse.bigquery.jobs import Jobs, in_order
from ai_usage.warehouse.bigquery.lease import NO_ONE, WRITER_LEASE, Lease
from ai_usage.warehouse.bigquery.ledger_index import LedgerIndex
from ai_usage.warehouse.bigquery.memory import Memory
from ai_usage.warehouse.bigquery.past_ledger import ledger_as_of
from ai_usage.warehouse.bigquery.questions import Questions
from ai_usage.warehouse.bigquery.statements import Selectable, has_values, is_not_kept, of_days, parameters_of
from ai_usage.warehouse.bigquery.tables import (
    STAGING,
    Place,
    found_table,
    known_table,
    labels_of,
    prepare,
    tables_there,
)
from ai_usage.warehouse.builds import BUILDS, Build, build_rows
from ai_usage.warehouse.erasures import ERASURES, without_the_erased
from ai_usage.warehouse.googlesql import read
from ai_usage.warehouse.ledger import ANOTHER_PROJECT, Answer, Appended, Version, plan_append
from ai_usage.warehouse.port import Warehouse
from ai_usage.warehouse.reading.ledger_records import Records
from ai_usage.warehouse.table import PULLS, Table, raw_table

PATIENCE = 900.0  # seconds to wait for another run
DAYS_AT_ONCE = 1_000  # of one statement: the fewer jobs, the sooner a run is over, and BigQuery has the memory


@dataclass
class BigQueryWarehouse:
    """`Warehouse` over one project. `tables` are made, empty, when it is first used; of each file of `sql/` in
    `functions` SQL users get a table function of that name. Read-only, nothing is made. `holder` is the run that
    writes: the processes of one run share its lease.
    """

    jobs: Jobs
    tables: Sequence[Table]
    now: Callable[[], datetime]
    location: str = "US"
    functions: Sequence[str] = ()
    is_read_only: bool = False
    holder: str = field(default_factory=lambda: secrets.token_hex(8))
    patience: float = PATIENCE
    memory: Memory = field(default_factory=Memory)
    _depth: int = field(default=0, init=False)
    _is_prepared: bool = field(default=False, init=False)
    _builds: list[Build] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        self._place = Place(self.jobs, self.location, self.memory.found)
        self._lease = Lease(
            self.jobs, lambda: known_table(self._place, WRITER_LEASE.address), self.holder, self.patience
        )
        self._questions = Questions(self._place, self.memory, self.tables)
        self._index = LedgerIndex(self.memory, self._records)

    @contextmanager
    def connected(self) -> Iterator[None]:
        with self._session(writes=not self.is_read_only):
            yield

    @contextmanager
    def staying_open(self) -> Iterator[None]:
        yield

    @contextmanager
    def _session(self, *, writes: bool = False) -> Iterator[None]:
        """Work on one state of the ledger. Where something may be written, no other run writes until this one ends."""
        self._prepare()
        try:
            if writes:
                self._take()
            elif self._depth == 0 and not self._lease.is_held:
                self._look_again()
            self._depth += 1
            try:
                yield
            finally:
                self._depth -= 1
        except LeaseLost:
            self.memory.forget()
            raise

    def _prepare(self) -> None:
        if self._is_prepared or self.is_read_only:
            return
        made = prepare(self._place, self.tables, self.functions)
        self._is_prepared = True
        if made is None:
            return
        self.memory.forget()
        seen = self._lease.look()
        if seen.holder == NO_ONE:  # no run has written yet
            self.memory.trust(seen)
            for table in made:
                self.memory.hold(table, table.frame({name: [] for name in table.columns}))

    def _take(self) -> None:
        if self._depth and self._lease.was_taken:
            self._lease.renew()  # what was read in this session must still hold
        elif before := self._lease.take():
            self.memory.trust(before)
        self.memory.follow(self._lease.row, is_ours=self._lease.is_own)

    def _look_again(self) -> None:
        """Others may have written, or be writing."""
        seen = self._lease.look() if known_table(self._place, WRITER_LEASE.address) else None
        is_idle = seen is not None and (seen == self.memory.state or seen.until < datetime.now(UTC))
        self.memory.trust(seen if is_idle else None)

    def _ledger(self) -> LedgerIndex:
        self._questions.learn_pulls()
        return self._index

    def append(self, pull: str, answers: Sequence[Answer]) -> list[Version]:
        if not answers:
            return []
        name = f"BigQuery project {self.jobs.client.project}"
        with self._session(writes=True), self.memory.lock:
            answers = without_the_erased(self, answers) if ERASURES in self.tables else answers
            planned = plan_append(
                pull, answers, self._ledger(), now=self.now, warehouse=name, elsewhere=ANOTHER_PROJECT
            )
            self._commit(pull, planned)
        return planned.versions

    def _commit(self, pull: str, planned: Appended) -> None:
        """The first load alone leaves records that no row of `pulls` has: they do not count."""
        name, raw = f"ai_usage_{planned.commits['pull_id'][0]}_{pull}", raw_table(pull)
        self.memory.make_room()
        self._lease.renew()
        if planned.records is not None and planned.records.height:
            with self._writing(raw):
                self.jobs.load(raw, planned.records, job_id=f"{name}_records")
                self.memory.keep_records(raw, planned.records["pull_id"].unique().to_list(), planned.records)
            self._lease.renew()
        with self._writing(PULLS):
            self.jobs.load(PULLS, planned.commits, job_id=f"{name}_commit")
            self.memory.add_to_ledger(PULLS, planned.commits)

    @contextmanager
    def _writing(self, table: Table) -> Iterator[None]:
        """If it fails, it may have been written nevertheless, and the answer have been lost."""
        self.memory.wrote(table.address)
        try:
            yield
        except BaseException:
            self.memory.drop(table.address)
            raise

    def _records(self, pull: str, pull_ids: list[str], days: list[date | None]) -> pl.DataFrame:
        """The records of these pulls, of the partitions that they are in."""
        dated = sorted({day for day in days if day is not None})
        within = "activity_date between @first_day and @last_day" if dated else "activity_date is null"
        asked = {"first_day": dated[0], "last_day": dated[-1]} if dated else {}
        return self.jobs.query(
            f"select pull_id, account, activity_date, position, record from {raw_table(pull).address} "
            f"where pull_id in unnest(@pull_ids) and {within}",
            {"pull_ids": pull_ids, **asked},
        )

    def newest(self, pull: str, span: Span | None, *, as_of: datetime | None = None) -> Records:
        with self._session(), self.memory.lock:
            index = self._ledger()
            versions = index.newest_versions(pull, span, as_of)
            return Records(pull, versions, index.lines_of(pull, versions))

    def history(self, pull: str, *, since: datetime | None = None, until: datetime | None = None) -> Records:
        with self._session(), self.memory.lock:
            return self._ledger().history(pull, since, until)

    def versions(self, pull: str, span: Span) -> Records:
        with self._session(), self.memory.lock:
            return self._ledger().versions(pull, span)

    def as_of(self, at: datetime, days: Span, *, into: Path) -> Warehouse:
        with self._session():
            return ledger_as_of(self, at, days, into=into, tables=self.tables, functions=self.functions)

    def pulled_days(self, pull: str, *, account: str | None = None) -> list[date]:
        with self._session(), self.memory.lock:
            days = self._ledger().pulled_days(pull)
        of = days if account is None else days.filter(account=account)
        return of["activity_date"].unique().sort().to_list()

    def replace_days(
        self, table: Table, days: Iterable[date], rows: pl.DataFrame, *, of: Mapping[str, str] | None = None
    ) -> None:
        wanted = table.days_replaced(days, rows)
        if wanted:
            self._replace(table, rows, of_days(f"old.{table.date_column}", wanted), of)

    def replace_all(self, table: Table, rows: pl.DataFrame, *, of: Mapping[str, str] | None = None) -> None:
        if of or table.date_column:
            self._replace(table, rows, "true", of)
            return
        with self._session(writes=True), self.memory.lock:
            self._lease.renew()
            with self._writing(table):
                self.jobs.load(table, rows, job_id=f"ai_usage_{secrets.token_hex(8)}_{table.name}", replaces=True)
                self.memory.hold_if_small(table, in_order(table, rows))

    def _replace(self, table: Table, rows: pl.DataFrame, old: str, of: Mapping[str, str] | None) -> None:
        """Put rows in place of those for which the condition `old` holds and these columns have these values."""
        where, values = has_values(of, of_row="old.")
        deleted = f"{old} and {where}"
        with self._session(writes=True), self.memory.lock:
            select, own = self._selectable(table, rows)
            with self._writing(table):
                self._write(statements.merge(table, select, deleted=deleted), values | own)
                self.memory.replace(table, in_order(table, rows), deleted, values)

    def _selectable(self, table: Table, rows: pl.DataFrame) -> Selectable:
        """A query of these rows, with its parameters; of many rows, once they are in a table of their own."""
        if not rows.height:
            return statements.no_rows(table), {}
        if inlined := statements.inlined(table, in_order(table, rows)):
            return inlined
        token = secrets.token_hex(8)
        staged = f"{STAGING}.{table.name}_{token}"
        self.jobs.load(table, rows, job_id=f"ai_usage_{token}_{table.name}", into=staged)
        return f"select {', '.join(table.columns)} from {staged}", {}

    def days_at_once(self, days: int) -> int:
        return max(days, DAYS_AT_ONCE)

    def fill_days(
        self,
        table: Table,
        query: str,
        days: Iterable[date],
        *,
        of: Mapping[str, str] | None = None,
        kept: Mapping[date, Collection[str]] | None = None,
        **parameters: Any,
    ) -> None:
        wanted = sorted(set(days))
        if not wanted:
            return
        column = table.date_column or ""
        select = statements.pinned(table, read(query, (of or {}).get("provider")))
        where, values = has_values(of, of_row="old.", or_none=True)
        is_replaced, pairs = is_not_kept(table, kept, of_row="old.")
        deleted = f"{of_days(f'old.{column}', wanted)} and {where} and {is_replaced}"
        where, _ = has_values(of, of_row="fresh.")
        is_replaced, _ = is_not_kept(table, kept, of_row="fresh.")
        inserted = f"{of_days(f'fresh.{column}', wanted)} and {where} and {is_replaced}"
        own = {name: parameters[name] for name in parameters_of(select)}
        with self._session(writes=True), self.memory.lock:
            merge = statements.merge(table, select, deleted=deleted, inserted=inserted)
            self._write_unseen(table, merge, own | values | pairs)

    def fill_all(self, table: Table, query: str, **parameters: Any) -> None:
        select = statements.pinned(table, read(query))
        own = {name: parameters[name] for name in parameters_of(select)}
        with self._session(writes=True), self.memory.lock:
            self._write_unseen(table, statements.merge(table, select, deleted="true"), own)

    def query(self, name: str, **parameters: Any) -> pl.DataFrame:
        return self.ask(read(name), **parameters)

    def ask(self, googlesql: str, **parameters: Any) -> pl.DataFrame:
        """What this process knows is asked in its memory; all else once, until a table that it reads is written."""
        own = {name: parameters[name] for name in sorted(parameters_of(googlesql))}
        with self._session(), self.memory.lock:
            return self._questions.answer(googlesql, own)

    def has(self, table: Table) -> bool:
        with self._session():
            return table.address in tables_there(self._place)

    def is_there(self) -> bool:
        """Whether there is a ledger in the project."""
        return labels_of(self._place, PULLS) is not None

    def written_at(self, table: Table) -> int:
        """When a table was written last, in nanoseconds; 0 if it is not there. It costs no job."""
        found = found_table(self._place, table)
        return int(found.modified.timestamp() * 1e9) if found and found.modified else 0

    def note_build(self, build: Build) -> None:
        self._builds.append(build)

    def keep_builds(self) -> None:
        builds, self._builds = self._builds, []
        if not builds:
            return
        with self._session(writes=True), self.memory.lock:
            select, own = self._selectable(BUILDS, build_rows(builds))
            self._write_unseen(BUILDS, statements.merge_builds(BUILDS, select), own)

    def publish(self) -> None:
        """Readers see each table as soon as it is written. The run is over, so another one may write."""
        try:
            self.keep_builds()
        finally:
            if self._lease.was_taken:
                self._lease.give_back()
                self.memory.follow(self._lease.row, is_ours=self._lease.is_own)

    def _write_unseen(self, table: Table, statement: str, parameters: Mapping[str, object]) -> None:
        """Have BigQuery write rows that this process does not see."""
        with self._writing(table):
            self._write(statement, parameters)
        self.memory.drop(table.address)

    def _write(self, statement: str, parameters: Mapping[str, object]) -> None:
        self._lease.renew()
        self.jobs.query(statement, {"holder": self.holder, **parameters})
