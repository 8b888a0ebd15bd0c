"""What the organizations behind the accounts are called. A key of the Console opens that; an Analytics key does not."""

from ai_usage.providers.anthropic.records.lists import Organization
from ai_usage.providers.directory import AccountName, Accounts
from ai_usage.warehouse.port import Warehouse


def names(warehouse: Warehouse) -> dict[str, AccountName]:
    """Account → its organization, as listed last; without accounts with a last answer that cannot be read."""
    listed = warehouse.newest("claude_organization", None).read(Organization)
    found = zip(listed.lines["account"], listed.values, strict=True)
    return {account: AccountName(of.id, of.name) for account, of in found}


ACCOUNTS = Accounts(pulls=("claude_organization",), names=names)
