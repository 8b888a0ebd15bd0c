"""The names of the organizations behind the accounts. No endpoint has them, but results of the cost report do."""

from ai_usage.partitions import ONE_DAY, Span
from ai_usage.providers.directory import AccountName, Accounts
from ai_usage.providers.openai.records import CostResult
from ai_usage.warehouse.port import Warehouse

PULL = "openai_cost_totals"  # one result a day
DAYS = 31  # that are looked at: an account may have spent nothing on the last ones


def names(warehouse: Warehouse) -> dict[str, AccountName]:
    """Account → its organization, as the newest cost names it; without accounts with no cost that names one."""
    found: dict[str, AccountName] = {}
    if days := warehouse.pulled_days(PULL):
        read = warehouse.newest(PULL, Span(max(days[0], days[-1] - (DAYS - 1) * ONE_DAY), days[-1])).read(CostResult)
        for account, result in zip(read.lines["account"], read.values, strict=True):
            if result.organization_id:
                found[account] = AccountName(result.organization_id, result.organization_name)
    return found


ACCOUNTS = Accounts(pulls=(PULL,), names=names)
