"""The boards as `dashboards/*.yml` has them, read and checked: a board that cannot be drawn is refused in one sentence
that names file, card, key and what to write. Knows of no warehouse; what a card's SQL answers is `cards`' business.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args

import msgspec
import sqlglot
from sqlglot import exp

from ai_usage.checks.result_table import CHECK_RESULTS
from ai_usage.errors import AiUsageError
from ai_usage.marts.files import marts
from ai_usage.settings import ROOT
from ai_usage.warehouse.googlesql import read
from ai_usage.warehouse.table import ANALYTICS

FOLDER = ROOT / "dashboards"
COLUMNS = 24  # of the grid
OF_FRESHNESS, OF_KNOWN_DAYS = "board_freshness", "board_known_days"  # sql/dashboards/ has them beside the cards

Display = Literal["number", "line", "area", "bar", "row", "combo", "heatmap", "scatter", "band", "table", "status"]
Format = Literal["usd", "usd_fine", "count", "ratio", "tokens", "text", "term", "date", "month", "instant", "days"]
Filter = Literal["period", "provider", "team", "person"]
How = Literal["sum", "min", "max"]

WITHOUT_AXES = {"number", "table", "status"}


class BoardError(AiUsageError):
    """A file of dashboards/ that cannot be used as it stands."""


class _Checked(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a board."""


class Place(_Checked, frozen=True, kw_only=True):
    """Where a card stands on the grid of 24 columns."""

    row: int
    column: int
    width: int
    height: int

    def overlaps(self, other: "Place") -> bool:
        return (
            self.column < other.column + other.width
            and other.column < self.column + self.width
            and self.row < other.row + other.height
            and other.row < self.row + self.height
        )


class Section(_Checked, frozen=True, kw_only=True):
    """A heading above the cards from a row on."""

    row: int
    title: str


class Dimension(_Checked, frozen=True, kw_only=True):
    """A column of the result that rows are told apart by."""

    label: str
    format: Format


class Measure(_Checked, frozen=True, kw_only=True):
    """A number made of columns after the filters have cut: `how` of a column, a ratio of two sums, or how many
    different values there are.
    """

    label: str
    format: Format
    of: str | None = None
    per: str | None = None
    distinct: str | None = None
    how: How = "sum"

    @property
    def columns(self) -> list[str]:
        return [column for column in (self.of, self.per, self.distinct) if column]


class Card(_Checked, frozen=True, kw_only=True):
    """One question and its answer: `sql/dashboards/<name>.sql`, shown one way."""

    name: str
    title: str
    question: str
    display: Display
    place: Place
    filters: Mapping[Filter, str] = {}
    dimensions: Mapping[str, Dimension] = {}
    measures: Mapping[str, Measure]
    x: str | None = None
    y: list[str] = []
    series: str | None = None
    size: str | None = None
    label: str | None = None
    low: str | None = None
    high: str | None = None
    sort: str | None = None
    top: int | None = None
    smallest_group: int | None = None
    covers: Literal["month", "four_weeks", "history"] | None = None  # which days, of a card without the filter `period`
    compares: Literal["previous"] | None = None
    caveat: str | None = None
    empty: str = "There is nothing of this kind."

    @property
    def query(self) -> str:
        """Where its SELECT is, for the warehouse."""
        return f"dashboards/{self.name}"


class Board(_Checked, frozen=True, kw_only=True):
    """One page for one kind of reader."""

    name: str
    title: str
    reader: str
    about: str
    order: int
    filters: list[Filter] = []
    sections: list[Section] = []
    cards: list[Card]


def boards(folder: Path = FOLDER) -> list[Board]:
    """Every board there is, checked, in their order."""
    return sorted((board(path.stem, path.read_text("utf-8")) for path in folder.glob("*.yml")), key=lambda b: b.order)


def board(name: str, text: str, columns_of: Callable[[str], list[str]] | None = None) -> Board:
    """A board from its file's text."""
    file = f"dashboards/{name}.yml"
    try:
        said = msgspec.yaml.decode(text)
    except msgspec.DecodeError as error:
        raise BoardError(f"{file} is no YAML: {error}") from error
    if not isinstance(said, dict):
        raise BoardError(f"{file} must have keys such as title and cards.")
    _refuse_unknown(said, Board, file, "the board", besides={"name"})
    for section in said.get("sections") or []:
        _refuse_unknown(section, Section, file, "sections")
    for at, card in enumerate(said.get("cards") or []):
        if not isinstance(card, dict):
            raise BoardError(f"{file}: cards is a list of cards, each with keys such as name and title.")
        where = f"card {card.get('name', at + 1)}"
        _refuse_unknown(card, Card, file, where)
        for group, of in (("dimensions", Dimension), ("measures", Measure)):
            for key, entry in (card.get(group) or {}).items():
                _refuse_unknown(entry, of, file, f"{where}: {group}.{key}")
        _refuse_unknown(card.get("place") or {}, Place, file, f"{where}: place")
    try:
        found = msgspec.convert({**said, "name": name}, Board)
    except msgspec.ValidationError as error:
        raise BoardError(f"{file}: {_with_the_cards_name(str(error), said)}.") from error
    for what, wrong in _wrong(found, columns_of or columns_given):
        raise BoardError(f"{file}: {what}: {wrong}")
    return found


def _refuse_unknown(said: Any, of: type[msgspec.Struct], file: str, where: str, besides: Collection[str] = ()) -> None:
    known = [name for name in of.__struct_fields__ if name not in besides]
    if isinstance(said, dict) and (unknown := [str(key) for key in said if key not in known]):
        raise BoardError(f"{file}: {where}: nothing is called {unknown[0]}; write one of {', '.join(known)}.")


def _with_the_cards_name(error: str, said: dict[str, Any]) -> str:
    for at, card in enumerate(said.get("cards") or []):
        error = error.replace(f"$.cards[{at}]", f"card {card.get('name', at + 1)}, $")
    return error


def _wrong(found: Board, columns_of: Callable[[str], list[str]]) -> Iterator[tuple[str, str]]:
    """What is wrong with a board: where, and what to write."""
    seen: list[Card] = []
    for card in found.cards:
        at = f"card {card.name}"
        for other in seen:
            if other.name == card.name:
                yield at, "name: there are two of that name; each has SQL of its own."
            if card.place.overlaps(other.place):
                yield at, f"place: it covers a part of {other.name}; move one of them."
        seen.append(card)
        place = card.place
        if min(place.row, place.column) < 0 or min(place.width, place.height) < 1:
            yield at, "place: row and column begin at 0, width and height at 1."
        if place.column + place.width > COLUMNS:
            yield at, f"place: column and width come to {place.column + place.width}; the grid has {COLUMNS} columns."
        if foreign := card.filters.keys() - set(found.filters):
            yield at, f"filters: the board does not offer {min(foreign)}; add it to the board's filters."
        for wrong in (_wrong_measures, _wrong_names, _wrong_axes):
            yield from ((at, said) for said in wrong(card))
        yield from ((at, said) for said in _wrong_columns(card, columns_of(card.name)))


def _wrong_measures(card: Card) -> Iterator[str]:
    if not card.measures:
        yield "measures: at least one is shown; write its label, format and the column it is `of`."
    for name, measure in card.measures.items():
        if name in card.dimensions:
            yield f"measures.{name}: a dimension has that name too; write another one."
        if (measure.of is None) == (measure.distinct is None):
            yield f"measures.{name}: write either `of` (a column to add up) or `distinct` (a column to count)."
        if measure.per and (measure.distinct or measure.how != "sum"):
            yield f"measures.{name}: `per` makes a ratio of sums: write it beside `of` alone."


def _wrong_names(card: Card) -> Iterator[str]:
    """Names that are neither a dimension's nor a measure's of the card, where one of these is meant."""
    dimensions, measures = list(card.dimensions), list(card.measures)
    wanted: list[tuple[str, str | None, list[str]]] = [
        ("x", card.x, measures if card.display == "scatter" else dimensions),
        ("series", card.series, dimensions),
        ("size", card.size, measures),
        ("label", card.label, dimensions),
        ("low", card.low, measures),
        ("high", card.high, measures),
        ("sort", card.sort.removeprefix("-") if card.sort else None, [*dimensions, *measures]),
        *(("y", of, measures) for of in card.y),
    ]
    for key, value, among in wanted:
        if value is not None and value not in among:
            yield f"{key}: there is no {value}; write one of {', '.join(among) or 'none: it has none'}."


def _wrong_axes(card: Card) -> Iterator[str]:
    needs: dict[str, object] = {} if card.display in WITHOUT_AXES else {"x": card.x, "y": card.y}
    needs |= {"low": card.low, "high": card.high} if card.display == "band" else {}
    needs |= {"label": card.label} if card.display == "scatter" else {}
    needs |= {"series": card.series} if card.display == "heatmap" else {}
    for key, value in needs.items():
        if not value:
            yield f"{key}: display {card.display} needs it."
    if card.display == "number" and card.dimensions:
        yield "dimensions: a number has none; leave them out, or write display: table."
    if card.covers and "period" in card.filters:
        yield "covers: the filter `period` says which days it is about; leave one of them out."
    if card.compares and "period" not in card.filters:
        yield "compares: there is no period to compare with; write the filter `period`, or leave it out."
    if card.smallest_group and "people" not in card.measures:
        yield "smallest_group: how many people a group has is told by a measure named people; write it."
    if card.top is not None and card.top < 1:
        yield "top: at least 1 row is shown."


def _wrong_columns(card: Card, given: list[str]) -> Iterator[str]:
    used = {
        **{f"filters.{name}": column for name, column in card.filters.items()},
        **{f"dimensions.{name}": name for name in card.dimensions},
        **{f"measures.{name}": of for name, measure in card.measures.items() for of in measure.columns},
        **{f"measures.{name}.per": measure.per for name, measure in card.measures.items() if measure.per},
        **{f"measures.{name}.of": measure.of for name, measure in card.measures.items() if measure.of},
    }
    for key, column in used.items():
        if column not in given:
            yield f"{key}: sql/dashboards/{card.name}.sql gives no column {column}; it gives {', '.join(given)}."


@cache
def columns_given(card: str) -> list[str]:
    """The columns of `sql/dashboards/<card>.sql`, which reads marts and takes no parameters."""
    name = f"dashboards/{card}"
    try:
        text = read(name)
    except FileNotFoundError as error:
        raise BoardError(f"dashboards: card {card}: there is no sql/{name}.sql; write its SELECT there.") from error
    select = sqlglot.parse_one(text, read="bigquery")
    if not isinstance(select, exp.Query):
        raise BoardError(f"sql/{name}.sql is no SELECT.")
    if parameter := select.find(exp.Parameter):
        raise BoardError(f"sql/{name}.sql takes @{parameter.name}; a card's SQL takes no parameters.")
    for table in select.find_all(exp.Table):
        if table.db and (table.db != ANALYTICS or table.name not in readable()):
            raise BoardError(f"sql/{name}.sql reads {table.db}.{table.name}; a card reads marts only.")
    return select.named_selects


@cache
def readable() -> frozenset[str]:
    """The tables a card may read."""
    return frozenset({*(mart.table.name for mart in marts()), CHECK_RESULTS.name})


DISPLAYS, FORMATS = get_args(Display), get_args(Format)
