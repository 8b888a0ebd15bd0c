"""Brings a file to today's shape: makes tables, views and functions that are missing, and carries out the changes that
`warehouse.migrations` plans.
"""

import logging
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import duckdb

from ai_usage.errors import OfAnotherRelease
from ai_usage.places import COMMAND
from ai_usage.warehouse.builds import BUILDS
from ai_usage.warehouse.duckdb import statements
from ai_usage.warehouse.erasures import ERASURES
from ai_usage.warehouse.googlesql import read
from ai_usage.warehouse.migrations import (
    SCHEMA,
    VERSION,
    Made,
    accounts_of_before,
    changes,
    is_new,
    refuse_a_later,
)
from ai_usage.warehouse.table import ANALYTICS, PULLS, RAW, Table, Type

LOG = logging.getLogger(__name__)
TYPES = {"TIMESTAMP WITH TIME ZONE" if t is Type.INSTANT else t.duckdb.replace(", ", ","): t for t in Type}


def refuse_what_lacks_tables(db: duckdb.DuckDBPyConnection, path: Path, tables: Sequence[Table]) -> None:
    """`OfAnotherRelease` if a file that is only read has not today's shape."""
    made = columns_made(db)
    refuse_a_later(_version(db, made), path)
    missing = {t.address for t in tables} - made.keys() - _views_made(db).keys()
    if missing or changes(tables, made):
        raise OfAnotherRelease(
            f"{path} was last written by an older version of this code. Let one run bring it up to date, "
            f"for example {COMMAND} backfill of one day, then do this again."
        )


def prepare(db: duckdb.DuckDBPyConnection, path: Path, tables: Sequence[Table], functions: Sequence[str]) -> bool:
    """Bring the file to today's shape; whether its days have to be built again."""
    is_stale = _prepare_tables(db, path, tables)
    _prepare_views(db, tables)
    _prepare_functions(db, functions)
    return is_stale


def _prepare_tables(db: duckdb.DuckDBPyConnection, path: Path, tables: Sequence[Table]) -> bool:
    made = columns_made(db)
    version = _version(db, made)
    refuse_a_later(version, path)
    missing = [table for table in tables if table.address not in made and not table.view_of]
    todo = changes(tables, made)
    if not (missing or todo or version < VERSION):
        return False
    db.execute("begin")
    for schema in (RAW, ANALYTICS):
        db.execute(f"create schema if not exists {schema}")
    for table in missing:
        db.execute(statements.create(table))
    for change in todo:
        db.execute(statements.alter(change))
    if any(change.is_first_account for change in todo):
        _name_accounts_of_before(db, tables)
    changed = {table.name for table in missing if table is not ERASURES} | {c.table.name for c in todo}
    is_stale = bool(changed) and not is_new(made)
    if is_stale:
        _forget_builds(db, path, tables, changed)
    db.execute(statements.create(SCHEMA))
    db.execute(f"delete from {SCHEMA.address}")
    db.execute(f"insert into {SCHEMA.address} values (?)", [VERSION])
    db.execute("commit")
    return is_stale


def _name_accounts_of_before(db: duckdb.DuckDBPyConnection, tables: Sequence[Table]) -> None:
    """Name the account of pulls for which an earlier release asked another account than the default one."""
    for pull, account in accounts_of_before(tables).items():
        for table in tables:
            if {"pull", "account"} <= table.columns.keys() and not table.view_of:
                db.execute(f"update {table.address} set account = ? where pull = ?", [account, pull])


def _forget_builds(
    db: duckdb.DuckDBPyConnection, path: Path, tables: Sequence[Table], changed: Collection[str]
) -> None:
    """Every day counts as not built: new columns and tables are filled from the ledger. Days and months for which no
    provider was asked cannot be built again, so their rows are deleted.
    """
    if BUILDS in tables:
        db.execute(f"delete from {BUILDS.address}")
        for table in tables:
            if table.schema == ANALYTICS and table.date_column and not table.view_of:
                db.execute(statements.delete_unasked(table, table.date_column))
    LOG.warning(
        "%s was brought to the shape of this release, and its days will be built again. New or changed tables: %s.",
        path,
        ", ".join(sorted(changed)),
    )


def _prepare_views(db: duckdb.DuckDBPyConnection, tables: Sequence[Table]) -> None:
    """Make the views that are missing or have another text; a view's comment holds the digest of its text."""
    made_of = _views_made(db)
    wanted = [(table, statements.digest_of_view(table)) for table in tables if table.view_of]
    if all(made_of.get(table.address) == digest for table, digest in wanted):
        return
    db.execute("begin")
    for table, digest in wanted:
        db.execute(f"create or replace view {table.address} as {statements.view(table)}")
        db.execute(f"comment on view {table.address} is '{digest}'")
    db.execute("commit")


def _prepare_functions(db: duckdb.DuckDBPyConnection, functions: Sequence[str]) -> None:
    """Make the table functions if their text has changed. The comment of the ledger's table holds the digest: looking
    up functions would take longer than the rest of opening the file.
    """
    digest = statements.digest(*(read(name) for name in functions))
    query = "select comment from duckdb_tables() where schema_name = ? and table_name = ?"
    if not functions or db.execute(query, [RAW, PULLS.name]).fetchall() == [(digest,)]:
        return
    db.execute("begin")
    for name in functions:
        db.execute(f"create or replace macro {ANALYTICS}.{statements.function(name)}")
    db.execute(f"comment on table {PULLS.address} is '{digest}'")
    db.execute("commit")


def columns_made(db: duckdb.DuckDBPyConnection) -> dict[str, dict[str, Made]]:
    """Table → its columns, as the file has them. `information_schema.columns` is the same at twice the cost."""
    there: dict[str, dict[str, Made]] = {}
    for schema, table, column, kind, nullable in db.execute(
        "select schema_name, table_name, column_name, data_type, is_nullable from duckdb_columns() "
        "where schema_name in (?, ?)", [RAW, ANALYTICS]
    ).fetchall():  # fmt: skip
        there.setdefault(f"{schema}.{table}", {})[column] = Made(TYPES.get(kind), not nullable)
    return there


def _version(db: duckdb.DuckDBPyConnection, made: Mapping[str, object]) -> int:
    """The version of the file's shape; 0 if the file is older than versions."""
    found = db.execute(f"select max(version) from {SCHEMA.address}").fetchall() if SCHEMA.address in made else []
    return next((version for (version,) in found if version is not None), 0)


def _views_made(db: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """View → the digest of its text."""
    found = db.execute("select schema_name || '.' || view_name, comment from duckdb_views() where not internal")
    return dict(found.fetchall())
