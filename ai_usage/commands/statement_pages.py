"""A showback statement as a page to print on A4. It loads nothing: style and text are in the one file."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from html import escape

import polars as pl

from ai_usage.commands.showback import COMPANY, Statement

STYLE = """
@page { size: A4; margin: 18mm 16mm }
body { font: 10pt/1.4 system-ui, sans-serif; color: #111; max-width: 178mm; margin: 2em auto; padding: 0 1em }
h1 { font-size: 17pt; margin: 0 } h2 { font-size: 11pt; margin: 1.6em 0 .4em } .month { color: #555; margin: 0 0 1em }
.simulated { border: 2px solid #b00020; color: #b00020; font-weight: 700; padding: .5em .8em; margin: 0 0 1em }
.total { font-size: 15pt; font-weight: 700; margin: .4em 0 } ul { padding-left: 1.2em; margin: .4em 0 }
table { border-collapse: collapse; width: 100% } th, td { text-align: left; padding: .25em .5em; vertical-align: top }
th { border-bottom: 1.5px solid #111 } td { border-bottom: .5px solid #ccc } thead { display: table-header-group }
tr { break-inside: avoid } .usd { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums }
tfoot td { font-weight: 700; border-top: 1.5px solid #111; border-bottom: none } .note { color: #555; font-size: 9pt }
@media print { body { margin: 0; padding: 0; max-width: none } }
"""
SIMULATED = "SIMULATED DATA from the built-in providers: no real money"
NOTE = (
    "Billed cost before tax, seats included, in USD. Cents are rounded so that they add up: the lines to each "
    "statement, and the statements to the company's. The CSV file has the exact amounts. Cost that no source "
    "attributes to a team is in the statement of \u201cno team\u201d, and likewise of \u201cno cost center\u201d."
)
HEADS = {
    "provider": "Provider",
    "service": "Service",
    "charge_type": "Charge",
    "attribution_method": "Attributed by",
    "status": "Status",
}


def page(statement: Statement) -> str:
    """The whole file."""
    title = f"{statement.title}: AI tools, {statement.month}"
    mark = f'<p class="simulated">{SIMULATED}</p>' if statement.is_simulated else ""
    body = [
        mark,
        f"<h1>{escape(statement.title)}</h1>",
        f'<p class="month">AI tools, {escape(statement.month)}</p>',
        f'<p class="total">{_usd(statement.table["shown_usd"].sum())} USD</p>',
        _list(statement.marks),
        *(_parts(statement) if statement.scope == COMPANY else [_lines(statement.table)]),
        "<h2>How the company's cost is attributed</h2>",
        _list(f"{method}: {share}" for method, share in statement.shares),
        f'<p class="note">{escape(NOTE)}</p>',
    ]
    head = f'<meta charset="utf-8"><title>{escape(title)}</title><style>{STYLE}</style>'
    return f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body>\n' + "\n".join(body) + "\n</body></html>\n"


def _parts(statement: Statement) -> Sequence[str]:
    """For the company: the total of each team and of each service."""
    found = []
    for heading, names in (("By team", ["name"]), ("By service", ["provider", "service", "charge_type"])):
        sums = statement.table.group_by(names).agg(pl.col("shown_usd").sum()).sort(names)
        heads = [HEADS.get(name, "Team") for name in names]
        found += [f"<h2>{heading}</h2>", _table(heads, sums.rows())]
    return found


def _lines(table: pl.DataFrame) -> str:
    return _table([*HEADS.values()], table.select(*HEADS, "shown_usd").rows())


def _table(heads: Sequence[str], rows: Sequence[tuple[object, ...]]) -> str:
    """Rows with the amount last, and their sum."""
    top = "".join(f"<th>{escape(head)}</th>" for head in heads) + '<th class="usd">USD</th>'
    lines = "\n".join(
        f"<tr>{''.join(f'<td>{escape(str(cell))}</td>' for cell in cells)}<td class='usd'>{_usd(usd)}</td></tr>"
        for *cells, usd in rows
    )
    total = sum((Decimal(str(row[-1])) for row in rows), Decimal())
    foot = f"<tr><td colspan='{len(heads)}'>Total</td><td class='usd'>{_usd(total)}</td></tr>"
    return f"<table><thead><tr>{top}</tr></thead><tbody>\n{lines}\n</tbody><tfoot>{foot}</tfoot></table>"


def _list(items: Iterable[str]) -> str:
    return "<ul>" + "".join(f"<li>{escape(item)}</li>" for item in items) + "</ul>"


def _usd(usd: object) -> str:
    return f"{Decimal(str(usd)):,.2f}"
