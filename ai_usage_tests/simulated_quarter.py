"""A quarter of the simulated company, pulled once from every provider. The sheet's figures, invoices and seats are the
simulator's true amounts, rounded to cents as on a console and an invoice.
"""

import csv
import functools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from unittest.mock import patch

import dagster as dg
from dagster._core.definitions.partitions.definition.time_window import TimeWindowPartitionsDefinition

from ai_usage import simulated
from ai_usage.partitions import DAYS, Span
from ai_usage.settings import settings
from ai_usage.simulator import Simulator, claude_days
from ai_usage.simulator.cursor_events import CENT
from ai_usage_tests.outcome import Outcome
from ai_usage_tests.platform import Platform, whatever_makes

QUARTER = Span(date(2026, 7, 1), date(2026, 9, 30))
PULLED = Span(QUARTER.first, date(2026, 10, 2))  # up to the end of Cursor's last cycle that begins in the quarter
AT = datetime(2026, 11, 12, 12, tzinfo=UTC)  # by then every day is final
LATER = datetime(2026, 12, 1, 12, tzinfo=UTC)
RESTATED_AFTER = timedelta(days=100)
COMPANY = functools.partial(Simulator, cursor_scale=0.05)
SEATS = {"anthropic": ("Enterprise", 90, 60), "cursor": ("Teams", 60, 40), "openai": ("ChatGPT Business", 40, 25)}
TABS = {
    "console_figures": "provider period_start period_end amount_usd covers source",
    "invoices": "provider invoice_id period amount covers",
    "seats": "provider plan seats seat_price_usd valid_from",
}
MADE = whatever_makes(
    *(f"marts/{name}" for name in ("month_close", "closed_month_changes", "billed_by_kind")),
    *("core/openai_daily_cost", "core/gemini_daily_cost"),
).without_checks()
# A close does not depend on who spent it.
MADE -= dg.AssetSelection.assets("raw/claude_analytics_cost", "core/claude_analytics_costs")
KINDS = ("usage", "seats", "credits", "tax")
Period = tuple[date, date]  # the end is exclusive


def cycles() -> list[Period]:
    """Cursor's cycles that begin in the quarter, from the 3rd to the 3rd."""
    return [(date(2026, month, 3), date(2026, month + 1, 3)) for month in (7, 8, 9)]


def months() -> list[Period]:
    return [(date(2026, month, 1), date(2026, month + 1, 1)) for month in (7, 8, 9)]


def truth(provider: str, kind: str, day: date, at: datetime = AT) -> Decimal:
    """The cost of a day, by kind, as the provider reports it at an instant, without the sheet's seats."""
    known = COMPANY(now=at)
    if provider == "google":
        rows = known.google_day(day)
        amounts = {
            "usage": (row.usd for row in rows.ai_rows if not row.subscription),
            "seats": (row.usd for row in rows.ai_rows if row.subscription),
            "credits": (row.credits_usd for row in rows.ai_rows),
            "tax": (row.usd for row in rows.rows if row.cost_type == "tax"),
        }
        return sum(amounts[kind], Decimal())
    if provider == "openai" and kind in {"usage", "credits"}:
        granted = sum((line.usd or Decimal() for line in known.openai_day(day).credits), Decimal())
        return granted if kind == "credits" else known.openai_day(day).total_usd - granted
    if kind != "usage":
        return Decimal()
    if provider == "anthropic":
        return known.day(day).total_cents / 100
    return Decimal(sum(event.charged for event in known.cursor_day(day).events if event.is_chargeable)) / CENT / 100


def billed(provider: str, kind: str, period: Period, at: datetime = AT) -> Decimal:
    """The true cost of a period, unrounded."""
    days = Span(period[0], period[1] - timedelta(days=1)).days
    return sum((truth(provider, kind, day, at) for day in days), Decimal())


@dataclass
class Tabs:
    """The sheet: rows of its tabs, in a folder of CSV files."""

    folder: Path
    rows: dict[str, list[list[object]]]

    def lines(self, invoice: str) -> list[list[object]]:
        return [row for row in self.rows["invoices"] if row[1] == invoice]

    def forget(self, tab: str, *first_cells: object) -> None:
        """Removes the rows that begin with these cells."""
        self.rows[tab] = [row for row in self.rows[tab] if tuple(row[: len(first_cells)]) != first_cells]

    def write(self) -> None:
        for tab, header in TABS.items():
            with (self.folder / f"{tab}.csv").open("w", encoding="utf-8", newline="") as file:
                csv.writer(file).writerows([header.split(), *self.rows[tab]])


def truthful(folder: Path) -> Tabs:
    """A sheet without a mistake. Cursor has invoices of its cycles, and no figure; OpenAI's are after credits."""
    tabs = Tabs(folder, {tab: [] for tab in TABS})
    for provider, (plan, count, price) in SEATS.items():
        tabs.rows["seats"].append([provider, plan, count, price, "2026-01-01"])
    for provider in ("anthropic", "cursor", "google", "openai"):
        for month, period in zip(months(), cycles() if provider == "cursor" else months(), strict=True):
            usd = {kind: billed(provider, kind, period) for kind in KINDS}
            if provider in SEATS:
                _, count, price = SEATS[provider]
                tabs.rows["invoices"].append(_line(provider, month, "seats", Decimal(count * price)))
                del usd["seats"]
            if provider == "openai":
                usd |= {"usage": usd["usage"] + usd["credits"], "credits": Decimal()}
            for kind, amount in usd.items():
                if amount:
                    tabs.rows["invoices"].append(_line(provider, period, kind, amount))
            if provider != "cursor":
                shown = round(usd["usage"] + usd["credits"], 2)
                tabs.rows["console_figures"].append([provider, *period, shown, "usage", "console"])
    return tabs


def _line(provider: str, period: Period, covers: str, usd: Decimal) -> list[object]:
    return [provider, f"{provider[:2].upper()}-{period[0]:%Y%m}", "/".join(map(str, period)), round(usd, 2), covers]


def pulled(
    platform: Platform, tabs: Tabs, at: datetime, span: Span, *, but: dg.AssetSelection | None = None
) -> Outcome:
    """Pull these days of all providers, and the sheet, at an instant, and build what a close needs."""
    tabs.write()
    platform.warehouse.now.at = at
    of = replace(settings(), simulate=True, sheet_id=f"csv:{tabs.folder}", fixed_now=at)
    with (
        days_since(QUARTER.first),
        patch.object(simulated, "Simulator", COMPANY),
    ):
        return platform.refresh(of, span, only=MADE - but if but else MADE)


@contextmanager
def restates_late() -> Iterator[None]:
    """The provider restates much later than documented: after the close."""
    with patch.object(claude_days, "RESTATED_AFTER", RESTATED_AFTER):
        yield


@contextmanager
def days_since(first: date) -> Iterator[None]:
    """The partitions begin on `first`; those of other tests begin later."""
    start = type(DAYS.start_ts)(datetime(first.year, first.month, first.day, tzinfo=UTC).timestamp(), "UTC")
    with patch.object(dg.DailyPartitionsDefinition, "start_ts", start):
        _forget()
        yield
    _forget()


def _forget() -> None:
    """Clears Dagster's caches of the first day."""
    vars(DAYS).clear()
    for remembered in vars(TimeWindowPartitionsDefinition).values():
        if clear := getattr(remembered, "cache_clear", None):
            clear()
