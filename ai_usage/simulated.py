"""The built-in providers: one server on loopback for a run or a command. Real clients ask it, at its base URLs."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace

from ai_usage.accounts import Account, accounts_of
from ai_usage.ingest.http.retry import Patience
from ai_usage.providers.clients import Opened, opened
from ai_usage.providers.provider import Provider
from ai_usage.settings import Settings
from ai_usage.sheet.port import Sheet
from ai_usage.sheet.resource import sheet_of
from ai_usage.simulator import SHEET_ID, Simulator


@contextmanager
def simulated_providers(of: Settings) -> Iterator[Simulator | None]:
    """The built-in providers, where the settings ask for them."""
    if not of.simulate:
        yield None
        return
    with Simulator(now=of.now) as simulator:
        yield simulator


def clients(
    provider: Provider, of: Settings, simulator: Simulator | None, patience: Patience | None = None
) -> AbstractContextManager[Opened]:
    """The clients of a provider's accounts: those of the built-in provider, or those that the settings name."""
    return opened(provider, of, accounts(provider, of, simulator), patience)


def accounts(provider: Provider, of: Settings, simulator: Simulator | None) -> list[Account]:
    """A provider's accounts; for the built-in providers, those that exist."""
    if simulator is None:
        return accounts_of(of, provider.account_fields)
    return [
        Account(provider.key, of.name, of.credentials, of.base_url, dict(of.options), is_simulated=True)
        for of in simulator.accounts.get(provider.key, ())
    ]


def sheet(of: Settings, simulator: Simulator | None) -> AbstractContextManager[Sheet | None]:
    """The sheet that the settings name, else the built-in one."""
    if simulator is None or of.sheet_id:
        return sheet_of(of)
    return sheet_of(replace(of, sheet_id=SHEET_ID, google_base_url=simulator.google_url))
