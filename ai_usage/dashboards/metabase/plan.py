"""The differences between Metabase's content and our definitions, field by field. Reads and writes nothing itself.

Only fields that we define are compared: what Metabase adds to an answer is not a difference.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from ai_usage.dashboards.metabase.client import Card, Dashboard, Dashcard, Database, Item
from ai_usage.dashboards.metabase.wanted import (
    Mark,
    Tile,
    Wanted,
    WantedCard,
    WantedDashboard,
    key_of_values,
    without_mark,
)

Model = Literal["card", "dashboard"]
Ids = Mapping[str, int]  # of our cards, by key


@dataclass(frozen=True)
class Edit:
    """One field, before and after."""

    what: str
    old: Any
    new: Any


@dataclass(frozen=True)
class Found:
    """The content of Metabase: ours, and that of others."""

    database: Database | None = None
    collection: int | None = None
    cards: Mapping[str, Card] = field(default_factory=dict)
    dashboards: Mapping[str, Dashboard] = field(default_factory=dict)
    left_alone: Sequence[Item] = ()

    @property
    def ids(self) -> dict[str, int]:
        return {key: card.id for key, card in self.cards.items()}


@dataclass(frozen=True)
class Step:
    """One object that is created, changed or archived."""

    verb: Literal["create", "change", "archive"]
    model: Literal["database", "collection", "card", "dashboard"]
    name: str
    key: str = ""
    edits: Sequence[Edit] = ()


def ours(items: Sequence[Item], keys: set[str]) -> tuple[dict[str, Item], list[Item]]:
    """Our items of the collection by key, and the rest. If several have one mark, the oldest is ours. An item without a
    definition is ours only if it still has the name that we gave it. All others are copies made by people.
    """
    found: dict[str, Item] = {}
    rest: list[Item] = []
    for item in sorted(items, key=lambda item: item.id):
        mark = Mark.of(item.description)
        if mark is None or mark.key in found or not (mark.key in keys or mark.is_of_name(item.name)):
            rest.append(item)
        else:
            found[mark.key] = item
    return found, rest


def steps(wanted: Wanted, found: Found, *, database: str, collection: str) -> list[Step]:
    """Everything to do, in the order in which it is done."""
    keys = {card.key for card in wanted.cards} | {board.key for board in wanted.dashboards}
    todo = [] if found.database else [Step("create", "database", database)]
    todo += [] if found.collection else [Step("create", "collection", collection)]
    for card in wanted.cards:
        there = found.cards.get(card.key)
        edits = card_edits(card, there, found.database.id if found.database else None) if there else []
        todo += _step("card", card.key, card.name, is_there=there is not None, edits=edits)
    for board in wanted.dashboards:
        dashboard = found.dashboards.get(board.key)
        changed = dashboard_edits(board, dashboard, found.ids) if dashboard else []
        todo += _step("dashboard", board.key, board.name, is_there=dashboard is not None, edits=changed)
    gone: list[tuple[Model, str, str]] = [("dashboard", key, of.name) for key, of in found.dashboards.items()]
    gone += [("card", key, of.name) for key, of in found.cards.items()]
    return todo + [Step("archive", model, name, key) for model, key, name in gone if key not in keys]


def _step(model: Model, key: str, name: str, *, is_there: bool, edits: Sequence[Edit]) -> list[Step]:
    if not is_there:
        return [Step("create", model, name, key)]
    return [Step("change", model, name, key, edits)] if edits else []


def card_edits(card: WantedCard, there: Card, database: int | None) -> list[Edit]:
    """What differs in a card. An unknown database is one that is yet to be made."""
    return [
        *_plain(card.name, there.name, "title"),
        *_plain(card.display, there.display, "display"),
        *_plain(card.about, without_mark(there.description), "description"),
        *_plain(card.sql, there.sql, "sql"),
        *lacking(card.tags, there.tags, "variables"),
        *([] if there.database == database else [Edit("database", there.database, database or "the new one")]),
        *_settings_edits(card, there),
    ]


def _settings_edits(card: WantedCard, there: Card) -> list[Edit]:
    """Settings that people added stay; those that we removed are deleted, which only the hash shows."""
    edits = list(lacking(card.settings, there.visualization_settings, "settings"))
    new, old = Mark.of(card.description), Mark.of(there.description)
    if edits or (new and old and new.settings == old.settings):
        return edits
    return [Edit("settings", there.visualization_settings, card.settings)]


def card_body(card: WantedCard, edits: Sequence[Edit] | None, *, database: int) -> dict[str, Any]:
    """The request body for a card: all of it, or the differences and its mark."""
    whole = {
        "name": card.name,
        "display": card.display,
        "description": card.description,
        "dataset_query": card.dataset_query(database),
        "visualization_settings": card.settings,
    }
    if edits is None:
        return {**whole, "type": "question"}
    fields = {
        "title": "name",
        "display": "display",
        "sql": "dataset_query",
        "variables": "dataset_query",
        "database": "dataset_query",
        "settings": "visualization_settings",
        "description": "description",
    }
    heads = {edit.what.partition(" ")[0] for edit in edits}
    changed = {fields[head] for head in heads} | {"description"}
    return {name: value for name, value in whole.items() if name in changed}


def parameters(board: WantedDashboard, ids: Ids) -> list[dict[str, Any]]:
    return [of.parameter_of(ids.get(key_of_values(of.name))) for of in board.variables]


def dashboard_edits(board: WantedDashboard, there: Dashboard, ids: Ids) -> list[Edit]:
    """What differs in a dashboard and its layout."""
    return [
        *_plain(board.name, there.name, "title"),
        *_plain(board.about, without_mark(there.description), "description"),
        *lacking(parameters(board, ids), there.parameters or [], "filters"),
        *_plain("full", there.width or "full", "width"),
        *layout(board, there, ids)[1],
    ]


def dashboard_body(board: WantedDashboard, there: Dashboard, ids: Ids) -> dict[str, Any]:
    """The dashboard with its whole layout, as a PUT wants it."""
    return {
        "name": board.name,
        "description": board.description,
        "parameters": parameters(board, ids),
        "width": "full",
        "tabs": there.tabs or [],
        "dashcards": layout(board, there, ids)[0],
    }


def layout(board: WantedDashboard, there: Dashboard, ids: Ids) -> tuple[list[dict[str, Any]], list[Edit]]:
    """The dashboard's new layout, and the changes. Existing elements keep their ids; elements of others stay where they
    are. All headings are ours: they have no mark.
    """
    left = list(there.dashcards)
    tab = there.tabs[0]["id"] if there.tabs else None
    put: list[dict[str, Any]] = []
    edits: list[Edit] = []
    for n, tile in enumerate(board.tiles, start=1):
        card_id = ids.get(tile.card.key) if tile.card else None
        old = next((dashcard for dashcard in left if _is_it(tile, card_id, dashcard)), None)
        if old:
            left.remove(old)
            edits += _tile_edits(tile, card_id, old)
        else:
            edits.append(Edit(tile.label, None, _place(tile)))
        put.append(
            {
                "id": old.id if old else -n,
                "card_id": card_id,
                "row": tile.row,
                "col": tile.col,
                "size_x": tile.size_x,
                "size_y": tile.size_y,
                "dashboard_tab_id": old.dashboard_tab_id if old else tab,
                "series": (old.series if old else None) or [],
                "visualization_settings": {**((old.visualization_settings if old else None) or {}), **tile.settings},
                "parameter_mappings": tile.mappings(card_id),
            }
        )
    names = {of.key: of.name for of in (tile.card for tile in board.tiles) if of}
    by_id = {number: names.get(key, key) for key, number in ids.items()}
    for old in left:
        is_ours = old.card_id in by_id if old.card_id else old.heading is not None
        if is_ours:
            label = by_id[old.card_id] if old.card_id else f"heading “{old.heading}”"
            edits.append(Edit(label, _place(old), None))
        else:
            put.append(old.whole)
    return put, edits


def _is_it(tile: Tile, card_id: int | None, there: Dashcard) -> bool:
    if tile.card:
        return card_id is not None and there.card_id == card_id
    return there.heading == tile.heading


def _tile_edits(tile: Tile, card_id: int | None, there: Dashcard) -> Iterator[Edit]:
    yield from _plain(_place(tile), _place(there), tile.label)
    cuts, cut = (sorted(map(_mapped, of)) for of in (tile.mappings(card_id), there.parameter_mappings or []))
    yield from _plain(", ".join(cuts), ", ".join(cut), f"{tile.label}: filters")
    yield from lacking(tile.settings, there.visualization_settings or {}, f"{tile.label}: settings")


def _place(of: Tile | Dashcard) -> str:
    return f"row {of.row}, column {of.col}, {of.size_x} × {of.size_y}"


def _mapped(mapping: Mapping[str, Any]) -> str:
    """A mapping in words; newer versions add to its target."""
    try:
        kind, (_, tag) = mapping["target"][:2]
    except (KeyError, TypeError, ValueError):
        return str(mapping)
    return str(tag) if kind == "variable" and mapping.get("parameter_id") == tag else str(mapping)


def lacking(wanted: Any, there: Any, what: str) -> Iterator[Edit]:
    """The parts of `wanted` that `there` lacks; what it has in addition does not matter."""
    if isinstance(wanted, Mapping) and isinstance(there, Mapping):
        for name, value in wanted.items():
            yield from lacking(value, there.get(name), f"{what} {name}")
    elif isinstance(wanted, list) and isinstance(there, list) and len(wanted) == len(there):
        for n, (value, old) in enumerate(zip(wanted, there, strict=True), start=1):
            yield from lacking(value, old, f"{what} {n}")
    else:
        yield from _plain(wanted, there, what)


def _plain(wanted: Any, there: Any, what: str) -> list[Edit]:
    return [] if wanted == there else [Edit(what, there, wanted)]
