"""OpenAI's records as the ledger returns those of one pull."""

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

import polars as pl

from ai_usage.warehouse.reading.ledger_records import Records

PULLED = datetime(2026, 11, 20, 6, tzinfo=UTC)
STAMPS: dict[str, Any] = {
    "account": pl.String,
    "activity_date": pl.Date,
    "pull_id": pl.String,
    "ingestion_timestamp": pl.Datetime("us", "UTC"),
}
VERSION: dict[str, Any] = {
    "account": pl.String,
    "activity_date": pl.Date,
    "pull_id": pl.String,
    "pulled_at": pl.Datetime("us", "UTC"),
    "records": pl.Int64,
}


def records(days: Mapping[date | None, list[Any]], *, envelope: Any = None, account: str = "default") -> Records:
    """Each day's records, as objects or JSON text, with one pull per day."""
    version = {"account": account, "pulled_at": PULLED, "envelope": json.dumps(envelope or {})}
    versions = [
        {**version, "activity_date": day, "pull_id": f"p-{day}", "records": len(found)} for day, found in days.items()
    ]
    lines = [
        (account, day, f"p-{day}", PULLED, one if isinstance(one, str) else json.dumps(one))
        for day, found in days.items()
        for one in found
    ]
    pulls = pl.DataFrame(versions, {**VERSION, "envelope": pl.String})
    return Records("openai_x", pulls, pl.DataFrame(lines, {**STAMPS, "record": pl.String}, orient="row"))
