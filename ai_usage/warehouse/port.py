"""The interface of a warehouse. It also fits an engine that loads files and runs scripts: every write names its table,
its days and a whole frame; nothing is updated row by row.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import date, datetime
from pathlib import Path
from typing import Any, Protocol

import polars as pl

from ai_usage.partitions import Span
from ai_usage.warehouse.builds import Build
from ai_usage.warehouse.ledger import Answer, Version
from ai_usage.warehouse.reading.ledger_records import Records
from ai_usage.warehouse.table import Table


class Warehouse(Protocol):
    """Rows in, rows out. Calls inside `connected()` share one connection; alone, each opens its own."""

    def now(self) -> datetime:
        """The present instant in UTC, by which versions are ordered."""

    def connected(self) -> AbstractContextManager[Any]:
        """Hold one connection for a step. On an engine with one writer, others wait until it ends."""

    def staying_open(self) -> AbstractContextManager[None]:
        """Between steps inside, what `connected()` opened stays open, unless another process waits for it: that one
        gets its turn before the next step. A no-op on an engine on which opening costs nothing.
        """

    def append(self, pull: str, answers: Sequence[Answer]) -> list[Version]:
        """Write the answers' records, then their rows in `pulls`, the commit: all of them or none.
        Content equal to the account's newest version adds no records, only the row. An account's versions are ordered
        by when they were asked for: an answer that comes late, after one asked for later, becomes an older version.
        """

    def newest(self, pull: str, span: Span | None, *, as_of: datetime | None = None) -> Records:
        """Of each account the last committed version of each day of the span (of the snapshot, if None), or the last by
        `as_of`.
        """

    def history(self, pull: str, *, since: datetime | None = None, until: datetime | None = None) -> Records:
        """Every committed version of a snapshot pulled between two instants, oldest first. Each pull counts, equal
        ones too: `versions` and `lines` bear its own pull_id and pulled_at, `versions` also the `asked_at` of it:
        no version of an account was asked for after a later one, whatever a clock showed.
        """

    def versions(self, pull: str, span: Span) -> Records:
        """Every committed version of each account's days of the span, oldest first within the day: the pulls that
        brought new content, an empty one too. `versions` and `lines` bear each version's own pull_id and pulled_at.
        """

    def as_of(self, at: datetime, days: Span, *, into: Path) -> "Warehouse":
        """A warehouse apart, kept at `into`: the ledger of these days and of every snapshot as it stood at an instant,
        in place of the ledger there. Core and marts there are left as they are, empty at first. Ours is only read.
        """

    def pulled_days(self, pull: str, *, account: str | None = None) -> list[date]:
        """The days of a pull that were ever committed, of one account or of any, in order."""

    def replace_days(
        self, table: Table, days: Iterable[date], rows: pl.DataFrame, *, of: Mapping[str, str] | None = None
    ) -> None:
        """In one transaction put `rows` in place of everything the table has of `days`; refuses rows of other days.
        `of` narrows it to the rows in which these columns have these values.
        """

    def replace_all(self, table: Table, rows: pl.DataFrame, *, of: Mapping[str, str] | None = None) -> None:
        """In one transaction put `rows` in place of the whole table: for snapshots. `of` narrows it as above."""

    def days_at_once(self, days: int) -> int:
        """How many days one statement may read or fill, where the embedded engine has memory for so many."""

    def fill_days(
        self,
        table: Table,
        query: str,
        days: Iterable[date],
        *,
        of: Mapping[str, str] | None = None,
        kept: Mapping[date, Collection[str]] | None = None,
        **parameters: Any,
    ) -> int | None:
        """In one transaction put what `sql/<query>.sql` selects of these days, as the table's types, in place of
        everything the table has of them; how many rows were written, or None on an engine that does not report it.
        What it selects of other days is left out. `of` narrows both to the rows in which these columns have these
        values, and its `provider` the query to that provider's own files. Rows that have no value in such a column are
        of an older shape of the table, and are replaced too.

        `kept` has, by day, the accounts of which the table keeps its rows; on such a day it keeps those without an
        account too, since they may be about all accounts.
        """

    def fill_all(self, table: Table, query: str, **parameters: Any) -> int | None:
        """Replace the whole table by the rows of `sql/<query>.sql`, in one transaction; how many, as above."""

    def query(self, name: str, **parameters: Any) -> pl.DataFrame:
        """Run `sql/<name>.sql` with its `@parameters`."""

    def ask(self, googlesql: str, **parameters: Any) -> pl.DataFrame:
        """Run one SELECT in GoogleSQL with its `@parameters`."""

    def has(self, table: Table) -> bool:
        """Whether the table is there: not in what another release left to readers."""

    def note_build(self, build: Build) -> None:
        """Remember that a table was built, or was not. It is written with `keep_builds`."""

    def keep_builds(self) -> None:
        """Write what was remembered into `builds`. What a killed run remembered is lost, so it is built again."""

    def publish(self) -> None:
        """Keep what was built, and let readers see what was written: a no-op where the engine serves readers while it
        writes.
        """
