"""The embedded warehouse: one DuckDB file with one writer at a time, and a copy of it that anybody may read.

A process that wants the file while another has it waits. Everything written is one transaction; readers of the
published copy see whole runs only, because the copy is swapped in by a rename.
"""

import hashlib
import logging
import re
import stat
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import polars as pl
import stamina

from ai_usage.errors import OfAnotherRelease, WarehouseBusy, WarehouseError
from ai_usage.partitions import Span
from ai_usage.retries import holder  # and with it, says that something is tried again
from ai_usage.settings import Settings
from ai_usage.warehouse.builds import BUILDS, Build, build_rows
from ai_usage.warehouse.erasures import ERASURES, Erased
from ai_usage.warehouse.files import FULL, copy_whole
from ai_usage.warehouse.googlesql import read, to_duckdb
from ai_usage.warehouse.ledger import Answer, Look, Records, Version, new_pull_id, place
from ai_usage.warehouse.migrations import (
    SCHEMA,
    VERSION,
    Change,
    Made,
    accounts_of_before,
    changes,
    is_new,
    refuse_a_later,
)
from ai_usage.warehouse.origin import is_simulated, mixture
from ai_usage.warehouse.readers import show_readers
from ai_usage.warehouse.table import ANALYTICS, PULLS, RAW, Table, Type, raw_table

LOG = logging.getLogger(__name__)
HEADERS = 3 * 4096  # bytes of a DuckDB file before its first block
OPENABLE_BY = "v1.4.0"  # written for whoever reads with DuckDB 1.4 or later
TYPES = {"TIMESTAMP WITH TIME ZONE" if t is Type.INSTANT else t.duckdb.replace(", ", ","): t for t in Type}
PARAMETER = r"\$(\w+)"
T = TypeVar("T")
DAMAGED = (
    *(
        "Could not read enough bytes",
        "Corrupt database file",
        "Failed to deserialize",
        "does not match stored checksum",
        "Failure while replaying WAL",
    ),
    *("database has been invalidated because of a previous fatal error", "Serialization Error", "INTERNAL Error"),
)
IMPATIENCE = 1.0  # seconds to wait where another writer will do the same
PATIENCE = 300.0  # seconds to wait for another writer; steps hold the file for seconds

NEWEST = f"""
with ranked as (
    select account, pull_id, activity_date, records, records_pull_id, envelope,
        row_number() over (partition by account, activity_date order by pulled_at desc, pull_id desc) as age
    from {PULLS.address}
    where pull = $pull and pulled_at <= coalesce($as_of, pulled_at)
        and case when $first_day is null then activity_date is null
            else activity_date between $first_day and $last_day end
)
select ranked.account, ranked.activity_date, origin.pull_id, origin.pulled_at, ranked.records, ranked.envelope,
    origin.content_hash
from ranked join {PULLS.address} as origin on origin.pull = $pull and origin.pull_id = ranked.records_pull_id
    and origin.activity_date is not distinct from ranked.activity_date
where ranked.age = 1
order by ranked.activity_date, ranked.account
"""

LOOKS = f"""
select account, activity_date, max(pulled_at) as pulled_at,
    arg_max(coalesce(asked_at, pulled_at), pulled_at) as asked_at
from {PULLS.address}
where pull = $pull and case when $first_day is null then activity_date is null
    else activity_date between $first_day and $last_day end
group by account, activity_date
"""

HISTORY = f"""
select account, activity_date, pull_id, pulled_at, records, envelope, content_hash, records_pull_id,
    min(coalesce(asked_at, pulled_at)) over (
        partition by account order by pulled_at, pull_id rows between current row and unbounded following
    ) as asked_at
from {PULLS.address}
where pull = $pull and activity_date is null
    and pulled_at between coalesce($since, pulled_at) and coalesce($until, pulled_at)
order by pulled_at, pull_id
"""

VERSIONS = f"""
select account, activity_date, pull_id, pulled_at, records, envelope, content_hash
from {PULLS.address}
where pull = $pull and activity_date between $first_day and $last_day and records_pull_id = pull_id
order by activity_date, account, pulled_at, pull_id
"""


@dataclass
class DuckDBWarehouse:
    """`Warehouse` over one file. `tables` are made, empty, when the file is first opened; of each file of `sql/` in
    `functions` SQL users get a table function of that name. Read-only, nothing is made.
    """

    path: Path
    published_path: Path
    tables: Sequence[Table]
    now: Any  # () -> datetime, UTC
    patience: float = PATIENCE
    functions: Sequence[str] = ()
    is_read_only: bool = False
    published_mode: int = 0o400
    _connection: duckdb.DuckDBPyConnection | None = field(default=None, init=False)
    _is_prepared: bool = field(default=False, init=False)
    _has_news: bool = field(default=False, init=False)
    _builds: list[Build] = field(default_factory=list, init=False)

    @contextmanager
    def connected(self) -> Iterator[duckdb.DuckDBPyConnection]:
        if self._connection is not None:
            yield self._connection
            return
        with _plain_words(self.path):
            self._connection = self._open()
            try:
                if self.is_read_only:
                    self._refuse_what_lacks_tables(self._connection)
                elif not self._is_prepared:
                    self._prepare(self._connection)
                yield self._connection
            finally:
                connection, self._connection = self._connection, None
                connection.close()

    def append(self, pull: str, answers: Sequence[Answer]) -> list[Version]:
        if not answers:
            return []
        days = [a.day for a in answers if a.day is not None]
        span = Span(min(days), max(days)) if days else None
        with self._transaction() as db:
            self._refuse_a_mixture(db, is_simulated=answers[0].is_simulated)
            answers = self._without_the_erased(db, answers)
            before = _by_version(self._newest(db, pull, span, None))
            looks = self._looks(db, pull, span)
            commits, frames, versions = [], [], []
            for answer in answers:
                pull_id, now = new_pull_id(), self.now()
                asked_at = min(answer.asked_at or now, now)
                of = (answer.account, answer.day)
                known, newest = before.get(of), looks.get(of)
                is_same = known is not None and known["content_hash"] == answer.content_hash
                placed = place(asked_at, newest, now=now, is_same=is_same)
                if not placed.is_newest:
                    of_day = Span(answer.day, answer.day) if answer.day else None
                    known = _by_version(self._newest(db, pull, of_day, asked_at)).get(of)
                is_new = known is None or known["content_hash"] != answer.content_hash
                if is_new:
                    frames.append(_record_frame(pull_id, answer))
                records_pull_id = pull_id if known is None or is_new else known["pull_id"]
                commits.append(_commit_row(pull, pull_id, placed.pulled_at, asked_at, records_pull_id, answer))
                versions.append(
                    Version(answer.day, pull_id, placed.pulled_at, len(answer.records), is_new, placed.is_newest)
                )
            if frames:
                self._insert(db, raw_table(pull), pl.concat(frames))
            columns = {name: [row[name] for row in commits] for name in PULLS.columns}
            self._insert(db, PULLS, PULLS.frame(columns))
        return versions

    def _without_the_erased(self, db: duckdb.DuckDBPyConnection, answers: Sequence[Answer]) -> Sequence[Answer]:
        """The answers, with nothing that names a person who was erased: providers go on sending them."""
        rows = db.execute(f"select digest_key, phrases from {ERASURES.address}") if ERASURES in self.tables else None
        erased = Erased.of_rows(rows.fetchall()) if rows else None
        return [erased.answer(answer) for answer in answers] if erased else answers

    def newest(self, pull: str, span: Span | None, *, as_of: datetime | None = None) -> Records:
        with self.connected() as db:
            versions = self._newest(db, pull, span, as_of)
            lines = _lines(db, pull, versions, "activity_date, account, position")
        return Records(pull, versions, lines)

    def history(self, pull: str, *, since: datetime | None = None, until: datetime | None = None) -> Records:
        with self.connected() as db:
            versions = db.sql(HISTORY, params={"pull": pull, "since": since, "until": until}).pl()
            lines = _lines(db, pull, versions, "pulled_at, pull_id, position", records_of="records_pull_id")
        return Records(pull, versions.drop("records_pull_id"), lines)

    def versions(self, pull: str, span: Span) -> Records:
        with self.connected() as db:
            params = {"pull": pull, "first_day": span.first, "last_day": span.last}
            versions = db.sql(VERSIONS, params=params).pl()
            lines = _lines(db, pull, versions, "activity_date, account, pulled_at, pull_id, position")
        return Records(pull, versions, lines)

    def as_of(self, at: datetime, days: Span, *, into: Path) -> "DuckDBWarehouse":
        cut = replace(
            self,
            path=into,
            published_path=into.with_name(f"{into.stem}_published.duckdb"),
            now=lambda: at,
            is_read_only=False,
        )
        with cut.connected() as db, self._attached(db) as ledger, cut._transaction():  # noqa: SLF001 - of its own kind
            asked = {"first_day": days.first, "last_day": days.last}
            of_these_days = "(activity_date is null or activity_date between $first_day and $last_day)"
            committed = f"pull_id in (select pull_id from {PULLS.address} where pull = $pull)"
            db.execute(f"delete from {PULLS.address}")
            db.execute(
                f"insert into {PULLS.address} by name select * from {ledger}.{PULLS.address} "
                f"where pulled_at <= $at and {of_these_days}",
                {**asked, "at": at},
            )
            for table in self.tables:
                if table.is_ledger:
                    db.execute(f"delete from {table.address}")
                    db.execute(
                        f"insert into {table.address} by name select * from {ledger}.{table.address} "
                        f"where {committed} and {of_these_days}",
                        {**asked, "pull": table.name},
                    )
        return cut

    def pulled_days(self, pull: str, *, account: str | None = None) -> list[date]:
        found = self.ask(
            f"select distinct activity_date from {PULLS.address} where pull = @pull "
            "and account = coalesce(@account, account) and activity_date is not null order by activity_date",
            pull=pull,
            account=account,
        )
        return found["activity_date"].to_list()

    def replace_days(
        self, table: Table, days: Iterable[date], rows: pl.DataFrame, *, of: Mapping[str, str] | None = None
    ) -> None:
        wanted = sorted(set(days))
        if table.date_column is None:
            raise ValueError(f"{table.name} has no days")
        strangers = set(rows[table.date_column].to_list()) - set(wanted)
        if strangers:
            raise ValueError(f"{table.name}: rows of {sorted(strangers)} came with {[str(d) for d in wanted]}")
        if not wanted:
            return
        with self._transaction() as db:
            _delete_days(db, table, wanted, of)
            self._insert(db, table, rows)

    def replace_all(self, table: Table, rows: pl.DataFrame, *, of: Mapping[str, str] | None = None) -> None:
        with self._transaction() as db:
            where, values = _whose(of)
            db.execute(f"delete from {table.address} where {where}", values)
            self._insert(db, table, rows)

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
        select, names = _pinned(table, query, provider=(of or {}).get("provider"))
        where, values = _whose(of)
        replaced, pairs = _replaced(table, kept)
        with self._transaction() as db:
            _delete_days(db, table, wanted, of, and_without=True, kept=kept)
            db.execute(
                f"insert into {table.address} by name {select} "
                f"where list_contains($wanted_days::date[], {table.date_column}) and {where} and {replaced}",
                {name: parameters[name] for name in names} | {"wanted_days": wanted} | values | pairs,
            )

    def fill_all(self, table: Table, query: str, **parameters: Any) -> None:
        select, names = _pinned(table, query)
        with self._transaction() as db:
            db.execute(f"delete from {table.address}")
            db.execute(f"insert into {table.address} by name {select}", {name: parameters[name] for name in names})

    def query(self, name: str, **parameters: Any) -> pl.DataFrame:
        return self.ask(read(name), **parameters)

    def ask(self, googlesql: str, **parameters: Any) -> pl.DataFrame:
        sql, names = to_duckdb(googlesql)
        with self.connected() as db:
            found: pl.DataFrame = db.sql(sql, params={name: parameters[name] for name in names}).pl()
        return found

    def has(self, table: Table) -> bool:
        with self.connected() as db:
            return table.address in _columns_made(db)

    def note_build(self, build: Build) -> None:
        self._builds.append(build)

    def keep_builds(self) -> None:
        builds, self._builds = self._builds, []
        if not builds:
            return
        with self._transaction() as db:
            db.register("fresh", build_rows(builds))
            db.execute(
                f"delete from {BUILDS.address} as old using fresh where old.asset = fresh.asset "
                "and old.activity_date is not distinct from fresh.activity_date"
            )
            db.unregister("fresh")
            self._insert(db, BUILDS, build_rows(builds))

    def publish(self) -> None:
        """Swap in a fresh read-only copy, if anything was written since the last one, by whoever, or it cannot be read.
        It needs as much space as the warehouse has, once more.
        """
        self.keep_builds()
        if self._has_news:
            self._swap_in_a_copy()
        elif self._is_copy_behind():
            with suppress(WarehouseBusy):  # whoever has the file publishes it
                taker = self if self._connection else replace(self, patience=min(self.patience, IMPATIENCE))
                taker._swap_in_a_copy()  # noqa: SLF001 - of its own kind

    def _swap_in_a_copy(self) -> None:
        with self.connected() as db, _plain_words(self.published_path):
            db.execute("checkpoint")  # nobody else writes, nor publishes, while this connection is open
            for at, why in torn_copies(self.published_path, is_replaced=False):
                LOG.warning("%s It is published again.", why)
                _torn(self.published_path).write_text(f"{at}\n{why}", encoding="utf-8")
            copy_whole(self.path, self.published_path, mode=self.published_mode)
            show_readers(self.published_path)
        self._has_news = False

    def publish_anew(self) -> None:
        """Swap in a fresh copy, whether or not anything was written through us."""
        self._has_news = True
        self.publish()

    def copy_to(self, target: Path) -> None:
        """A consistent copy of the whole file, on disk when this returns, whole or not at all."""
        with self.connected() as db, _plain_words(target):
            db.execute("checkpoint")
            copy_whole(self.path, target, mode=0o600)

    def _is_copy_behind(self) -> bool:
        """Whether an earlier run wrote and could not publish, or what it published is damaged or for other readers."""
        ours = [path for path in (self.path, self.path.with_name(f"{self.path.name}.wal")) if path.exists()]
        if not ours:
            return False
        try:
            copy = self.published_path.stat()
        except FileNotFoundError:
            return True
        is_older = copy.st_mtime_ns < max(path.stat().st_mtime_ns for path in ours)
        return is_older or bool(unreadable(self.published_path)) or stat.S_IMODE(copy.st_mode) != self.published_mode

    def _open(self) -> duckdb.DuckDBPyConnection:
        if self.is_read_only:
            return self._patiently(lambda: _connect(self.path, read_only=True))
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        return self._patiently(lambda: _connect(self.path, config={"storage_compatibility_version": OPENABLE_BY}))

    @contextmanager
    def _attached(self, db: duckdb.DuckDBPyConnection) -> Iterator[str]:
        """Our file inside another's connection, to be read only, under the name that is given."""
        path = str(self.path).replace("'", "''")
        with _plain_words(self.path):
            self._patiently(lambda: db.execute(f"attach '{path}' as original (read_only)"))
        try:
            yield "original"
        finally:
            db.execute("detach original")

    def _patiently(self, take: Callable[[], T]) -> T:
        """What `take` comes to, once no other process has the file."""
        for attempt in stamina.retry_context(
            on=_is_locked,
            attempts=None,
            timeout=self.patience,
            wait_initial=0.05,
            wait_exp_base=1.5,
            wait_jitter=0.05,
            wait_max=0.5,
        ):
            with attempt:
                return take()
        raise AssertionError("unreachable: retry_context returns or raises")

    def _refuse_what_lacks_tables(self, db: duckdb.DuckDBPyConnection) -> None:
        made = _columns_made(db)
        refuse_a_later(_version(db, made), self.path)
        missing = {t.address for t in self.tables} - made.keys() - _views_made(db).keys()
        if missing or changes(self.tables, made):
            raise OfAnotherRelease(
                f"{self.path} was last written by an older version of this code. Let one run bring it up to date, "
                "for example make backfill of one day, then do this again."
            )

    def _prepare(self, db: duckdb.DuckDBPyConnection) -> None:
        """Make what is missing, and bring what an earlier release made to today's shape."""
        made = _columns_made(db)
        version = _version(db, made)
        refuse_a_later(version, self.path)
        missing = [table for table in self.tables if table.address not in made and not table.view_of]
        todo = changes(self.tables, made)
        if missing or todo or version < VERSION:
            db.execute("begin")
            for schema in (RAW, ANALYTICS):
                db.execute(f"create schema if not exists {schema}")
            for table in missing:
                db.execute(_ddl(table))
            for change in todo:
                db.execute(_alter(change))
            if any(change.is_first_account for change in todo):
                self._name_accounts_of_before(db)
            changed = {table.name for table in missing if table is not ERASURES} | {c.table.name for c in todo}
            if changed and not is_new(made):
                self._build_again(db, changed)
            db.execute(_ddl(SCHEMA))
            db.execute(f"delete from {SCHEMA.address}")
            db.execute(f"insert into {SCHEMA.address} values (?)", [VERSION])
            db.execute("commit")
        self._prepare_views(db)
        self._prepare_functions(db)
        self._is_prepared = True

    def _name_accounts_of_before(self, db: duckdb.DuckDBPyConnection) -> None:
        """Name the account of pulls that an earlier release asked another account for than the default one."""
        for pull, account in accounts_of_before(self.tables).items():
            for table in self.tables:
                if {"pull", "account"} <= table.columns.keys() and not table.view_of:
                    db.execute(f"update {table.address} set account = ? where pull = ?", [account, pull])

    def _build_again(self, db: duckdb.DuckDBPyConnection, changed: Collection[str]) -> None:
        """Every day counts as not built: what the new columns and tables hold comes from the ledger. Days and months
        that no provider was asked about will not be built, and are unknown: what a table has of them is deleted.
        """
        if BUILDS in self.tables:
            db.execute(f"delete from {BUILDS.address}")
            for table in self.tables:
                if table.schema == ANALYTICS and table.date_column and not table.view_of:
                    db.execute(_delete_unasked(table, table.date_column))
        self._has_news = True
        LOG.warning(
            "%s was brought to the shape of this release, and its days will be built again. New or changed tables: %s.",
            self.path,
            ", ".join(sorted(changed)),
        )

    def _prepare_views(self, db: duckdb.DuckDBPyConnection) -> None:
        """Make what views are missing or were made of another text, which their comment tells."""
        made_of = _views_made(db)
        wanted = [(table.address, *_view(table)) for table in self.tables if table.view_of]
        if all(made_of.get(address) == digest for address, _, digest in wanted):
            return
        db.execute("begin")
        for address, select, digest in wanted:
            db.execute(f"create or replace view {address} as {select}")
            db.execute(f"comment on view {address} is '{digest}'")
        db.execute("commit")

    def _prepare_functions(self, db: duckdb.DuckDBPyConnection) -> None:
        """Make the table functions, if they were made of another text. The ledger's comment tells: to look functions
        up would take longer than all the rest of opening the file.
        """
        texts = [f"create or replace macro {ANALYTICS}.{_function(name)}" for name in self.functions]
        digest = hashlib.sha256("\n".join(texts).encode()).hexdigest()
        query = "select comment from duckdb_tables() where schema_name = ? and table_name = ?"
        if not texts or db.execute(query, [RAW, PULLS.name]).fetchall() == [(digest,)]:
            return
        db.execute("begin")
        for text in texts:
            db.execute(text)
        db.execute(f"comment on table {PULLS.address} is '{digest}'")
        db.execute("commit")

    @contextmanager
    def _transaction(self) -> Iterator[duckdb.DuckDBPyConnection]:
        with self.connected() as db:
            db.execute("begin")
            try:
                yield db
                db.execute("commit")
            except BaseException:
                with suppress(duckdb.Error):  # the first error is the one to tell
                    db.execute("rollback")
                raise
            self._has_news = True

    def _newest(
        self, db: duckdb.DuckDBPyConnection, pull: str, span: Span | None, as_of: datetime | None
    ) -> pl.DataFrame:
        asked: Mapping[str, object] = {
            "pull": pull,
            "as_of": as_of,
            "first_day": span and span.first,
            "last_day": span and span.last,
        }
        found: pl.DataFrame = db.sql(NEWEST, params=asked).pl()
        return found

    def _looks(
        self, db: duckdb.DuckDBPyConnection, pull: str, span: Span | None
    ) -> dict[tuple[str, date | None], Look]:
        """Account and day → the newest version, in the order of versions."""
        asked: Mapping[str, object] = {"pull": pull, "first_day": span and span.first, "last_day": span and span.last}
        found = db.sql(LOOKS, params=asked).pl()
        return {(account, day): Look(pulled_at, asked_at) for account, day, pulled_at, asked_at in found.iter_rows()}

    def _insert(self, db: duckdb.DuckDBPyConnection, table: Table, rows: pl.DataFrame) -> None:
        if rows.height:
            db.register("incoming", rows)
            db.execute(f"insert into {table.address} by name select * from incoming")
            db.unregister("incoming")

    def _refuse_a_mixture(self, db: duckdb.DuckDBPyConnection, *, is_simulated: bool) -> None:
        other = db.execute(
            f"select 1 from {PULLS.address} where is_simulated is distinct from ? limit 1", [is_simulated]
        )
        if other.fetchone():
            raise mixture(str(self.path), is_simulated=is_simulated)


def unreadable(copy: Path) -> str:
    """Why a published copy cannot be used, in a sentence; empty if it can."""
    return str(found) if (found := trouble_of(copy)) else ""


def trouble_of(copy: Path) -> WarehouseError | None:
    """What is wrong with a published copy: a power cut may leave it empty or in part."""
    said = copy.stat()
    return _trouble_of(copy, (said.st_ino, said.st_mtime_ns, said.st_size))


@lru_cache(maxsize=8)  # readers look at it every few seconds, and it is another file after each run
def _trouble_of(copy: Path, identity: tuple[int, int, int]) -> WarehouseError | None:
    *_, size = identity
    try:
        with DuckDBWarehouse(copy, copy, [PULLS], datetime.now, is_read_only=True).connected() as db:
            if size < _least_size(db):
                return WarehouseError(f"{copy} is damaged: it is cut short.")
            for table in (PULLS, BUILDS):
                if table.address in _columns_made(db):
                    db.execute(f"select max(hash(said)) from {table.address} as said").fetchall()
    except WarehouseError as error:
        return error
    return None


def _least_size(db: duckdb.DuckDBPyConnection) -> int:
    """How large the file must be: its headers, and all blocks to the last one that a table uses. DuckDB's own count has
    free blocks that are no longer at the file's end.
    """
    tables = db.execute("select schema_name || '.' || table_name from duckdb_tables()").fetchall()
    each = [f"select max(block_id) as last from pragma_storage_info('{name}') where persistent" for (name,) in tables]
    if not each:
        return HEADERS
    [(last, block_size)] = db.execute(
        f"select max(last), (select block_size from pragma_database_size()) from ({' union all '.join(each)})"
    ).fetchall()
    return HEADERS if last is None else HEADERS + (int(last) + 1) * int(block_size)


def torn_copies(copy: Path, *, is_replaced: bool = True) -> Iterator[tuple[str, str]]:
    """When each torn copy was written, and what is wrong with it: the one that is there, and the last one that a run
    replaced, perhaps before anybody saw it. A copy of another release is whole.
    """
    why = trouble_of(copy) if copy.exists() else None
    if why and not isinstance(why, OfAnotherRelease):
        yield str(copy.stat().st_mtime_ns), str(why)
    if is_replaced and _torn(copy).exists():
        at, _, said = _torn(copy).read_text(encoding="utf-8").partition("\n")
        yield at, said


def _torn(copy: Path) -> Path:
    """Where it is noted that a torn copy was replaced."""
    return copy.with_suffix(".torn")


def data_are_simulated(of: Settings) -> bool | None:
    """Whether the data that are there are simulated; None where there are none. Asks the published copy, for which
    nobody waits; only where there is none yet, the warehouse itself.
    """
    for path in (of.published_database, of.database):
        if path.exists() and not (path == of.published_database and unreadable(path)):
            try:
                return is_simulated(DuckDBWarehouse(path, path, (), of.now, is_read_only=True))
            except duckdb.CatalogException:  # made, and then its first writer was killed
                return None
    return None


def shows_simulated_data(of: Settings) -> bool:
    """Whether what people see is marked as simulated: the data are, or, if there are none yet, those to come."""
    try:
        there = data_are_simulated(of)
    except WarehouseError:  # a damaged file: the runs that open it say so
        there = None
    return of.simulate if there is None else there


def _delete_unasked(table: Table, column: str) -> str:
    """The statement that deletes the days, or whole months, that no provider was asked about."""
    first = f"made.{column}"
    last = f"last_day({first})" if column == "month_start" else first
    asked = f"select 1 from {PULLS.address} as pulls where pulls.activity_date between {first} and {last}"
    return f"delete from {table.address} as made where not exists ({asked})"


def _delete_days(
    db: duckdb.DuckDBPyConnection,
    table: Table,
    days: Sequence[date],
    of: Mapping[str, str] | None = None,
    *,
    and_without: bool = False,
    kept: Mapping[date, Collection[str]] | None = None,
) -> None:
    where, values = _whose(of, and_without=and_without)
    replaced, pairs = _replaced(table, kept)
    db.execute(
        f"delete from {table.address} where {table.date_column} between $first and $last "
        f"and list_contains($days::date[], {table.date_column}) and {where} and {replaced}",
        {"first": days[0], "last": days[-1], "days": days, **values, **pairs},
    )


def _replaced(table: Table, kept: Mapping[date, Collection[str]] | None) -> tuple[str, dict[str, list[str]]]:
    """A condition that is true of the rows that are not of a day's `kept` accounts, and its parameters."""
    pairs = [f"{day} {account}" for day, accounts in (kept or {}).items() for account in accounts]
    if not pairs or "account" not in table.columns:
        return "true", {}
    day = f"cast({table.date_column} as varchar)"
    is_kept = f"(account is null or list_contains($kept_accounts, {day} || ' ' || account))"
    days = [str(day) for day, accounts in (kept or {}).items() if accounts]
    return f"not (list_contains($kept_days, {day}) and {is_kept})", {"kept_days": days, "kept_accounts": pairs}


def _whose(of: Mapping[str, str] | None, *, and_without: bool = False) -> tuple[str, dict[str, str]]:
    """A condition on columns, and its parameters; `and_without`: it is true also of rows without a value."""
    named = of or {}
    each = [f"({name} = $of_{name}{f' or {name} is null' if and_without else ''})" for name in named]
    return " and ".join(each) or "true", {f"of_{name}": value for name, value in named.items()}


def _pinned(table: Table, query: str, *, provider: str | None = None) -> tuple[str, frozenset[str]]:
    """The query with its columns cast to what the table declares, and the parameters it takes."""
    select, names = to_duckdb(read(query, provider))
    columns = ", ".join(f"cast({name} as {column.type.duckdb}) as {name}" for name, column in table.columns.items())
    return f"select {columns} from ({select}) as said", names


def _view(table: Table) -> tuple[str, str]:
    """What a view is made of, and a digest of that."""
    select, _ = _pinned(table, table.view_of or "")
    return select, hashlib.sha256(select.encode()).hexdigest()


def _function(name: str) -> str:
    """A table function of a query's name: its parameters are the arguments."""
    select, parameters = to_duckdb(read(name))
    body = re.sub(PARAMETER, r"\1", select)
    return f"{name.rpartition('/')[2]}({', '.join(sorted(parameters, key=body.index))}) as table {body}"


def _connect(path: Path, **how: Any) -> duckdb.DuckDBPyConnection:
    db = duckdb.connect(str(path), **how)
    db.execute("set TimeZone = 'UTC'")
    return db


def _columns_made(db: duckdb.DuckDBPyConnection) -> dict[str, dict[str, Made]]:
    """Table → its columns, as the file has them."""
    there: dict[str, dict[str, Made]] = {}
    for schema, table, column, kind, nullable in db.execute(
        "select table_schema, table_name, column_name, data_type, is_nullable from information_schema.columns "
        "where table_schema in (?, ?)", [RAW, ANALYTICS]
    ).fetchall():  # fmt: skip
        there.setdefault(f"{schema}.{table}", {})[column] = Made(TYPES.get(kind), nullable == "NO")
    return there


def _version(db: duckdb.DuckDBPyConnection, made: Mapping[str, object]) -> int:
    """Of which shape the file is; 0 if it is from before there were versions."""
    found = db.execute(f"select max(version) from {SCHEMA.address}").fetchall() if SCHEMA.address in made else []
    return next((version for (version,) in found if version is not None), 0)


def _views_made(db: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """View → the digest of what it was made of."""
    found = db.execute("select schema_name || '.' || view_name, comment from duckdb_views() where not internal")
    return dict(found.fetchall())


def _ddl(table: Table) -> str:
    columns = [
        f"{name} {column.type.duckdb}"
        f"{' not null' if column.required else ''}{' using compression zstd' if column.is_bulky else ''}"
        for name, column in table.columns.items()
    ]
    return f"create table if not exists {table.address} ({', '.join(columns)})"


def _alter(change: Change) -> str:
    """The statement that makes one change of a table."""
    table, name = change.table.address, change.column
    if change.what == "renamed":
        return f"alter table {table} rename column {change.before} to {name}"
    if change.what == "dropped":
        return f"alter table {table} drop column {name}"
    if change.what == "relaxed":
        return f"alter table {table} alter column {name} drop not null"
    kind = change.declared.type.duckdb
    if change.what == "added" and change.declared.before is not None:
        is_null = f"alter table {table} alter column {name}"
        return (
            f"alter table {table} add column {name} {kind} default '{change.declared.before}'; {is_null} drop default; "
            f"{is_null} set not null"
        )
    if change.what == "added":
        return f"alter table {table} add column {name} {kind}"
    return f"alter table {table} alter column {name} set data type {kind} using cast({name} as {kind})"


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


def _by_version(newest: pl.DataFrame) -> dict[tuple[str, date | None], dict[str, Any]]:
    """Account and day → its newest version."""
    return {(row["account"], row["activity_date"]): row for row in newest.to_dicts()}


def _lines(
    db: duckdb.DuckDBPyConnection, pull: str, versions: pl.DataFrame, order: str, *, records_of: str = "pull_id"
) -> pl.DataFrame:
    """The records of versions, each with its version's stamps."""
    db.register("found", versions)
    lines = db.sql(
        f"""select found.account, found.activity_date, found.pull_id, found.pulled_at as ingestion_timestamp, raw.record
        from found join {raw_table(pull).address} as raw
            on raw.pull_id = found.{records_of} and raw.activity_date is not distinct from found.activity_date
        order by {", ".join(f"{'raw' if name == 'position' else 'found'}.{name}" for name in order.split(", "))}"""
    ).pl()
    db.unregister("found")
    return lines


def _is_locked(error: Exception) -> bool:
    return isinstance(error, duckdb.IOException) and "Could not set lock" in str(error)


def _remedy(path: Path) -> str:
    """What to do about a damaged file."""
    if path.stem.endswith("_published"):
        return "Delete it: the next run publishes it again."
    copy = path.with_name(f"{path.stem}_published.duckdb")
    or_the_copy = f", or what the last run left (make restore FROM={copy})" if copy.exists() else ""
    return f"Put a backup in its place (make restore FROM=…){or_the_copy}."


@contextmanager
def _plain_words(path: Path) -> Iterator[None]:
    """Say in one sentence what keeps the file from being used."""
    try:
        yield
    except (duckdb.Error, OSError) as error:
        text = str(error)
        if _is_locked(error):
            raise WarehouseBusy(
                f"{path} is in use by another process{holder(text)}: wait until it ends, or stop it."
            ) from error
        elif getattr(error, "errno", None) in FULL or any(
            sign in text for sign in ("No space left", "not enough space", "File too large")
        ):
            said = f"No space left for {path}: it stands as before this step. Free some space and run it again."
        elif isinstance(error, PermissionError) or "Permission denied" in text or "Read-only file system" in text:
            said = f"{path} cannot be written: permission denied. Set AI_USAGE_DATA_DIR to a folder you may write."
        elif isinstance(error, NotADirectoryError | FileExistsError) or "Not a directory" in text:
            said = f"{path.parent} is not a folder. Set AI_USAGE_DATA_DIR to a folder you may write."
        elif "not a valid DuckDB database file" in text:
            said = f"{path} is no DuckDB file. Move it away, or set AI_USAGE_DATA_DIR to another folder."
        elif "with version number" in text:
            said = f"{path} was written by a newer DuckDB than this one: update ai_usage."
        elif any(sign in text for sign in DAMAGED):
            said = f"{path} is damaged: it is cut short, or parts of it were overwritten. {_remedy(path)}"
        else:
            raise
        raise WarehouseError(said) from error
