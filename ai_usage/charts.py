"""Small pictures for the Dagster UI, where a trend says more than a table."""

import base64
from datetime import date, timedelta

import dagster as dg
import vl_convert

from ai_usage.settings import settings
from ai_usage.warehouse.port import Warehouse
from ai_usage.warehouse.table import Table

DAYS_SHOWN = 30


def trend(warehouse: Warehouse, table: Table, amount: str, *, up_to: date) -> dg.MetadataValue | None:
    """The thirty days up to one, a bar a day; None if the table has none of them. Only the picture is made of floats:
    the figures beside it are exact.
    """
    days = warehouse.ask(
        f"select {table.date_column} as day, cast(sum({amount}) as float64) as amount from {table.address} "
        f"where {table.date_column} between @first_day and @last_day group by day order by day",
        first_day=up_to - timedelta(days=DAYS_SHOWN - 1),
        last_day=up_to,
    )
    if days.is_empty():
        return None
    title = f"{table.name}: {amount} by day" + (" (SIMULATED DATA)" if settings().simulate else "")
    picture = {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "title": title,
        "width": 560,
        "height": 160,
        "background": "white",
        "data": {"values": [{"day": day.isoformat(), "amount": value} for day, value in days.iter_rows()]},
        "mark": {"type": "bar", "color": "#4f43dd"},
        "encoding": {
            "x": {"field": "day", "type": "temporal", "timeUnit": "utcyearmonthdate", "title": None},
            "y": {"field": "amount", "type": "quantitative", "title": None},
        },
    }
    png = base64.b64encode(vl_convert.vegalite_to_png(picture)).decode()
    return dg.MetadataValue.md(f"![{title}](data:image/png;base64,{png})")
