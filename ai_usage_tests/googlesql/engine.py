"""The tests' side of the pipe to Google's SQL engine: Python values in, Python values out.

An answer depends on the question, its world, the worker and the versions of the engine's packages. It is stored under a
digest of all of these: in the repository (`answers.txt.xz`, which `make google-answers` writes), else for the next
process of this checkout. So only what has changed since is sent to the engine; everything would take two minutes.
"""

import fcntl
import hashlib
import json
import lzma
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from ai_usage.places import ROOT
from ai_usage.warehouse.table import Table
from ai_usage_tests import staying_open
from ai_usage_tests.kept import kept

ENVIRONMENT = ROOT / ".venv-googlesql"
WORKER = Path(__file__).with_name("worker.py")
ANSWERS = Path(__file__).with_name("answers.txt.xz")

NOT_READY = (
    f"Google's SQL engine is not set up in {ENVIRONMENT.name}: run `make test`, which does that before the tests."
)

SUFFIX = ".google.json"  # of answers that are stored for this checkout
Row = tuple[Any, ...]
READ: Mapping[str, Any] = {"NUMERIC": Decimal, "DATE": date.fromisoformat, "TIMESTAMP": datetime.fromisoformat}


class GoogleRefuses(Exception):
    """Google's parser, analyzer or evaluator rejects the query; the message names line and column."""


@dataclass(frozen=True)
class Parameter:
    type: str  # the name in GoogleSQL
    value: Any  # a Python value, as DuckDB takes it


@dataclass(frozen=True)
class Analysis:
    """The result of an analysis: output column → type (empty unless it is a query), and the called functions with the
    types of their results.
    """

    columns: dict[str, str]
    calls: frozenset[tuple[str, str]]


@dataclass(frozen=True)
class Found:
    """A result: names and GoogleSQL types of its columns, and its rows."""

    columns: dict[str, str]
    rows: list[Row]


class GoogleEngine:
    """One process, which lives as long as the tests that ask it."""

    def __init__(self) -> None:
        self._analyses: dict[tuple[str, str, str], Analysis] = {}
        self._worlds: dict[str, str] = {}  # the request that declares each world
        self._digests: dict[str, str] = {}  # of these requests
        self._undeclared: set[str] = set()  # worlds that the worker does not have yet

    @cached_property
    def _worker(self) -> "subprocess.Popen[str]":
        """Started by the first question without a stored answer."""
        _compile_once()
        worker = subprocess.Popen(
            [ENVIRONMENT / "bin" / "python", WORKER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        staying_open.looks_at_nothing(worker)
        return worker

    @cached_property
    def _versions(self) -> str:
        """All inputs of an answer besides the question: the worker's code, and every package it may import."""
        there = {path.name for path in ENVIRONMENT.glob("lib/python*/site-packages/*.dist-info")}
        packages = sorted(name for name in there if not name.startswith(("pip-", "setuptools-")))
        return _digest(WORKER.read_text(encoding="utf-8"), *packages)

    @staticmethod
    def is_ready() -> bool:
        return (ENVIRONMENT / "ready").exists()

    def close(self) -> None:
        if "_worker" in vars(self):
            with suppress(BrokenPipeError):
                self._worker.communicate(timeout=30)

    def declare(self, world: str, tables: Sequence[Table], rows: Mapping[str, Sequence[Row]]) -> None:
        """Create or replace a world of tables with these rows, by address."""
        columns = {table.address: {n: c.type.googlesql for n, c in table.columns.items()} for table in tables}
        declared = {address: {"columns": of, "rows": rows[address]} for address, of in sorted(columns.items())}
        self._worlds[world] = _request("declare", world=world, tables=declared)
        self._digests[world] = _digest(self._worlds[world])
        self._undeclared.add(world)
        self._analyses.clear()

    def analyze(self, world: str, sql: str, parameters: Mapping[str, Parameter]) -> Analysis:
        """Types and calls of a text. Each text is analyzed once, until its world is replaced."""
        question = world, sql, repr(sorted(parameters.items()))
        if question not in self._analyses:
            reply = self._ask("analyze", world=world, sql=sql, parameters=_typed(parameters))
            self._analyses[question] = Analysis(
                dict(reply["columns"]), frozenset((name, of) for name, of in reply["calls"])
            )
        return self._analyses[question]

    def evaluate(self, world: str, sql: str, parameters: Mapping[str, Parameter]) -> Found:
        reply = self._ask("evaluate", world=world, sql=sql, parameters=_typed(parameters))
        columns = dict(reply["columns"])
        read = [READ.get(of, lambda value: value) for of in columns.values()]
        rows = [tuple(None if v is None else r(v) for r, v in zip(read, row, strict=True)) for row in reply["rows"]]
        return Found(columns, rows)

    def _ask(self, do: str, *, world: str, **arguments: Any) -> dict[str, Any]:
        request = _request(do, world=world, **arguments)
        digest = _digest(self._versions, self._digests[world], request)
        text = in_the_repository().get(digest) or kept(f"{digest}{SUFFIX}", lambda: self._sent_to(world, request))
        answer: dict[str, Any] = json.loads(text)
        if "refused" in answer:
            raise GoogleRefuses(answer["refused"])
        return answer

    def _sent_to(self, world: str, request: str) -> bytes:
        """The worker's answer. A failure raises an error, which is not stored."""
        if world in self._undeclared:
            if refused := json.loads(self._sent(self._worlds[world])).get("refused"):
                raise GoogleRefuses(f"the world {world}: {refused}")
            self._undeclared.remove(world)
        return self._sent(request)

    def _sent(self, request: str) -> bytes:
        assert self._worker.stdin is not None
        assert self._worker.stdout is not None
        self._worker.stdin.write(request + "\n")
        self._worker.stdin.flush()
        line = self._worker.stdout.readline()
        if not line:
            raise RuntimeError(f"Google's engine ended with {self._worker.wait()}: see its words above")
        if broken := json.loads(line).get("broken"):
            raise RuntimeError(f"{WORKER.name} was asked for what it cannot do: {broken}")
        return line.encode()


@cache
def in_the_repository() -> Mapping[str, str]:
    """Answers as JSON, by the digest of all that they depend on."""
    if not ANSWERS.exists():
        return {}
    lines = lzma.decompress(ANSWERS.read_bytes()).decode("utf-8").splitlines()
    return dict(line.split("\t", 1) for line in lines)


def _compile_once() -> None:
    """The engine's first process compiles it, which takes half a minute; the others wait for that."""
    with (ENVIRONMENT / "lock").open("w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (done := ENVIRONMENT / "compiled").exists():
            subprocess.run([ENVIRONMENT / "bin" / "python", WORKER], stdin=subprocess.DEVNULL, check=True)
            done.touch()


def _request(do: str, **arguments: Any) -> str:
    return json.dumps({"do": do, **arguments}, default=str)


def _digest(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()


def _typed(parameters: Mapping[str, Parameter]) -> dict[str, Any]:
    return {name: {"type": p.type, "value": p.value} for name, p in sorted(parameters.items())}
