"""The findings of checks that are reported once: the events of `alert_events`.

A check of spending (a budget, a spike, a restatement) has a row for each event, with an `alert_key` that is the same
in every run. Dagster's metadata shows some of these rows in the UI; this table has all of them, for alerts.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import dagster as dg
import polars as pl

from ai_usage.check import ALERTS_BY_ROW, Finding, Result, Row
from ai_usage.warehouse.port import Warehouse
from ai_usage.warehouse.table import Table, day, instant, string

EVENTS_IN_TABLE = "alert_events"  # in a result's metadata: how many of its rows are events

ALERT_EVENTS = Table(
    name="alert_events",
    grain="one event that a check of one asset found, by its alert_key",
    question="Which events were found for alerts?",
    example="select found_at, topic, severity, title from ai_usage_analytics.alert_events order by found_at desc",
    columns={
        "alert_key": string("the same for the same event in every run: alerts send each once", required=True),
        "topic": string("the check's name", required=True),
        "asset": string("layer/table that it checks", required=True),
        "severity": string("warned or failed", required=True),
        "provider": string("the provider; null for several"),
        "account": string("the account; null for several, or where it is not known"),
        "scope": string("the kind of thing, such as team or api_key"),
        "scope_name": string("the name or id of the thing"),
        "event_date": day("its UTC day; null for what has no day, such as a month's budget", required=False),
        "title": string("what it is about", required=True),
        "text": string("in one sentence", required=True),
        "found_at": instant("when a run found it, the last time", required=True),
    },
    date_column=None,
)


def keep_events(warehouse: Warehouse, check: dg.AssetCheckKey, findings: Mapping[date | None, Finding]) -> None:
    """Store the events of a check's results. They replace those with the same `alert_key`."""
    of = {"topic": check.name, "asset": check.asset_key.to_user_string()}
    at = warehouse.now()
    results = [(day, found) for day, found in findings.items() if isinstance(found, Result)]
    events = [_event(row, of, found.status, day, at) for day, found in results for row in found.rows if _is_event(row)]
    if events:
        with warehouse.connected():
            merge_rows(warehouse, ALERT_EVENTS, of, events, "alert_key")


def _is_event(row: Row) -> bool:
    return bool(row.get(ALERTS_BY_ROW))  # empty if an event of a finer scope represents it


def _event(row: Row, of: Mapping[str, str], status: str, day_: date | None, at: datetime) -> tuple[Any, ...]:
    own = {"ERROR": "failed", "WARN": "warned"}.get(row.get("severity", ""), status)
    where = [row.get(name) for name in ("provider", "account", "scope", "scope_name")]
    return (row["alert_key"], *of.values(), own, *where, day_, row[ALERTS_BY_ROW], row["sentence"], at)


def rows_of(warehouse: Warehouse, table: Table, of: Mapping[str, str]) -> pl.DataFrame:
    """The rows with these values in these columns."""
    where = " and ".join(f"{name} = @{name}" for name in of)
    return warehouse.ask(f"select {', '.join(table.columns)} from {table.address} where {where}", **of)


def merge_rows(
    warehouse: Warehouse, table: Table, of: Mapping[str, str], rows: Sequence[tuple[Any, ...]], key: str
) -> None:
    """Replace the rows with the same keys; of several rows with one key the last counts. Other rows stay."""
    fresh = table.frame(dict(zip(table.columns, zip(*rows, strict=True), strict=True))).unique(key, keep="last")
    kept = table.frame(rows_of(warehouse, table, of).to_dict(as_series=False)).join(fresh, on=key, how="anti")
    warehouse.replace_all(table, pl.concat([kept, fresh]).sort(key), of=of)
