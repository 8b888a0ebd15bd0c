"""Small pictures for the Dagster UI, where a trend says more than a table."""

import base64
from collections.abc import Iterable
from datetime import date
from decimal import Decimal

import dagster as dg
import vl_convert


def daily_bars(days: Iterable[date], values: Iterable[Decimal], *, title: str) -> dg.MetadataValue:
    """One bar a day. Only the picture is made of floats; the figures beside it are exact."""
    spec = {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "title": title,
        "width": 560,
        "height": 160,
        "background": "white",
        "data": {"values": [{"day": d.isoformat(), "value": float(v)} for d, v in zip(days, values, strict=True)]},
        "mark": {"type": "bar", "color": "#4f43dd"},
        "encoding": {
            "x": {"field": "day", "type": "temporal", "timeUnit": "utcyearmonthdate", "title": None},
            "y": {"field": "value", "type": "quantitative", "title": None},
        },
    }
    png = base64.b64encode(vl_convert.vegalite_to_png(spec)).decode()
    return dg.MetadataValue.md(f"![{title}](data:image/png;base64,{png})")
