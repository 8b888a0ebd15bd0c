"""Checks that each row exists once: pages that overlap or repeat must not count twice."""

from collections.abc import Mapping, Sequence
from datetime import date
from functools import partial

from ai_usage.check import Check, DailyCheck, Result, Row, by_day, failed, some
from ai_usage.checks.bills import BILLS, SOURCES
from ai_usage.core.grain import repeated
from ai_usage.core.revisions import SPEND_VERSIONS
from ai_usage.ingest.ledger_writes import Source
from ai_usage.marts.gate import GRAIN
from ai_usage.partitions import Span
from ai_usage.providers.provider import CoreTables, Provider
from ai_usage.providers.registry import PROVIDERS
from ai_usage.warehouse.port import Warehouse
from ai_usage.warehouse.table import Table


def grain_is_unique(
    tables: Sequence[Table],
    pulls: tuple[str, ...],
    sources: tuple[Source, ...],
    *,
    provider: str = "",
    gates_day: bool = False,
    is_optional: bool = False,
    optional_pulls: tuple[str, ...] = (),
) -> DailyCheck:
    """Whether each row of these tables exists once, by the key that the table declares."""
    first, *others = tables
    names = ", ".join(table.name for table in tables)
    return DailyCheck(
        name=GRAIN,
        provider=provider,
        asset=f"core/{first.name}",
        title="rows that appear twice: pages that overlap",
        description=f"No row of {names} appears twice: pages that overlap count once.",
        severity="failed",
        sources=sources,
        pulls=pulls,
        also_reads=tuple(f"core/{other.name}" for other in others),
        evaluate=partial(_repeated_keys, tables),
        gates_day=gates_day,
        is_optional=is_optional,
        optional_pulls=optional_pulls,
    )


def _repeated_keys(tables: Sequence[Table], warehouse: Warehouse, span: Span) -> Mapping[date, Result]:
    return {
        day: failed(f"{len(rows)} keys appear more than once: {some(map(_repeated, rows), at_most=3)}.", rows)
        for day, rows in by_day(repeated(warehouse, tables, span)).items()
    }


def _repeated(row: Row) -> str:
    return f"{row['table_name']} has {row['times']} rows of {row['row_key']}"


def _of(provider: Provider, of: CoreTables) -> DailyCheck:
    pulls = tuple(pull for pull in of.pulls if pull in provider.daily_pulls)
    return grain_is_unique(
        of.unique,
        pulls,
        (provider.source,),
        provider=provider.key,
        gates_day=set(of.unique_names) <= {table.name for table in provider.gate.tables},
        is_optional=provider.is_optional(pulls),
        optional_pulls=provider.optional_beside(pulls),
    )


CHECKS: list[Check] = [
    *(_of(provider, of) for provider in PROVIDERS for of in provider.core if of.unique),
    grain_is_unique([SPEND_VERSIONS], BILLS, SOURCES),
]
