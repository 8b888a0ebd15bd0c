"""Which days of a period were pulled, and so what a figure of it is made of: nothing is known of days never pulled."""

from collections.abc import Mapping
from datetime import date

from ai_usage.commands.terminal import ERR
from ai_usage.core.accounts import DIM_ACCOUNT
from ai_usage.partitions import Span, runs_of_days
from ai_usage.providers.registry import PROVIDERS
from ai_usage.settings import Settings
from ai_usage.warehouse.port import Warehouse

Coverage = Mapping[str, list[date]]

ACCOUNTS = f"""
select distinct pulls.account
from ai_usage_raw.pulls as pulls
left join {DIM_ACCOUNT.address} as accounts
    on pulls.source = accounts.provider and pulls.account = accounts.account
where pulls.pull = @bill and pulls.activity_date is not null and coalesce(accounts.is_configured, true)
order by pulls.account
"""


def pulled(ledger: Warehouse, span: Span) -> Coverage:
    """By account of a provider, the days of the span that its bill was pulled of. A provider with one account goes by
    its own name. An account that was never pulled, or is not configured any more, is not there.
    """
    found: dict[str, list[date]] = {}
    for provider in PROVIDERS:
        bill = provider.bill.pull
        accounts = ledger.ask(ACCOUNTS, bill=bill)["account"].to_list()
        for account in accounts:
            name = provider.key if len(accounts) == 1 else f"{provider.key} ({account})"
            found[name] = [day for day in ledger.pulled_days(bill, account=account) if day in span]
    return found


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
