"""The sheet's tab about invoices: what each provider billed for the last month that is over, line by line.

Amounts are the truth of the simulated days, rounded to cents as an invoice has them. Usage is billed for the provider's
own cycle, seats for the calendar month. Google's invoice has credits and tax on lines of their own.
"""

from datetime import date, datetime
from decimal import Decimal

from ai_usage.simulator.claude_days import SETTLED_AFTER, ClaudeDays
from ai_usage.simulator.cursor_calendar import cycle, days_between
from ai_usage.simulator.cursor_days import CursorDays
from ai_usage.simulator.google_days import DELAY as GOOGLE_SETTLED_AFTER
from ai_usage.simulator.google_days import GoogleDays
from ai_usage.simulator.openai_days import SETTLED_AFTER as OPENAI_SETTLED_AFTER
from ai_usage.simulator.openai_days import OpenAiDays
from ai_usage.simulator.sheet_cells import Value
from ai_usage.simulator.sheet_money import (
    ONE_DAY,
    REPORTED_AFTER,
    Period,
    cents,
    claude_usd,
    cursor_usd,
    halves,
    openai_usd,
)
from ai_usage.simulator.sheet_rows import TabRows, money_cell

COLUMNS = "provider account invoice_id period amount currency covers line note"
USD = "USD"


def invoices(claude: ClaudeDays, cursor: CursorDays, openai: OpenAiDays, google: GoogleDays, at: datetime) -> TabRows:
    """Of Cursor the last cycle, of the others the last month of days that no longer move."""
    tab = TabRows("invoices", COLUMNS)
    month = _last_month((at - SETTLED_AFTER).date())
    if usd := sum(claude_usd(claude, month, at).values(), Decimal()):
        _line(tab, "Claude", month, "usage", cents(usd), provider="anthropic")
    today = (at - REPORTED_AFTER).date()
    period = halves(cycle(today)[0], today)[0]
    if usd := cursor_usd(cursor, period, at):
        _line(tab, "cursor", period, "usage", cents(usd), note="the cycle")
    month = _last_month((at - OPENAI_SETTLED_AFTER).date())
    if usd := openai_usd(openai, month, at):
        _line(tab, "openai", month, "usage", cents(usd))
    month = _last_month((at - GOOGLE_SETTLED_AFTER).date())
    for covers, usd in _google_usd(google, month, at).items():
        if usd:
            _line(tab, "google", month, covers, cents(usd))
    tab.leave_blank()
    number = f"IN-{month[0]:%Y%m}"
    tab.reject(["openai", None, number, f"{month[0]:%Y-%m}", "€12", "EUR", "usage"], "amount has a currency")
    tab.reject(["openai", None, number, f"{month[0]:%Y-%m}", 12, USD, "shipping"], "covers is none of the kinds")
    tab.reject(["openai", None, number, f"{month[0]:%Y-%m}", 12, USD, "credits"], "amount of a credit is positive")
    return tab


def _line(
    tab: TabRows, written: str, period: Period, covers: str, usd: Decimal, *, provider: str = "", note: str = ""
) -> None:
    first, end = period
    is_month = first.day == 1 and end.day == 1
    shown = f"{first:%Y-%m}" if is_month else f"{first}/{end}"
    number = f"{(provider or written)[:2].upper()}-{first:%Y%m}"
    row: list[Value] = [written, None, number, shown, money_cell(usd), USD, covers, None, note or None]
    tab.keep(row, {"provider": provider or written, "amount": usd})


def _last_month(before: date) -> Period:
    return halves(before.replace(day=1), before)[0]


def _google_usd(google: GoogleDays, period: Period, at: datetime) -> dict[str, Decimal]:
    """By what the lines cover; Code Assist's fee is seats."""
    days = [google.visible(day, at) for day in days_between(period[0], period[1] - ONE_DAY)]
    rows = [row for day in days for row in day.ai_rows]
    return {
        "usage": sum((row.usd for row in rows if not row.subscription), Decimal()),
        "seats": sum((row.usd for row in rows if row.subscription), Decimal()),
        "credits": sum((row.credits_usd for row in rows), Decimal()),
        "tax": sum((row.usd for day in days for row in day.rows if row.cost_type == "tax"), Decimal()),
    }
