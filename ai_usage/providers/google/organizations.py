"""The billing accounts behind the accounts: each row of the export has the id of one, and none has its name."""

from ai_usage.partitions import ONE_DAY, Span
from ai_usage.providers.directory import AccountName, Accounts
from ai_usage.providers.google.records import ExportRow
from ai_usage.warehouse.port import Warehouse

PULL = "gemini_billing"
DAYS = 31  # that are looked at: an account may have spent nothing on the last ones


def names(warehouse: Warehouse) -> dict[str, AccountName]:
    """Account → its billing account, as the newest row has it; without accounts with no row."""
    found: dict[str, AccountName] = {}
    if days := warehouse.pulled_days(PULL):
        read = warehouse.newest(PULL, Span(max(days[0], days[-1] - (DAYS - 1) * ONE_DAY), days[-1])).read(ExportRow)
        for account, row in zip(read.lines["account"], read.values, strict=True):
            if row.billing_account_id:
                found[account] = AccountName(row.billing_account_id, None)
    return found


ACCOUNTS = Accounts(pulls=(PULL,), names=names)
