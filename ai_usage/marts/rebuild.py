"""How a mart is rebuilt, whichever it is: the run's days that may pass, by the SELECT of the mart's name."""

from datetime import date

import dagster as dg

from ai_usage.charts import trend
from ai_usage.core.holding import Holding, held_back
from ai_usage.layers import note
from ai_usage.partitions import Span, span_of_run
from ai_usage.warehouse.port import Warehouse
from ai_usage.warehouse.table import Table

GROUP = "marts"
KINDS = {"sql", "duckdb"}


def rebuild(
    context: dg.AssetExecutionContext, warehouse: Warehouse, table: Table, *, holding: Holding, money: str
) -> None:
    """Replace the run's days of a mart and note each day's money; a day held back keeps its last good version."""
    asset, span = f"marts/{table.name}", span_of_run(context)
    if not any(warehouse.pulled_days(pull) for pull in holding.pulls):
        return note(context, asset, None, skipped=f"raw/{holding.pulls[0]} was never pulled")
    held = rebuild_days(warehouse, table, span, holding)
    for day, claims in held.items():
        context.log.warning("%s is held back, its last good version stays: %s", day, ", ".join(claims))
        note(context, asset, day, held_back_by=claims)
    days = warehouse.ask(
        f"select {table.date_column} as day, sum({money}) as total, count(*) as row_count from {table.address} "
        f"where {table.date_column} between @first_day and @last_day group by day order by day",
        first_day=span.first,
        last_day=span.last,
    )
    for day, total, row_count in days.iter_rows():
        note(context, asset, day, **{money: str(total), "dagster/partition_row_count": row_count})
    if picture := trend(warehouse, table, money, up_to=span.last):
        note(context, asset, span.last, trend=picture)
    return None


def rebuild_days(warehouse: Warehouse, table: Table, span: Span, holding: Holding) -> dict[date, list[str]]:
    """Replace the span's days of a mart, all but those held back, which are returned with the reasons."""
    if table.date_column is None:
        raise ValueError(f"{table.name} has no days")
    with warehouse.connected():
        held = held_back(warehouse, span, holding)
        rows = warehouse.query(f"marts/{table.name}", first_day=span.first, last_day=span.last)
        good = rows.filter(~rows[table.date_column].is_in(list(held)))
        pinned = table.frame({name: good[name] for name in table.columns})
        warehouse.replace_days(table, [day for day in span.days if day not in held], pinned)
    return held
