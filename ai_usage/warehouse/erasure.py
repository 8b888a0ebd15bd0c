"""Takes a person's identity out of a warehouse: finds what names them, and writes the warehouse anew without it, since
a file keeps what was deleted in it until it is written over. Records stay, with their money; `content_hash` is theirs.
"""

import json
import os
import secrets
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from ai_usage.errors import WarehouseError
from ai_usage.phrases import WORD, Phrases, canonical, folded, word_count
from ai_usage.warehouse.duckdb import DuckDBWarehouse
from ai_usage.warehouse.erasures import (
    ACCOUNT,
    ANYWHERE,
    ERASURES,
    WHOLE_NAME,
    Entry,
    Erased,
    Phrase,
    digest,
    entries,
    erasures_row,
    new_key,
)
from ai_usage.warehouse.ledger import Answer
from ai_usage.warehouse.table import ANALYTICS, PULLS, Table, Type

DOMAIN = "erased.invalid"
ADDRESSES = {"email", "email_address", "user_email", "userEmail"}
NAMES = {"name", "userName", "user_name", "display_name", "full_name"}
IDS = {"id", "user_id", "userId"}
CLAUDE_CODE_KEY = "claude_code_key_"
AT_A_TIME = 10_000  # rows
SHORTEST_NAME = 3  # letters of a word of a name that a key may be named by

ALL_ERASURES = f"select * from {ERASURES.address} order by begun_at, erasure_id"
PEOPLE = f"select user_email, person_email, user_name from {ANALYTICS}.dim_person"
KEYS = f"select api_key_id, api_key_name, user_email, creator_email from {ANALYTICS}.dim_api_key_mapping"


@dataclass
class Identity:
    """What is known of one person."""

    addresses: list[str]
    names: set[str] = field(default_factory=set)
    accounts: set[str] = field(default_factory=set)  # vendors' ids of them
    keys: set[str] = field(default_factory=set)  # names of their API keys
    of_others: set[str] = field(default_factory=set)  # canonical names of other people

    def phrases(self, tag: str) -> list[Phrase]:
        """Everything that names them; `tag` stands in its place."""
        found = [
            Phrase(address, ANYWHERE, f"{tag}{f'.{n}' if n else ''}@{DOMAIN}")
            for n, address in enumerate(self.addresses)
        ]
        locals_ = {address.partition("@")[0] for address in self.addresses}
        words = {canonical(each) for each in (*locals_, *self.names) if word_count(each) == 1}
        words |= {w for name in (*self.names, *locals_) for w in canonical(name).split() if len(w) >= SHORTEST_NAME}
        found += [self._named(name, tag) for name in sorted({*self.names, *locals_}) if word_count(name)]
        anywhere = {canonical(p.text): p.replacement for p in found if p.kind == ANYWHERE}
        known = Phrases(anywhere.get, {word_count(phrase) for phrase in anywhere})
        for key in sorted({*self.keys, *(CLAUDE_CODE_KEY + each for each in locals_)}):
            first = known.replaced(key)
            clean = WORD.sub(lambda word: tag if folded(word[0]) in words else word[0], first)
            if clean != first:
                found.append(Phrase(key, ANYWHERE if word_count(key) > 1 else WHOLE_NAME, clean))
        taken = {canonical(phrase.text) for phrase in found}
        return found + [Phrase(each, ACCOUNT) for each in sorted(self.accounts) if canonical(each) not in taken]

    def _named(self, name: str, tag: str) -> Phrase:
        is_theirs_alone = word_count(name) > 1 and canonical(name) not in self.of_others
        return Phrase(name, ANYWHERE if is_theirs_alone else WHOLE_NAME, tag)


@dataclass(frozen=True)
class Erasure:
    """One erasure, as the ledger has it."""

    erasure_id: str
    replacement: str
    is_complete: bool
    erased: Erased  # everybody who was erased


def identity_of(warehouse: DuckDBWarehouse, address: str) -> Identity | None:
    """Who has the address; None if the warehouse does not name it."""
    wanted = address.strip().lower()
    with warehouse.connected():
        people = warehouse.ask(PEOPLE).to_dicts()
        person = next((row["person_email"] for row in people if row["user_email"] == wanted), wanted)
        theirs = [row for row in people if row["person_email"] == person]
        addresses = list(dict.fromkeys([wanted, *(row["user_email"] for row in theirs)]))
        found = Identity(addresses, {row["user_name"] for row in theirs if row["user_name"]})
        others = [row for row in people if row["person_email"] != person]
        found.of_others = {canonical(row["user_name"]) for row in others if row["user_name"]}
        found.of_others |= {canonical(row["user_email"].partition("@")[0]) for row in others}
        is_named = bool(theirs)
        for record in _records_with(warehouse, addresses):
            is_named = True
            _learn(json.loads(record), found)
        _learn_keys(warehouse, found)
    return found if is_named else None


def begin(warehouse: DuckDBWarehouse, address: str, identity: Identity | None) -> Erasure | None:
    """Note the erasure in the ledger before anything is rewritten. One of the same address that is there, complete or
    not, is gone on with, under its replacement: what names them by now is added to it. None if nobody has the address.
    """
    with warehouse.connected() as db:
        rows = warehouse.ask(ALL_ERASURES).to_dicts()
        key = rows[0]["digest_key"] if rows else new_key()
        known = next((row for row in rows if _has(row, digest(address.strip().lower(), key))), None)
        if identity is None and known is None:
            return None
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
            for table in warehouse.tables:
                if not table.view_of:
                    counts[table.address] = _copy(db, table, erasure.erased, words)
            _refuse_other_money(db, warehouse.tables)
            said = json.dumps({address: n for address, n in counts.items() if n}, sort_keys=True)
            db.execute(
                f"update fresh.{ERASURES.address} set erased_at = $at, counts = $counts where erasure_id = $id",
                {"at": warehouse.now(), "counts": said, "id": erasure.erasure_id},
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


def words_of(identity: Identity) -> list[str]:
    """Words of which everything that names a person has one; an empty one is in every text."""
    chosen: list[str] = []
    for phrase in identity.phrases("erased"):
        words = WORD.findall(folded(phrase.text.partition("@")[0]))
        if phrase.kind != ACCOUNT and not {*words} & {*chosen}:
            chosen.append(max((word for word in words if word.isascii()), key=len, default=""))
    return chosen


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
    said = f"lower(concat_ws(' ', {', '.join(texts)}))"
    likely = [f"contains({said}, ?)" for _ in words or ()] + [rf"contains({said}, '\u')", f"contains({said}, '%')"]
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
        if table.view_of or table is ERASURES:
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


def _records_with(warehouse: DuckDBWarehouse, addresses: Sequence[str]) -> Iterator[str]:
    """Every record in which one of the addresses stands, of all versions."""
    local = sorted({address.partition("@")[0] for address in addresses})
    theirs = Phrases(dict.fromkeys(addresses, "").get, {word_count(address) for address in addresses})
    for table in warehouse.tables:
        if table.is_ledger:
            with warehouse.connected() as db:
                found = db.cursor().execute(
                    f"select distinct record from {table.address} "
                    "where list_bool_or(list_transform($local, part -> contains(lower(record), part)))",
                    {"local": local},
                )
                while rows := found.fetchmany(AT_A_TIME):
                    yield from (record for (record,) in rows if theirs.replaced(record) != record)


def _learn(said: Any, found: Identity) -> None:
    """What stands beside their address: names, and ids of vendors."""
    if isinstance(said, list):
        for each in said:
            _learn(each, found)
    if not isinstance(said, dict):
        return
    if any(str(said.get(key) or "").strip().lower() in found.addresses for key in ADDRESSES):
        found.names |= {value for key in NAMES if isinstance(value := said.get(key), str) and value.strip()}
        found.accounts |= {value for key in IDS if isinstance(value := said.get(key), str) and value}
    for each in said.values():
        _learn(each, found)


def _learn_keys(warehouse: DuckDBWarehouse, found: Identity) -> None:
    own = {CLAUDE_CODE_KEY + address.partition("@")[0] for address in found.addresses}
    for row in warehouse.ask(KEYS).to_dicts():
        name = row["api_key_name"]
        if name and ({row["user_email"], row["creator_email"]} & {*found.addresses} or name.lower() in own):
            found.keys.add(name)
