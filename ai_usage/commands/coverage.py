"""The days of a period that were pulled, and so are in its figures. Days never pulled are unknown."""

from collections.abc import Mapping
from datetime import date

from ai_usage.commands.terminal import ERR
from ai_usage.core.accounts import DIM_ACCOUNT
from ai_usage.partitions import Span, runs_of_days
from ai_usage.places import COMMAND
from ai_usage.providers.provider import Provider
from ai_usage.providers.registry import PROVIDERS
from ai_usage.settings import Settings
from ai_usage.warehouse.port import Warehouse
from ai_usage.warehouse.table import PULLS

Coverage = Mapping[str, list[date]]

DAYS_OF_ACCOUNTS = f"""
select account, activity_date
from {PULLS.address}
where pull = @pull and activity_date is not null
group by account, activity_date
order by account, activity_date
"""

NOT_EXPECTED = f"select account from {DIM_ACCOUNT.address} where provider = @provider and not is_expected"


def pulled(ledger: Warehouse, span: Span) -> Coverage:
    """By provider, the days of the span with a pulled bill, for providers with a bill that was ever requested. Also
    each account that lacks days that another account has.
    """
    lacking = not_pulled(ledger, ledger, span)
    found: dict[str, list[date]] = {}
    for provider in PROVIDERS:
        own: dict[str | None, list[date]] = {None: ledger.pulled_days(provider.bill.pull)}
        own |= {
            account: days for account, days in _days(ledger, provider).items() if lacking.get((provider.key, account))
        }
        found |= {
            named(provider.key, account): [day for day in days if day in span] for account, days in own.items() if days
        }
    return found


def not_pulled(ledger: Warehouse, world: Warehouse, span: Span) -> dict[tuple[str, str | None], list[date]]:
    """By provider and account, the days without a bill in a world, for providers that were ever asked. Account null
    has the days that no account was pulled for. If there are several accounts, each has its other missing days from its
    first pulled day on; an account that is not configured any more, up to its last one.
    """
    found: dict[tuple[str, str | None], list[date]] = {}
    for provider in PROVIDERS:
        if not (accounts := _days(ledger, provider)):
            continue
        there = _days(world, provider)
        gone = ledger.ask(NOT_EXPECTED, provider=provider.key)["account"].to_list()
        unknown = [day for day in span.days if not any(day in days for days in there.values())]
        found[provider.key, None] = unknown
        for account, days in accounts.items() if len(accounts) > 1 else ():
            last = days[-1] if account in gone else span.last
            expected = {day for day in span.days if days[0] <= day <= last} - {*unknown, *there.get(account, [])}
            found[provider.key, account] = sorted(expected)
    return found


def named(provider: str, account: str | None) -> str:
    """A provider, or one of its accounts, as people read it."""
    return f"{provider} account {account}" if account else provider


def _days(ledger: Warehouse, provider: Provider) -> dict[str, list[date]]:
    """By account, the days with a pulled bill, in order."""
    found: dict[str, list[date]] = {}
    for account, day in ledger.ask(DAYS_OF_ACCOUNTS, pull=provider.bill.pull).iter_rows():
        found.setdefault(account, []).append(day)
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
    return f"{earlier}{COMMAND} backfill FROM={days[0]} TO={days[-1]}"


def _spans(days: list[date]) -> str:
    return ", ".join(str(span) for span in runs_of_days(days))
