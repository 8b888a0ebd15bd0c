"""`make marts [FROM=… TO=…]`: every mart again, from core as it stands, without asking a vendor. After a change of SQL,
or of core. Days held back keep their last good version, as in a run of the graph.
"""

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date

from ai_usage.commands.backfill import asked_day, refuse_days_outside
from ai_usage.commands.shell import OUT
from ai_usage.definitions import duckdb_warehouse
from ai_usage.errors import SettingError
from ai_usage.marts.files import marts
from ai_usage.marts.rebuild import DAYS_AT_ONCE, HeldDays, Judge, never_pulled, rebuild_days, rebuild_whole, rows_of
from ai_usage.partitions import Span, runs_of_days
from ai_usage.settings import Settings
from ai_usage.warehouse.port import Warehouse

PULLED_DAYS = "select distinct activity_date from ai_usage_raw.pulls where activity_date is not null"


@dataclass(frozen=True)
class Step:
    """What became of one mart, or of asking which days may pass."""

    name: str
    seconds: float
    rows: int | None = None  # in the days asked for; None where nothing was written, as of a view
    held: HeldDays = field(default_factory=dict)
    skipped: str = ""


def run(of: Settings, argv: Sequence[str]) -> int:
    arguments = argparse.ArgumentParser(prog="make marts", description=__doc__)
    arguments.add_argument("first", nargs="?", default="", help="FROM, the first UTC day; else the first ever pulled")
    arguments.add_argument("last", nargs="?", default="", help="TO, the last UTC day, included; else the last pulled")
    asked = arguments.parse_args(argv)
    first = asked_day("FROM", asked.first) if asked.first else None
    last = asked_day("TO", asked.last) if asked.last else None
    refuse_days_outside(of, first, last)
    warehouse = duckdb_warehouse(of)
    began = time.perf_counter()
    steps = []
    with warehouse.connected():
        spans = spans_asked(warehouse, first, last)
        try:
            for step in rebuild_all(warehouse, spans):
                steps.append(step)
                what = step.skipped or ("" if step.rows is None else f"{step.rows:,} rows")
                OUT.print(f"  · {step.name:<32}{what:>18}{step.seconds:>9.2f} s", soft_wrap=True)
        finally:
            warehouse.publish()
    days = sum(len(span.days) for span in spans)
    OUT.print(
        f"{days} days, {spans[0].first} to {spans[-1].last} · {time.perf_counter() - began:.2f} s with publishing"
    )
    return tell_held(steps)


def spans_asked(warehouse: Warehouse, first: date | None, last: date | None) -> list[Span]:
    """The days from one to another; all that were ever pulled, where neither is told."""
    pulled = warehouse.ask(PULLED_DAYS)["activity_date"].sort().to_list()
    if not pulled:
        raise SettingError("Nothing was pulled yet, so there is nothing to build from: make backfill, or make demo.")
    if first is None and last is None:
        return list(runs_of_days(pulled))
    first, last = first or pulled[0], last or pulled[-1]
    if last < first:
        raise SettingError(f"FROM={first} is after TO={last}; days pulled are {pulled[0]} to {pulled[-1]}.")
    return [Span(first, last)]


def rebuild_all(warehouse: Warehouse, spans: Sequence[Span]) -> Iterator[Step]:
    """Every mart, each after those it reads, over one connection; first the claims, once for all marts."""
    judge = Judge(warehouse)
    with warehouse.connected():
        began = time.perf_counter()
        skipped = {mart.table.name: why for mart in marts() if (why := never_pulled(warehouse, mart))}
        holdings = {by: None for mart in marts() if mart.table.name not in skipped for by in mart.held_by}
        for span in spans:
            for days in span.cut(at_most=DAYS_AT_ONCE):
                judge.held(tuple(holdings), days)
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
                held = {day: said for of in spans for day, said in rebuild_days(warehouse, mart, of, judge).items()}
                rows = sum(rows_of(warehouse, mart, span) for span in spans)
                yield Step(mart.table.name, time.perf_counter() - began, rows, held)


def tell_held(steps: Sequence[Step]) -> int:
    """Which days kept their last good version, where, and why. The command's exit code: 1 if any did."""
    marts_of: dict[tuple[str, tuple[date, ...]], list[str]] = {}
    for step in steps:
        days_of: dict[str, list[date]] = {}
        for day, claims in step.held.items():
            days_of.setdefault(", ".join(dict.fromkeys(claims)), []).append(day)
        for why, days in days_of.items():
            marts_of.setdefault((why, tuple(sorted(days))), []).append(step.name)
    for (why, held), names in marts_of.items():
        told = ", ".join(map(str, runs_of_days(held)))
        OUT.print(
            f"[yellow]✗ {told}[/] held back by {why}: the last good version stays in {', '.join(names)}", soft_wrap=True
        )
    return 1 if marts_of else 0
