"""A test's records, as the ledger returns those of one pull."""

from datetime import UTC, datetime
from typing import Any

import polars as pl

from ai_usage.warehouse.reading.ledger_records import Records
from ai_usage_tests.mock_claude import DAY


def pulled_records(*texts: str) -> Records:
    """The records of DAY, written as JSON."""
    instant = pl.Datetime("us", "UTC")
    columns: dict[str, Any] = {"account": pl.String, "activity_date": pl.Date, "pull_id": pl.String}
    columns["ingestion_timestamp"] = instant
    rows = [("default", DAY, "p", datetime(2026, 11, 20, tzinfo=UTC), text) for text in texts]
    return Records("x", pl.DataFrame(), pl.DataFrame(rows, {**columns, "record": pl.String}, orient="row"))
