"""The figures of all boards as one ZIP file beside their pages: a folder for each board, a CSV file for each card,
without a filter and with every digit. A new page replaces its board's folder. Names show that data are simulated.
"""

import csv
import io
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import polars as pl

from ai_usage.dashboards.boards import Board, Card
from ai_usage.dashboards.cards import Result, numbers
from ai_usage.dashboards.site import figures_file, write
from ai_usage.dashboards.site.packing import plain
from ai_usage.warehouse.lock_files import alone_in

# What makes a spreadsheet read a cell as more than text: at its beginning, and after what may part cells.
FORMULA = r"^[\s\"']*[=+\-@＝＋－＠]|^[\t\r\n]"
PARTED = r"([;\t|\r\n][\s\"']*)([=+\-@＝＋－＠])"


def write_figures(
    folder: Path,
    board: Board,
    results: Mapping[str, Result],
    *,
    boards: Sequence[Board],
    is_simulated: bool,
    redact: Callable[[str], str] = str,
) -> Path:
    """Put the board's figures into the file, in place of those it had; other boards' stay, a removed board's do not.
    Processes that write boards at the same time wait for each other: neither drops the other's figures.
    """
    name = figures_file(is_simulated=is_simulated)
    others = {of.name for of in boards if of.name != board.name}
    mark = "SIMULATED_" if is_simulated else ""
    own = {
        f"{board.name}/{mark}{card.name}.csv": csv_text(card, results[card.name], redact).encode()
        for card in board.cards
    }
    folder.mkdir(parents=True, exist_ok=True)
    with alone_in(folder):
        (folder / figures_file(is_simulated=not is_simulated)).unlink(missing_ok=True)
        kept = {path: text for path, text in _kept(folder / name) if path.split("/")[0] in others}
        return write(folder, name, _packed(kept | own))


def _packed(files: Mapping[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as made:
        for path in sorted(files):
            made.writestr(zipfile.ZipInfo(path), files[path], zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def _kept(file: Path) -> Iterator[tuple[str, bytes]]:
    """What the file has so far; nothing where it is damaged: each board writes its part again."""
    if not zipfile.is_zipfile(file):
        return
    with zipfile.ZipFile(file) as kept:
        for path in kept.namelist():
            yield path, kept.read(path)


def csv_text(card: Card, result: Result, redact: Callable[[str], str] = str) -> str:
    """The card's lines in its own order, as its CSV button writes them: a header, then the lines, ids as they are."""
    shown = _ordered(card, numbers(result, card, {}))
    labels = shown.select(
        pl.Series(name, [None if cell is None else redact(str(plain(cell))) for cell in shown[name]], pl.String)
        for name in card.dimensions
    )
    amounts = [[None if cell is None else plain(cell) for cell in shown[name]] for name in card.measures]
    columns = [*(column.to_list() for column in harmless(labels)), *amounts]
    text = io.StringIO()
    lines = csv.writer(text)
    lines.writerow([of.label for of in card.dimensions.values()] + [of.label for of in card.measures.values()])
    lines.writerows(zip(*columns, strict=True))
    return text.getvalue()


def _ordered(card: Card, lines: pl.DataFrame) -> pl.DataFrame:
    key = card.sort or card.x or next(iter(card.dimensions), "")
    name = key.removeprefix("-")
    rest = [dimension for dimension in card.dimensions if dimension != name]
    by = [name, *rest] if name in lines.columns else rest
    if not by:
        return lines
    return lines.sort(by, descending=[key.startswith("-"), *[False] * (len(by) - 1)], nulls_last=True)


def harmless(frame: pl.DataFrame) -> pl.DataFrame:
    """Text that a spreadsheet may open safely: whatever it would read as a formula begins with an apostrophe, also
    after each character at which it may split cells (German Excel splits at `;`).
    """
    inside = pl.col(pl.String).str.replace_all(PARTED, "${1}'${2}")
    return frame.with_columns(pl.when(inside.str.contains(FORMULA)).then("'" + inside).otherwise(inside).name.keep())
