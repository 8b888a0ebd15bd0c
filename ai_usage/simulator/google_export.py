"""The Cloud Billing export as tables in memory, and what a query of them answers and costs.

A day's rows are loaded once, when a query's partitions first reach it: the cost grows with what is asked for. A query
sees the rows that were exported by its own time.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple

import duckdb
from sqlglot import exp

from ai_usage.simulator.google_days import DELAY, MONTHLY_DELAY, GoogleDays
from ai_usage.simulator.google_export_rows import DETAILED, STANDARD, Columns, exported, row_bytes
from ai_usage.simulator.google_sql import TO_JSON, Question, SqlError, on_duckdb, question_of, table_of

ONE_DAY = timedelta(days=1)
DUCKDB = {"STRING": "VARCHAR", "TIMESTAMP": "TIMESTAMP", "FLOAT": "DOUBLE", "BOOLEAN": "BOOLEAN"}
JSON_TIMES = r'"(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d+)?)"'
LOADED = "loaded"  # the table in memory


class Answered(NamedTuple):
    """A query's columns with DuckDB's types, its rows, and the bytes that it reads."""

    columns: list[tuple[str, Any]]
    rows: list[tuple[Any, ...]]
    bytes_processed: int


class Export:
    """The dataset of one billing account: the standard table, the detailed one and a copy. It begins with `since`."""

    def __init__(self, days: GoogleDays, currency: str, since: datetime) -> None:
        company = days.company
        self.days, self.currency, self.since = days, currency, since
        self.tables: dict[str, Columns] = {
            company.table: STANDARD,
            company.detailed_table: DETAILED,
            company.copy: STANDARD,
        }
        self._memory: duckdb.DuckDBPyConnection | None = None
        self._loaded: set[date] = set()
        self._loaded_months: set[date] = set()

    def ask(self, text: str, parameters: Mapping[str, Any], now: datetime, *, only_plan: bool = False) -> Answered:
        """What a query answers at a moment; SqlError if BigQuery would refuse it. `only_plan` reads no rows."""
        query, table = table_of(text)
        if table not in self.tables or now < self.since:
            raise missing(table)
        question = question_of(query, table, is_partitioned=self.is_partitioned(table))
        if unset := question.parameters - parameters.keys():
            raise SqlError(f"Query parameter '{min(unset)}' not found")
        memory = self._open()
        try:
            partitions = self._partitions(memory, question, parameters, now)
            self._load(memory, partitions)
            read = self._bytes(memory, question, partitions, now)
            columns, rows = self._run(memory, question, parameters, now, only_plan=only_plan)
        except duckdb.Error as error:
            raise SqlError(str(error).splitlines()[0]) from error
        return Answered(columns, rows, read)

    def is_partitioned(self, table: str) -> bool:
        """Whether a table is partitioned by load time, as Google's own tables are."""
        return table != self.days.company.copy

    def _open(self) -> duckdb.DuckDBPyConnection:
        if self._memory is None:
            self._memory = duckdb.connect(":memory:", config={"threads": 1, "enable_external_access": False})
            self._memory.execute("set timezone = 'UTC'")
            columns = ", ".join(f"{name} {_type(kind)}" for name, kind in DETAILED.items())
            self._memory.execute(f"create table {LOADED} ({columns})")
            json_text = f"regexp_replace(cast(to_json(x) as varchar), '{JSON_TIMES}', '\"\\1T\\2Z\"', 'g')"
            self._memory.execute(f"create macro {TO_JSON}(x) as {json_text}")
        return self._memory

    def _partitions(
        self, memory: duckdb.DuckDBPyConnection, question: Question, parameters: Mapping[str, Any], now: datetime
    ) -> list[date]:
        """The days that a query's bounds leave; a copy's bounds are within a day, so both its ends are tried."""
        condition = on_duckdb(question.guard, question.table, "partitions", "load_time")
        condition = condition.replace("export_time", "load_time")
        steps = "select unnest(generate_series($first_, $last_, interval 1 day)) as load_time"
        if question.bounded == "export_time":
            steps = f"with days as ({steps}) from days union all select load_time + $rest_ from days"
        named = {one.name: parameters[one.name] for one in question.guard.find_all(exp.Parameter)}
        named |= {"first_": datetime.combine(self.since.date(), time()), "last_": naive(now)}
        named |= {"rest_": ONE_DAY - timedelta(microseconds=1)} if question.bounded == "export_time" else {}
        asked = f"select distinct cast(load_time as date) from ({steps}) as partitions where {condition}"
        found = memory.execute(asked, named).fetchall()
        return sorted(day for (day,) in found)

    def _load(self, memory: duckdb.DuckDBPyConnection, partitions: Sequence[date]) -> None:
        """All rows that may lie in the partitions: those of the days before them, too."""
        if not partitions:
            return
        first, last = partitions[0], partitions[-1]
        wanted = [first - DELAY + n * ONE_DAY for n in range((last - first + DELAY).days + 1)]
        months = [day for n in range((last - first + MONTHLY_DELAY).days + 1) if (day := last - n * ONE_DAY).day == 1]
        days, monthly = set(wanted) - self._loaded, set(months) - self._loaded_months
        self._loaded |= days
        self._loaded_months |= monthly
        made = [row for day in sorted(days) for row in self.days.final(day).rows]
        made += [row for day in sorted(monthly) for row in self.days.monthly(day)]
        rows = [exported(self.days.company, row, self.currency) for row in made]
        if rows:
            shape = json.dumps([{name: _json_type(kind) for name, kind in DETAILED.items()}])
            unnested = f"select unnest(from_json(cast($rows as json), '{shape}'), max_depth := 2)"
            memory.execute(f"insert into {LOADED} by name {unnested}", {"rows": json.dumps(rows)})

    def _bytes(
        self, memory: duckdb.DuckDBPyConnection, question: Question, partitions: list[date], now: datetime
    ) -> int:
        columns = self.tables[question.table]
        width = sum(
            row_bytes(kind) for name, kind in columns.items() if question.columns is None or name in question.columns
        )
        counted = f"select count(*) from {LOADED} where list_contains($days, cast(export_time as date)) and {_VISIBLE}"
        [(rows,)] = memory.execute(counted, {"days": partitions, **self._visible(now)}).fetchall()
        return int(rows) * width

    def _run(
        self,
        memory: duckdb.DuckDBPyConnection,
        question: Question,
        parameters: Mapping[str, Any],
        now: datetime,
        *,
        only_plan: bool,
    ) -> tuple[list[tuple[str, Any]], list[tuple[Any, ...]]]:
        names = ", ".join(self.tables[question.table])
        asked = on_duckdb(question.sql, question.table, "exported_", "export_time")
        limit = "limit 0" if only_plan else ""
        visible = f"with exported_ as (select {names} from {LOADED} where {_VISIBLE})"
        named = {name: parameters[name] for name in question.parameters} | self._visible(now)
        result = memory.execute(f"{visible} select * from ({asked}) {limit}", named)
        return [(str(column[0]), column[1]) for column in result.description or ()], result.fetchall()

    def _visible(self, now: datetime) -> dict[str, datetime]:
        return {"now_": naive(now), "since_": naive(self.since)}


_VISIBLE = "export_time between $since_ and $now_"


def missing(table: str) -> SqlError:
    """The error for a table that does not exist, or not yet."""
    project, _, rest = table.partition(".")
    return SqlError(f"Not found: Table {project}:{rest} was not found in location EU", "notFound", 404)


def naive(at: datetime) -> datetime:
    """The same instant in UTC, as DuckDB's TIMESTAMP has it."""
    return at.astimezone(UTC).replace(tzinfo=None)


def _type(kind: Any) -> str:
    if isinstance(kind, dict):
        fields = ", ".join(f'"{name}" {_type(one)}' for name, one in kind.items())
        return f"STRUCT({fields})"
    return f"{_type(kind[0])}[]" if isinstance(kind, list) else DUCKDB[kind]


def _json_type(kind: Any) -> Any:
    if isinstance(kind, dict):
        return {name: _json_type(one) for name, one in kind.items()}
    return [_json_type(kind[0])] if isinstance(kind, list) else DUCKDB[kind]
