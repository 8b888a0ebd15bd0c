"""The gate: which days of a provider may reach the marts. Evaluated from the data, at the moment of asking.

A day on which one of the gate's checks fails keeps its last good version in every mart; the other days go on.
"""

from datetime import date

import polars as pl

from ai_usage.core.grain import repeated
from ai_usage.ingest.day_replacement import DAYS_AT_ONCE
from ai_usage.partitions import Span
from ai_usage.providers.provider import Gate
from ai_usage.warehouse.ledger_check import broken_pulls
from ai_usage.warehouse.port import Warehouse

MISSING, READABLE, WHOLE, GRAIN = "no_day_is_missing", "records_are_readable", "ledger_is_whole", "grain_is_unique"
SHARED = (MISSING, READABLE, WHOLE)  # by every provider's gate

BlockedDays = dict[date, list[str]]


def blocked_days(warehouse: Warehouse, span: Span, gate: Gate) -> BlockedDays:
    """The days of the span that may not reach a mart, with the checks that fail on each."""
    blocked: BlockedDays = {}
    for days in span.cut(at_most=DAYS_AT_ONCE):
        for check in gating_checks(gate):
            for day in sorted(set(_wrong(warehouse, check, days, gate)["activity_date"])):
                blocked.setdefault(day, []).append(check)
    return blocked


def gating_checks(gate: Gate) -> tuple[str, ...]:
    """The names of the checks that block a day."""
    return (*SHARED, *(check.name for check in gate.checks), *([GRAIN] if gate.tables else []))


def _wrong(warehouse: Warehouse, check: str, days: Span, gate: Gate) -> pl.DataFrame:
    if check == GRAIN:
        return repeated(warehouse, gate.tables, days)
    if check == WHOLE:
        return broken_pulls(warehouse, gate.pulls, days.first, days.last, with_hashes=False)
    own = {own.name: own.sql for own in gate.checks}
    pulls = gate.billing if check == READABLE else gate.pulls
    query = own.get(check, f"checks/{check}")
    return warehouse.query(query, first_day=days.first, last_day=days.last, pulls=list(pulls))
