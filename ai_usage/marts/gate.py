"""The gate: which days of a provider may reach the marts. Evaluated from the data, at the moment of asking.

A day on which one of the gate's checks is false keeps its last good version in every mart; the other days go on.
"""

from datetime import date

import polars as pl

from ai_usage.core.grain import repeated
from ai_usage.ingest.day_replacement import DAYS_AT_ONCE
from ai_usage.partitions import Span
from ai_usage.providers.provider import Gate
from ai_usage.warehouse.port import Warehouse

READABLE, GRAIN = "records_are_readable", "grain_is_unique"

BlockedDays = dict[date, list[str]]


def blocked_days(warehouse: Warehouse, span: Span, gate: Gate) -> BlockedDays:
    """The days of the span that may not reach a mart, with the checks that are false on each."""
    blocked: BlockedDays = {}
    for days in span.cut(at_most=DAYS_AT_ONCE):
        for check in gate.checks:
            for day in sorted(set(_wrong(warehouse, check, days, gate)["activity_date"])):
                blocked.setdefault(day, []).append(check)
    return blocked


def _wrong(warehouse: Warehouse, check: str, days: Span, gate: Gate) -> pl.DataFrame:
    if check == GRAIN:
        return repeated(warehouse, gate.tables, days)
    pulls = gate.billing if check == READABLE else gate.pulls
    return warehouse.query(f"checks/{check}", first_day=days.first, last_day=days.last, pulls=pulls, with_hashes=False)
