"""The `claude_admin` resource: a client for each account, or None where none is configured."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace

from ai_usage.accounts import Account, AccountFields, Credential, accounts_of
from ai_usage.providers.anthropic.client import ClaudeAdmin
from ai_usage.providers.anthropic.tables import ENTERPRISE
from ai_usage.settings import Settings
from ai_usage.warehouse.table import DEFAULT_ACCOUNT

ADMIN_KEY, ANALYTICS_KEY = "admin_key", "analytics_key"
FIELDS = AccountFields(
    provider="anthropic",
    credentials=(
        Credential(ADMIN_KEY, "ANTHROPIC_ADMIN_API_KEY", DEFAULT_ACCOUNT, lambda of: of.has_anthropic_admin_key),
        # Of another organization than the Admin key.
        Credential(ANALYTICS_KEY, "ANTHROPIC_ANALYTICS_API_KEY", ENTERPRISE, lambda of: of.has_anthropic_analytics_key),
    ),
    base_url=lambda of: of.anthropic_base_url,
)


@contextmanager
def claude_admin_of(of: Settings) -> Iterator[Sequence[ClaudeAdmin] | None]:
    """The clients of the accounts that the settings name, with the keys of this process's environment."""
    with ExitStack() as opened:
        clients = [opened.enter_context(closing(opened_for(account, of))) for account in accounts_of(of, FIELDS)]
        yield clients or None


def opened_for(account: Account, of: Settings) -> ClaudeAdmin:
    """A client for one account."""
    keys = account.credentials
    admin = ClaudeAdmin.open(
        base_url=account.base_url,
        admin_key=keys.get(ADMIN_KEY, ""),
        analytics_key=keys.get(ANALYTICS_KEY, ""),
        now=of.now,
    )
    return replace(admin, account=account.name)
