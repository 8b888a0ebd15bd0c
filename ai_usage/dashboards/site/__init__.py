"""Boards as pages: one HTML file a board, with everything it needs inside, for a browser without a network.

`packing` makes a card's rows compact; the scripts beside this file unpack, filter and add them up again, and draw.
`cards` computes a card's rows.
"""

import html
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
import vl_convert

from ai_usage import runbook_page
from ai_usage.dashboards.boards import Board, Card
from ai_usage.dashboards.cards import Result
from ai_usage.dashboards.site.packing import Packer
from ai_usage.partitions import runs_of_days
from ai_usage.providers.registry import COLORS, NAMES

FILES = Path(__file__).parent
SCRIPTS = ("data.js", "format.js", "table.js", "chart.js", "filters.js", "known.js", "card.js", "export.js", "page.js")
INDEX = "index.html"
RUNBOOK_LINK = f'<a href="{runbook_page.FILE}">What each check means, and what to do if it fails</a>'
SIMULATED = '<p class="simulated">SIMULATED DATA of the built-in providers</p>'


@dataclass(frozen=True)
class Site:
    """Every board has a link to every other; `is_simulated` is shown wherever a number is."""

    boards: Sequence[Board]
    vega: str  # the script that draws
    is_simulated: bool = False
    made: str = ""  # when, in words
    redact: Callable[[str], str] = str  # applied to every name in the data

    def page(
        self,
        board: Board,
        results: Mapping[str, Result],
        known: Mapping[str, Sequence[date]] | None = None,
        until: date | None = None,
    ) -> str:
        """One board with its rows: a whole HTML file. `known` are each provider's known days, `until` the last day that
        should be.
        """
        packer = Packer(self.redact)
        cards = [_card(card, results[card.name], packer) for card in board.cards]
        data = {
            "board": {**_plain(board), "cards": cards},
            "isSimulated": self.is_simulated,
            "names": NAMES,
            "colours": COLORS,
            "packed": packer.packed(),
            "known": {
                self.redact(provider): [[str(span.first), str(span.last)] for span in runs_of_days(days)]
                for provider, days in (known or {}).items()
                if days
            },
            "until": until.isoformat() if until else None,
        }
        body = _filled(
            _file("board.html"),
            reader=html.escape(f"For {board.reader}"),
            title=html.escape(board.title),
            about=html.escape(board.about),
            badge=SIMULATED if self.is_simulated else "",
            figures=figures_file(is_simulated=self.is_simulated),
            foot=f"{html.escape(self.made)} {RUNBOOK_LINK}",
            data=_json(data),
            vega=self.vega,
            script="\n".join(_file(name) for name in SCRIPTS),
        )
        return self._whole(board.title, body, current=board.name)

    def index(self) -> str:
        """The start page: the subject and the readers of each board."""
        items = "".join(
            f'<li><a href="{board.name}.html"><p class="reader">For {html.escape(board.reader)}</p>'
            f'<h2>{html.escape(board.title)}</h2><p class="about">{html.escape(board.about)}</p></a></li>'
            for board in self.boards
        )
        badge = SIMULATED if self.is_simulated else ""
        body = (
            f'<main id="main" tabindex="-1"><div class="title"><h1>What AI tools cost, and what for</h1>{badge}'
            f'<p class="downloads"><a class="quiet" href="{figures_file(is_simulated=self.is_simulated)}" download>'
            "Download all boards as CSV (ZIP)</a></p></div>"
            f'<ul class="boards">{items}</ul></main>'
            f'<footer class="foot">{html.escape(self.made)} {RUNBOOK_LINK}</footer>'
        )
        return self._whole("AI usage", body, current=None)

    def _whole(self, title: str, body: str, *, current: str | None) -> str:
        links = "".join(
            f'<a href="{board.name}.html"{" aria-current=page" if board.name == current else ""}>'
            f"{html.escape(board.title)}</a>"
            for board in self.boards
        )
        mark = "SIMULATED · " if self.is_simulated else ""
        return _filled(
            _file("page.html"),
            title=html.escape(mark + title),
            style=_file("style.css"),
            theme=_file("theme.js"),
            links=links,
            carry=_file("links.js"),
            body=body,
        )


def figures_file(*, is_simulated: bool) -> str:
    """The file beside the pages that has the figures of all boards."""
    return f"{'SIMULATED_' if is_simulated else ''}all_boards.zip"


def write(folder: Path, name: str, page: str | bytes) -> Path:
    """Replace a page atomically: readers see the old one or the new one."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    draft = folder / f".{name}.{os.getpid()}"
    draft.write_bytes(page.encode() if isinstance(page, str) else page)
    draft.replace(path)
    return path


def _card(card: Card, result: Result, packer: Packer) -> dict[str, Any]:
    rows = condensed(card, result.rows)
    labels = _labels(card)
    return {
        **_plain(card),
        "filters": dict(card.filters),
        "rows": len(rows),
        "labels": {name: packer.labels(rows[name]) for name in labels},
        "amounts": {name: packer.amounts(rows[name]) for name in rows.columns if name not in labels},
        "providers": _providers(result, packer.words),
        "through": result.data_through.isoformat() if result.data_through else None,
        "asOf": result.as_of.isoformat() if result.as_of else None,
        "provisionalFrom": result.provisional_from.isoformat() if result.provisional_from else None,
    }


def _providers(result: Result, words: Callable[[str], str]) -> list[str] | None:
    """The providers of a card's rows, if it has them by provider."""
    if "provider" not in result.rows.columns or result.rows.is_empty():
        return None
    return sorted({words(str(name)) for name in result.rows["provider"].drop_nulls().unique()})


def condensed(card: Card, rows: pl.DataFrame) -> pl.DataFrame:
    """The rows at the finest grain that the card's filters need. An amount's column is named by its aggregate, such as
    `sum billed_usd`. Sorted, so that equal columns of cards have equal content.
    """
    labels = _labels(card)
    amounts = {(measure.how, measure.of) for measure in card.measures.values() if measure.of}
    amounts |= {("sum", measure.per) for measure in card.measures.values() if measure.per}
    together = [_together(how, of).alias(f"{how} {of}") for how, of in sorted(amounts)]
    if not labels:
        return rows.select(together)
    order = sorted(labels, key=lambda name: (rows[name].n_unique(), name))  # long runs of the same deflate best
    return rows.group_by(labels).agg(together).sort(order)


def _together(how: str, of: str) -> pl.Expr:
    column = pl.col(of)
    if how == "sum":
        return pl.when(column.is_not_null().any()).then(column.sum())  # null if all values are null, as in SQL
    return column.min() if how == "min" else column.max()


def _labels(card: Card) -> list[str]:
    counted = [measure.distinct for measure in card.measures.values() if measure.distinct]
    return list(dict.fromkeys([*sorted(card.filters.values()), *card.dimensions, *counted]))


def _plain(of: msgspec.Struct) -> dict[str, Any]:
    plain = msgspec.to_builtins(of)
    assert isinstance(plain, dict)  # noqa: S101 - a Struct is an object
    return plain


def _json(data: Any) -> str:
    """JSON that may stand inside a script element: no name in it can end that."""
    return json.dumps(data, ensure_ascii=True, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")


def _filled(template: str, **values: str) -> str:
    """The template with each `{name}` replaced, once: what is put in is not looked at again."""
    parts = []
    while True:
        at, name = min(
            ((at, name) for name in values if (at := template.find(f"{{{name}}}")) >= 0), default=(len(template), "")
        )
        parts.append(template[:at])
        if not name:
            return "".join(parts)
        parts.append(values[name])
        template = template[at + len(name) + 2 :]


@cache
def _file(name: str) -> str:
    return (FILES / name).read_text("utf-8")


@cache
def vega(kept_in: Path) -> str:
    """Vega-Lite and all it needs as one script, with their notices. Bundling takes seconds, so it is kept, by its
    version, in a folder.
    """
    file = kept_in / f".vega-{version('vl-convert-python')}-with-notices.js"
    if not file.exists():
        bundle = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
        write(kept_in, file.name, f"/*!\n{_file('NOTICE.txt')}*/\n(() => {{\n{bundle}\n}})();")
    return file.read_text("utf-8")
