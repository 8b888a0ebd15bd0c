"""`make demo`: a month pulled, checked and built in the embedded warehouse, and a summary a manager understands."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from rich.markup import escape
from rich.table import Table as Grid

from ai_usage.automation.warehouse_resource import asked_warehouse
from ai_usage.commands.dashboards import tell_where, write_all
from ai_usage.commands.data_folder import prepare_instance
from ai_usage.commands.refresh import Outcome, print_not_evaluated, print_troubles, refresh
from ai_usage.commands.terminal import OUT
from ai_usage.partitions import Span
from ai_usage.places import COMMAND
from ai_usage.providers.registry import PROVIDERS
from ai_usage.providers.summary import Shares, usd_text
from ai_usage.settings import Settings, demo_span_start
from ai_usage.warehouse.open import place_of, shown_to_readers
from ai_usage.warehouse.origin import is_simulated

SUMMARIES = ("spend", "by_platform", "by_team", "by_person")


def run(of: Settings, _: Sequence[str]) -> int:
    prepare_instance(of)
    last = of.yesterday()
    span = Span(max(of.start_date, demo_span_start(last)), last)
    OUT.print(f"Pulling {len(span.days)} days, {span.first} to {span.last}, into {place_of(of)}")
    outcome = refresh(of, span)

    warehouse = asked_warehouse(of)
    period = {"first_day": span.first, "last_day": span.last}
    with warehouse.connected():
        found = {name: warehouse.query(f"summary/{name}", **period).to_dicts() for name in SUMMARIES}
        is_marked = is_simulated(warehouse)
        of_providers = [part for provider in PROVIDERS for part in provider.summary(warehouse, span)]
    OUT.print()
    [spend] = found["spend"]
    if not of_providers and not spend["billed_usd"]:
        _trust(outcome)
        print_troubles(outcome)
        print_not_evaluated(outcome)
        OUT.print("Nothing was pulled, so there is nothing to summarize.")
        return 1
    title = "AI usage, SIMULATED DATA from the built-in providers" if is_marked else "AI usage"
    OUT.rule(f"[bold]{title}[/]")
    if spend["billed_usd"]:
        _spend(spend, len(span.days), f"{span.first} to {span.last}")
        for title, name in (("By platform", "by_platform"), ("By team", "by_team"), ("Top people", "by_person")):
            OUT.print(_shares(Shares(title, found[name], spend["billed_usd"])))
    for part in of_providers:
        OUT.print(_shares(part) if isinstance(part, Shares) else part, soft_wrap=isinstance(part, str))
    _trust(outcome)
    print_troubles(outcome)
    print_not_evaluated(outcome)
    OUT.rule()
    list(write_all(warehouse, of))  # again: the results of the run's own checks are known now
    tell_where(of)
    OUT.print(f"Look around: [bold]{COMMAND} ui[/] · any SQL tool, read-only: {shown_to_readers(of)}", soft_wrap=True)
    return 0 if outcome.is_good else 1


def _spend(spend: dict[str, Any], days: int, period: str) -> None:
    billed = spend["billed_usd"]
    OUT.print(f"Billed for AI tools [bold green]{usd_text(billed)}[/] in {days} days, {period}, seats included")
    known = (spend["attributed_usd"] or Decimal(0)) / billed
    OUT.print(
        f"  {known:.0%} is attributed to {spend['people']} people · "
        f"{usd_text(spend['provisional_usd'] or 0)} is provisional: the providers may still restate it",
        soft_wrap=True,
    )


def _shares(of: Shares) -> Grid:
    grid = Grid(title=of.title, title_justify="left", title_style="bold", show_header=False, box=None, pad_edge=False)
    grid.add_column(min_width=30)
    grid.add_column(justify="right", min_width=12)
    grid.add_column(justify="right")
    grid.add_column()
    for row in of.rows:
        share = row["cost_usd"] / of.total_usd if of.total_usd else Decimal(0)
        grid.add_row(f"  {escape(row['label'])}", usd_text(row["cost_usd"]), f"{share:.1%}", "█" * int(share * 40))
    return grid


def _trust(outcome: Outcome) -> None:
    color = "green" if outcome.is_good else "red"
    OUT.print(f"[bold]Check results[/]  [{color}]{outcome.summary}[/], each check evaluated day by day", soft_wrap=True)
    OUT.print(f"[bold]Requests[/]  {outcome.requests.total()} to the providers")
