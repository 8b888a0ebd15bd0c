"""The tests' end of the pipe to Google's SQL engine: Python values in, Python values out."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from ai_usage.settings import ROOT
from ai_usage.warehouse.table import Table

PYTHON = ROOT / ".venv-googlesql" / "bin" / "python"
WORKER = Path(__file__).with_name("worker.py")

Row = tuple[Any, ...]
READ: Mapping[str, Any] = {"NUMERIC": Decimal, "DATE": date.fromisoformat, "TIMESTAMP": datetime.fromisoformat}


class GoogleRefuses(Exception):
    """Google's parser, analyzer or evaluator takes the query for wrong; the message names line and column."""


@dataclass(frozen=True)
class Parameter:
    type: str  # GoogleSQL's name
    value: Any


@dataclass(frozen=True)
class Found:
    """A result: names and GoogleSQL types of its columns, and its rows."""

    columns: dict[str, str]
    rows: list[Row]


class GoogleEngine:
    """One process, which lives as long as the tests that ask it."""

    def __init__(self) -> None:
        if not (PYTHON.parent.parent / "ready").exists():
            raise RuntimeError(f"{PYTHON.parent.parent.name} is not set up: run `make test`, which does that first.")
        self._worker = subprocess.Popen(
            [PYTHON, WORKER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
        )

    def close(self) -> None:
        with suppress(BrokenPipeError):
            self._worker.communicate(timeout=30)

    def declare(self, world: str, rows_of: Mapping[Table, Sequence[Row]]) -> None:
        """Make a world of these tables, or make it anew."""
        tables = {
            table.address: {"columns": {name: c.type.googlesql for name, c in table.columns.items()}, "rows": rows}
            for table, rows in rows_of.items()
        }
        self._ask("declare", world=world, tables=tables)

    def analyze(
        self, world: str, sql: str, parameters: Mapping[str, Parameter], target: Sequence[str] | None = None
    ) -> dict[str, str]:
        """Output column → type; `GoogleRefuses` if a column is not coercible to the target's type at its place."""
        return dict(self._query("analyze", world, sql, parameters, target)["columns"])

    def evaluate(
        self, world: str, sql: str, parameters: Mapping[str, Parameter], target: Sequence[str] | None = None
    ) -> Found:
        said = self._query("evaluate", world, sql, parameters, target)
        columns = dict(said["columns"])
        read = [READ.get(of, lambda value: value) for of in columns.values()]
        rows = [tuple(None if v is None else r(v) for r, v in zip(read, row, strict=True)) for row in said["rows"]]
        return Found(columns, rows)

    def _query(
        self, do: str, world: str, sql: str, parameters: Mapping[str, Parameter], target: Sequence[str] | None
    ) -> dict[str, Any]:
        typed = {name: {"type": p.type, "value": p.value} for name, p in parameters.items()}
        return self._ask(do, world=world, sql=sql, parameters=typed, target=target)

    def _ask(self, do: str, **arguments: Any) -> dict[str, Any]:
        assert self._worker.stdin is not None
        assert self._worker.stdout is not None
        self._worker.stdin.write(json.dumps({"do": do, **arguments}, default=str) + "\n")
        self._worker.stdin.flush()
        line = self._worker.stdout.readline()
        if not line:
            raise RuntimeError(f"Google's engine ended with {self._worker.wait()}: see its words above")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise GoogleRefuses(answer["error"])
        return answer
