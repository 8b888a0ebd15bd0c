"""What time series become: rows of `gemini_usage`. Pure: records in, a frame out."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from ai_usage.providers.google.metrics.asked_metrics import metric_of
from ai_usage.providers.google.metrics.records import Series, SeriesOfDay
from ai_usage.providers.google.metrics.tables import GEMINI_USAGE
from ai_usage.warehouse.reading.ledger_records import Records
from ai_usage.warehouse.table import ACCOUNT_STAMPS

API_KEY = "apikey:"
COUNTING_LIMIT = "PerDay"  # of the twin series, in the name of its limit
DIMENSIONS = (
    "activity_date",
    "project_id",
    "platform",
    "metric_type",
    "meter",
    "model",
    "tier",
    "credential_id",
    "api_key_id",
    "response_code",
    "is_error",
    "request_type",
    "publisher",
    *ACCOUNT_STAMPS,
)


@dataclass
class _Counted:
    """The series of one row: what each limit's has. Without a limit there is no twin."""

    by_limit: Counter[str] = field(default_factory=Counter)
    records: int = 0

    def measures(self) -> Mapping[str, int | None]:
        """The series of the limit by day counts, else the first one; the others must be equal to it. If one is not, it
        is the twin.
        """
        counting = min(self.by_limit, key=lambda limit: (COUNTING_LIMIT not in limit, limit))
        quantity = self.by_limit[counting]
        twins = [count for limit, count in self.by_limit.items() if limit != counting]
        twin = next((count for count in twins if count != quantity), twins[0] if twins else None)
        return {"quantity": quantity, "twin_quantity": twin, "record_count": self.records}


def usage_rows(records: Records) -> pl.DataFrame:
    """Rows of `gemini_usage`: of each account, day and project the series with the same metric, model, credential,
    status and tier together. Twin series are compared, never added; tiers stay apart.
    """
    read = records.read(SeriesOfDay)
    stamps = read.lines.select("activity_date", *ACCOUNT_STAMPS).iter_rows(named=True)
    found: dict[tuple[Any, ...], _Counted] = {}
    for record, stamp in zip(read.values, stamps, strict=True):
        series = record.time_series
        row = {**stamp, "project_id": record.project_id, **_labels(series)}
        counted = found.setdefault(tuple(row[name] for name in DIMENSIONS), _Counted())
        counted.by_limit[series.metric.labels.limit_name or ""] += series.count
        counted.records += 1
    rows = [{**dict(zip(DIMENSIONS, key, strict=True)), **of.measures()} for key, of in found.items()]
    return GEMINI_USAGE.frame({name: [row[name] for row in rows] for name in GEMINI_USAGE.columns})


def _labels(series: Series) -> dict[str, Any]:
    """The dimensions that the labels name; an empty label is none."""
    labels, resource = series.metric.labels, series.resource.labels
    metric = metric_of(series.metric.type, resource.service)
    credential, code = resource.credential_id or None, labels.response_code or None
    is_key = bool(credential and credential.startswith(API_KEY))
    return {
        "platform": metric.platform,
        "metric_type": series.metric.type,
        "meter": metric.meter or (f"{labels.type}_tokens" if labels.type else "tokens"),
        "model": labels.model or resource.model_user_id or None,
        "tier": metric.tier or None,
        "credential_id": credential,
        "api_key_id": credential.removeprefix(API_KEY) if credential and is_key else None,
        "response_code": code,
        "is_error": code[0] in "45" if code else None,
        "request_type": labels.request_type or None,
        "publisher": resource.publisher or None,
    }
