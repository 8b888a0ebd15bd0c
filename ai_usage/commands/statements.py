"""`make statements MONTH=…`: a showback statement of a month for each team and each cost center, and one of the whole
company that they add up to, as pages to print and as CSV.

Exit code 1 if days of the month were never pulled, or are blocked: their cost is not in it.
"""

import shutil
from collections.abc import Sequence
from pathlib import Path

from rich.markup import escape

from ai_usage.automation.warehouse_resource import asked_warehouse
from ai_usage.commands.coverage import print_gaps, pulled
from ai_usage.commands.export_focus import FOLDER, nameless
from ai_usage.commands.months import month_span
from ai_usage.commands.showback import SCOPES, Statement, marks_of, statements_of
from ai_usage.commands.statement_pages import page
from ai_usage.commands.terminal import ERR, OUT
from ai_usage.commands.typed import parser
from ai_usage.dashboards.all_boards import harmless
from ai_usage.errors import WarehouseError
from ai_usage.partitions import Span
from ai_usage.settings import Settings
from ai_usage.warehouse.lock_files import alone_in
from ai_usage.warehouse.origin import is_simulated

FRESH, BEFORE = "fresh", "before"  # in the hidden folder beside: the statements being written, and those replaced
LINES = """
with lines as (
    select
        spend.provider,
        coalesce(platforms.service_name, spend.platform) as service,
        spend.charge_type,
        spend.attribution_method,
        spend.status,
        coalesce(spend.team_name, 'no team') as team,
        coalesce(spend.cost_center, 'no cost center') as cost_center,
        spend.billed_usd
    from ai_usage_analytics.ai_spend as spend
    left join ai_usage_analytics.dim_platform as platforms on spend.platform = platforms.platform
    where
        spend.spend_date between @first_day and @last_day
        and spend.billed_usd is not null
)

select
    provider,
    service,
    charge_type,
    attribution_method,
    status,
    team,
    cost_center,
    sum(billed_usd) as billed_usd
from lines
group by provider, service, charge_type, attribution_method, status, team, cost_center
order by provider, service, charge_type, attribution_method, status, team, cost_center
"""
CLOSES = """
select
    provider,
    status,
    status_reason,
    closed_at,
    closed_by_email,
    changed_since_close_usd,
    days_blocked
from ai_usage_analytics.month_close
where month = @month
order by provider
"""


def run(of: Settings, argv: Sequence[str]) -> int:
    arguments = parser("statements", __doc__)
    arguments.add_argument("month", nargs="?", default="", help="MONTH, such as 2026-01; else yesterday's")
    text = arguments.parse_args(argv).month or f"{of.yesterday():%Y-%m}"
    month = month_span(text)
    warehouse = asked_warehouse(of)
    over = Span(month.first, max(month.first, min(month.last, of.yesterday())))
    with warehouse.connected():
        lines = nameless(warehouse, warehouse.ask(LINES, first_day=month.first, last_day=month.last))
        closes = nameless(warehouse, warehouse.ask(CLOSES, month=text)).to_dicts()
        coverage, simulated = pulled(warehouse, over), bool(is_simulated(warehouse))
    if lines.is_empty():
        print_gaps(of, coverage, over)
        ERR.print(f"Nothing was billed in {text}, or no day of it was built: nothing was written.")
        return 1
    lacking = [name for name, days in coverage.items() if len(days) < len(over.days)]
    marks = marks_of(lines, closes, is_over=month.last <= of.yesterday(), lacking=lacking)
    statements = statements_of(text, lines, marks, is_simulated=simulated)
    folder = write_all(statements, of.data_dir / FOLDER, f"statements_{text}{'_SIMULATED' if simulated else ''}")
    _print(statements, folder)
    is_whole = print_gaps(of, coverage, over)
    return 0 if is_whole and not any(row["days_blocked"] for row in closes) else 1


def write_all(statements: Sequence[Statement], exports: Path, name: str) -> Path:
    """Write a page and a CSV file of each statement into a separate folder: all of them, or the earlier ones stay. The
    next run finishes or removes what a killed one left.
    """
    folder, hidden = exports / name, exports / f".{name}"
    try:
        exports.mkdir(parents=True, exist_ok=True)
        with alone_in(exports):
            _put_right(folder, hidden)
            fresh = hidden / FRESH
            fresh.mkdir(parents=True)
            try:
                for statement in statements:
                    (fresh / f"{statement.file}.html").write_text(page(statement), encoding="utf-8")
                    harmless(statement.table).write_csv(fresh / f"{statement.file}.csv")
                if folder.exists():
                    folder.rename(hidden / BEFORE)
                fresh.rename(folder)
            finally:
                _put_right(folder, hidden)
    except OSError as error:
        raise WarehouseError(f"{folder} cannot be written ({error.strerror or error}).") from error
    return folder


def _put_right(folder: Path, hidden: Path) -> None:
    """The folder is the new one, or else the one of before; nothing hidden is left."""
    if not folder.exists() and (hidden / BEFORE).exists():
        (hidden / BEFORE).rename(folder)
    if hidden.exists():
        shutil.rmtree(hidden)


def _print(statements: Sequence[Statement], folder: Path) -> None:
    company = statements[0]
    if company.is_simulated:
        OUT.rule("[bold red]SIMULATED DATA from the built-in providers: no real money[/]")
    count = ", ".join(f"{sum(of.scope == scope for of in statements)} {name}" for scope, name in SCOPES.items())
    total = company.table["billed_usd"].sum()
    OUT.print(f"{company.month}: {count}; together [bold]${total:,.2f}[/] (exactly {total} USD)", soft_wrap=True)
    for mark in company.marks:
        OUT.print(f"[yellow]{escape(mark)}[/]", soft_wrap=True)
    OUT.print(f"Written to {folder}", soft_wrap=True)
