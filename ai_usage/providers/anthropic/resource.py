"""The accounts of Anthropic's organizations, and a client for each."""

from dataclasses import replace

from ai_usage.accounts import Account, AccountFields, Credential
from ai_usage.ingest.http.retry import Patience
from ai_usage.providers.anthropic.client import ClaudeAdmin
from ai_usage.providers.anthropic.endpoints import ADMIN_VARIABLE, ANALYTICS_REQUESTS_A_MINUTE, ANALYTICS_VARIABLE
from ai_usage.providers.anthropic.tables import ENTERPRISE
from ai_usage.settings import Settings
from ai_usage.warehouse.table import DEFAULT_ACCOUNT

ADMIN_KEY, ANALYTICS_KEY = "admin_key", "analytics_key"
FIELDS = AccountFields(
    provider="anthropic",
    credentials=(
        Credential(ADMIN_KEY, ADMIN_VARIABLE, DEFAULT_ACCOUNT, lambda of: of.has_anthropic_admin_key),
        # Of another organization than the Admin key.
        Credential(ANALYTICS_KEY, ANALYTICS_VARIABLE, ENTERPRISE, lambda of: of.has_anthropic_analytics_key),
    ),
    base_url=lambda of: of.anthropic_base_url,
)


def open_client(account: Account, of: Settings, patience: Patience | None = None) -> ClaudeAdmin:
    """A client for one account. The built-in provider needs no pace."""
    keys = account.credentials
    admin = ClaudeAdmin.open(
        base_url=account.base_url,
        admin_key=keys.get(ADMIN_KEY, ""),
        analytics_key=keys.get(ANALYTICS_KEY, ""),
        analytics_requests_a_minute=None if account.is_simulated else ANALYTICS_REQUESTS_A_MINUTE,
        is_simulated=account.is_simulated,
        patience=patience,
        now=of.now,
    )
    variables = {ADMIN_KEY: ADMIN_VARIABLE, ANALYTICS_KEY: ANALYTICS_VARIABLE, **account.variables}
    return replace(admin.naming(variables[ADMIN_KEY], variables[ANALYTICS_KEY]), account=account.name)
