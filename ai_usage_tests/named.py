"""A company with keys that are named after people, as Anthropic names the keys of Claude Code."""

import base64
import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

import duckdb
import httpx

from ai_usage_tests.mock_claude import MockClaude
from ai_usage_tests.platform import Platform

ADDRESS, NAME, KEY_NAME = "lina.xu@example.com", "Lina Xu", "claude_code_key_lina.xu"
INSTEAD = {'"Dev@Example.com"': '"Lina.Xu@Example.com"', '"dev@example.com"': f'"{ADDRESS}"', '"Dev"': f'"{NAME}"'}


class NamedClaude(MockClaude):
    """The mock's only person, and her key, with names that identify her."""

    def answer(self, request: httpx.Request) -> httpx.Response:
        response = super().answer(request)
        text = response.text.replace('"etl"', f'"{KEY_NAME}"')
        for name, instead in INSTEAD.items():
            text = text.replace(name, instead)
        return httpx.Response(response.status_code, text=text, headers={"content-type": "application/json"})


def named(platform: Platform) -> Platform:
    """The platform, with that stand-in for Claude."""
    platform.claude = NamedClaude(platform.claude.days)
    return platform


@cache
def ways() -> set[bytes]:
    """The address and the name as bytes, in each encoding."""
    found: set[bytes] = set()
    for text in (ADDRESS, NAME.lower(), "lina.xu"):
        for case in (text, text.upper(), text.title()):
            spellings = {case, quote(case), case.replace("@", "\\u0040"), case.replace("@", "&#64;")}
            found |= {each.encode(encoding) for each in spellings for encoding in ("utf-8", "utf-16-le", "utf-16-be")}
    return found | in_base64()


@cache
def in_base64() -> set[bytes]:
    return {
        base64.b64encode(b"\0" * before + case.encode())[4 if before else 0 : -4]
        for case in (ADDRESS, ADDRESS.upper(), ADDRESS.title())
        for before in range(3)
    }


def places_that_name_her(folder: Path) -> set[str]:
    """Files that have her name in their bytes, and columns of databases that have it."""
    found: set[str] = set()
    looked_for = ways()
    for file in folder.rglob("*"):
        if not file.is_file():
            continue
        content = file.read_bytes()
        if may_name_her(content) and any(way in content for way in looked_for):
            found.add(str(file.relative_to(folder)))
        if content[8:12] == b"DUCK":
            found |= set(duckdb_columns(file))
        if content.startswith(b"SQLite format 3\0"):
            found |= set(sqlite_columns(file))
    return found


def may_name_her(content: bytes) -> bool:
    """Each encoding except base64 contains this name. If it is missing, those need no search."""
    lower = content.lower()
    names = ("lina".encode(encoding) for encoding in ("utf-8", "utf-16-le", "utf-16-be"))
    return any(name in lower for name in names) or any(way in content for way in in_base64())


def names_her(value: Any) -> bool:
    if isinstance(value, bytes):
        with suppress(zlib.error):
            value = zlib.decompress(value)
        return any(way in value for way in ways())
    return isinstance(value, str) and any(text in value.lower() for text in (ADDRESS, NAME.lower(), "lina.xu"))


def duckdb_columns(file: Path) -> Iterator[str]:
    """Columns of tables. A view contains no more than its text and its tables."""
    with duckdb.connect(str(file), read_only=True) as db:
        for name, text in db.execute("select view_name, sql from duckdb_views() where not internal").fetchall():
            if names_her(text):
                yield f"{file.name}: {name}"
        columns = (
            "select schema_name || '.' || table_name, list(column_name) from duckdb_columns() "
            "join duckdb_tables() using (schema_name, table_name) "
            "where data_type = 'VARCHAR' and estimated_size > 0 group by all"
        )
        for table, names in db.execute(columns).fetchall():
            values = ", ".join(f"list(distinct {name})" for name in names)
            for name, found in zip(names, db.execute(f"select {values} from {table}").fetchall()[0], strict=True):
                if any(names_her(text) for text in found or ()):
                    yield f"{file.name}: {table}.{name}"


def sqlite_columns(file: Path) -> Iterator[str]:
    db = sqlite3.connect(file)
    for (table,) in db.execute("select name from sqlite_master where type = 'table'").fetchall():
        if any(names_her(value) for row in db.execute(f'select * from "{table}"') for value in row):
            yield f"{file.name}: {table}"
    db.close()
