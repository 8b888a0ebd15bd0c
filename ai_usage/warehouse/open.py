"""The only place that knows both engines: opens the warehouse that the settings name, for runs and for readers."""

import secrets
from collections.abc import Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import polars as pl
from google.cloud import bigquery

from ai_usage.settings import Settings
from ai_usage.warehouse.bigquery.client import BigQueryAt
from ai_usage.warehouse.bigquery.engine import BigQueryWarehouse
from ai_usage.warehouse.bigquery.jobs import Jobs
from ai_usage.warehouse.bigquery.memory import Memory
from ai_usage.warehouse.duckdb.connection import state
from ai_usage.warehouse.duckdb.engine import DuckDBWarehouse
from ai_usage.warehouse.duckdb.published_copy import unreadable
from ai_usage.warehouse.port import Warehouse
from ai_usage.warehouse.table import PULLS, Table


def open_warehouse(
    of: Settings,
    tables: Sequence[Table],
    functions: Sequence[str] = (),
    *,
    is_read_only: bool = False,
    run_id: str = "",
) -> Warehouse:
    """The warehouse that the settings name. `run_id` names the run that writes to those who wait for it."""
    if of.warehouse == "bigquery":
        return BigQueryWarehouse(
            Jobs(_client(of), of.bigquery_max_bytes, {"ai_usage_run": run_id[:8]} if run_id else {}),
            tables,
            of.now,
            of.bigquery_location,
            functions,
            is_read_only,
            run_id or secrets.token_hex(8),
            memory=_memory(of.bigquery_project, of.bigquery_emulator),
        )
    return DuckDBWarehouse(
        of.database,
        of.published_database,
        tables,
        of.now,
        functions=functions,
        is_read_only=is_read_only,
        published_mode=of.published_mode,
    )


def open_published(of: Settings, tables: Sequence[Table] = (PULLS,)) -> Warehouse | None:
    """What readers see while runs write: the published copy, or BigQuery itself. None where nothing was ever pulled; a
    copy that cannot be read counts as none.
    """
    if of.warehouse == "bigquery":
        found = BigQueryWarehouse(
            Jobs(_client(of), of.bigquery_max_bytes),
            tables,
            of.now,
            is_read_only=True,
            memory=_memory(of.bigquery_project, of.bigquery_emulator),
        )
        return found if found.is_there() else None
    copy = of.published_database
    if not copy.exists() or unreadable(copy):
        return None
    warehouse = DuckDBWarehouse(copy, copy, tables, of.now, is_read_only=True)
    warehouse.remember_in(_answers_of(copy, state(copy)))
    return warehouse


@lru_cache(maxsize=1)
def _answers_of(_copy: Path, _state: object) -> dict[Any, pl.DataFrame]:
    """What sensors asked before, of one state of the copy: idle ones do not open it."""
    return {}


def written_at(of: Settings, table: Table) -> int:
    """When what readers see was written last, as a number that only grows; 0 if never. It costs no job."""
    if of.warehouse == "bigquery":
        return BigQueryWarehouse(Jobs(_client(of), of.bigquery_max_bytes), (), of.now, is_read_only=True).written_at(
            table
        )
    copy = of.published_database
    return copy.stat().st_mtime_ns if copy.exists() else 0


def place_of(of: Settings) -> str:
    """Where the warehouse is, for people."""
    return f"BigQuery project {of.bigquery_project}" if of.warehouse == "bigquery" else str(of.database)


def shown_to_readers(of: Settings) -> str:
    """Where people with a SQL tool find what runs left."""
    return place_of(of) if of.warehouse == "bigquery" else str(of.published_database)


def is_there(of: Settings) -> bool:
    """Whether anything was ever pulled into the warehouse."""
    return open_published(of) is not None if of.warehouse == "bigquery" else of.database.exists()


@cache
def _memory(_project: str, _host: str) -> Memory:
    """What this process knows of a project."""
    return Memory()


@cache
def _client(of: Settings) -> bigquery.Client:
    return BigQueryAt(
        project=of.bigquery_project, location=of.bigquery_location, emulator_host=of.bigquery_emulator
    ).client()
