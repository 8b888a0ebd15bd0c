"""A copy of a warehouse's tables in which people have pseudonyms, for readers who must not see their names."""

from dataclasses import replace
from pathlib import Path

import polars as pl

from ai_usage.redaction import Redaction
from ai_usage.warehouse.duckdb.connection import ROWS_A_BATCH
from ai_usage.warehouse.duckdb.engine import DuckDBWarehouse
from ai_usage.warehouse.table import RAW

OF_PEOPLE = ("user_name", "description")  # what people call themselves and their keys in their own words


def write_nameless(world: DuckDBWarehouse, into: Path, redact: Redaction) -> None:
    """Put core and marts into a new file. Raw stays empty there: it is what providers sent, names and all."""
    copy = replace(world, path=into, published_path=into.with_suffix(".published"))
    with world.connected() as db, copy.connected() as target:
        for table in world.tables:
            if table.view_of or table.schema == RAW:
                continue
            rows: pl.DataFrame = db.sql(f"select * from {table.address}").pl(ROWS_A_BATCH)
            nulls = [pl.lit(None, pl.String).alias(name) for name in OF_PEOPLE if name in table.columns]
            target.execute(f"delete from {table.address}")
            target.register("incoming", redact.frame(rows.with_columns(nulls)))
            target.execute(f"insert into {table.address} by name select * from incoming")
            target.unregister("incoming")
