"""BigQuery's API on this machine: starts the emulator with the patches that it needs to read GoogleSQL as Google does.

Runs under `.venv-bigquery`: its packages cannot be installed beside the tests' own, so it imports nothing of this
project. Arguments: the port, and the names of patches to leave out, for the tests that detect when a patch is no longer
needed.
"""

import os
import re
import sys
from collections.abc import Callable
from functools import lru_cache
from typing import Any

os.environ["HOME"] = sys.prefix  # DuckDB looks for its extensions here, and stores them here

import duckdb_extensions
import sqlglot
from bqemulator import server
from bqemulator.api.routes import jobs as job_routes
from bqemulator.api.routes import upload
from bqemulator.config import LogLevel, Settings
from bqemulator.sql import translator
from bqemulator.sql.rules.misc_helpers import CountIfEmptyZeroRule
from sqlglot import exp

WORDS = re.compile(
    r"""(?P<kept>'''(?:[^\\]|\\.)*?'''|'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`[^`]*`)|--[^\n]*|/\*.*?\*/""", re.DOTALL
)
Tree = exp.Expression


def without_comments(googlesql: str) -> str:
    """The emulator would take an apostrophe in a comment for the start of a literal."""
    return WORDS.sub(lambda found: found["kept"] or " ", googlesql)


def decimal(node: Tree) -> Tree:
    """NUMERIC has nine decimals. DuckDB's DECIMAL without digits has three."""
    if isinstance(node, exp.DataType) and node.this == exp.DataType.Type.DECIMAL:
        return exp.DataType.build("DECIMAL(38, 9)", dialect="duckdb")
    return node


def isoweek(node: Tree) -> Tree:
    """The Monday on or before a day. DuckDB's weeks begin on Mondays."""
    unit = node.args.get("unit") if isinstance(node, exp.DateTrunc | exp.TimestampTrunc) else None
    if unit is None or unit.name.upper() != "ISOWEEK":
        return node
    return exp.cast(exp.Anonymous(this="date_trunc", expressions=[exp.Literal.string("week"), node.this]), "date")


def nul(node: Tree) -> Tree:
    """A statement's text may not contain a NUL."""
    is_nul = isinstance(node, exp.Literal) and node.is_string and node.this in {"\0", r"\x00"}
    return exp.Anonymous(this="chr", expressions=[exp.Literal.number(0)]) if is_nul else node


def whole_quotient(node: Tree) -> Tree:
    """The emulator would write `div(a + 1, 2)` as `a + 1 // 2`."""
    if not isinstance(node, exp.IntDiv):
        return node
    return exp.IntDiv(this=exp.paren(node.this), expression=exp.paren(node.expression))


def counted_window(node: Tree) -> Tree:
    """COUNTIF of only nulls is 0, also with OVER, where DuckDB returns null."""
    if not (isinstance(node, exp.Window) and isinstance(node.this, exp.CountIf)):
        return node
    return exp.Coalesce(this=node.copy(), expressions=[exp.Literal.number(0)])


OF_TREES: dict[str, Callable[[Tree], Tree]] = {
    "decimal": decimal,
    "isoweek": isoweek,
    "nul": nul,
    "div": whole_quotient,
    "counted": counted_window,
}


def change_trees(changes: list[Callable[[Tree], Tree]]) -> None:
    """Apply these changes to each statement before it reaches DuckDB."""
    transpile = sqlglot.transpile

    def mended(sql: str, read: str | None = None, write: str | None = None, **options: Any) -> list[str]:
        if (read, write) != ("bigquery", "duckdb"):
            return transpile(sql, read=read, write=write, **options)
        tree = sqlglot.parse_one(sql, read=read)
        for change in changes:
            for node in reversed(list(tree.walk())):
                changed: Any = change(node)  # type: ignore[arg-type]
                if changed is not node and node is tree:
                    tree = changed
                elif changed is not node:
                    node.replace(changed)
        return [tree.sql(dialect=write)]

    sqlglot.transpile = mended  # type: ignore[assignment]


def parse_once() -> None:
    """The emulator parses a statement for each of some twenty rules, nearly always the text of the rule before. A rule
    may change its tree, so each rule gets a copy.
    """
    parse_one: Callable[..., Any] = sqlglot.parse_one

    @lru_cache(maxsize=64)
    def parsed(sql: str, read: str) -> Any:
        return parse_one(sql, read=read)

    def remembered(sql: str, read: Any = None, **options: Any) -> Any:
        if options or not isinstance(read, str):
            return parse_one(sql, read=read, **options)
        return parsed(sql, read).copy()

    sqlglot.parse_one = remembered  # type: ignore[assignment]


def strip_comments() -> None:
    translate, execute = translator.SQLTranslator.translate, job_routes.execute_query_job
    translator.SQLTranslator.translate = lambda self, sql, **more: translate(self, without_comments(sql), **more)
    job_routes.execute_query_job = lambda project, job, sql, *more, **named: execute(
        project, job, without_comments(sql), *more, **named
    )


def count_within_windows() -> None:
    """The emulator's translation of COUNTIF is not valid before OVER."""
    applies = CountIfEmptyZeroRule.applies_to
    CountIfEmptyZeroRule.applies_to = lambda self, node: applies(self, node) and not isinstance(node.parent, exp.Window)


def keep_names() -> None:
    """The emulator would make all column names lower-case."""
    translator.qualify = lambda tree, **_: tree


def refuse_what_fails() -> None:
    """The emulator would return no rows for a query that fails."""
    job_routes._SQL_EXECUTION_DOMAIN_ERRORS = ()


def take_any_file() -> None:
    """Google's client sends a file as */*."""
    upload._is_permitted_media_type = lambda _: True


OF_ITS_CODE: dict[str, Callable[[], None]] = {
    "comments": strip_comments,
    "countif": count_within_windows,
    "names": keep_names,
    "refused": refuse_what_fails,
    "upload": take_any_file,
}


def main(port: str, *left_out: str) -> None:
    for extension in ("spatial", "avro"):
        duckdb_extensions.import_extension(extension)
    parse_once()
    change_trees([change for name, change in OF_TREES.items() if name not in left_out])
    for name, change in OF_ITS_CODE.items():
        if name not in left_out:
            change()
    server.run_forever(
        Settings(rest_port=int(port), grpc_port=0, default_project_id="emulated", log_level=LogLevel.ERROR)
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
