"""A tab of the sheet as it was last pulled."""

from ai_usage.sheet.tabs import Tab, TabRows, read_tab
from ai_usage.warehouse.port import Warehouse
from ai_usage.warehouse.reading.ledger_records import Records


def read_newest(warehouse: Warehouse, tab: Tab) -> tuple[Records, TabRows] | None:
    """A tab as it stands, with what is wrong in it; None if it was never pulled."""
    newest = warehouse.newest(tab.pull, None)
    if newest.versions.is_empty():
        return None
    return newest, read_tab(tab, newest.lines["record"].to_list())
