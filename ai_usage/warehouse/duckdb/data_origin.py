"""Whether the data that the settings lead to are simulated."""

import duckdb

from ai_usage.errors import WarehouseError
from ai_usage.settings import Settings
from ai_usage.warehouse.duckdb.engine import DuckDBWarehouse
from ai_usage.warehouse.duckdb.published_copy import unreadable
from ai_usage.warehouse.open import open_published
from ai_usage.warehouse.origin import is_simulated


def data_are_simulated(of: Settings) -> bool | None:
    """Whether the data that are there are simulated; None where there are none. Asks the published copy, for which
    there is no wait; only where there is none yet, the warehouse itself.
    """
    if of.warehouse == "bigquery":
        there = open_published(of)
        return is_simulated(there) if there else None
    for path in (of.published_database, of.database):
        if path.exists() and not (path == of.published_database and unreadable(path)):
            try:
                return is_simulated(DuckDBWarehouse(path, path, (), of.now, is_read_only=True))
            except duckdb.CatalogException:  # the file was made, and then its first writer was killed
                return None
    return None


def shows_simulated_data(of: Settings) -> bool:
    """Whether dashboards and alerts are marked as simulated: the data are, or, where there are none, those to come."""
    try:
        there = data_are_simulated(of)
    except WarehouseError:  # a damaged file: the runs that open it report that
        there = None
    return of.simulate if there is None else there
