"""Data are the same before they are packed into a page and after they are unpacked, and no value can inject markup."""

import base64
import json
import re
import zlib
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ai_usage.dashboards import site
from ai_usage.dashboards.assets import marts_read
from ai_usage.dashboards.boards import Board, boards
from ai_usage.dashboards.site import Site, condensed
from ai_usage.dashboards.site.packing import EXACT, Packer
from ai_usage_tests.dashboards.company import ODD_TEAM, USD, board, cards_of, results, rows_for

MOST = 5_000_000  # maximum bytes of a dashboard, with everything it loads


def unpacked(packed: dict[str, Any]) -> list[tuple[dict[str, Any], bytes]]:
    content = zlib.decompress(base64.b64decode(packed["content"]), -15)
    return [(header, content[header["at"] : header["at"] + header["length"]]) for header in packed["columns"]]


def whole(header: dict[str, Any], content: bytes) -> list[int | None]:
    rows = header["rows"]
    moved = [sum(byte << 8 * plane for plane, byte in enumerate(content[row::rows])) for row in range(rows)]
    return [None if value == 0 else value - 1 + header["least"] for value in moved]


@pytest.mark.parametrize(
    "amounts",
    [
        [Decimal("0.1"), None, Decimal("-12.345678901")],
        [Decimal(0), Decimal(0)],
        [None, None],
        [],
        [Decimal(f"{number}.000000001") for number in range(700)],
    ],
    ids=["negative", "nought", "nothing", "empty", "many"],
)
def test_amounts_keep_every_digit(amounts: list[Decimal | None]) -> None:
    packer = Packer()
    at = packer.amounts(pl.Series(amounts, dtype=USD))
    header, content = unpacked(packer.packed())[at]
    back = [None if value is None else Decimal(value).scaleb(-header["scale"]) for value in whole(header, content)]
    assert back == amounts


def test_amounts_too_great_for_a_browsers_numbers_travel_in_two_halves() -> None:
    amounts = [Decimal("-7000000.123456789"), None, Decimal("9007199.254740993")]
    packer = Packer()
    at = packer.amounts(pl.Series(amounts, dtype=USD))
    columns = unpacked(packer.packed())
    header = columns[at][0]
    high, low = (whole(*columns[header[half]]) for half in ("high", "low"))
    joined = [
        None if top is None or rest is None else Decimal(top * header["limb"] + rest).scaleb(-9)
        for top, rest in zip(high, low, strict=True)
    ]
    assert joined == amounts
    assert max(abs(value) for value in high if value is not None) < EXACT


def test_labels_are_a_sorted_dictionary_and_a_code_a_row() -> None:
    packer = Packer()
    at = packer.labels(pl.Series(["b", None, "a", "b"]))
    header, content = unpacked(packer.packed())[at]
    assert (header["names"], list(content)) == (["a", "b"], [2, 0, 1, 2])


def test_equal_columns_are_stored_once() -> None:
    packer = Packer()
    assert packer.labels(pl.Series(["a", "b"])) == packer.labels(pl.Series(["a", "b"]))
    assert len(packer.packed()["columns"]) == 1


def test_rows_of_one_day_travel_as_one_and_days_stay_apart() -> None:
    card = cards_of(board())["spend"]
    days = pl.DataFrame(
        {
            "month": [date(2026, 10, 1), date(2026, 10, 9), date(2026, 10, 9)],
            **{name: ["x", "x", "x"] for name in ("provider", "team_name", "person", "user_email")},
            "billed_usd": pl.Series([Decimal("0.1"), Decimal("0.2"), Decimal("0.4")], dtype=USD),
        }
    )
    rows = condensed(card, days).to_dicts()
    assert [(row["month"].day, row["sum billed_usd"]) for row in rows] == [(1, Decimal("0.1")), (9, Decimal("0.6"))]


def test_no_name_can_end_the_page_or_its_script(tmp_path: Path) -> None:
    page = Site([board()], "").page(board(), results(30, 2))
    assert ODD_TEAM.split()[-1] not in page
    embedded = json.loads(re.search(r'id="board">(.*?)</script>', page, re.DOTALL)[1])  # type: ignore[index]
    assert any(ODD_TEAM in column.get("names", []) for column in embedded["packed"]["columns"])


def test_the_script_that_draws_may_stand_in_a_page(tmp_path: Path) -> None:
    script = site.vega(tmp_path)
    assert "</script" not in script.lower()
    assert "<!--" not in script
    assert site.vega(tmp_path) == script


def test_simulated_pages_are_marked_and_others_are_not() -> None:
    for is_simulated in (True, False):
        made = Site([board()], "", is_simulated=is_simulated)
        pages = [made.index(), made.page(board(), results(3, 2))]
        assert [site.SIMULATED in page for page in pages] == [is_simulated, is_simulated]


@pytest.mark.parametrize("of", [board(), *boards()], ids=lambda of: of.name)
def test_two_years_of_a_thousand_people_fit_into_five_megabytes(of: Board, tmp_path: Path) -> None:
    company = {card.name: rows_for(card, 1000, 24) for card in of.cards}
    page = Site([of], site.vega(tmp_path)).page(of, company)
    assert len(page.encode()) < MOST


def test_a_page_is_replaced_whole(tmp_path: Path) -> None:
    site.write(tmp_path / "site", "a.html", "one")
    assert site.write(tmp_path / "site", "a.html", "two").read_text() == "two"
    assert [path.name for path in (tmp_path / "site").iterdir()] == ["a.html"]


def test_a_board_depends_on_the_marts_its_cards_read() -> None:
    for of in boards():
        assert "spend_freshness" in marts_read(of)
        assert len(marts_read(of)) > 1
