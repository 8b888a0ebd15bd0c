"""The accounts of OpenAI's organizations and ChatGPT workspaces, and a client for each."""

from dataclasses import replace

from ai_usage.accounts import Account, AccountFields, Credential
from ai_usage.errors import SettingError
from ai_usage.ingest.http.retry import Patience
from ai_usage.providers.openai.client import OpenAIAdmin
from ai_usage.providers.openai.endpoints import ADMIN_VARIABLE, CODEX_VARIABLE, WORKSPACE_VARIABLE
from ai_usage.settings import Settings
from ai_usage.warehouse.table import DEFAULT_ACCOUNT

ADMIN_KEY, CODEX_KEY, WORKSPACE = "admin_key", "codex_key", "workspace_id"
CHATGPT = "chatgpt"  # the account of the ChatGPT workspace: another organization than that of the Admin key
FIELDS = AccountFields(
    provider="openai",
    credentials=(
        Credential(ADMIN_KEY, ADMIN_VARIABLE, DEFAULT_ACCOUNT, lambda of: of.has_openai_admin_key),
        Credential(
            CODEX_KEY,
            CODEX_VARIABLE,
            CHATGPT,
            lambda of: of.has_codex_key,
            base_url=lambda of: of.codex_base_url,
            options=lambda of: {WORKSPACE: of.codex_workspace_id},
        ),
    ),
    base_url=lambda of: of.openai_base_url,
    options=(WORKSPACE,),
)


def open_client(account: Account, of: Settings, patience: Patience | None = None) -> OpenAIAdmin:
    """A client for one account. The built-in provider needs no pace. `SettingError` for a workspace's key without the
    workspace.
    """
    is_codex = CODEX_KEY in account.credentials
    of_field, variable = (CODEX_KEY, CODEX_VARIABLE) if is_codex else (ADMIN_KEY, ADMIN_VARIABLE)
    variable = account.variables.get(of_field, variable)
    workspace = account.options.get(WORKSPACE, "") if is_codex else ""
    if is_codex and not workspace:
        raise SettingError(
            f"{variable} is the key of a ChatGPT workspace, and nothing names that: set {WORKSPACE_VARIABLE} (in the "
            f"file of accounts: {WORKSPACE})."
        )
    admin = OpenAIAdmin.open(
        base_url=account.base_url,
        key=account.credentials[of_field],
        workspace=workspace,
        variable=variable,
        now=of.now,
        is_simulated=account.is_simulated,
        patience=patience,
    )
    return replace(admin, account=account.name)
