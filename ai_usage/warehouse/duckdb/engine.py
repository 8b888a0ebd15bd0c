"""`Warehouse` over one DuckDB file. A process that wants the file while another has it waits. Everything written is one
transaction; readers of the published copy see whole runs only, because the copy is swapped in by a rename.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from io import FileIO
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from ai_usage.errors import WarehouseBusy
from ai_usage.partitions import Span
from ai_usage.warehouse.builds import BUILDS, Build, build_rows
from ai_usage.warehouse.duckdb import connection, published_copy, shape
from ai_usage.warehouse.duckdb.ledger_tables import LedgerTables, copy_ledger
from ai_usage.warehouse.duckdb.remembered import Kept, Remembered
from ai_usage.warehouse.duckdb.rows_changed import delete_days, rows_written
from ai_usage.warehouse.duckdb.statements import has_values, is_not_kept, is_of_days, pinned
from ai_usage.warehouse.durable_files import copy_whole
from ai_usage.warehouse.erasures import ERASURES, without_the_erased
from ai_usage.warehouse.googlesql import read, to_duckdb
from ai_usage.warehouse.ledger import Answer, Version, plan_append
from ai_usage.warehouse.reading.ledger_records import Records
from ai_usage.warehouse.reads import reads_of
from ai_usage.warehouse.table import PULLS, Table, raw_table
from ai_usage.warehouse.turns import is_awaited, waiting


@dataclass
class DuckDBWarehouse:
    """`Warehouse` over one file. `tables` are made, empty, when the file is first opened; of each file of `sql/` in
    `functions` SQL users get a table function of that name. Read-only, nothing is made.
    """

    path: Path
    published_path: Path
    tables: Sequence[Table]
    now: Any  # () -> datetime, UTC
    patience: float = connection.PATIENCE
    functions: Sequence[str] = ()
    is_read_only: bool = False
    published_mode: int = 0o400
    _connection: duckdb.DuckDBPyConnection | None = field(default=None, init=False)  # of the step under way
    _kept: duckdb.DuckDBPyConnection | None = field(default=None, init=False)  # between two steps
    _stays_open: bool = field(default=False, init=False)
    _file: FileIO | None = field(default=None, init=False)  # closed after the connection: see `_as_file`
    _is_prepared: bool = field(default=False, init=False)
    _whole_as_of: Any = field(default=None, init=False)  # the state of a file that is only read, once it was looked at
    _has_news: bool = field(default=False, init=False)
    _builds: list[Build] = field(default_factory=list, init=False)
    _remembered: Remembered = field(init=False)
    _views: Mapping[str, Table] = field(init=False)

    def __post_init__(self) -> None:
        self._remembered = Remembered(self.path)
        self._views = {table.address: table for table in self.tables if table.view_of}

    @contextmanager
    def connected(self) -> Iterator[duckdb.DuckDBPyConnection]:
        if self._connection is not None:
            yield self._connection
            return
        with connection.plain_words(self.path):
            self._connection = self._opened()
            try:
                self._bring_to_shape(self._connection)
                yield self._connection
            except BaseException:  # it may be unusable: the next step opens the file anew
                self._kept, self._connection = self._connection, None
                self._close()
                raise
            else:
                self._kept = self._connection
            finally:
                self._connection = None
            if not self._stays_open:
                self._close()

    @contextmanager
    def staying_open(self) -> Iterator[None]:
        self._stays_open = True
        try:
            yield
        finally:
            self._stays_open = False
            self._close()

    def _opened(self) -> duckdb.DuckDBPyConnection:
        if self._kept and (self.is_read_only or not is_awaited(self.path.parent)):
            kept, self._kept = self._kept, None
            return kept
        if self._kept:
            self._close()
            with waiting(self.path.parent, self.patience):
                pass  # whoever waits has the file now
        open_file = connection.open_to_read if self.is_read_only else connection.open_to_write
        return open_file(self.path, patience=self.patience)

    def _close(self) -> None:
        kept, self._kept = self._kept, None
        if kept:
            kept.close()
        if self._file:
            self._file.close()
            self._file = None

    def _as_file(self) -> FileIO:
        """The file, to be copied, until the connection is closed. A process that closes any of its handles of a file
        loses its locks of it, DuckDB's own too, and others could write.
        """
        self._file = self._file or FileIO(self.path)
        return self._file

    def _bring_to_shape(self, db: duckdb.DuckDBPyConnection) -> None:
        if self.is_read_only:
            if self._whole_as_of != (state := connection.state(self.path)):
                shape.refuse_what_lacks_tables(db, self.path, self.tables)
                self._whole_as_of = state
        elif not self._is_prepared:
            is_stale = shape.prepare(db, self.path, self.tables, self.functions)
            self._has_news = self._has_news or is_stale
            self._is_prepared = True

    def append(self, pull: str, answers: Sequence[Answer]) -> list[Version]:
        if not answers:
            return []
        with self._transaction(_ledger_of(pull), raw_table(pull).address, PULLS.address) as db:
            answers = without_the_erased(self, answers) if ERASURES in self.tables else answers
            planned = plan_append(pull, answers, LedgerTables(db), warehouse=str(self.path), now=self.now)
            if planned.records is not None:
                self._insert(db, raw_table(pull), planned.records)
            self._insert(db, PULLS, planned.commits)
        return planned.versions

    def newest(self, pull: str, span: Span | None, *, as_of: datetime | None = None) -> Records:
        with self.connected() as db:
            ledger, of, reads = LedgerTables(db), (pull, span, as_of), [_ledger_of(pull)]
            versions = self._remembered.answer(("newest", *of), reads, lambda: ledger.newest_versions(*of))
            lines = self._remembered.records(of, reads, lambda: ledger.lines_of(pull, versions))
            return Records(pull, versions, lines)

    def history(self, pull: str, *, since: datetime | None = None, until: datetime | None = None) -> Records:
        with self.connected() as db:
            return LedgerTables(db).history(pull, since, until)

    def versions(self, pull: str, span: Span) -> Records:
        with self.connected() as db:
            return LedgerTables(db).versions(pull, span)

    def as_of(self, at: datetime, days: Span, *, into: Path) -> "DuckDBWarehouse":
        cut = replace(
            self,
            path=into,
            published_path=into.with_name(f"{into.stem}_published.duckdb"),
            now=lambda: at,
            is_read_only=False,
        )
        with (
            cut.connected() as db,
            connection.attached(db, self.path, patience=self.patience) as ledger,
            cut._transaction(),  # noqa: SLF001 - of its own kind
        ):
            copy_ledger(db, ledger, self.tables, at=at, days=days)
        return cut

    def pulled_days(self, pull: str, *, account: str | None = None) -> list[date]:
        with self.connected() as db:
            ask = lambda: LedgerTables(db).pulled_days(pull)  # noqa: E731
            days = self._remembered.answer(("days", pull), [_ledger_of(pull)], ask)
        of = days if account is None else days.filter(account=account)
        return of["activity_date"].unique().sort().to_list()

    def remember_in(self, answers: Kept) -> None:
        """Share what is remembered with others that read the same state of the file."""
        self._remembered.share(answers)

    def replace_days(
        self, table: Table, days: Iterable[date], rows: pl.DataFrame, *, of: Mapping[str, str] | None = None
    ) -> None:
        wanted = table.days_replaced(days, rows)
        if not wanted:
            return
        with self._transaction(table.address) as db:
            delete_days(db, table, wanted, of)
            self._insert(db, table, rows)

    def replace_all(self, table: Table, rows: pl.DataFrame, *, of: Mapping[str, str] | None = None) -> None:
        with self._transaction(table.address) as db:
            where, values = has_values(of)
            db.execute(f"delete from {table.address} where {where}", values)
            self._insert(db, table, rows)

    def days_at_once(self, days: int) -> int:
        return days

    def fill_days(
        self,
        table: Table,
        query: str,
        days: Iterable[date],
        *,
        of: Mapping[str, str] | None = None,
        kept: Mapping[date, Collection[str]] | None = None,
        **parameters: Any,
    ) -> int:
        wanted = sorted(set(days))
        if not wanted:
            return 0
        select, names = pinned(table, query, provider=(of or {}).get("provider"))
        where, values = has_values(of)
        is_wanted, bounds = is_of_days(str(table.date_column), wanted)
        is_replaced, pairs = is_not_kept(table, kept)
        with self._transaction(table.address) as db:
            delete_days(db, table, wanted, of, and_without=True, kept=kept)
            return rows_written(
                db,
                f"insert into {table.address} by name {select} where {is_wanted} and {where} and {is_replaced}",
                {name: parameters[name] for name in names} | bounds | values | pairs,
            )

    def fill_all(self, table: Table, query: str, **parameters: Any) -> int:
        select, names = pinned(table, query)
        with self._transaction(table.address) as db:
            db.execute(f"delete from {table.address}")
            insert = f"insert into {table.address} by name {select}"
            return rows_written(db, insert, {name: parameters[name] for name in names})

    def query(self, name: str, **parameters: Any) -> pl.DataFrame:
        return self.ask(read(name), **parameters)

    def ask(self, googlesql: str, **parameters: Any) -> pl.DataFrame:
        """The answer is remembered until what it reads is written; to read only, the file is not even opened then."""
        sql, names = to_duckdb(googlesql)
        own = {name: parameters[name] for name in sorted(names)}

        def answer() -> pl.DataFrame:
            with self.connected() as db:
                found: pl.DataFrame = db.execute(sql, own).pl(connection.ROWS_A_BATCH)
            return found

        reads = reads_of(googlesql, self._views)
        if not reads.is_lasting or not reads.is_known:
            return answer()
        return self._remembered.answer((sql, repr(own)), reads.tables, answer)

    def has(self, table: Table) -> bool:
        def tables() -> pl.DataFrame:
            with self.connected() as db:
                return pl.DataFrame({"address": list(shape.columns_made(db))})

        made = self._remembered.answer("tables", [], tables) if self.is_read_only else tables()
        return table.address in made["address"]

    def note_build(self, build: Build) -> None:
        self._builds.append(build)

    def keep_builds(self) -> None:
        builds, self._builds = self._builds, []
        if not builds:
            return
        with self._transaction(BUILDS.address) as db:
            db.register("fresh", build_rows(builds))
            db.execute(
                f"delete from {BUILDS.address} as old using fresh where old.asset = fresh.asset "
                "and old.activity_date is not distinct from fresh.activity_date"
            )
            db.unregister("fresh")
            self._insert(db, BUILDS, build_rows(builds))

    def publish(self) -> None:
        """Swap in a fresh read-only copy, if anything was written since the last one, by any process, or it cannot be
        read. It needs as much space as the warehouse has, twice: for the copy, and for the next one.
        """
        self.keep_builds()
        if self._has_news:
            self._swap_in_a_copy()
        elif published_copy.is_behind(self.path, self.published_path, mode=self.published_mode):
            with suppress(WarehouseBusy):  # the process that has the file publishes it
                taker = self if self._connection else replace(self, patience=min(self.patience, connection.IMPATIENCE))
                taker._swap_in_a_copy()  # noqa: SLF001 - of its own kind

    def _swap_in_a_copy(self) -> None:
        with self.connected() as db, connection.plain_words(self.published_path):
            published_copy.swap_in(db, self._as_file(), self.published_path, mode=self.published_mode)
        self._has_news = False

    def publish_anew(self) -> None:
        """Swap in a fresh copy, whether or not anything was written through us."""
        self._has_news = True
        self.publish()

    def copy_to(self, target: Path) -> None:
        """A consistent copy of the whole file, on disk when this returns, whole or not at all."""
        with self.connected() as db, connection.plain_words(target):
            db.execute("checkpoint")
            copy_whole(self._as_file(), target, mode=0o600)

    @contextmanager
    def _transaction(self, *written: str) -> Iterator[duckdb.DuckDBPyConnection]:
        """While it lasts no other process writes. `written` are the addresses of what it writes."""
        with self.connected() as db:
            with self._remembered.own_write(written), connection.transaction(db):
                yield db
            self._has_news = True

    def _insert(self, db: duckdb.DuckDBPyConnection, table: Table, rows: pl.DataFrame) -> None:
        if rows.height:
            db.register("incoming", rows)
            db.execute(f"insert into {table.address} by name select * from incoming")
            db.unregister("incoming")


def _ledger_of(pull: str) -> str:
    """What questions about the ledger of one pull read."""
    return f"{PULLS.address} of {pull}"
