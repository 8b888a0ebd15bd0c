"""Two engines with the same small worlds: DuckDB, as the platform runs it, and Google's evaluator."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal
from itertools import takewhile
from pathlib import Path
from typing import Any

import polars as pl
from sqlglot import exp

from ai_usage.catalog import TABLES
from ai_usage.marts.files import marts
from ai_usage.places import ROOT
from ai_usage.warehouse import googlesql
from ai_usage.warehouse.duckdb.engine import DuckDBWarehouse
from ai_usage.warehouse.googlesql import parsed, to_duckdb
from ai_usage.warehouse.ledger_check import EVERY_TABLE, ledger_query
from ai_usage.warehouse.table import ANALYTICS, Table
from ai_usage_tests.googlesql.engine import Found, GoogleEngine, Parameter, Row
from ai_usage_tests.googlesql.lines import Lines, rows
from ai_usage_tests.googlesql.world import OF_FILE, PARAMETERS

FILES = sorted(path.relative_to(ROOT / "sql").with_suffix("").as_posix() for path in (ROOT / "sql").rglob("*.sql"))
MARTS = {mart.table.name: mart.query for mart in marts()}  # each after the marts that it reads
DECLARED = {table.name: table for table in TABLES if table.schema == ANALYTICS}
NOW = datetime(2024, 3, 3, tzinfo=UTC)


def read(name: str) -> str:
    """The text of a file as an engine gets it."""
    text = googlesql.read(name)
    return ledger_query(PARAMETERS["pulls"].value) if EVERY_TABLE in text else text


def parameters_of(name: str) -> dict[str, Parameter]:
    """The parameters that a file names. `KeyError` if world.py lacks one."""
    known = PARAMETERS | OF_FILE.get(name, {})
    return {parameter: known[parameter] for parameter in to_duckdb(read(name))[1]}


def declared(name: str) -> Table | None:
    """The table that a file fills, if the file is a mart."""
    return DECLARED[name.rpartition("/")[2]] if name in MARTS.values() else None


def framed(table: Table, held: Sequence[Row]) -> pl.DataFrame:
    return table.frame({name: [row[at] for row in held] for at, name in enumerate(table.columns)})


@dataclass(frozen=True)
class TwoEngines:
    google: GoogleEngine
    duckdb: dict[str, DuckDBWarehouse] = field(default_factory=dict)
    _answers: dict[tuple[str, str], pl.DataFrame] = field(default_factory=dict)

    def fill(self, world: str, lines: Lines, folder: Path) -> None:
        """Fills both engines with the same rows. DuckDB builds the marts, so that queries of marts have rows to read;
        the world's own rows for a mart follow. Built rows are sorted, so that a world is the same in each process. A
        view is not written: DuckDB has it, and Google gets the rows that DuckDB's view has.
        """
        warehouse = self.duckdb[world] = DuckDBWarehouse(folder / "a.duckdb", folder / "b.duckdb", TABLES, lambda: NOW)
        held = {table.address: rows(table, lines.get(table.address, [])) for table in TABLES}
        with warehouse.connected():
            for table in TABLES:
                if table.name not in MARTS:
                    warehouse.replace_all(table, framed(table, held[table.address]))
            for table in (DECLARED[mart] for mart in MARTS):
                own = in_any_order(self._asked_of_duckdb(world, MARTS[table.name]).rows())
                held[table.address] = [*own, *held[table.address]]
                if not table.view_of:
                    warehouse.replace_all(table, framed(table, held[table.address]))
        self.google.declare(world, TABLES, held)

    def raw_on_duckdb(self, world: str, name: str) -> pl.DataFrame:
        return self.duckdb[world].ask(read(name), **{key: p.value for key, p in parameters_of(name).items()})

    def on_duckdb(self, world: str, name: str) -> pl.DataFrame:
        """A file's result as the platform stores it: a mart's result has its table's types. Queried once, in a filled
        world.
        """
        if (world, name) not in self._answers:
            self._answers[world, name] = self._asked_of_duckdb(world, name)
        return self._answers[world, name]

    def _asked_of_duckdb(self, world: str, name: str) -> pl.DataFrame:
        found, table = self.raw_on_duckdb(world, name), declared(name)
        return table.frame({column: found[column] for column in table.columns}) if table else found

    def on_google(self, world: str, name: str, text: str | None = None) -> Found:
        """The same on Google's evaluator, for the file or for a text in its place. A mart's columns are cast to its
        table's types.
        """
        sql, table = text or read(name), declared(name)
        if table:
            casts = [f"cast({column} as {of.type.googlesql}) as {column}" for column, of in table.columns.items()]
            sql = f"select {', '.join(casts)} from (\n{sql}\n)"
        return self.google.evaluate(world, sql, parameters_of(name))


def _rounded(value: float | Decimal) -> float:
    """Sums of floats depend on the order of their rows. Twelve of their digits do not, even next to a half."""
    return float(f"{float(value) * (1 + 1e-13):.12g}")


def _whole(value: Decimal) -> int:
    """DuckDB's sum of INT64 has more than 64 bits."""
    if value != int(value):
        raise TypeError(f"INT64 in GoogleSQL, and here {value}")
    return int(value)


def _midnight(value: datetime) -> date:
    """DuckDB returns an instant for a date's month, or for the date after it."""
    if value.time() != time():
        raise TypeError(f"DATE in GoogleSQL, and here {value}")
    return value.date()


def _utc(value: datetime) -> datetime:
    return value if value.tzinfo else value.replace(tzinfo=UTC)


# For each of Google's types: the Python types that represent it without loss. A DOUBLE may not represent a NUMERIC.
READ_AS: Mapping[str, Mapping[type, Callable[[Any], Any]]] = {
    "BOOL": {bool: bool},
    "DATE": {date: lambda day: day, datetime: _midnight},
    "FLOAT64": {float: _rounded, int: _rounded, Decimal: _rounded},
    "INT64": {int: int, Decimal: _whole},
    "NUMERIC": {Decimal: Decimal, int: Decimal},
    "STRING": {str: str},
    "TIMESTAMP": {datetime: _utc},
}


def cells(rows: Sequence[Row], columns: Mapping[str, str]) -> list[Row]:
    """An engine's rows as values of Google's types. `TypeError` if a value's kind would lose something."""
    return [tuple(_cell(v, of) for v, of in zip(row, columns.values(), strict=True)) for row in rows]


def _cell(value: Any, of: str) -> Any:
    if value is None:
        return None
    read = READ_AS[of].get(type(value))
    if read is None:
        raise TypeError(f"{of} in GoogleSQL, and here {type(value).__name__}: {value!r}")
    return read(value)


def in_any_order(rows: list[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: [(value is not None, str(value)) for value in row])


def as_ordered(name: str, columns: dict[str, str], rows: list[Row]) -> list[Row]:
    """The columns that a file's rows are ordered by, row after row, up to the first that is not an output column. Rows
    that are equal in them may have any order.
    """
    order = parsed(read(name)).args.get("order")
    parts = order.expressions if order else []
    names = [part.this.name for part in takewhile(lambda part: isinstance(part.this, exp.Column), parts)]
    places = [list(columns).index(name) for name in names]
    return [tuple(row[place] for place in places) for row in rows]
