"""The `cursor_admin` resource: a client for each account, or None where none is configured."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from functools import cache
from hashlib import sha256

from ai_usage.accounts import Account, AccountFields, Credential, accounts_of
from ai_usage.ingest.pace import Pace
from ai_usage.providers.cursor.client import RATE, RATES, CursorAdmin
from ai_usage.settings import Settings
from ai_usage.warehouse.table import DEFAULT_ACCOUNT

ADMIN_KEY = "admin_key"
SLACK = 1.0  # seconds a minute: more than one request can be slower than another


FIELDS = AccountFields(
    provider="cursor",
    credentials=(Credential(ADMIN_KEY, "CURSOR_ADMIN_API_KEY", DEFAULT_ACCOUNT, lambda of: of.has_cursor_key),),
    base_url=lambda of: of.cursor_base_url,
)


@contextmanager
def cursor_admin_of(of: Settings) -> Iterator[Sequence[CursorAdmin] | None]:
    """The clients of the accounts that the settings name, with the keys of this process's environment."""
    with ExitStack() as opened:
        clients = [opened.enter_context(closing(opened_for(account, of))) for account in accounts_of(of, FIELDS)]
        yield clients or None


def opened_for(account: Account, of: Settings) -> CursorAdmin:
    """A client for one account."""
    key = account.credentials[ADMIN_KEY]
    pace = team_pace(account.base_url, key)
    return replace(CursorAdmin.open(base_url=account.base_url, key=key, now=of.now, pace=pace), account=account.name)


def team_pace(base_url: str, key: str) -> Pace:
    """One for all runs of this process: the steps of a run share a client, but the next run opens another, and the
    vendor's minute does not begin anew with it.
    """
    return _pace(base_url, sha256(key.strip().encode()).hexdigest())


@cache
def _pace(_base_url: str, _key_hash: str) -> Pace:
    return Pace(RATES, RATE, slack=SLACK)
