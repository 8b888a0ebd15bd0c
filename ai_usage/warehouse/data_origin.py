"""Whether the data that the settings lead to are simulated."""

import duckdb

from ai_usage.errors import WarehouseError
from ai_usage.settings import Settings
from ai_usage.warehouse.open import open_what_is_there
from ai_usage.warehouse.origin import is_simulated


def data_are_simulated(of: Settings) -> bool | None:
    """Whether the data that are there are simulated; None where there are none."""
    there = open_what_is_there(of)
    try:
        return is_simulated(there) if there else None
    except duckdb.CatalogException:  # the file was made, and then its first writer was killed
        return None


def shows_simulated_data(of: Settings) -> bool:
    """Whether dashboards and alerts are marked as simulated: the data are, or, where there are none, those to come."""
    try:
        there = data_are_simulated(of)
    except WarehouseError:  # a damaged file: the runs that open it report that
        there = None
    return of.simulate if there is None else there
