"""The display and visualization settings of a card in Metabase, from the card's own settings."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from ai_usage.dashboards.boards import Card, Dimension, Measure

Settings = dict[str, Any]

MONEY = {"number_style": "currency", "currency": "USD", "currency_style": "symbol", "currency_in_header": False}
FORMATS: Mapping[str, Settings] = {
    "usd": {**MONEY, "decimals": 2},
    "usd_fine": {**MONEY, "decimals": 4},  # significant figures are unknown there
    "count": {"number_style": "decimal", "decimals": 0},
    "tokens": {"number_style": "decimal", "decimals": 0},
    "ratio": {"number_style": "percent", "decimals": 1},
    "days": {"number_style": "decimal", "suffix": " days"},
    "instant": {"time_enabled": "minutes"},
}
DISPLAYS: Mapping[str, str] = {
    "number": "scalar",
    "line": "line",
    "area": "area",
    "bar": "bar",
    "row": "row",
    "combo": "combo",
    "heatmap": "table",  # pivoted and coloured: Metabase's own `pivot` does not take native SQL
    "scatter": "scatter",
    "band": "line",
    "table": "table",
    "status": "table",
}
COLOURS = {"failed": "#ED6E6E", "warned": "#F9CF48"}
PALE, DEEP = "#FFFFFF", "#509EE3"


def shown(card: Card) -> Card:
    """The card with only the columns that its chart needs: Metabase would draw others as further series."""
    if card.display in {"number", "table", "status"}:
        return card
    axes = {card.x, card.series, card.label}
    measures = {card.y[0]: card.measures[card.y[0]]} if card.display == "heatmap" else dict(card.measures)
    dimensions = {name: of for name, of in card.dimensions.items() if name in axes}
    is_there = card.sort is not None and card.sort.removeprefix("-") in {*dimensions, *measures}
    return msgspec.structs.replace(
        card,
        dimensions=dimensions,
        measures=measures,
        sort=card.sort if is_there else None,
        smallest_group=card.smallest_group if "people" in measures else None,
    )


def display(card: Card) -> str:
    return DISPLAYS[card.display]


def settings_of(card: Card) -> Settings:
    """The settings of the card as returned by `shown`."""
    columns: dict[str, Dimension | Measure] = {**card.dimensions, **card.measures}
    named = {
        json.dumps(["name", name], separators=(",", ":")): {"column_title": of.label, **FORMATS.get(of.format, {})}
        for name, of in columns.items()
    }
    return {"column_settings": named, **BY_DISPLAY[card.display](card)}


def _scalar(card: Card) -> Settings:
    return {"scalar.field": card.y[0] if card.y else next(iter(card.measures))}


def _table(_: Card) -> Settings:
    return {"table.pivot": False}


def _status(card: Card) -> Settings:
    """Rows with something wrong stand out."""
    rules = [
        {"columns": [name], "type": "single", "operator": ">", "value": 0, "color": colour, "highlight_row": True}
        for name, colour in COLOURS.items()
        if name in card.measures
    ]
    return {**_table(card), "table.column_formatting": rules}


def _heatmap(card: Card) -> Settings:
    scale: Settings = {"columns": [card.y[0]], "type": "range", "colors": [PALE, DEEP]}
    scale |= {"min_type": None, "max_type": None, "min_value": 0, "max_value": 100}  # from the least to the most
    return {
        "table.pivot": True,
        "table.pivot_column": card.x,
        "table.cell_column": card.y[0],
        "table.column_formatting": [scale],
    }


def _scatter(card: Card) -> Settings:
    return {**_graph([card.x], card.y), **({"scatter.bubble": card.size} if card.size else {})}


def _row(card: Card) -> Settings:
    return _graph([card.label or card.x], card.y)


def _band(card: Card) -> Settings:
    edges = [edge for edge in (card.low, card.high) if edge]
    lines = {edge: {"display": "line", "line.style": "dashed"} for edge in edges}
    return {**_graph([card.x], [*card.y, *edges]), "series_settings": lines}


def _combo(card: Card) -> Settings:
    kinds = {y: {"display": "bar" if y == card.y[0] else "line"} for y in card.y}
    return {**_graph([card.x, card.series], card.y), "series_settings": kinds}


def _line(card: Card) -> Settings:
    return _graph([card.x, card.series], card.y)


def _stacked(card: Card) -> Settings:
    """Stacks only additive measures."""
    adds_up = all(card.measures[y].of and not card.measures[y].per for y in card.y)
    return {**_line(card), **({"stackable.stack_type": "stacked"} if card.series and adds_up else {})}


def _graph(dimensions: list[str | None], metrics: list[str]) -> Settings:
    return {"graph.dimensions": [name for name in dimensions if name], "graph.metrics": metrics}


BY_DISPLAY: Mapping[str, Callable[[Card], Settings]] = {
    "number": _scalar,
    "line": _line,
    "area": _stacked,
    "bar": _stacked,
    "row": _row,
    "combo": _combo,
    "heatmap": _heatmap,
    "scatter": _scatter,
    "band": _band,
    "table": _table,
    "status": _status,
}
