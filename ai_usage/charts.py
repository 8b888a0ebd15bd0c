"""Small pictures for the Dagster UI, where a trend says more than a table."""

import base64
from datetime import date, timedelta

import dagster as dg
import vl_convert

from ai_usage.warehouse.origin import is_simulated
from ai_usage.warehouse.port import Warehouse
from ai_usage.warehouse.table import Table

DAYS_SHOWN = 30

# What a day comes to, where that is no sum of the table's first amount: its words, and its SQL.
OF_A_DAY = {
    "ai_activity": ("people active", "count(distinct if(is_active, user_email, null))"),
    "spend_anomalies": ("unusual things", "count(*)"),  # a dollar may stand there as its team's and its key's
    "spend_by_scope": ("spent_usd in all", "sum(if(scope = 'total', spent_usd, null))"),
}


def trend(warehouse: Warehouse, table: Table, amount: str | None, *, up_to: date) -> dg.MetadataValue | None:
    """The thirty days up to one, a bar a day; None if the table has none of them, or nothing that adds up. Only the
    picture is made of floats: the figures beside it are exact.
    """
    words, sql = OF_A_DAY.get(table.name, (amount, f"sum({amount})"))
    if words is None:
        return None
    days = warehouse.ask(
        f"select {table.date_column} as day, cast({sql} as float64) as amount from {table.address} "
        f"where {table.date_column} between @first_day and @last_day group by day order by day",
        first_day=up_to - timedelta(days=DAYS_SHOWN - 1),
        last_day=up_to,
    )
    if days.is_empty():
        return None
    title = f"{table.name}: {words} by day" + (" (SIMULATED DATA)" if is_simulated(warehouse) else "")
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
        "config": {
            "title": {"anchor": "start", "fontSize": 13, "color": "#1c1b19"},
            "view": {"stroke": None},
            "axis": {"domain": False, "ticks": False, "labelColor": "#5f5b53", "labelPadding": 6, "tickCount": 4},
            "axisX": {"grid": False},
            "axisY": {"gridColor": "#e4e0d8"},
        },
    }
    svg = base64.b64encode(vl_convert.vegalite_to_svg(picture).encode()).decode()  # a PNG takes twice as long
    return dg.MetadataValue.md(f"![{title}](data:image/svg+xml;base64,{svg})")
