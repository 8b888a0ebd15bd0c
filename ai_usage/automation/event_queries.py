"""Dagster's event log across all runs, in the order it was written, whoever started the run.

Dagster's own run-status sensors see only runs of the code location, so none from the command line. On the default
SQLite storage `get_event_records` reads run by run and takes no cursor; the index beside the runs has every check
evaluation and every change of a run's status, numbered as they came. It is read here as `fetch_run_status_changes`
reads it.
"""

from collections.abc import Iterator

import dagster as dg
from dagster._core.event_api import EventLogRecord
from dagster._core.storage.event_log.sql_event_log import SqlEventLogStorage

from ai_usage.errors import AiUsageError

PAGE = 1000
OVERLAP = 200  # events read again: on Postgres a number may be given before a smaller one is committed


class UnreadableLog(AiUsageError):
    """A storage that does not number its events across runs."""


def newest(instance: dg.DagsterInstance, kind: dg.DagsterEventType) -> int:
    """The number of the last event of a kind; 0 if there is none."""
    return next((record.storage_id for record in _records(instance, kind, limit=1, ascending=False)), 0)


def after(
    instance: dg.DagsterInstance, kind: dg.DagsterEventType, cursor: int, at_most: int
) -> Iterator[EventLogRecord]:
    """Events of a kind after the cursor, oldest first; a few before it too."""
    cursor = max(0, cursor - OVERLAP)
    read = 0
    while read < at_most:
        page = _records(instance, kind, limit=min(PAGE, at_most - read), ascending=True, cursor=cursor)
        yield from page
        if len(page) < PAGE:
            return
        read += len(page)
        cursor = page[-1].storage_id


def _records(
    instance: dg.DagsterInstance, kind: dg.DagsterEventType, *, limit: int, ascending: bool, cursor: int | None = None
) -> list[EventLogRecord]:
    storage = instance.event_log_storage
    if not isinstance(storage, SqlEventLogStorage):
        raise UnreadableLog(
            f"Alerts read Dagster's event log in SQLite or Postgres; {type(storage).__name__} is neither."
        )
    wanted = dg.EventRecordsFilter(kind, after_cursor=cursor)
    return list(SqlEventLogStorage.get_event_records(storage, wanted, limit=limit, ascending=ascending))
