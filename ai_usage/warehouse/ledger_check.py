"""Whether raw still holds the records that were pulled: the query of `sql/checks/ledger_is_whole.sql`."""

from collections.abc import Collection
from datetime import date

import polars as pl

from ai_usage.warehouse.googlesql import read
from ai_usage.warehouse.port import Warehouse
from ai_usage.warehouse.table import RAW

EVERY_TABLE = "`raw/*`"  # in the file; each pull has its own raw table, and all have the same columns


def broken_pulls(
    warehouse: Warehouse, pulls: Collection[str], first_day: date, last_day: date, *, with_hashes: bool
) -> pl.DataFrame:
    """Days of these pulls, and snapshots, with a newest version that is not in raw as it was pulled."""
    return warehouse.ask(
        ledger_query(pulls), pulls=list(pulls), first_day=first_day, last_day=last_day, with_hashes=with_hashes
    )


def ledger_query(pulls: Collection[str]) -> str:
    """The query over the raw tables of these pulls."""
    selects = (f"select '{pull}' as pull, pull_id, activity_date, position, record from {RAW}.{pull}" for pull in pulls)
    return read("checks/ledger_is_whole").replace(EVERY_TABLE, f"({' union all '.join(selects)})")
