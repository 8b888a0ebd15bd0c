"""Metabase's wanted content, made from the boards: cards of native SQL and dashboards of them. Uses no HTTP.

Each has a mark at the end of its description: the file and card it is made from, which identify it after a rename, and
hashes of its name and settings. An object without a mark is not ours.
"""

import json
import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any

from ai_usage.dashboards.boards import Board, Card, Filter, Measure
from ai_usage.dashboards.cards import Engine, aggregated
from ai_usage.dashboards.metabase.looks import display, settings_of, shown
from ai_usage.warehouse.table import ANALYTICS

MARK = re.compile(r"Made by ai_usage from (?P<key>[a-z0-9_/.]+) \((?P<name>[0-9a-f]{4})(?P<settings>[0-9a-f]{8})\)\.")
SIMULATED = "SIMULATED DATA from the built-in providers: no real money"
IDS = uuid.UUID("5f6d1f0e-2f5b-5c11-9d57-5d5f3c0b7a10")  # of template tags: the same at each run
PERIOD = re.compile(r"\[\[and (?P<month>.+) = \{\{period\}\}\]\]")
NO_ROOM = 0
WIDE = 24


@dataclass(frozen=True, kw_only=True)
class Variable:
    """A dashboard's filter, and the plain variable of that name in the cards' SQL."""

    name: str
    label: str
    tag: str  # the variable's type
    parameter: str  # the filter's type: the one that fits such a variable
    has_list: bool = False  # of the values to choose from

    def parameter_of(self, card_with_values: int | None) -> dict[str, Any]:
        section = self.parameter.partition("/")[0]
        parameter = {
            "id": self.name,
            "name": self.label,
            "slug": self.name,
            "type": self.parameter,
            "sectionId": section,
        }
        if not self.has_list:
            return parameter
        return {
            **parameter,
            "isMultiSelect": False,  # a plain variable holds one value
            "values_query_type": "list",
            "values_source_type": "card",
            "values_source_config": {
                "card_id": card_with_values,
                "value_field": ["field", self.name, {"base-type": "type/Text"}],
            },
        }


VARIABLES: Mapping[Filter, Sequence[Variable]] = {
    "period": (
        Variable(name="period_from", label="From month", tag="date", parameter="date/single"),
        Variable(name="period_to", label="To month", tag="date", parameter="date/single"),
    ),
    "provider": (Variable(name="provider", label="Provider", tag="text", parameter="string/=", has_list=True),),
    "cost_center": (
        Variable(name="cost_center", label="Cost center", tag="text", parameter="string/=", has_list=True),
    ),
    "team": (Variable(name="team", label="Team", tag="text", parameter="string/=", has_list=True),),
    "person": (Variable(name="person", label="Person", tag="text", parameter="string/=", has_list=True),),
}


@dataclass(frozen=True, kw_only=True)
class WantedCard:
    """A question, without the ids that Metabase assigns."""

    key: str  # such as executive_summary.yml/spend_trend
    name: str
    about: str
    display: str
    sql: str
    variables: Sequence[Variable] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def description(self) -> str:
        return _marked(self.about, self.key, self.name, self.settings)

    @property
    def tags(self) -> dict[str, Any]:
        return {
            of.name: {
                "id": str(uuid.uuid5(IDS, f"{self.key} {of.name}")),
                "name": of.name,
                "display-name": of.label,
                "type": of.tag,
            }
            for of in self.variables
        }

    def dataset_query(self, database: int) -> dict[str, Any]:
        native = {"query": self.sql, "template-tags": self.tags}
        return {"type": "native", "database": database, "native": native}


@dataclass(frozen=True, kw_only=True)
class Tile:
    """An element of a dashboard: a card or a heading."""

    row: int
    col: int
    size_x: int
    size_y: int
    card: WantedCard | None = None
    heading: str = ""

    @property
    def label(self) -> str:
        return self.card.name if self.card else f"heading “{self.heading}”"

    @property
    def settings(self) -> dict[str, Any]:
        if self.card:
            return {}
        virtual: dict[str, Any] = {
            "name": None,
            "display": "heading",
            "visualization_settings": {},
            "dataset_query": {},
        }
        return {"virtual_card": virtual, "text": self.heading}

    def mappings(self, card_id: int | None) -> list[dict[str, Any]]:
        return [
            {"parameter_id": of.name, "card_id": card_id, "target": ["variable", ["template-tag", of.name]]}
            for of in (self.card.variables if self.card else ())
        ]


@dataclass(frozen=True, kw_only=True)
class WantedDashboard:
    """A board."""

    key: str  # such as executive_summary.yml
    name: str
    about: str
    variables: Sequence[Variable]
    tiles: Sequence[Tile]

    @property
    def description(self) -> str:
        return _marked(self.about, self.key, self.name, {})


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Everything."""

    cards: Sequence[WantedCard]
    dashboards: Sequence[WantedDashboard]


def wanted(boards: Sequence[Board], *, engine: Engine, is_simulated: bool) -> Wanted:
    """The boards as Metabase's content."""
    dashboards = [_dashboard(board, engine=engine, is_simulated=is_simulated) for board in boards]
    lists = [
        _values(of, name, boards, engine=engine, is_simulated=is_simulated)
        for name, variables in VARIABLES.items()
        for of in variables
        if of.has_list and any(name in card.filters for board in boards for card in board.cards)
    ]
    cards = [tile.card for dashboard in dashboards for tile in dashboard.tiles if tile.card]
    return Wanted(cards=[*lists, *cards], dashboards=dashboards)


def in_dataset(found: Wanted, dataset: str) -> Wanted:
    """The same, asking the tables of another dataset that has them under the same names."""

    def moved(card: WantedCard) -> WantedCard:
        return replace(card, sql=card.sql.replace(f"{ANALYTICS}.", f"{dataset}."))

    def with_tiles(dashboard: WantedDashboard) -> WantedDashboard:
        tiles = [replace(tile, card=moved(tile.card)) if tile.card else tile for tile in dashboard.tiles]
        return replace(dashboard, tiles=tiles)

    return Wanted(
        cards=[moved(card) for card in found.cards], dashboards=[with_tiles(each) for each in found.dashboards]
    )


def key_of_values(variable: str) -> str:
    """Of the card that a filter's list is filled from."""
    return f"filters/{variable}"


@dataclass(frozen=True)
class Mark:
    """The end of our descriptions."""

    key: str
    name: str  # the hash of the name that we gave it: a renamed copy is not ours
    settings: str  # the hash of the settings that we gave it, which shows settings that we have removed since

    @classmethod
    def of(cls, description: str | None) -> "Mark | None":
        found = MARK.search(description or "")
        return cls(found["key"], found["name"], found["settings"]) if found else None

    def is_of_name(self, name: str) -> bool:
        return self.name == _digest(name, 4)


def without_mark(description: str | None) -> str:
    return MARK.sub("", description or "").strip()


def sql_of(card: Card, engine: Engine) -> str:
    """The SELECT of a card as `shown`, each filter an optional clause: months are cut from one to another."""
    sql = aggregated(card, engine=engine, filters={name: "{{" + name + "}}" for name in card.filters})
    if "period" in card.filters:
        sql = PERIOD.sub(_from_to, sql)
    body, by, order = sql.rpartition("\norder by ")
    small = f"\nhaving people >= {card.smallest_group}" if _ranks(card) and card.smallest_group else ""
    sql = f"{body}{small}{by}{order}" if by else sql
    if card.top and card.series:
        return _first_groups(body, card, card.series, card.top)
    return f"{sql}\nlimit {card.top}" if card.top else sql


def _first_groups(cells: str, card: Card, group: str, top: int) -> str:
    """Limits a grouped chart to its largest groups as wholes; a LIMIT would cut through them."""
    columns = ", ".join([*card.dimensions, *card.measures])
    return "\n".join(
        [
            f"select {columns}",
            "from (",
            f"    select *, dense_rank() over (order by of_group desc, {group}) as place_of_group",
            "    from (",
            f"        select *, sum({card.y[0]}) over (partition by {group}) as of_group",
            f"        from (\n{cells}\n        ) as cells",
            "    ) as with_groups",
            ") as placed",
            f"where place_of_group <= {top}",
            f"order by place_of_group, {card.x}",
        ]
    )


def _ranks(card: Card) -> bool:
    return card.display in {"row", "bar"} and bool(card.dimensions)


def _from_to(found: re.Match[str]) -> str:
    """By month, whether the column holds days or months: of `2026-11-19` and of `2026-11` it is the first seven."""
    month, day = f"substr(cast({found['month']} as string), 1, 7)", "substr(cast(cast({{%s}} as date) as string), 1, 7)"
    ends = ((">=", "period_from"), ("<=", "period_to"))
    return "\n    ".join(f"[[and {month} {sign} {day % name}]]" for sign, name in ends)


def _dashboard(board: Board, *, engine: Engine, is_simulated: bool) -> WantedDashboard:
    headings = [(section.row, section.title) for section in board.sections]
    if is_simulated:
        headings.insert(0, (NO_ROOM, SIMULATED))
    tiles = [
        Tile(row=row + before, col=0, size_x=WIDE, size_y=1, heading=title)
        for before, (row, title) in enumerate(sorted(headings, key=lambda heading: heading[0]))
    ]
    for card in board.cards:
        above = sum(row <= card.place.row for row, _ in headings)  # each heading is a row of its own
        tiles.append(
            Tile(
                row=card.place.row + above,
                col=card.place.column,
                size_x=card.place.width,
                size_y=card.place.height,
                card=_card(board, shown(card), engine=engine, is_simulated=is_simulated),
            )
        )
    used = {name for card in board.cards for name in card.filters}
    return WantedDashboard(
        key=f"{board.name}.yml",
        name=_named(board.title, is_simulated=is_simulated),
        about=_about(is_simulated, [board.about, f"For: {board.reader}."]),
        variables=[of for name in board.filters if name in used for of in VARIABLES[name]],
        tiles=tiles,
    )


def _card(board: Board, card: Card, *, engine: Engine, is_simulated: bool) -> WantedCard:
    ignored = [name for name in board.filters if name not in card.filters]
    parts = [
        card.question,
        card.caveat,
        f"Not filtered by: {', '.join(ignored)}." if ignored else None,
        f"At most the first {card.top}; the rest is not shown here." if card.top else None,
        f"Groups of fewer than {card.smallest_group} people are not included."
        if _ranks(card) and card.smallest_group
        else None,
        f"Without rows: {card.empty}",
    ]
    return WantedCard(
        key=f"{board.name}.yml/{card.name}",
        name=_named(card.title, is_simulated=is_simulated),
        about=_about(is_simulated, parts),
        display=display(card),
        sql=sql_of(card, engine),
        variables=[of for name in board.filters if name in card.filters for of in VARIABLES[name]],
        settings=settings_of(card),
    )


def _values(of: Variable, name: Filter, boards: Sequence[Board], *, engine: Engine, is_simulated: bool) -> WantedCard:
    """From the card with the most filters: it has the values for every month, person and team."""
    cards = [card for board in boards for card in board.cards if name in card.filters]
    card = max(cards, key=lambda card: len(card.filters))
    column = card.filters[name]
    counted = {"rows_of_it": Measure(label="Rows", format="count", distinct=column)}
    only = Card(
        name=card.name, title=card.title, question=card.question, display="number", place=card.place, measures=counted
    )
    inner = aggregated(only, engine=engine, filters={}).partition("\nfrom (\n")[2]
    return WantedCard(
        key=key_of_values(of.name),
        name=_named(f"Filter values: {of.label}", is_simulated=is_simulated),
        about=_about(is_simulated, [f"What the filter {of.label} of the dashboards offers."]),
        display="table",
        sql=f"select distinct {column} as {of.name}\nfrom (\n{inner}\nwhere {column} is not null\norder by 1",
        settings={"table.pivot": False},
    )


def _named(title: str, *, is_simulated: bool) -> str:
    return f"{title} (simulated)" if is_simulated else title


def _about(is_simulated: bool, parts: Sequence[str | None]) -> str:  # noqa: FBT001
    return "\n\n".join(part for part in (f"{SIMULATED}." if is_simulated else None, *parts) if part)


def _marked(about: str, key: str, name: str, settings: Mapping[str, Any]) -> str:
    of_settings = _digest(json.dumps(settings, sort_keys=True), 8)
    return f"{about}\n\nMade by ai_usage from {key} ({_digest(name, 4)}{of_settings})."


def _digest(text: str, length: int) -> str:
    return sha256(text.encode()).hexdigest()[:length]
