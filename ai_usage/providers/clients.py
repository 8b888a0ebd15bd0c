"""The resource of a provider: a client for each of its accounts, or None if none is configured."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from typing import Any

from ai_usage.accounts import Account
from ai_usage.ingest.http.retry import Patience
from ai_usage.providers.provider import Provider
from ai_usage.settings import Settings

Opened = Sequence[Any] | None


@contextmanager
def opened(
    provider: Provider, of: Settings, accounts: Sequence[Account], patience: Patience | None = None
) -> Iterator[Opened]:
    """Clients for the accounts, open as long as the `with` block lasts."""
    with ExitStack() as stack:
        clients = [stack.enter_context(closing(provider.open(account, of, patience))) for account in accounts]
        yield clients or None
