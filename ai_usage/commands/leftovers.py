"""Where a data folder has text beside the warehouse: Dagster's databases, the alerts' outbox, logs, and what was made of
the warehouse. Rewrites what is kept, deletes what can be made again, and searches all of it byte by byte.
"""

import base64
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

SQLITE = b"SQLite format 3\0"
BLOCK = 2**20

Rewrite = Callable[[str], str]


def rewrite_folder(folder: Path, rewrite: Rewrite) -> int:
    """Rewrite every SQLite database and text file below a folder; how many rows and files changed."""
    changed = 0
    for file in sorted(folder.rglob("*")):
        if file.is_symlink() or not file.is_file() or file.name.endswith(("-wal", "-shm", "-journal")):
            continue
        with file.open("rb") as opened:
            is_database = opened.read(len(SQLITE)) == SQLITE
        changed += rewrite_database(file, rewrite) if is_database else _rewrite_text(file, rewrite)
    return changed


def rewrite_database(file: Path, rewrite: Rewrite) -> int:
    """Rewrite the texts of a SQLite database, and leave no byte of the old ones in it; how many rows changed."""
    with closing(sqlite3.connect(file, timeout=30, isolation_level=None)) as db:
        db.execute("pragma secure_delete = on")
        db.execute("begin immediate")
        tables = db.execute("select name, sql from sqlite_master where type = 'table' and name not like 'sqlite_%'")
        changed = sum(_rewrite_table(db, name, rewrite) for name, _ in tables.fetchall())
        db.execute("commit")
        db.execute("pragma wal_checkpoint(truncate)")
        db.execute("vacuum")
        db.execute("pragma wal_checkpoint(truncate)")
    return changed


def _rewrite_table(db: sqlite3.Connection, table: str, rewrite: Rewrite) -> int:
    described = db.execute(f'pragma table_info("{table}")').fetchall()
    columns = [name for _, name, *_ in described]
    key = [name for *_, name, _, _, _, place in [(row[0], *row[1:]) for row in described] if place] or ["rowid"]
    quoted = [f'"{name}"' for name in columns]
    found = db.execute(f'select {", ".join([*key, *quoted])} from "{table}"').fetchall()
    changed = 0
    for row in found:
        where, values = row[: len(key)], row[len(key) :]
        clean = [_rewritten(value, rewrite) for value in values]
        if clean != list(values):
            changed += 1
            settings = ", ".join(f"{name} = ?" for name in quoted)
            same = " and ".join(f"{name} is ?" for name in key)
            try:
                db.execute(f'update "{table}" set {settings} where {same}', [*clean, *where])
            except sqlite3.IntegrityError:  # the same is there under the new name: one of them is enough
                db.execute(f'delete from "{table}" where {same}', where)
    return changed


def _rewritten(value: object, rewrite: Rewrite) -> object:
    if isinstance(value, str):
        return rewrite(value)
    if isinstance(value, bytes):
        try:
            text = value.decode()
        except UnicodeDecodeError:  # packed: descriptions of jobs, which name nobody
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


def files_with(folder: Path, addresses: list[str]) -> list[Path]:
    """Files below a folder in which an address stands, in whatever way it may be written."""
    wanted = {way for address in addresses for way in _written(address)}
    return sorted(file for file in folder.rglob("*") if file.is_file() and _contains(file, wanted))


def _written(address: str) -> Iterator[bytes]:
    """An address as files have it, in lower case: plain, in JSON, a URL, HTML or UTF-16."""
    plain = address.lower()
    for text in (plain, plain.replace("@", "\\u0040"), quote(plain, safe="").lower(), plain.replace("@", "&#64;")):
        yield text.encode()
    yield plain.encode("utf-16-le")
    yield plain.encode("utf-16-be")


def _in_base64(address: str) -> Iterator[bytes]:
    """What base64 makes of an address wherever it begins, without the letters that depend on what is around it."""
    for text in {address, address.lower(), address.upper()}:
        for before in range(3):
            letters = base64.b64encode(b"\0" * before + text.encode())
            yield letters[(0, 2, 3)[before] : len(letters) - 4 if letters.endswith(b"=") else None]


def _contains(file: Path, wanted: set[bytes]) -> bool:
    longest = max(map(len, wanted))
    tail = b""
    with file.open("rb") as opened:
        while block := opened.read(BLOCK):
            window = (tail + block).lower()
            if any(way in window for way in wanted):
                return True
            tail = window[-longest:]
    return False
