"""Whether figures are simulated. The ledger has it for every pull; the settings only determine the next pulls."""

from ai_usage.warehouse.ledger import mixture
from ai_usage.warehouse.port import Warehouse
from ai_usage.warehouse.table import PULLS

ORIGIN = f"select is_simulated from {PULLS.address} limit 1"  # all are alike: a ledger takes no others


def is_simulated(warehouse: Warehouse) -> bool | None:
    """Whether the figures of a warehouse are simulated; None where nothing was ever pulled."""
    found = warehouse.ask(ORIGIN)["is_simulated"].to_list()
    return bool(found[0]) if found else None


def refuse_a_mixture(warehouse: Warehouse, *, is_simulated: bool) -> None:
    """`WarehouseError` if the figures of a warehouse are of the other kind than those about to be pulled."""
    there = warehouse.ask(ORIGIN)["is_simulated"].to_list()
    if there and bool(there[0]) != is_simulated:
        raise mixture("The warehouse", is_simulated=is_simulated)
