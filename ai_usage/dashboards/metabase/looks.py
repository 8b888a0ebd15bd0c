"""How a card looks in Metabase: its display and visualization settings, from the card's own."""

import json
from collections.abc import Mapping
from typing import Any

import msgspec

from ai_usage.dashboards.boards import Card

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
STACKED = {"area", "bar"}
PALE, DEEP = "#FFFFFF", "#509EE3"


def shown(card: Card) -> Card:
    """The card with the columns that its picture needs: a chart takes further ones for further points."""
    if card.display in {"number", "table", "status"}:
        return card
    axes = {card.x, card.series, card.label}
    measures = {card.y[0]: card.measures[card.y[0]]} if card.display == "heatmap" else dict(card.measures)
    dimensions = {name: of for name, of in card.dimensions.items() if name in axes}
    is_there = card.sort is not None and card.sort.removeprefix("-") in {*dimensions, *measures}
    return msgspec.structs.replace(
        card, dimensions=dimensions, measures=measures, sort=card.sort if is_there else None
    )


def display(card: Card) -> str:
    return DISPLAYS[card.display]


def settings(card: Card) -> Settings:
    """Of the card as `shown` has it."""
    columns = {**card.dimensions, **card.measures}
    named = {
        json.dumps(["name", name], separators=(",", ":")): {"column_title": of.label, **FORMATS.get(of.format, {})}
        for name, of in columns.items()
    }
    return {"column_settings": named, **_of(card)}


def _of(card: Card) -> Settings:
    match card.display:
        case "number":
            return {"scalar.field": card.y[0] if card.y else next(iter(card.measures))}
        case "table" | "status":
            return {"table.pivot": False}
        case "heatmap":
            return {
                "table.pivot": True,
                "table.pivot_column": card.x,
                "table.cell_column": card.y[0],
                "table.column_formatting": [
                    {
                        "columns": [card.y[0]],
                        "type": "range",
                        "colors": [PALE, DEEP],
                        "min_type": None,
                        "max_type": None,
                        "min_value": 0,
                        "max_value": 100,
                    }
                ],
            }
        case "scatter":
            return {**_graph([card.x], card.y), **({"scatter.bubble": card.size} if card.size else {})}
        case "row":
            return _graph([card.label or card.x], card.y)
        case "band":
            edges = [edge for edge in (card.low, card.high) if edge]
            lines: Settings = {edge: {"display": "line", "line.style": "dashed"} for edge in edges}
            return {**_graph([card.x], [*card.y, *edges]), "series_settings": lines}
        case "combo":
            kinds = {y: {"display": "bar" if y == card.y[0] else "line"} for y in card.y}
            return {**_graph([card.x, card.series], card.y), "series_settings": kinds}
    adds_up = all(card.measures[y].of and not card.measures[y].per for y in card.y)
    stack = {"stackable.stack_type": "stacked"} if card.display in STACKED and card.series and adds_up else {}
    return {**_graph([card.x, card.series], card.y), **stack}


def _graph(dimensions: list[str | None], metrics: list[str]) -> Settings:
    return {"graph.dimensions": [name for name in dimensions if name], "graph.metrics": metrics}
