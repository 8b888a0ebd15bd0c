"""The ledger of each tab of the sheet."""

from ai_usage.sheet.tabs import TABS
from ai_usage.warehouse.table import raw_table

PULLS = tuple(tab.pull for tab in TABS.values())
RAW_TABLES = {pull: raw_table(pull) for pull in PULLS}
