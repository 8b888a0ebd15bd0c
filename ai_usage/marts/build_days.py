"""Rebuilds a mart: the run's days that are not blocked, from the SELECT of the mart's name."""

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import dagster as dg

from ai_usage.errors import AiUsageError, WarehouseError, interruption
from ai_usage.ingest.day_replacement import ASKED_DAYS, asked_days
from ai_usage.layers import note, reason
from ai_usage.marts.column_lineage import column_lineage
from ai_usage.marts.files import Mart, marts, refuse_other_columns
from ai_usage.marts.gate import DAYS_AT_ONCE, BlockedAccounts, BlockedDays, blocked_accounts, by_day
from ai_usage.partitions import Span, span_of_run
from ai_usage.providers.provider import Gate, Provider
from ai_usage.warehouse.port import Warehouse
from ai_usage.warehouse.table import Table


class ProvidersNotBuilt(AiUsageError):
    """The rows of these providers are unchanged; those of the others are built."""

    def __init__(self, reasons: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"rows of {provider}: {why}" for provider, why in reasons.items()))
        self.reasons = dict(reasons)


@dataclass
class Gates:
    """The blocked days. A gate's checks are queried once per span, however many marts it blocks."""

    warehouse: Warehouse
    _known: dict[tuple[Gate, Span], BlockedAccounts] = field(default_factory=dict, init=False)

    def blocked(self, gates: tuple[Gate, ...], days: Span) -> BlockedAccounts:
        """The blocked days of accounts, with the failing checks of any of these gates."""
        blocked: BlockedAccounts = {}
        for gate in gates:
            if (gate, days) not in self._known:
                self._known[gate, days] = blocked_accounts(self.warehouse, days, gate)
            for day, accounts in self._known[gate, days].items():
                for account, checks in accounts.items():
                    blocked.setdefault(day, {}).setdefault(account, []).extend(checks)
        return blocked


@dataclass
class Rebuilt:
    """The result of rebuilding a mart's days."""

    rows: int | None = 0  # that were written; None where the engine does not report it
    blocked: BlockedDays = field(default_factory=dict)

    def add(self, rows: int | None, blocked: BlockedDays) -> None:
        self.rows = None if rows is None or self.rows is None else self.rows + rows
        for day, checks in blocked.items():
            self.blocked.setdefault(day, []).extend(checks)


@dataclass(frozen=True)
class Step:
    """The result for one mart, or for the gates."""

    name: str
    seconds: float
    rows: int | None = None  # that were written; None where nothing was, as of a view
    blocked: BlockedDays = field(default_factory=dict)
    skipped: str = ""


def rebuild(context: dg.AssetExecutionContext, warehouse: Warehouse, mart: Mart) -> None:
    """Replace the run's days of a mart, or all of one without days, and note the result."""
    asset, table = f"marts/{mart.table.name}", mart.table
    with warehouse.connected():
        if missing := never_pulled(warehouse, mart):
            return note(context, asset, None, skipped=missing)
        lineage = {"dagster/column_lineage": column_lineage(mart)}
        if not mart.is_daily:
            note(context, asset, None, **lineage)
            return _note_rows(context, asset, rebuild_whole(warehouse, mart))
        span = span_of_run(context)
        asked = asked_days(warehouse, asset, span)
        for day in span.days:
            if day not in asked:
                note(context, asset, day, skipped="no source it is made of was asked about this day: left as it was")
        if asked:  # the UI shows the newest day's: one per run is enough
            note(context, asset, max(asked), **lineage)
        rebuilt = rebuild_days(warehouse, mart, span, only=asked)
        if mart.is_monthly:
            return _note_rows(context, asset, rebuilt.rows)
        for day, checks in rebuilt.blocked.items():
            if day in asked:
                context.log.warning("%s is blocked by %s: the blocked part was not changed", day, ", ".join(checks))
                note(context, asset, day, blocked_by=checks)
        _note_days(context, warehouse, table, span)
    return None


def never_pulled(warehouse: Warehouse, mart: Mart) -> str:
    """Why a mart cannot be built: a provider that can block it was never asked. Empty if it can."""
    if any(not any(warehouse.pulled_days(pull) for pull in gate.pulls) for gate in mart.blocked_by):
        return f"raw/{mart.blocked_by[0].pulls[0]} was never pulled"
    return ""


def rebuild_days(
    warehouse: Warehouse, mart: Mart, span: Span, gates: Gates | None = None, *, only: Collection[date] | None = None
) -> Rebuilt:
    """Replace the span's days of a mart, or `only` some of them: all but the rows of accounts for which they are
    blocked, and these days are returned with the reasons. Of a monthly mart, the months they are in.
    """
    rebuilt = Rebuilt()
    refuse_other_columns(mart)
    gates = gates or Gates(warehouse)
    with warehouse.connected():
        if mart.is_monthly:
            for month in mart.touched(span).months():
                if only is not None and not any(day in month for day in only):
                    continue
                rows = warehouse.fill_days(
                    mart.table, mart.query, [month.first], first_day=month.first, last_day=month.last
                )
                rebuilt.add(rows, {})
            return rebuilt
        for days in span.cut(at_most=warehouse.days_at_once(DAYS_AT_ONCE)):
            if mart.each:
                _rebuild_each(warehouse, mart, days, gates, only, rebuilt)
                continue
            wrong = gates.blocked(mart.blocked_by, days)
            rebuilt.add(_fill(warehouse, mart, days, wrong, only), by_day(wrong))
    return rebuilt


def _fill(
    warehouse: Warehouse,
    mart: Mart,
    days: Span,
    wrong: BlockedAccounts,
    only: Collection[date] | None,
    provider: Provider | None = None,
) -> int | None:
    """Replace the rows of all accounts on the days on which they are not blocked; how many were written. A mart that
    does not know accounts keeps the whole day, and so does every mart of a day that is blocked for all accounts.
    """
    knows_accounts = "account" in mart.table.columns
    whole = {day for day, accounts in wrong.items() if None in accounts or not knows_accounts}
    return warehouse.fill_days(
        mart.table,
        mart.query,
        [day for day in days.days if day not in whole and (only is None or day in only)],
        of={"provider": provider.key} if provider else None,
        kept={day: [account for account in accounts if account] for day, accounts in wrong.items()},
        first_day=days.first,
        last_day=days.last,
    )


def _rebuild_each(
    warehouse: Warehouse, mart: Mart, days: Span, gates: Gates, only: Collection[date] | None, rebuilt: Rebuilt
) -> None:
    """Replace each provider's rows apart. Whatever goes wrong with one, its SELECT too, leaves the others'; then, at
    the end, `ProvidersNotBuilt`.
    """
    failures: dict[str, str] = {}
    for provider in mart.each:
        try:
            wrong = _blocked_of(warehouse, provider, days, gates)
            rows = _fill(warehouse, mart, days, wrong, only, provider)
        except WarehouseError:
            raise
        except Exception as error:
            if interruption(error):
                raise
            failures[provider.key] = reason(error)
            continue
        rebuilt.add(rows, {day: [f"{provider.key}: {check}" for check in by] for day, by in by_day(wrong).items()})
    if failures:
        raise ProvidersNotBuilt(failures)


def _blocked_of(warehouse: Warehouse, provider: Provider, days: Span, gates: Gates) -> BlockedAccounts:
    """The days on which rows of a provider's accounts stay as they are. Of an account's day for which no report of the
    gate was ever pulled, what other reports have is used.
    """
    pulls = list(provider.gate.pulls)
    asked: dict[date, set[str | None]] = {}
    for account, day in warehouse.ask(ASKED_DAYS, pulls=pulls, first_day=days.first, last_day=days.last).iter_rows():
        asked.setdefault(day, {None}).add(account)
    return {
        day: here
        for day, accounts in gates.blocked((provider.gate,), days).items()
        if (here := {account: checks for account, checks in accounts.items() if account in asked.get(day, ())})
    }


def rebuild_all(warehouse: Warehouse, spans: Sequence[Span]) -> Iterator[Step]:
    """Every mart, each after those it reads, over one connection; first the gates, once for all marts."""
    gates = Gates(warehouse)
    with warehouse.connected():
        began = time.perf_counter()
        skipped = {mart.table.name: why for mart in marts() if (why := never_pulled(warehouse, mart))}
        asked = {gate: None for mart in marts() if mart.table.name not in skipped for gate in mart.gates}
        for span in spans:
            for days in span.cut(at_most=warehouse.days_at_once(DAYS_AT_ONCE)):
                gates.blocked(tuple(asked), days)
        yield Step("which days may pass", time.perf_counter() - began)
        for mart in marts():
            began = time.perf_counter()
            if mart.table.name in skipped:
                yield Step(mart.table.name, 0, skipped=skipped[mart.table.name])
            elif mart.table.view_of:
                yield Step(mart.table.name, 0, skipped="a view")
            elif not mart.is_daily:
                rows = rebuild_whole(warehouse, mart)
                yield Step(mart.table.name, time.perf_counter() - began, rows)
            else:
                rebuilt = Rebuilt()
                for span in spans:
                    of_span = rebuild_days(warehouse, mart, span, gates)
                    rebuilt.add(of_span.rows, of_span.blocked)
                yield Step(mart.table.name, time.perf_counter() - began, rebuilt.rows, rebuilt.blocked)


def rebuild_whole(warehouse: Warehouse, mart: Mart) -> int | None:
    """Replace a mart without days; how many rows it has then, or None where the engine does not report it."""
    refuse_other_columns(mart)
    return warehouse.fill_all(mart.table, mart.query)


def money_of(table: Table) -> str | None:
    """The amount that a mart is about: its first one. None where its rows hold one dollar several times, once in each
    scope.
    """
    if "scope" in table.columns:
        return None
    return next((name for name in table.columns if name.endswith("_usd")), None)


def _note_rows(context: dg.AssetExecutionContext, asset: str, rows: int | None) -> None:
    note(context, asset, None, **({} if rows is None else {"dagster/row_count": rows}))


def _note_days(context: dg.AssetExecutionContext, warehouse: Warehouse, table: Table, span: Span) -> None:
    money = money_of(table)
    days = warehouse.ask(
        f"select {table.date_column} as day, count(*) as row_count"
        f"{f', sum({money}) as total' if money else ''} from {table.address} "
        f"where {table.date_column} between @first_day and @last_day group by day order by day",
        first_day=span.first,
        last_day=span.last,
    )
    for day, row_count, *total in days.iter_rows():
        amounts = {money: total[0]} if money else {}
        note(context, f"marts/{table.name}", day, **amounts, **{"dagster/partition_row_count": row_count})
