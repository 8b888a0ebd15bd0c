"""Text from others that a command prints moves no cursor, sets no color and reverses no line."""

import io
import re
from decimal import Decimal

import polars as pl
import pytest
from rich.markup import escape

from ai_usage.commands import demo
from ai_usage.commands.refresh import Outcome, print_troubles
from ai_usage.commands.terminal import OUT, Terminal
from ai_usage.dashboards.all_boards import harmless
from ai_usage.providers.summary import Shares

HOSTILE = "a\x1b[31mred\x1b]0;title\x07\x9b2J\u202eb\x7f\u2028\r\x08c"
OWN = re.compile(r"\x1b\[[\d;]*m")  # rich's colors


def printed(*, is_terminal: bool) -> tuple[Terminal, io.StringIO]:
    file = io.StringIO()
    return Terminal(
        file=file,
        force_terminal=is_terminal,
        color_system="standard" if is_terminal else None,
        width=200,
        highlight=False,
    ), file


@pytest.mark.parametrize("is_terminal", [True, False])
def test_a_hostile_name_is_shown_and_not_obeyed(*, is_terminal: bool) -> None:
    terminal, file = printed(is_terminal=is_terminal)
    terminal.print(f"[bold red]✗[/] {escape(HOSTILE)}", soft_wrap=True)
    terminal.print(demo._shares(Shares(HOSTILE, [{"label": HOSTILE, "cost_usd": Decimal(1)}], Decimal(2))))
    terminal.rule(escape(HOSTILE))
    text = OWN.sub("", file.getvalue()) if is_terminal else file.getvalue()
    assert "a\\x1b[31mred\\x1b]0;title" in text
    assert "\\u202eb" in text
    assert [c for c in text if not c.isprintable() and c != "\n"] == []


def test_colors_of_our_own_stay() -> None:
    terminal, file = printed(is_terminal=True)
    terminal.print(f"[red]✗[/] {escape(HOSTILE)}")
    assert OWN.findall(file.getvalue()) == ["\x1b[31m", "\x1b[0m"]


def test_troubles_are_printed_so(capsys: pytest.CaptureFixture[str]) -> None:
    print_troubles(Outcome(failures={"core__x": HOSTILE}, skipped={"raw/x": HOSTILE}))
    captured = capsys.readouterr()
    assert "\x1b" not in captured.out + captured.err
    assert isinstance(OUT, Terminal)


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("=1+1", "'=1+1"),
        (" =1+1", "' =1+1"),
        ("a;=cmd|'/C calc'!A0", "a;'=cmd|'/C calc'!A0"),
        ("a|+1", "a|'+1"),
        ("a\t-1", "a\t'-1"),
        ("a;b - c", "a;b - c"),
        ("＝1", "'＝1"),
        ("plain", "plain"),
    ],
)
def test_no_part_of_a_cell_is_a_formula(name: str, written: str) -> None:
    assert harmless(pl.DataFrame({"x": [name]}))["x"].to_list() == [written]
