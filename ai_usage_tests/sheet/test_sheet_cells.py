"""Cells as people write them: their meaning. Ambiguous cells are refused."""

from datetime import date
from decimal import Decimal

import pytest

from ai_usage.sheet import cells
from ai_usage.sheet.cells import BadCell, Cell, Column

SEP_4 = date(2026, 9, 4)
DAYS: list[Cell] = [
    46269, Decimal("46269.75"), "2026-09-04", " 2026-9-4 ", "2026/09/04", "2026-09-04T10:00:00Z", "Sep 4, 2026",
    "September 4, 2026", "Sept. 4th, 2026", "4 Sep 2026", "4-Sep-2026", "4. September 2026",
]  # fmt: skip
NO_DAYS: list[Cell] = ["03/04/2026", "3.4.26", "03-04-2026", "25/12/2026", "soon", "2026-02-30", "Sep 2026", True, 0]
NO_DAYS += [-3, 10**7, "1026-01-01", "=TODAY()"]


@pytest.mark.parametrize("cell", DAYS, ids=str)
def test_a_day_written_plainly_is_that_day(cell: Cell) -> None:
    assert cells.day(cell) == SEP_4


@pytest.mark.parametrize("cell", NO_DAYS, ids=str)
def test_a_day_that_could_be_another_is_refused(cell: Cell) -> None:
    with pytest.raises(BadCell):
        cells.day(cell)


@pytest.mark.parametrize(
    "cell", ["2026-09", "2026-9", 46269, "Sep 2026", "September 2026", "2026-09-01", "Sep 4, 2026"]
)
def test_a_month_is_that_of_any_day_in_it(cell: Cell) -> None:
    assert cells.month(cell) == "2026-09"


@pytest.mark.parametrize("cell", ["09/2026", "2026-13", "Q3", "2026"])
def test_a_month_that_is_none_is_refused(cell: Cell) -> None:
    with pytest.raises(BadCell):
        cells.month(cell)


@pytest.mark.parametrize(
    ("cell", "meant"),
    [
        ("1,234.50", "1234.50"), ("$1,200", "1200"), (" $ 12 ", "12"), ("USD 7.5", "7.5"), ("12 usd", "12"),
        ("1234567.89", "1234567.89"), ("-3.20", "-3.20"), (1200, "1200"), (Decimal("0.1"), "0.1"), ("US$5", "5"),
        ("\u22123.20", "-3.20"),
    ],
)  # fmt: skip
def test_an_amount_is_exact(cell: Cell, meant: str) -> None:
    assert cells.amount(cell) == Decimal(meant)


@pytest.mark.parametrize(
    "cell", ["n/a", "1.234,50", "1,23", "12,34,567", "€5", "5 EUR", "(5)", "1e3", "NaN", True, "1 2"]
)
def test_an_amount_in_another_format_is_refused(cell: Cell) -> None:
    with pytest.raises(BadCell):
        cells.amount(cell)


@pytest.mark.parametrize(
    "cell",
    ["5.000", " 5.000 ", "12.345", "-1.234", "1,234", "999,999", "$5.000", "5.000 USD", "5\u200b.000", "\u00a05.000"],
)
def test_an_amount_that_is_one_number_or_a_thousand_times_that_is_refused(cell: Cell) -> None:
    """Case 27: `5.000` is five dollars to some and five thousand to others, like a date of March 4 or April 3."""
    for read in (cells.amount, cells.price):
        with pytest.raises(BadCell, match="can be two numbers"):
            read(cell)


@pytest.mark.parametrize(
    ("cell", "meant"),
    [
        ("0.125", "0.125"), ("1234.567", "1234.567"), ("5.00", "5"), ("5.0000", "5"), ("1,234,567", "1234567"),
        ("1,234.567", "1234.567"), ("$1,234", "1234"), ("1,234 USD", "1234"), ("us$ 1,234", "1234"), ("5000", "5000"),
        (5, "5"), (Decimal("5.000"), "5"), (Decimal("1.234"), "1.234"), ("-$3.20", "-3.20"), ("$-3.20", "-3.20"),
        ("1\u200b234.50", "1234.50"), ("\u00a012.50\u202f", "12.50"),
    ],
)  # fmt: skip
def test_an_amount_of_one_meaning_is_read_and_a_number_of_google_is_exact(cell: Cell, meant: str) -> None:
    assert cells.amount(cell) == Decimal(meant)


@pytest.mark.parametrize(
    ("cell", "why"),
    [
        ("€5", "another currency"), ("5 EUR", "another currency"), ("£1,200", "another currency"), ("A$5", "currency"),
        ("CA$ 5", "another currency"), ("¥500", "another currency"), ("1e3", "exponent"), ("5k", "a unit"),
        ("5%", "percentage"), ("12.5 %", "percentage"), ("(5)", "parentheses"), ("NaN", "no number"),
        ("inf", "no number"), ("1.234,50", "no number"), ("1'234.50", "no number"), ("5$3", "no number"),
        ("$", "no number"), ("-", "no number"), ("5-", "no number"), (".5", "no number"), ("1 234.50", "no number"),
        ("\u0665", "plain number"), ("\uff15", "plain number"), ("\u2212", "no number"),
        ("1\u00a0234,50", "no number"),
    ],
)  # fmt: skip
def test_a_refused_amount_has_a_reason(cell: Cell, why: str) -> None:
    with pytest.raises(BadCell, match=why):
        cells.amount(cell)


SPACES = {
    "zero-width": "\u200b",
    "no-break": "\u00a0",
    "narrow no-break": "\u202f",
    "figure": "\u2007",
    "wide": "\u3000",
    "byte order mark": "\ufeff",
    "word joiner": "\u2060",
    "soft hyphen": "\u00ad",
    "joiner": "\u200d",
    "tab": "\t",
    "right-to-left mark": "\u200f",
    "next line": "\u0085",
    "null": "\x00",
    "hangul filler": "\u3164",
}


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
@pytest.mark.parametrize("where", ["{0}{1}{0}{2}", "{1}{0}{2}", "{1}{2}{0}", " {0} {1}{2} {0}"])
def test_invisible_spaces_make_no_second_person_key_team_or_day(space: str, where: str) -> None:
    """Case 26: zero-width, no-break and every other kind of space, around and within."""
    assert cells.email(where.format(space, "Ada@exam", "ple.com")) == "ada@example.com"
    assert cells.identifier(where.format(space, "apikey_01", "ABC")) == "apikey_01ABC"
    assert cells.text(where.format(space, "Data ", " Team")) == "Data Team"
    assert cells.day(where.format(space, "Sep 4, ", " 2026")) == SEP_4
    assert cells.amount(space + "1234.50" + space) == Decimal("1234.50")
    assert Column("x", cells.text, required=False).of(f" {space}{space} ") is None
    assert cells.provider(f"{space}Claude{space}") == "anthropic"


def test_visible_characters_stay() -> None:
    persian = "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"
    assert cells.text(f" {persian} ") == persian
    assert cells.text("Cafe\u0301") == cells.text("Caf\u00e9")
    assert cells.text("Research & Development") == "Research & Development"


def test_a_price_is_not_negative_and_an_amount_not_endless() -> None:
    with pytest.raises(BadCell, match="negative"):
        cells.price("-1")
    with pytest.raises(BadCell, match="more than any"):
        cells.amount("9" * 31)


@pytest.mark.parametrize(("cell", "meant"), [(3, 3), (Decimal("3.0"), 3), (" 1,200 ", 1200), ("0", 0)])
def test_a_count_is_whole(cell: Cell, meant: int) -> None:
    assert cells.count(cell) == meant


@pytest.mark.parametrize("cell", [Decimal("3.5"), -1, "many", True])
def test_a_count_that_is_none_is_refused(cell: Cell) -> None:
    with pytest.raises(BadCell):
        cells.count(cell)


def test_an_address_is_trimmed_and_lower_case() -> None:
    assert cells.email("  Ada@Example.COM ") == "ada@example.com"


@pytest.mark.parametrize("cell", ["ada", "ada@", "@example.com", "a@b", "a@b.c, d@e.f", "<a@b.c>", "a b@c.d", 5])
def test_an_address_that_is_none_is_refused(cell: Cell) -> None:
    with pytest.raises(BadCell):
        cells.email(cell)


@pytest.mark.parametrize(
    ("cell", "meant"), [(" Claude ", "anthropic"), ("Anthropic", "anthropic"), ("GEMINI", "google")]
)
def test_a_provider_has_one_name(cell: Cell, meant: str) -> None:
    assert cells.provider(cell) == meant


def test_an_unknown_provider_is_refused() -> None:
    with pytest.raises(BadCell, match="no provider"):
        cells.provider("acme")


@pytest.mark.parametrize(("cell", "meant"), [(7, "7"), (Decimal("7.0"), "7"), (Decimal(100), "100"), (" x ", "x")])
def test_a_number_where_text_belongs_is_its_text(cell: Cell, meant: str) -> None:
    assert cells.text(cell) == meant


@pytest.mark.parametrize("cell", [None, "", "   "])
def test_an_empty_cell_is_nothing_unless_it_must_be_something(cell: Cell) -> None:
    assert Column("x", cells.count, required=False).of(cell) is None
    with pytest.raises(BadCell, match="is empty"):
        Column("x", cells.count).of(cell)


@pytest.mark.parametrize(
    ("cell", "seen"),
    [
        ("Ada@Example.com", "text aaa@aaaaaaa.aaa"), ("03/04/2026", "text 99/99/9999"), (45, "number 99"),
        (None, "empty"),
        (True, "tick box"), ("é" * 50, "text " + "a" * 40 + "…"), ("sk-ant-1", "text aa-aaa-9"),
    ],
)  # fmt: skip
def test_a_shape_shows_the_format_and_not_the_text(cell: Cell, seen: str) -> None:
    assert cells.shape(cell) == seen
