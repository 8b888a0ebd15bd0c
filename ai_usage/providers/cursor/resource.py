"""The accounts of Cursor's teams, and a client for each."""

from dataclasses import replace
from functools import cache
from hashlib import sha256

import httpx

from ai_usage.accounts import Account, AccountFields, Credential
from ai_usage.ingest.http.rate_limit import Pace
from ai_usage.ingest.http.retry import Patience
from ai_usage.providers.cursor.client import RATE, RATES, CursorAdmin
from ai_usage.settings import Settings
from ai_usage.warehouse.table import DEFAULT_ACCOUNT

ADMIN_KEY, ADMIN_VARIABLE = "admin_key", "CURSOR_ADMIN_API_KEY"
SLACK = 1.0  # seconds a minute: more than one request can be slower than another

FIELDS = AccountFields(
    provider="cursor",
    credentials=(Credential(ADMIN_KEY, ADMIN_VARIABLE, DEFAULT_ACCOUNT, lambda of: of.has_cursor_key),),
    base_url=lambda of: of.cursor_base_url,
)


def open_client(account: Account, of: Settings, patience: Patience | None = None) -> CursorAdmin:
    """A client for one account. The built-in provider needs no pace."""
    key = account.credentials[ADMIN_KEY]
    admin = CursorAdmin.open(
        base_url=account.base_url,
        key=key,
        variable=account.variables.get(ADMIN_KEY, ADMIN_VARIABLE),
        now=of.now,
        pace=no_pace if account.is_simulated else team_pace(account.base_url, key),
        is_simulated=account.is_simulated,
        patience=patience,
    )
    return replace(admin, account=account.name)


def no_pace(_: httpx.Request) -> None:
    """Requests go out at once."""


def team_pace(base_url: str, key: str) -> Pace:
    """One for all runs of this process: the steps of a run share a client, but the next run opens another, and the
    provider's minute does not begin anew with it.
    """
    return _pace(base_url, sha256(key.strip().encode()).hexdigest())


@cache
def _pace(_base_url: str, _key_hash: str) -> Pace:
    return Pace(RATES, RATE, slack=SLACK)
