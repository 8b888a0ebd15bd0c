"""The boards as declared in `dashboards/*.yml`. A file with an error is refused in one sentence."""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any, Literal, get_args

import msgspec
from sqlglot import exp

from ai_usage.checks.result_table import CHECK_RESULTS
from ai_usage.errors import AiUsageError
from ai_usage.marts.files import marts
from ai_usage.places import SHIPPED
from ai_usage.warehouse.googlesql import parsed, read
from ai_usage.warehouse.table import ANALYTICS

FOLDER = SHIPPED / "dashboards"
COLUMNS = 24  # of the grid
OF_FRESHNESS, OF_KNOWN_DAYS = "board_freshness", "board_known_days"  # sql/dashboards/ has them beside the cards

Display = Literal["number", "line", "area", "bar", "row", "combo", "heatmap", "scatter", "band", "table", "status"]
Format = Literal[
    "usd", "usd_fine", "count", "ratio", "tokens", "text", "term", "words", "date", "month", "instant", "days"
]
Filter = Literal["period", "provider", "cost_center", "team", "person"]
How = Literal["sum", "min", "max"]

NOTHING = "Nothing of this kind is known yet. `make doctor` shows what each key can read; the next run fills this card."
WITHOUT_AXES = {"number", "table", "status"}


class BoardError(AiUsageError):
    """A file of dashboards/ that cannot be used as it stands."""


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of a board. Its rules are checked when it is created; a ValueError begins with the key that is
    wrong.
    """


class Place(_Part, frozen=True, kw_only=True):
    """Where a card stands on the grid of 24 columns."""

    row: int
    column: int
    width: int
    height: int

    def __post_init__(self) -> None:
        if min(self.row, self.column) < 0 or min(self.width, self.height) < 1:
            raise ValueError("row and column begin at 0, width and height at 1.")
        if self.column + self.width > COLUMNS:
            raise ValueError(f"column and width come to {self.column + self.width}; the grid has {COLUMNS} columns.")

    def overlaps(self, other: "Place") -> bool:
        return (
            self.column < other.column + other.width
            and other.column < self.column + self.width
            and self.row < other.row + other.height
            and other.row < self.row + self.height
        )


class Section(_Part, frozen=True, kw_only=True):
    """A heading above the cards from a row on."""

    row: int
    title: str


class Dimension(_Part, frozen=True, kw_only=True):
    """A column of the result that rows are grouped by."""

    label: str
    format: Format


class Measure(_Part, frozen=True, kw_only=True):
    """A number computed from the filtered rows: the aggregate `how` of a column, a ratio of two sums, or a distinct
    count.
    """

    label: str
    format: Format
    of: str | None = None
    per: str | None = None
    distinct: str | None = None
    how: How = "sum"

    def __post_init__(self) -> None:
        if (self.of is None) == (self.distinct is None):
            raise ValueError("write either `of` (a column to add up) or `distinct` (a column to count).")
        if self.per and (self.distinct or self.how != "sum"):
            raise ValueError("`per` makes a ratio of sums: write it beside `of` alone.")

    @property
    def columns(self) -> list[str]:
        return [column for column in (self.of, self.per, self.distinct) if column]


class Answer(_Part, frozen=True, kw_only=True):
    """The words after a number that answer its card's question: `above` zero, `below` it (the number is then shown
    without its sign), and for zero. `share_of` is a measure; the number is also shown as a share of it.
    """

    above: str
    below: str | None = None
    zero: str | None = None
    share_of: str | None = None


class Card(_Part, frozen=True, kw_only=True):
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
    answer: Answer | None = None
    shares: bool = False  # of a ranking: each bar shows its share of the whole, beside the amount
    unfiltered: str | None = None  # why the board's other filters do not change it
    caveat: str | None = None
    empty: str = NOTHING

    def __post_init__(self) -> None:
        for wrong in (*_wrong_measures(self), *_wrong_names(self), *_wrong_axes(self), *_wrong_words(self)):
            raise ValueError(wrong)

    @property
    def query(self) -> str:
        """The name of its SELECT's file, for the warehouse."""
        return f"dashboards/{self.name}"


class Board(_Part, frozen=True, kw_only=True):
    """One page for one kind of reader."""

    name: str
    title: str
    reader: str
    about: str
    order: int
    filters: list[Filter] = []
    sections: list[Section] = []
    cards: list[Card]

    def __post_init__(self) -> None:
        for card in self.cards:
            if foreign := card.filters.keys() - set(self.filters):
                at = f"card {card.name}: filters"
                raise ValueError(f"{at}: the board does not offer {min(foreign)}; add it to the board's filters.")
        for one, other in combinations(self.cards, 2):
            if one.name == other.name:
                raise ValueError(f"card {one.name}: name: there are two of that name; each has SQL of its own.")
            if one.place.overlaps(other.place):
                raise ValueError(f"card {other.name}: place: it covers a part of {one.name}; move one of them.")


def boards(folder: Path = FOLDER) -> list[Board]:
    """Every board, in their order."""
    return sorted((board(path.stem, path.read_text("utf-8")) for path in folder.glob("*.yml")), key=lambda b: b.order)


def board(name: str, text: str, columns_of: Callable[[str], list[str]] | None = None) -> Board:
    """A board from its file's text."""
    file = f"dashboards/{name}.yml"
    try:
        written = msgspec.yaml.decode(text)
    except msgspec.DecodeError as error:
        raise BoardError(f"{file} is no YAML: {error}") from error
    if not isinstance(written, dict):
        raise BoardError(f"{file} must have keys such as title and cards.")
    if "name" in written:
        raise BoardError(f"{file}: the board: its name is the file's; leave name out.")
    try:
        found = msgspec.convert({**written, "name": name}, Board)
    except msgspec.ValidationError as error:
        raise BoardError(f"{file}: {_sentence(str(error), written)}") from error
    for card in found.cards:
        if wrong := _wrong_column(card, (columns_of or columns_given)(card.name)):
            raise BoardError(f"{file}: card {card.name}: {wrong}")
    return found


PARTS: Mapping[str, type[msgspec.Struct]] = {
    "": Board,
    "sections": Section,
    "cards": Card,
    "place": Place,
    "answer": Answer,
    "dimensions": Dimension,
    "measures": Measure,
}
WORDS = {"display": get_args(Display), "format": get_args(Format), "filters": get_args(Filter), "how": get_args(How)}
WHERE = re.compile(r" - at (`key` in )?`\$(?P<path>[^`]*)`$")


def _sentence(error: str, written: Mapping[str, Any]) -> str:
    """The error of msgspec, with the place in words and what to write there."""
    found = WHERE.search(error)
    what, path = (error[: found.start()], found["path"]) if found else (error, "")
    names = re.findall(r"\w+|\[[^]]*\]", path)
    key = next((name for name in reversed(names) if name[0] != "["), "")
    if unknown := re.fullmatch(r"Object contains unknown field `(.*)`", what):
        known = [name for name in PARTS[key].__struct_fields__ if (key, name) != ("", "name")]
        what = f"nothing is called {unknown[1]}; write one of {', '.join(known)}."
    elif what.startswith("Invalid enum value") and key in WORDS:
        what = f"{what}; write one of {', '.join(WORDS[key])}."
    place = ": ".join(_place(names, written)) or ("the board" if unknown else "")
    return f"{place}: {what}" if place else what


def _place(names: list[str], written: Any) -> Iterator[str]:
    """A path of msgspec in words: cards by their names, and the wrong entry of `dimensions` or `measures`."""
    while names:
        name, *names = names
        written = written[name]
        index = names.pop(0)[1:-1] if names and names[0].startswith("[") else ""
        if index.isdigit():
            written = written[int(index)]
            title = written.get("name") if isinstance(written, dict) else None
            yield f"card {title or int(index) + 1}" if name == "cards" else name
        elif index and name in PARTS:
            key = next(key for key, entry in written.items() if not _is_valid(entry, PARTS[name]))
            written = written[key]
            yield f"{name}.{key}"
        else:
            yield name


def _is_valid(entry: Any, of: type[msgspec.Struct]) -> bool:
    try:
        msgspec.convert(entry, of)
    except msgspec.ValidationError:
        return False
    return True


def _wrong_measures(card: Card) -> Iterator[str]:
    if not card.measures:
        yield "measures: at least one is shown; write its label, format and the column it is `of`."
    for name in card.measures.keys() & card.dimensions.keys():
        yield f"measures.{name}: a dimension has that name too; write another one."


def _wrong_names(card: Card) -> Iterator[str]:
    """References to names that are neither a dimension nor a measure of the card."""
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
        yield "covers: the filter `period` sets the days already; leave one of them out."
    if card.compares and "period" not in card.filters:
        yield "compares: there is no period to compare with; write the filter `period`, or leave it out."
    if card.smallest_group and "people" not in card.measures:
        yield "smallest_group: the people of a group are counted by a measure named people; write it."
    if card.top is not None and card.top < 1:
        yield "top: at least 1 row is shown."


def _wrong_words(card: Card) -> Iterator[str]:
    if card.answer and card.display != "number":
        yield "answer: it completes a number; leave it out, or write display: number."
    if card.answer and card.answer.share_of and card.answer.share_of not in card.measures:
        yield f"answer.share_of: there is no {card.answer.share_of}; write one of {', '.join(card.measures)}."
    if card.shares and (card.display != "row" or card.series):
        yield "shares: only bars of one ranking have them; write display: row without a series."


def _wrong_column(card: Card, given: list[str]) -> str | None:
    """The first column that a card uses but its SQL does not return."""
    used = {
        **{f"filters.{name}": column for name, column in card.filters.items()},
        **{f"dimensions.{name}": name for name in card.dimensions},
        **{f"measures.{name}": of for name, measure in card.measures.items() for of in measure.columns},
        **{f"measures.{name}.per": measure.per for name, measure in card.measures.items() if measure.per},
        **{f"measures.{name}.of": measure.of for name, measure in card.measures.items() if measure.of},
    }
    for key, column in used.items():
        if column not in given:
            return f"{key}: sql/dashboards/{card.name}.sql gives no column {column}; it gives {', '.join(given)}."
    return None


@cache
def columns_given(card: str) -> list[str]:
    """The columns of `sql/dashboards/<card>.sql`, which reads marts and takes no parameters."""
    name = f"dashboards/{card}"
    try:
        text = read(name)
    except FileNotFoundError as error:
        raise BoardError(f"dashboards: card {card}: there is no sql/{name}.sql; write its SELECT there.") from error
    select = parsed(text)
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
