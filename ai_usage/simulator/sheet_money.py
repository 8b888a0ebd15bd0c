"""The sheet's tabs about money: what the providers' consoles showed, what is planned, and what seats cost.

Figures are the truth of the simulated days, rounded to cents as a console shows them.
"""

from collections import defaultdict
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from ai_usage.simulator.claude_days import SETTLED_AFTER, ClaudeDays, version
from ai_usage.simulator.cursor_calendar import cycle, days_between, settled
from ai_usage.simulator.cursor_days import CursorDays
from ai_usage.simulator.cursor_events import CENT, TOKENS_SINCE
from ai_usage.simulator.cursor_team import TEAM_SINCE
from ai_usage.simulator.google_days import DELAY as GOOGLE_SETTLED_AFTER
from ai_usage.simulator.google_days import GoogleDays
from ai_usage.simulator.openai_company import WORKSPACE_SINCE, Company
from ai_usage.simulator.openai_days import SETTLED_AFTER as OPENAI_SETTLED_AFTER
from ai_usage.simulator.openai_days import OpenAiDays
from ai_usage.simulator.openai_days import version as openai_version
from ai_usage.simulator.organization import Organization
from ai_usage.simulator.sheet_cells import Formula, Shown, Value
from ai_usage.simulator.sheet_people import UNCLEAR_DATE
from ai_usage.simulator.sheet_rows import HOSTILE, TabRows, day_cell, day_name, money_cell

ONE_DAY = timedelta(days=1)
TEAM_PLAN = date(2024, 3, 1)
ENTERPRISE_PLAN = date(2025, 11, 1)
CURSOR_SEAT = Decimal("40.00")
CHATGPT_SEAT = Decimal("25.00")
BY_FIVES = 5
SOURCES = {
    "anthropic": "Console > Cost",
    "cursor": "Dashboard > Spending: on-demand usage, seats apart",
    "openai": "Platform > Usage > Costs",
    "google": "Billing > Reports: Gemini API and Vertex AI models, by UTC day, after credits, before tax",
}
CONSOLE = SOURCES["anthropic"]
REPORTED_AFTER = timedelta(hours=2)  # a day's end, Cursor has all of it
TEAM_BUDGETS = {"Platform": 12000, "Data": 5000, "Web": 2500, "Support": 3000}

Period = tuple[date, date]  # the end is exclusive


def console_figures(
    claude: ClaudeDays, cursor: CursorDays, openai: OpenAiDays, google: GoogleDays, at: datetime
) -> TabRows:
    """Last month and this one, of Cursor the last cycle and this one: of days that no longer move."""
    tab = TabRows("console_figures", "provider period_start period_end workspace_id amount_usd source note")
    before = (at - SETTLED_AFTER).date()
    for n, period in enumerate(halves(before.replace(day=1), before)):
        spaces = claude_usd(claude, period, at)
        if not spaces:
            continue
        total = sum(spaces.values(), Decimal())
        _whole_company(tab, "anthropic", period, cents(total), as_text=n == 0)
        for space, usd in spaces.items():
            cells: list[Value] = ["claude", *map(day_cell, period), space, money_cell(cents(usd)), CONSOLE]
            tab.keep(cells, {"provider": "anthropic"})
    tab.leave_blank()
    today = (at - REPORTED_AFTER).date()
    for n, period in enumerate(halves(cycle(today)[0], today)):
        if usd := cursor_usd(cursor, period, at):
            _whole_company(tab, "cursor", period, cents(usd), as_text=n == 1)
    first, last = map(day_cell, halves(before.replace(day=1), before)[0])
    tab.reject(["anthropic", first, last, None, "n/a", CONSOLE, "Asked, no answer yet"], "amount_usd is no number")
    tab.reject(["anthropic", UNCLEAR_DATE, last, None, 1200, CONSOLE], "period_start is March 4 or April 3")
    settled_day = (at - OPENAI_SETTLED_AFTER).date()
    for period in halves(settled_day.replace(day=1), settled_day):
        if usd := openai_usd(openai, period, at):
            _whole_company(tab, "openai", period, cents(usd), as_text=False)
    corrected_day = (at - GOOGLE_SETTLED_AFTER).date()
    for period in halves(corrected_day.replace(day=1), corrected_day):
        if usd := _google_usd(google, period, at):
            _whole_company(tab, "google", period, cents(usd), as_text=False)
    return tab


def _whole_company(tab: TabRows, provider: str, period: Period, usd: Decimal, *, as_text: bool) -> None:
    """One row, either of proper cells or of what people type."""
    meant = {"provider": provider, "period_start": period[0], "period_end": period[1], "amount_usd": usd}
    source = SOURCES[provider]
    if as_text:
        dates = (day_name(period[0]), period[1].isoformat())
        amount = f"${usd:,.2f}" if provider == "anthropic" else f" {usd:,.2f} "
        tab.keep([f" {provider.title()} ", *dates, "", amount, source, HOSTILE[1], "from the PDF"], meant)
    else:
        tab.keep([provider, *map(day_cell, period), None, money_cell(usd), source], meant)


def halves(this: date, before: date) -> list[Period]:
    """The span before the one that begins on `this`, and as much of that one as lies before a day."""
    last = this - ONE_DAY
    began = last.replace(day=this.day)
    if began > last:
        began = (began.replace(day=1) - ONE_DAY).replace(day=this.day)
    return [(began, this), *([(this, before)] if this < before else [])]


def claude_usd(claude: ClaudeDays, period: Period, at: datetime) -> dict[str, Decimal]:
    """By workspace."""
    by_space: dict[str, Decimal] = defaultdict(Decimal)
    for day in days_between(period[0], period[1] - ONE_DAY):
        for (space, _), line in claude.visible(day, version(day, at)).cost_lines.items():
            by_space[space] += line
    return {space: line / 100 for space, line in sorted(by_space.items()) if line}


def cursor_usd(cursor: CursorDays, period: Period, at: datetime) -> Decimal:
    """What the chargeable events cost, those of service accounts too."""
    days = days_between(period[0], period[1] - ONE_DAY)
    charged = sum(one.chargeable for day in days for one in cursor.spend(day, settled(at)).values())
    return Decimal(charged) / CENT / 100


def openai_usd(openai: OpenAiDays, period: Period, at: datetime) -> Decimal:
    days = days_between(period[0], period[1] - ONE_DAY)
    return sum((openai.visible(day, openai_version(day, at)).total_usd for day in days), Decimal())


def _google_usd(google: GoogleDays, period: Period, at: datetime) -> Decimal:
    days = days_between(period[0], period[1] - ONE_DAY)
    return sum((google.visible(day, at).usage_usd for day in days), Decimal())


def cents(usd: Decimal) -> Decimal:
    return usd.quantize(Decimal("0.01"))


def budgets(at: datetime) -> TabRows:
    """The month before, this one and the two to come."""
    tab = TabRows("budgets", "month scope scope_name amount_usd")
    this = at.date().replace(day=1)
    months = [(this - ONE_DAY).replace(day=1), this]
    for _ in range(2):
        months.append((months[-1] + timedelta(days=32)).replace(day=1))
    for n, first in enumerate(months):
        month: Value = f"{first:%Y-%m}"
        means = {"month": month}
        if n == 1:  # typed as 2026-11, taken for a date
            month = Shown(first, f"{first:%Y-%m}")
        tab.keep([month, "total", "", money_cell(Decimal(30000 + 1000 * n))], means)
        tab.keep([month, "provider", "anthropic", "24,500.50"], means | {"amount_usd": Decimal("24500.50")})
        tab.keep([month, "provider", "cursor", Formula("=70*40+2200", 5000, "5,000.00")], means)
        tab.keep([month, "provider", "openai", money_cell(Decimal(5000))], means)
        tab.keep([month, "provider", "google", money_cell(Decimal(2500))], means)
        for team, usd in TEAM_BUDGETS.items():
            tab.keep([month, "team", team, usd], means)
        tab.keep([month, "team", "Mobile", "$1,200", HOSTILE[n % 3]], means | {"amount_usd": Decimal(1200)})
        tab.leave_blank()
    tab.reject([f"{this:%Y-%m}", "team", "Security", "n/a"], "amount_usd is no number")
    return tab


def seats(organization: Organization, cursor: CursorDays, company: Company, at: datetime) -> TabRows:
    """What was bought from when until when, `valid_to` exclusive; nothing that is yet to begin."""
    tab = TabRows("seats", "provider plan seat_price_usd seats valid_from valid_to")
    for provider, plan, price, first, following in (
        ("anthropic", "Team", Decimal("30.00"), TEAM_PLAN, ENTERPRISE_PLAN),
        ("anthropic", "Enterprise", Decimal("60.00"), ENTERPRISE_PLAN, None),
        ("cursor", "Business", CURSOR_SEAT, TEAM_SINCE.date(), TOKENS_SINCE),
        ("cursor", "Teams", CURSOR_SEAT, TOKENS_SINCE, None),
        ("openai", "ChatGPT Business", CHATGPT_SEAT, WORKSPACE_SINCE.date(), None),
    ):
        if first > at.date():
            continue
        ended = following if following and following <= at.date() else None
        until = datetime.combine(ended, time(), UTC) if ended else at
        count = company.seats(until) if provider == "openai" else _purchased(provider, organization, cursor, until)
        price_cell: Value = Shown(price, f"${price}") if ended is None else f"${price}"
        dates: list[Value] = [first.isoformat() if ended else day_cell(first), ended.isoformat() if ended else None]
        tab.keep(
            [provider, plan, price_cell, count, *dates],
            {"seat_price_usd": price, "valid_from": first, "valid_to": ended},
        )
    tab.leave_blank()
    tab.reject(["cursor", "Teams", CURSOR_SEAT, 5, UNCLEAR_DATE], "valid_from is March 4 or April 3")
    return tab


def _purchased(provider: str, organization: Organization, cursor: CursorDays, at: datetime) -> int:
    """Cursor's seats are purchased by fives, one for whoever ever joined, and never given back: some have no member."""
    if provider == "anthropic":
        return sum(person.present(at) for person in organization.people)
    joined = sum(seat.joined_at <= at and seat.role != "free-owner" for seat in cursor.team.seats)
    return -(-joined // BY_FIVES) * BY_FIVES
