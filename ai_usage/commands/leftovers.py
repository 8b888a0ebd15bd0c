"""Text in a data folder outside the warehouse: Dagster's databases, the alerts' outbox, logs and other files. Rewrites
what is kept, and searches all of it byte by byte.
"""

import base64
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

SQLITE, DUCKDB = b"SQLite format 3\0", b"DUCK"
BLOCK = 2**20

Rewrite = Callable[[str], str]


def rewrite_folder(folder: Path, rewrite: Rewrite) -> int:
    """Rewrite every SQLite database and text file below a folder; how many rows and files changed."""
    changed = 0
    for file in sorted(folder.rglob("*")):
        if file.is_symlink() or not file.is_file() or file.name.endswith(("-wal", "-shm", "-journal")):
            continue
        is_database = _begins_as(file, SQLITE)
        changed += rewrite_database(file, rewrite) if is_database else _rewrite_text(file, rewrite)
    return changed


def rewrite_database(file: Path, rewrite: Rewrite) -> int:
    """Rewrite the texts of a SQLite database, and leave no byte of the old ones in it; how many rows changed."""
    with closing(sqlite3.connect(file, timeout=30, isolation_level=None)) as db:
        db.execute("pragma secure_delete = on")
        db.execute("begin immediate")
        tables = db.execute("select name from sqlite_master where type = 'table' and name not like 'sqlite_%'")
        changed = sum(_rewrite_table(db, name, rewrite) for (name,) in tables.fetchall())
        db.execute("commit")
        db.execute("pragma wal_checkpoint(truncate)")
        db.execute("vacuum")
        db.execute("pragma wal_checkpoint(truncate)")
    return changed


def _rewrite_table(db: sqlite3.Connection, table: str, rewrite: Rewrite) -> int:
    columns = [(row[1], row[5]) for row in db.execute(f'pragma table_info("{table}")')]  # name, place in the key
    names = [f'"{name}"' for name, _ in columns]
    key = [f'"{name}"' for name, place in columns if place] or ["rowid"]
    same = " and ".join(f"{name} is ?" for name in key)
    settings = ", ".join(f"{name} = ?" for name in names)
    changed = 0
    for row in db.execute(f'select {", ".join([*key, *names])} from "{table}"').fetchall():
        where, values = row[: len(key)], row[len(key) :]
        clean = [_rewritten(value, rewrite) for value in values]
        if clean != list(values):
            changed += 1
            try:
                db.execute(f'update "{table}" set {settings} where {same}', [*clean, *where])
            except sqlite3.IntegrityError:  # a row with the new name exists already: one of them is enough
                db.execute(f'delete from "{table}" where {same}', where)
    return changed


def _rewritten(value: object, rewrite: Rewrite) -> object:
    if isinstance(value, str):
        return rewrite(value)
    if isinstance(value, bytes):
        try:
            text = value.decode()
        except UnicodeDecodeError:  # compressed descriptions of jobs, without names of people
            return value
        return value if (clean := rewrite(text)) == text else clean.encode()
    return value


def _rewrite_text(file: Path, rewrite: Rewrite) -> int:
    try:
        text = file.read_text("utf-8")
    except UnicodeDecodeError:
        return 0
    clean = "".join(rewrite(line) for line in text.splitlines(keepends=True))
    if clean == text:
        return 0
    draft = file.with_name(f".{file.name}.erasing")
    draft.write_text(clean, "utf-8")
    shutil.copymode(file, draft)
    draft.replace(file)
    return 1


def warehouses(folder: Path) -> list[Path]:
    """The DuckDB files below a folder, and their logs: their columns are compressed, so a byte search proves
    nothing.
    """
    files = [file for file in folder.rglob("*") if file.is_file() and _begins_as(file, DUCKDB, at=8)]
    logs = [file.with_name(f"{file.name}.wal") for file in files]
    return sorted([*files, *(log for log in logs if log.is_file())])


def _begins_as(file: Path, sign: bytes, *, at: int = 0) -> bool:
    with file.open("rb") as opened:
        return opened.read(at + len(sign))[at:] == sign


def files_with(folder: Path, addresses: list[str]) -> list[Path]:
    """Files below a folder with an address in their content or name, in any of its encodings."""
    wanted = Wanted.of(addresses)
    return sorted(
        file
        for file in folder.rglob("*")
        if file.is_file() and (wanted.is_in(file.name.encode()) or _contains(file, wanted))
    )


@dataclass(frozen=True)
class Wanted:
    """Addresses in all their encodings. Each has a part, letters of any case or base64, that few files contain and that
    is found many times faster than the whole pattern.
    """

    ways: re.Pattern[bytes]
    letters: frozenset[bytes]  # lower case
    base64: frozenset[bytes]
    longest: int

    @classmethod
    def of(cls, addresses: list[str]) -> "Wanted":
        ways = [way for address in addresses for way in _ways(address)]
        names = [address.partition("@")[0] for address in addresses]
        return cls(
            re.compile(b"|".join(ways)),
            frozenset(name.encode(by).lower() for name in names for by in ("utf-8", "utf-16-le", "utf-16-be")),
            frozenset(way for address in addresses for way in _all_in_base64(address)),
            max(map(len, ways)),
        )

    def is_in(self, text: bytes) -> bool:
        lower = text.lower()
        is_possible = any(part in lower for part in self.letters) or any(part in text for part in self.base64)
        return is_possible and bool(self.ways.search(text))


def _ways(address: str) -> Iterator[bytes]:
    """Patterns of an address: plain, in JSON, a URL or HTML, in UTF-16 and in base64. Not as part of a longer address,
    which is another person's.
    """
    for at in ("@", "\\u0040", "%40", "&#64;"):
        plain = re.escape(address.replace("@", at).encode())
        yield rb"(?i:(?<![A-Za-z0-9.+-])" + plain + rb"(?![-A-Za-z0-9]|\.[A-Za-z0-9]))"
    for encoding in ("utf-16-le", "utf-16-be"):
        yield b"(?i:" + re.escape(address.encode(encoding)) + b")"
    yield from map(re.escape, _all_in_base64(address))


def _all_in_base64(address: str) -> Iterator[bytes]:
    for text in {address.lower(), address.upper(), address.title()}:
        yield from _in_base64(text)


def _in_base64(text: str) -> Iterator[bytes]:
    """The base64 forms of a text at each offset, without the letters that also depend on its neighbors."""
    for before in range(3):
        letters = base64.b64encode(b"\0" * before + text.encode()).rstrip(b"=")
        is_even = (before + len(text.encode())) % 3 == 0
        yield letters[(0, 2, 3)[before] : len(letters) if is_even else -1]


def _contains(file: Path, wanted: Wanted) -> bool:
    tail = b""
    with file.open("rb") as opened:
        while block := opened.read(BLOCK):
            if wanted.is_in(tail + block):
                return True
            tail = (tail + block)[-wanted.longest :]
    return False
