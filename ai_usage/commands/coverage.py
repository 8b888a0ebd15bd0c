"""Which days of a period were pulled, and so what a figure of it is made of: nothing is known of days never pulled."""

from collections.abc import Mapping
from datetime import date

from ai_usage.commands.terminal import ERR
from ai_usage.partitions import Span, runs_of_days
from ai_usage.providers.registry import PROVIDERS
from ai_usage.settings import Settings
from ai_usage.warehouse.port import Warehouse

Coverage = Mapping[str, list[date]]


def pulled(ledger: Warehouse, span: Span) -> Coverage:
    """By provider, the days of the span that its bill was pulled of; of providers that were ever asked for it."""
    found = {provider.key: ledger.pulled_days(provider.bill.pull) for provider in PROVIDERS}
    return {provider: [day for day in days if day in span] for provider, days in found.items() if days}


def print_gaps(of: Settings, coverage: Coverage, span: Span) -> bool:
    """Print the providers with missing days, and the command that pulls them. True if no day is missing."""
    alike: dict[tuple[date, ...], list[str]] = {}
    for provider, days in coverage.items():
        if len(days) < len(span.days):
            alike.setdefault(tuple(days), []).append(provider)
    for known, providers in alike.items():
        days = list(known)
        which = f" ({_spans(days)})" if days else ""
        lacking = [day for day in span.days if day not in days]
        ERR.print(
            f"[bold yellow]![/] {', '.join(providers)}: {len(days)} of {len(span.days)} days were pulled{which}; "
            f"the others are unknown. To pull them: {_command(of, lacking)}",
            soft_wrap=True,
        )
    return not alike


def _command(of: Settings, days: list[date]) -> str:
    earlier = f"AI_USAGE_START_DATE={days[0]} " if days[0] < of.start_date else ""
    return f"{earlier}make backfill FROM={days[0]} TO={days[-1]}"


def _spans(days: list[date]) -> str:
    return ", ".join(str(span) for span in runs_of_days(days))
