"""`make docs`: docs/tables.md, docs/checks.md and the README's table of sources, written from the declarations."""

import re
from collections.abc import Iterable, Iterator, Sequence

from ai_usage.catalog import TABLES
from ai_usage.checks.page import checks_page
from ai_usage.checks.registry import CHECKS
from ai_usage.commands.terminal import OUT
from ai_usage.core.closing import ACTS
from ai_usage.marts.files import marts
from ai_usage.places import ROOT
from ai_usage.providers.provider import Provider
from ai_usage.providers.registry import PROVIDERS
from ai_usage.settings import Settings
from ai_usage.sheet.tables import RAW_TABLES as SHEET_TABLES
from ai_usage.warehouse.table import RAW, Table

TARGET, CHECKS_PAGE, README = ROOT / "docs" / "tables.md", ROOT / "docs" / "checks.md", ROOT / "README.md"
BEGIN, END = "<!-- sources: written by make docs -->", "<!-- end of sources -->"
CLAUSE = re.compile(r" (?=(?:from|where|group by|order by|limit) )")
INTRODUCTION = (
    "Written by `make docs` from the declarations in the code. Money is NUMERIC(38, 9) in USD; days are UTC. Names "
    "follow [naming.md](naming.md). Each example is GoogleSQL that DuckDB accepts as it is, on the published copy."
)


def run(_of: Settings, _argv: Sequence[str]) -> int:
    front = readme(README.read_text(encoding="utf-8"))
    README.write_text(front, encoding="utf-8")
    TARGET.write_text(tables_page(TABLES), encoding="utf-8")
    CHECKS_PAGE.write_text(checks_page(CHECKS), encoding="utf-8")
    for page in (TARGET, CHECKS_PAGE, README):
        OUT.print(f"Written to {page}", soft_wrap=True)
    return 0


def readme(text: str) -> str:
    """The README with the table of sources as it should be; `ValueError` if it has no place for it."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"README.md has no lines {BEGIN!r} and {END!r}: nothing was written")
    return f"{before}{BEGIN}\n{sources_table(PROVIDERS)}\n{END}{after}"


def sources_table(providers: Iterable[Provider]) -> str:
    """One row for each provider: what is pulled, by which credential, and the page about it."""
    rows = [
        f"| {of.name} | {' · '.join(_products(of))}: {_reports(of)} | "
        f"{', '.join(f'`{key.variable}`' for key in of.account_fields.credentials)} | [{_title(of.page)}]({of.page}) |"
        for of in providers
    ]
    return "\n".join(["| provider | what is pulled | credential | page |", "| --- | --- | --- | --- |", *rows])


def _products(of: Provider) -> list[str]:
    """The platforms, without the one for cost that no report splits by product."""
    return [platform.name for platform in of.platforms if "unknown" not in platform.name]


def _title(page: str) -> str:
    return page.rpartition("/")[2].partition(".md")[0]


def _reports(of: Provider) -> str:
    lists = len(of.snapshot_pulls)
    return (
        f"{len(of.daily_pulls)} daily reports, of which `{of.bill.pull}` is the bill, "
        f"and {lists} {'snapshot' if lists == 1 else 'snapshots'}"
    )


def tables_page(tables: Sequence[Table]) -> str:
    """The tables by layer, then each table with its question, example, grain and columns. The raw tables, which are
    alike, share a listing.
    """
    ledgers = [t for t in tables if t.is_ledger]
    others = [t for t in tables if t not in ledgers]
    return "\n".join(
        [
            "# Tables",
            "",
            INTRODUCTION,
            *_overview(tables),
            *(line for table in others for line in _section(table.address, table)),
            *_section(_title_of_ledgers(ledgers), ledgers[0]),
            "",
        ]
    )


def _title_of_ledgers(ledgers: Iterable[Table]) -> str:
    return f"{RAW}.{{{', '.join(table.name for table in ledgers)}}}"


def _overview(tables: Sequence[Table]) -> Iterator[str]:
    """The tables of each layer, each once: those that are steps of others come last."""
    places = {table.name: place for place, table in enumerate(tables)}
    first_mart = min(places[mart.table.name] for mart in marts())
    of_core = [t for t in tables if t.schema != RAW and places[t.name] < first_mart]
    kept = [t for t in tables if t.schema != RAW and places[t.name] >= first_mart]
    yield from _listing("Raw: what was pulled", _raw_rows(tables))
    yield from _listing("Core: typed facts", map(_row, of_core))
    yield from _listing("Marts: answers", (_row(table) for table in kept if not table.step_of))
    yield from _listing("Marts: steps of others", (_row(table) for table in kept if table.step_of))


def _listing(title: str, rows: Iterable[str]) -> Iterator[str]:
    yield from ("", f"## {title}", "", "| table | one row |", "| --- | --- |", *rows)


def _row(table: Table) -> str:
    return f"| {_link(table)} | {table.grain} |"


def _link(table: Table) -> str:
    return f"[`{table.name}`](#{table.address.replace('.', '')})"


def _raw_rows(tables: Iterable[Table]) -> Iterator[str]:
    """One row for the reports of a provider that are alike."""
    yield from (_row(table) for table in tables if table.schema == RAW and not table.is_ledger)
    for of in PROVIDERS:
        for pulls, when in ((of.daily_pulls, "by UTC day"), (of.snapshot_pulls, "by snapshot")):
            yield f"| {_names(pulls)} | one record as {of.name} sent it, {when} |"
        if of.uploads:
            yield f"| {_names(of.uploads)} | one record of a file of {of.name} that people upload, by UTC day |"
    yield f"| {_names(table.name for table in SHEET_TABLES.values())} | one row of a tab of the sheet, by snapshot |"
    yield f"| {_names([ACTS])} | an act of closing or reopening a month, with a frozen copy of its figures |"


def _names(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _section(title: str, table: Table) -> Iterator[str]:
    yield from ("", f"## {title}", "", f"One row: {table.grain}.", "")
    if table.step_of:
        yield from (f"A step of `{table.step_of}`.", "")
    else:
        yield from (table.question, "", "```sql", CLAUSE.sub("\n", table.example), "```", "")
    yield from ("| column | type | null | meaning |", "| --- | --- | --- | --- |")
    for name, column in table.columns.items():
        yield f"| {name} | {column.type.googlesql} | {'' if column.required else 'yes'} | {column.description} |"
