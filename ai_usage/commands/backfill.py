"""`make backfill FROM=… TO=…`: pull a range of days from every source, then build and check them."""

from collections.abc import Sequence
from datetime import date

from ai_usage.commands.data_folder import prepare_instance
from ai_usage.commands.refresh import Outcome, print_not_evaluated, print_troubles, refresh
from ai_usage.commands.terminal import OUT
from ai_usage.commands.typed import parser
from ai_usage.errors import SettingError
from ai_usage.partitions import Span
from ai_usage.settings import Settings
from ai_usage.warehouse.data_origin import shows_simulated_data


def run(of: Settings, argv: Sequence[str]) -> int:
    arguments = parser("backfill", __doc__)
    arguments.add_argument("first", nargs="?", default="", help="FROM, the first UTC day; else the start date")
    arguments.add_argument("last", nargs="?", default="", help="TO, the last UTC day, included; else yesterday")
    asked = arguments.parse_args(argv)
    span = asked_span(of, asked.first or str(of.start_date), asked.last or str(of.yesterday()))
    prepare_instance(of)
    return tell_outcome(of, refresh(of, span), len(span.days))


def tell_outcome(of: Settings, outcome: Outcome, days: int) -> int:
    """Print the results of the runs. Returns the command's exit code."""
    if shows_simulated_data(of):
        OUT.rule("[bold red]SIMULATED DATA from the built-in providers: no real money[/]")
    OUT.print(
        f"{days} day{'s' * (days != 1)} · {outcome.requests.total()} requests · {outcome.summary}", soft_wrap=True
    )
    print_troubles(outcome)
    print_not_evaluated(outcome)
    return 0 if outcome.is_good else 1


def asked_span(of: Settings, first_text: str, last_text: str) -> Span:
    """The days a person typed, FROM and TO; `SettingError` if they are no days, or cannot be pulled."""
    first, last = asked_day("FROM", first_text), asked_day("TO", last_text)
    refuse_days_outside(of, first, last)
    return Span(first, last)


def asked_day(name: str, text: str) -> date:
    """A day of the command line; `SettingError`, with an example, if it cannot be read."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise SettingError(f"{name}={text} is not a day; write for example {name}=2026-01-31.") from error


def refuse_days_outside(of: Settings, first: date | None, last: date | None) -> None:
    """`SettingError` if they are in the wrong order, or outside the days that can be pulled. None is any day."""
    if first and last and last < first:
        raise SettingError(f"FROM={first} is after TO={last}.")
    if any(day and not of.start_date <= day <= of.yesterday() for day in (first, last)):
        raise SettingError(
            f"{first or '…'} to {last or '…'} is not within {of.start_date} (the first day; for an earlier one set "
            f"AI_USAGE_START_DATE) and {of.yesterday()} (the newest full UTC day)."
        )
