"""Whether figures are simulated. The ledger has it for every pull; the settings only determine the next pulls."""

from ai_usage.errors import WarehouseError
from ai_usage.warehouse.port import Warehouse
from ai_usage.warehouse.table import PULLS

ANOTHER_FOLDER = "AI_USAGE_DATA_DIR to another folder"
ANOTHER_PROJECT = "BIGQUERY_PROJECT to another project"
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


def mixture(warehouse: str, *, is_simulated: bool, elsewhere: str = ANOTHER_FOLDER) -> WarehouseError:
    """What to do where figures of one kind were about to join those of the other in `warehouse`: `elsewhere` is what
    to set for a warehouse apart.
    """
    if is_simulated:
        return WarehouseError(
            f"{warehouse} holds real data, and simulated data would join them: nothing was pulled. Set a provider's "
            f"key, or {elsewhere}."
        )
    return WarehouseError(
        f"{warehouse} holds simulated data, and real data would join them: nothing was pulled. Start afresh with "
        f"make reset, which deletes what is there, or set {elsewhere}."
    )
