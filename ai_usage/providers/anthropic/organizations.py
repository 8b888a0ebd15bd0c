"""The names of the organizations behind the accounts. A Console key can read them, an Analytics key cannot."""

from ai_usage.providers.anthropic.records.lists import Organization
from ai_usage.providers.directory import AccountName, Accounts
from ai_usage.warehouse.port import Warehouse


def names(warehouse: Warehouse) -> dict[str, AccountName]:
    """Account → its organization, as listed last; without accounts with a last answer that cannot be read."""
    listed = warehouse.newest("claude_organization", None).read(Organization)
    found = zip(listed.lines["account"], listed.values, strict=True)
    return {account: AccountName(of.id, of.name) for account, of in found}


ACCOUNTS = Accounts(pulls=("claude_organization",), names=names)
