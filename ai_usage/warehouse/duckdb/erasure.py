"""Removes a person's identity from a warehouse: writes a new file without it, since a file keeps deleted content until
it is overwritten. Records stay, with their money; `content_hash` is recomputed.
"""

import json
import os
import secrets
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from ai_usage.errors import WarehouseError
from ai_usage.warehouse.duckdb.engine import DuckDBWarehouse
from ai_usage.warehouse.duckdb.identity import AT_A_TIME, DOMAIN, Identity
from ai_usage.warehouse.erasures import (
    ERASURES,
    Entry,
    Erased,
    digest,
    entries,
    erasures_row,
    new_key,
)
from ai_usage.warehouse.ledger import Answer
from ai_usage.warehouse.nameless_views import DIM_PSEUDONYM
from ai_usage.warehouse.table import ANALYTICS, PULLS, Column, Table, Type

ALL_ERASURES = f"select * from {ERASURES.address} order by begun_at, erasure_id"
VIEWS_AND_MACROS = """
select schema_name || '.' || view_name from duckdb_views() where not internal
union all
select schema_name || '.' || function_name from duckdb_functions()
where not internal and contains(function_type, 'macro')
"""
NOT_IN_FRESH = """
select schema_name, table_name, column_name, data_type
from duckdb_columns() as old
semi join duckdb_tables() using (database_name, schema_name, table_name)
where database_name = current_database() and not internal and not exists (
    select 1 from duckdb_tables() as new
    where new.database_name = 'fresh' and new.schema_name = old.schema_name and new.table_name = old.table_name
)
"""


@dataclass(frozen=True)
class Erasure:
    """One erasure, as the ledger has it."""

    erasure_id: str
    replacement: str
    is_complete: bool
    erased: Erased  # everybody who was erased


def is_begun(warehouse: DuckDBWarehouse, address: str) -> bool:
    """Whether an erasure of this address is noted already, complete or not."""
    rows = warehouse.ask(ALL_ERASURES).to_dicts()
    return any(_has(row, digest(address.strip().lower(), row["digest_key"])) for row in rows)


def begin(warehouse: DuckDBWarehouse, address: str, identity: Identity | None) -> Erasure:
    """Record the erasure in the ledger before anything is rewritten. An existing erasure of the same address, complete
    or not, is continued with its replacement, and new names are added to it. `ValueError` if neither the warehouse nor
    an earlier erasure has the address.
    """
    with warehouse.connected() as db:
        rows = warehouse.ask(ALL_ERASURES).to_dicts()
        key = rows[0]["digest_key"] if rows else new_key()
        known = next((row for row in rows if _has(row, digest(address.strip().lower(), key))), None)
        if identity is None and known is None:
            raise ValueError("the address is not in the warehouse")
        tag = known["replacement"].partition("@")[0] if known else f"erased-{secrets.token_hex(4)}"
        tag = tag.partition(".")[0]
        before = [Entry(**entry) for entry in json.loads(known["phrases"])] if known else []
        there = {entry.digest for entry in before}
        added = [e for e in entries(identity.phrases(tag), key) if e.digest not in there] if identity else []
        row = known or {"erasure_id": secrets.token_hex(8), "begun_at": warehouse.now(), "digest_key": key}
        row = {**row, "replacement": f"{tag}@{DOMAIN}"}
        row["phrases"] = json.dumps([vars(entry) for entry in (*before, *added)])
        db.execute("begin")
        db.execute(f"delete from {ERASURES.address} where erasure_id = ?", [row["erasure_id"]])
        db.register("incoming", ERASURES.frame(erasures_row(**row)))
        db.execute(f"insert into {ERASURES.address} by name select * from incoming")
        db.unregister("incoming")
        db.execute("commit")
        erased = Erased.of_rows(db.execute(f"select digest_key, phrases from {ERASURES.address}").fetchall())
    assert erased is not None  # noqa: S101 - one was written above
    return Erasure(row["erasure_id"], row["replacement"], bool(row.get("erased_at")), erased)


def _forget_pseudonyms(db: duckdb.DuckDBPyConnection, warehouse: DuckDBWarehouse) -> None:
    """Deletes all pseudonyms, since the erased person's derives from their address. The next run makes the others
    again.
    """
    if DIM_PSEUDONYM in warehouse.tables:
        db.execute(f"delete from {DIM_PSEUDONYM.address}")


def rewrite(warehouse: DuckDBWarehouse, erasure: Erasure, words: Sequence[str] | None) -> Counter[str]:
    """Put a file in the warehouse's place in which nothing names the person; rows rewritten, by table. `words` are some
    of which every phrase has one, to find their rows by; None looks at every row. A killed process leaves the old file.
    """
    target = warehouse.path.with_name(f"{warehouse.path.name}.erasing")
    _remove(target)
    fresh = replace(warehouse, path=target, published_path=target.with_suffix(".published"))
    with fresh.connected():
        pass  # its tables, views and functions are there now
    counts: Counter[str] = Counter()
    try:
        with warehouse.connected() as db, _attached(db, target):
            _forget_pseudonyms(db, warehouse)
            tables = [table for table in warehouse.tables if not table.view_of] + _made_by_others(db)
            for table in tables:
                counts[table.address] = _copy(db, table, erasure.erased, words)
            _refuse_other_money(db, tables)
            counted = json.dumps({address: n for address, n in counts.items() if n}, sort_keys=True)
            db.execute(
                f"update fresh.{ERASURES.address} set erased_at = $at, counts = $counts where erasure_id = $id",
                {"at": warehouse.now(), "counts": counted, "id": erasure.erasure_id},
            )
            db.execute("checkpoint fresh")
        warehouse.path.with_name(f"{warehouse.path.name}.wal").unlink(missing_ok=True)  # closed: it is in the old file
        with target.open("rb") as file:
            os.fsync(file.fileno())
        shutil.copymode(warehouse.path, target)
        target.replace(warehouse.path)
    finally:
        _remove(target)
    return +counts


def refuse_views_of_others(warehouse: DuckDBWarehouse) -> None:
    """`WarehouseError` where somebody made a view or a macro of their own: the fresh file would lack it."""
    ours = {table.address for table in warehouse.tables if table.view_of}
    ours |= {f"{ANALYTICS}.{name.rpartition('/')[2]}" for name in warehouse.functions}
    with warehouse.connected() as db:
        found = {name for (name,) in db.execute(VIEWS_AND_MACROS).fetchall()}
    if others := sorted(found - ours):
        raise WarehouseError(
            f"{warehouse.path} has views or macros of your own: {', '.join(others)}. Drop them, erase, and make them "
            "again. Nothing was erased."
        )


def _made_by_others(db: duckdb.DuckDBPyConnection) -> list[Table]:
    """Tables that are in the file and not in the fresh one, an analyst's or an earlier release's; made there, empty."""
    found: dict[tuple[str, str], dict[str, Column]] = {}
    for schema, name, column, kind in db.execute(NOT_IN_FRESH).fetchall():
        is_text, is_number = kind == "VARCHAR", kind in {"BIGINT", "INTEGER", "HUGEINT"} or kind.startswith("DECIMAL")
        if not all(part.isidentifier() for part in (schema, name, column)):
            raise WarehouseError(f"The table {schema}.{name} is not ours, and its names need quotes: drop it first.")
        type_ = Type.STRING if is_text else Type.NUMERIC if is_number else Type.BOOLEAN
        found.setdefault((schema, name), {})[column] = Column(type_, "")
    tables = [Table(name=name, schema=schema, grain="", columns=columns) for (schema, name), columns in found.items()]
    for table in tables:
        db.execute(f"create schema if not exists fresh.{table.schema}")
        db.execute(f"create table fresh.{table.address} as select * from {table.address} limit 0")
    return tables


def _copy(db: duckdb.DuckDBPyConnection, table: Table, erased: Erased, words: Sequence[str] | None) -> int:
    """Put a table into the fresh file, rewritten; how many of its rows changed."""
    db.execute(f"delete from fresh.{table.address}")
    texts = [name for name, column in table.columns.items() if column.type is Type.STRING]
    changed = {} if table is ERASURES or not texts else dict(_changed(db, table, texts, erased, words))
    if not changed:
        db.execute(f"insert into fresh.{table.address} by name select * from {table.address}")
        return 0
    frame = pl.DataFrame(
        {"row_number": list(changed), **{name: [row.get(name) for row in changed.values()] for name in texts}},
        schema={"row_number": pl.Int64, **dict.fromkeys(texts, pl.String)},
    )
    db.register("rewritten", frame)
    columns = ", ".join(f"coalesce(rewritten.{n}, old.{n}) as {n}" if n in texts else f"old.{n}" for n in table.columns)
    db.execute(
        f"insert into fresh.{table.address} by name select {columns} from {table.address} as old "
        "left join rewritten on old.rowid = rewritten.row_number order by old.rowid"
    )
    db.unregister("rewritten")
    if table.is_ledger:
        _hash_again(db, table, [row for row, new in changed.items() if "record" in new])
    return len(changed)


def _changed(
    db: duckdb.DuckDBPyConnection, table: Table, texts: Sequence[str], erased: Erased, words: Sequence[str] | None
) -> Iterator[tuple[int, dict[str, str]]]:
    """Row → what changes in it. JSON may spell a letter by its number, and a URL by a per cent sign."""
    text = f"lower(concat_ws(' ', {', '.join(texts)}))"
    likely = [f"contains({text}, ?)" for _ in words or ()] + [rf"contains({text}, '\u')", f"contains({text}, '%')"]
    where = f"where {' or '.join(likely)}" if words is not None else ""
    found = db.cursor().execute(f"select rowid, {', '.join(texts)} from {table.address} {where}", list(words or ()))
    while rows := found.fetchmany(AT_A_TIME):
        for number, *values in rows:
            if new := erased.row(dict(zip(texts, values, strict=True))):
                yield number, new


def _hash_again(db: duckdb.DuckDBPyConnection, table: Table, numbers: Sequence[int]) -> None:
    """The hash of each version that was rewritten, in its own row of `pulls` and in those of later, equal pulls."""
    db.register("numbers", pl.DataFrame({"row_number": list(numbers)}, schema={"row_number": pl.Int64}))
    versions: list[tuple[str, date | None]] = db.execute(
        f"select distinct pull_id, activity_date from {table.address} as old "
        "join numbers on old.rowid = numbers.row_number"
    ).fetchall()
    db.unregister("numbers")
    for pull_id, day in versions:
        of_version = "activity_date is not distinct from $day"
        records = db.execute(
            f"select record from fresh.{table.address} where pull_id = $id and {of_version} order by position",
            {"id": pull_id, "day": day},
        ).fetchall()
        is_ordered = table.name.startswith("sheet_")
        answer = Answer("", day, [text.encode() for (text,) in records], 0, {}, is_ordered=is_ordered)
        db.execute(
            f"update fresh.{PULLS.address} set content_hash = $hash "
            f"where pull = $pull and records_pull_id = $id and {of_version}",
            {"hash": answer.content_hash, "pull": table.name, "id": pull_id, "day": day},
        )


def _refuse_other_money(db: duckdb.DuckDBPyConnection, tables: Sequence[Table]) -> None:
    """`WarehouseError` unless every table has as many rows and the same sums as before."""
    for table in tables:
        if table is ERASURES:
            continue
        numbers = [n for n, column in table.columns.items() if column.type in {Type.NUMERIC, Type.INTEGER}]
        sums = ", ".join(["count(*)", *(f"sum({name})" for name in numbers)])
        before, after = (db.execute(f"select {sums} from {of}{table.address}").fetchall() for of in ("", "fresh."))
        if before != after:
            raise WarehouseError(f"{table.address} would not add up to what it did: nothing was put in its place.")


@contextmanager
def _attached(db: duckdb.DuckDBPyConnection, target: Path) -> Iterator[None]:
    db.execute(f"attach '{str(target).replace(chr(39), chr(39) * 2)}' as fresh")
    try:
        yield
    finally:
        db.execute("detach fresh")


def _remove(file: Path) -> None:
    for end in ("", ".wal"):
        file.with_name(file.name + end).unlink(missing_ok=True)


def _has(row: Mapping[str, Any], wanted: str) -> bool:
    return any(entry["digest"] == wanted for entry in json.loads(row["phrases"]))
