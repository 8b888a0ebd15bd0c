"""The only place that knows both engines: opens the warehouse that the settings name, for runs and for readers."""

import secrets
import time
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from ai_usage.settings import Settings
from ai_usage.warehouse.duckdb.connection import state
from ai_usage.warehouse.duckdb.engine import DuckDBWarehouse
from ai_usage.warehouse.duckdb.published_copy import unreadable
from ai_usage.warehouse.duckdb.remembered import Kept
from ai_usage.warehouse.port import Warehouse
from ai_usage.warehouse.table import PULLS, Table

if TYPE_CHECKING:
    from ai_usage.warehouse.bigquery.engine import BigQueryWarehouse

LOOKS_AGAIN = 600  # seconds between two requests to BigQuery whether its people have changed


def open_warehouse(
    of: Settings,
    tables: Sequence[Table],
    functions: Sequence[str] = (),
    *,
    is_read_only: bool = False,
    run_id: str = "",
) -> Warehouse:
    """The warehouse that the settings name. `run_id` names the run that writes to those who wait for it."""
    if of.is_bigquery:
        return _in_bigquery(of, tables, functions, is_read_only=is_read_only, run_id=run_id)
    return open_file(of, tables, functions, is_read_only=is_read_only)


def open_file(
    of: Settings, tables: Sequence[Table], functions: Sequence[str] = (), *, is_read_only: bool = False
) -> DuckDBWarehouse:
    """The embedded warehouse, whatever the settings name: for commands that work on its file."""
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
    if of.is_bigquery:
        found = _in_bigquery(of, tables, is_read_only=True)
        return found if found.is_there() else None
    copy = of.published_database
    if not copy.exists() or unreadable(copy):
        return None
    warehouse = DuckDBWarehouse(copy, copy, tables, of.now, is_read_only=True)
    warehouse.remember_in(_answers_of(copy, state(copy)))
    return warehouse


@lru_cache(maxsize=1)
def _answers_of(_copy: Path, _state: object) -> Kept:
    """What sensors asked before, of one state of the copy: idle ones do not open it."""
    return Kept()


def open_what_is_there(of: Settings) -> Warehouse | None:
    """What readers see; where no run has published anything yet, the warehouse itself. None where there is neither."""
    if of.is_bigquery or (of.published_database.exists() and not unreadable(of.published_database)):
        return open_published(of)
    return open_file(of, (), is_read_only=True) if of.database.exists() else None


def written_at(of: Settings, table: Table) -> int:
    """When what readers see was written last, as a number that only grows; 0 if never. It costs no job."""
    if of.is_bigquery:
        return _in_bigquery(of, (), is_read_only=True).written_at(table)
    copy = of.published_database
    return copy.stat().st_mtime_ns if copy.exists() else 0


def mark_of_published(of: Settings) -> object:
    """A value that changes with the published content; None if nothing was ever published. BigQuery is asked at most
    every ten minutes.
    """
    if of.is_bigquery:
        return _written_lately(of, int(time.monotonic() / LOOKS_AGAIN)) or None
    try:
        there = of.published_database.stat()
    except FileNotFoundError:
        return None
    return there.st_mtime_ns, there.st_ino, there.st_size


@lru_cache(maxsize=1)
def _written_lately(of: Settings, _period: int) -> int:
    return written_at(of, PULLS)


def place_of(of: Settings) -> str:
    """Where the warehouse is, for people."""
    return f"BigQuery project {of.bigquery_project}" if of.is_bigquery else str(of.database)


def shown_to_readers(of: Settings) -> str:
    """Where people with a SQL tool find the published tables."""
    return place_of(of) if of.is_bigquery else str(of.published_database)


def is_there(of: Settings) -> bool:
    """Whether anything was ever pulled into the warehouse."""
    return open_published(of) is not None if of.is_bigquery else of.database.exists()


def _in_bigquery(
    of: Settings,
    tables: Sequence[Table],
    functions: Sequence[str] = (),
    *,
    is_read_only: bool,
    run_id: str = "",
) -> "BigQueryWarehouse":
    # Google's client takes a second to import, and the embedded warehouse needs none of it.
    from ai_usage.warehouse.bigquery.client import client_of  # noqa: PLC0415
    from ai_usage.warehouse.bigquery.engine import BigQueryWarehouse  # noqa: PLC0415
    from ai_usage.warehouse.bigquery.jobs import Jobs  # noqa: PLC0415
    from ai_usage.warehouse.bigquery.memory import memory_of  # noqa: PLC0415

    client = client_of(of.bigquery_project, of.bigquery_location, of.bigquery_emulator)
    return BigQueryWarehouse(
        Jobs(client, of.bigquery_max_bytes, {"ai_usage_run": run_id[:8]} if run_id else {}),
        tables,
        of.now,
        of.bigquery_location,
        functions,
        is_read_only,
        run_id or secrets.token_hex(8),
        memory=memory_of(of.bigquery_project, of.bigquery_emulator),
    )
