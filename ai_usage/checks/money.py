"""Checks that marts have the money of core: the same amount everywhere, every amount with one kind, a known provider
and an attribution method.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any

from ai_usage.check import Check, DailyCheck, Result, Row, Rows, each_day, failed, some, wrong_rows
from ai_usage.checks.bills import BILLS, SOURCES
from ai_usage.marts.gate import blocked_days
from ai_usage.partitions import Span
from ai_usage.providers.provider import Provider
from ai_usage.providers.registry import PROVIDERS
from ai_usage.warehouse.googlesql import providers_with
from ai_usage.warehouse.port import Warehouse

AI_SPEND = "marts/ai_spend"
STATED = "stated_amounts"  # see sql/contracts
STATING = [provider for provider in PROVIDERS if provider.key in providers_with(STATED)]


def stated_amounts(warehouse: Warehouse, span: Span, provider: Provider) -> dict[date, list[dict[str, Any]]]:
    """The amount that each table states as billed by a provider, all accounts together, by day: amount_of, stated_by,
    usd (null if only rows count) and row_count.
    """
    days = wrong_rows(warehouse, f"providers/{provider.key}/{STATED}", span)
    return {day: _of_all_accounts(rows) for day, rows in days.items()}


def core_amounts(warehouse: Warehouse, span: Span, provider: Provider) -> dict[date, dict[str, Decimal]]:
    """The billed cost of a provider in core, by day and account."""
    found: dict[date, dict[str, Decimal]] = {}
    for day, rows in wrong_rows(warehouse, f"providers/{provider.key}/{STATED}", span).items():
        of_day = found.setdefault(day, {})
        for row in rows:
            if row["stated_by"].startswith("core/") and row["account"] is not None:
                of_day[row["account"]] = of_day.get(row["account"], Decimal()) + row["usd"]
    return found


def _of_all_accounts(rows: Rows) -> list[dict[str, Any]]:
    sums: dict[tuple[str, str], dict[str, Any]] = {}
    for row in rows:
        table = {"amount_of": row["amount_of"], "stated_by": row["stated_by"]}
        total = sums.setdefault((row["amount_of"], row["stated_by"]), {**table, "usd": None, "row_count": 0})
        total["row_count"] += row["row_count"]
        if row["usd"] is not None:
            total["usd"] = (total["usd"] or Decimal()) + row["usd"]
    return [sums[key] for key in sorted(sums)]


def expenses_equal_costs(provider: Provider) -> DailyCheck:
    """Whether all tables state the same amount for a provider's day, to the ninth decimal."""
    bill, *_ = provider.core
    first, *others = (
        (*provider.expense_marts, AI_SPEND) if provider.expense_marts else (f"core/{bill.first.name}", AI_SPEND)
    )
    return DailyCheck(
        name="expenses_equal_costs",
        provider=provider.key,
        asset=first,
        title="tables that state different amounts for the same day",
        description="All tables with a provider's billed cost of a day have the same amount; so do those with seats.",
        severity="failed",
        sources=(provider.source,),
        pulls=(provider.bill.pull,),
        also_reads=tuple(others),
        sql=f"providers/{provider.key}/{STATED}",
        evaluate=partial(_unequal_days, provider),
        compares_marts=True,
    )


def _unequal_days(provider: Provider, warehouse: Warehouse, span: Span) -> Mapping[date, Result]:
    days = stated_amounts(warehouse, span, provider)
    return {day: failed(" ".join(unequal), rows) for day, rows in days.items() if (unequal := list(_unequal(rows)))}


def _unequal(rows: Rows) -> Iterator[str]:
    for amount_of in sorted({row["amount_of"] for row in rows}):
        stated = {
            row["stated_by"]: row["usd"] for row in rows if row["amount_of"] == amount_of and row["usd"] is not None
        }
        apart = max(stated.values()) - min(stated.values())
        if apart:
            amounts = ", ".join(f"{table} {usd:,f}" for table, usd in sorted(stated.items()))
            yield f"The tables differ by {apart:,f} USD of {amount_of}: {amounts}."


def _mixed_days(warehouse: Warehouse, span: Span) -> Mapping[date, Result]:
    meters = [meter for provider in PROVIDERS for meter in provider.estimated_meters]
    found = wrong_rows(warehouse, "checks/billed_and_estimated_never_mixed", span, estimated_meters=meters)
    results = {day: failed(_mixture(rows[0]), rows) for day, rows in found.items()}
    for query in (provider.estimates_sql for provider in PROVIDERS if provider.estimates_sql):
        results |= {day: failed(_misstated(rows[0]), rows) for day, rows in wrong_rows(warehouse, query, span).items()}
    return results


def _mixture(row: Row) -> str:
    billed, estimated = (row[name] or Decimal() for name in ("billed_usd", "estimated_usd"))
    return (
        f"{row['row_count']} rows of {row['provider']} {row['meter']} have {row['trouble']}: "
        f"{billed:,f} USD billed, {estimated:,f} USD estimated."
    )


def _misstated(row: Row) -> str:
    return (
        f"Estimates of {row['provider']} {row['meter']} come to {row['estimated_usd']:,f} USD, those that may stand "
        f"beside the bill to {row['expected_usd']:,f}: the others are a part of the bill."
    )


billed_and_estimated_never_mixed = DailyCheck(
    name="billed_and_estimated_never_mixed",
    asset=AI_SPEND,
    title="an estimate in a sum of billed cost, or in addition to the bill that includes it",
    description="A row is billed or estimated, never both, and no estimate repeats what is billed.",
    severity="failed",
    sources=SOURCES,
    pulls=BILLS,
    sql="checks/billed_and_estimated_never_mixed",
    evaluate=_mixed_days,
)


def _without_method(rows: Rows) -> Result:
    parts = (
        f"{row['usd'] or Decimal():,f} USD of {row['provider']} by {row['attribution_method']}: {row['trouble']}"
        for row in rows
    )
    return failed(f"{some(parts, between='; ')}.", rows)


every_dollar_has_a_method = DailyCheck(
    name="every_dollar_has_a_method",
    asset=AI_SPEND,
    title="a cost that is attributed without a method, or the reverse",
    description="Each attributed amount has an attribution method that fits it; the rest is unattributed.",
    severity="failed",
    sources=SOURCES,
    pulls=BILLS,
    sql="checks/every_dollar_has_a_method",
    evaluate=each_day("checks/every_dollar_has_a_method", _without_method),
)


def _of_unknown_providers(rows: Rows) -> Result:
    parts = (f"{row['provider']} ({row['row_count']} rows, {row['usd'] or Decimal():,f} USD)" for row in rows)
    return failed(f"marts/ai_spend has rows of providers that this release does not know: {some(parts)}.", rows)


every_provider_is_known = DailyCheck(
    name="every_provider_is_known",
    asset=AI_SPEND,
    title="spend of a provider that the platform does not know",
    description="Each row's provider is in the registry of providers.",
    severity="failed",
    sources=SOURCES,
    pulls=BILLS,
    sql="checks/every_provider_is_known",
    evaluate=each_day(
        "checks/every_provider_is_known",
        _of_unknown_providers,
        providers=[provider.key for provider in PROVIDERS],
    ),
)


def _blind_days(warehouse: Warehouse, span: Span) -> Mapping[date, Result]:
    found: dict[date, list[Row]] = {}
    for provider in STATING:
        blind = {day: _blind(rows) for day, rows in stated_amounts(warehouse, span, provider).items() if _blind(rows)}
        blocked = blocked_days(warehouse, span, provider.gate) if blind else {}
        for day in blind.keys() - blocked.keys():
            found.setdefault(day, []).extend(blind[day])
    return {
        day: failed(
            f"{some(row['stated_by'] for row in rows)} has no row, though core has "
            f"{max(row['core_rows'] for row in rows)}: materialize the day.",
            rows,
        )
        for day, rows in found.items()
    }


def _blind(rows: Rows) -> list[Row]:
    """The marts without rows for what core has rows of."""
    core = {row["amount_of"]: row["row_count"] for row in rows if row["stated_by"].startswith("core/")}
    return [
        {**row, "core_rows": core[row["amount_of"]]}
        for row in rows
        if core.get(row["amount_of"]) and not row["row_count"]
    ]


checks_can_see_data = DailyCheck(
    name="checks_can_see_data",
    asset=AI_SPEND,
    title="checks of nothing, because a mart was not built",
    description="If core has cost of a day that is not blocked, every mart that checks read has it too: no check "
    "passes because data is missing.",
    severity="failed",
    sources=SOURCES,
    pulls=BILLS,
    also_reads=tuple(dict.fromkeys(mart for provider in PROVIDERS for mart in provider.expense_marts)),
    evaluate=_blind_days,
)

CHECKS: list[Check] = [
    *(expenses_equal_costs(provider) for provider in STATING),
    billed_and_estimated_never_mixed,
    every_dollar_has_a_method,
    every_provider_is_known,
    checks_can_see_data,
]
