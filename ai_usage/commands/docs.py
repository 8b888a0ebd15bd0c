"""`make docs`: docs/tables.md, docs/checks.md and the README's table of checks, written from the declarations."""

from collections.abc import Iterable, Iterator, Sequence

from ai_usage.catalog import TABLES
from ai_usage.checks.page import checks_page, summary_table
from ai_usage.checks.registry import CHECKS
from ai_usage.commands.terminal import OUT
from ai_usage.places import ROOT
from ai_usage.settings import Settings
from ai_usage.warehouse.table import RAW, Table

TARGET, CHECKS_PAGE, README = ROOT / "docs" / "tables.md", ROOT / "docs" / "checks.md", ROOT / "README.md"
BEGIN, END = "<!-- checks: written by make docs -->\n", "\n<!-- end of checks -->"


def run(_of: Settings, _argv: Sequence[str]) -> int:
    TARGET.write_text(tables_page(TABLES), encoding="utf-8")
    CHECKS_PAGE.write_text(checks_page(CHECKS), encoding="utf-8")
    README.write_text(readme(README.read_text(encoding="utf-8")), encoding="utf-8")
    for page in (TARGET, CHECKS_PAGE, README):
        OUT.print(f"Written to {page}", soft_wrap=True)
    return 0


def readme(text: str) -> str:
    """The README with the table of checks as it should be."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}{summary_table(CHECKS)}{END}{after}"


def tables_page(tables: Iterable[Table]) -> str:
    """Every table with its grain and columns; the raw ones, which are alike, share a listing."""
    ledgers = [t for t in tables if t.is_ledger]
    others = [t for t in tables if t not in ledgers]
    return "\n".join(
        [
            "# Tables",
            "",
            "Written by `make docs` from the declarations in the code. Money is NUMERIC(38, 9) in USD; days are UTC.",
            *(line for table in others for line in _section(table.address, table)),
            *_section(f"{RAW}.{{{', '.join(t.name for t in ledgers)}}}", ledgers[0]),
            "",
        ]
    )


def _section(title: str, table: Table) -> Iterator[str]:
    yield from ("", f"## {title}", "", f"One row: {table.grain}.", "")
    yield from ("| column | type | null | meaning |", "| --- | --- | --- | --- |")
    for name, column in table.columns.items():
        yield f"| {name} | {column.type.googlesql} | {'' if column.required else 'yes'} | {column.description} |"
