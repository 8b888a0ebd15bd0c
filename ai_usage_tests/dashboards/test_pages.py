"""The pages in a browser without a network: they open, show the right numbers, and are accessible."""

import csv
import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from playwright.sync_api import Browser

from ai_usage.dashboards import site
from ai_usage.dashboards.boards import Board, Card, boards
from ai_usage.dashboards.cards import Result, numbers
from ai_usage.dashboards.site import Site
from ai_usage_tests.dashboards.browser import Opened, chromium, window
from ai_usage_tests.dashboards.company import ODD_TEAM, board, cards_of, results, rows_for

EVERY = board()
BOARDS = [EVERY, *boards()]
NAMES = [of.name for of in BOARDS]
WIDTHS = [390, 768, 1280, 1920]  # px, from a phone to a desktop
MONTHS = 14  # the newest is November 2026
CHOICES: dict[str, dict[str, list[str]]] = {
    "all": {},
    "a_month": {"period": ["2026-10"]},
    "a_week": {"period": [f"2026-11-{day:02}" for day in range(9, 16)]},
    "a_quarter_of_a_provider": {"period": ["2026-08", "2026-09", "2026-10"], "provider": ["cursor"]},
    "a_team": {"team": [ODD_TEAM]},
    "two_persons": {"person": ["person.0003@example.com", "unattributed"], "period": ["2026-11"]},
    "no row": {"person": ["person.0003@example.com"], "team": [ODD_TEAM]},
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def rows() -> dict[str, dict[str, Result]]:
    """Rows of every board."""
    found = {of.name: {card.name: rows_for(card, 5, MONTHS) for card in of.cards} for of in boards()}
    return {EVERY.name: results(40, MONTHS), **found}


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory, rows: dict[str, dict[str, Result]]) -> Path:
    """The folder of a simulated site."""
    folder = tmp_path_factory.mktemp("site")
    made = Site(BOARDS, site.vega(folder), is_simulated=True)
    site.write(folder, site.INDEX, made.index())
    for of in BOARDS:
        site.write(folder, f"{of.name}.html", made.page(of, rows[of.name]))
    return folder


@pytest.fixture
def opened(browser: Browser, pages: Path) -> Iterator[Opened]:
    """The board of every display in a wide window."""
    with window(browser) as found:
        yield found.show(pages / f"{EVERY.name}.html")
        assert not found.troubles


@pytest.fixture(scope="module")
def shared(browser: Browser, pages: Path) -> Iterator[Opened]:
    """The same board, shared by tests that another test's changes do not affect."""
    with window(browser) as found:
        yield found.show(pages / f"{EVERY.name}.html")
        assert not found.troubles


@pytest.fixture(scope="module", params=BOARDS, ids=NAMES)
def shown(request: pytest.FixtureRequest, browser: Browser, pages: Path) -> Iterator[tuple[Board, Opened]]:
    """A board and its page in a wide window, shared by the tests of each page."""
    board: Board = request.param
    with window(browser) as found:
        yield board, found.show(pages / f"{board.name}.html")
        assert not found.troubles


def test_a_board_opens_offline_and_can_be_read_by_everyone(
    browser: Browser, pages: Path, shown: tuple[Board, Opened]
) -> None:
    board, opened = shown
    opened.draw_all()
    assert opened.page.locator("article.card").count() == len(board.cards)
    for button in opened.page.locator(".tools button:text-is('Table')").all():
        button.click()
    for chooser in opened.page.locator("button.chooser").all()[:1]:
        chooser.click()
    assert opened.violations() == []
    assert opened.troubles == []
    with window(browser, is_dark=True) as opened:
        opened.show(pages / f"{board.name}.html").draw_all()
        assert opened.violations("color-contrast") == []
        assert opened.troubles == []


def test_the_list_of_boards_leads_to_each(browser: Browser, pages: Path) -> None:
    with window(browser) as opened:
        opened.page.goto((pages / site.INDEX).as_uri())
        links = [link.get_attribute("href") for link in opened.page.locator(".boards a").all()]
        assert links == [f"{name}.html" for name in NAMES]
        assert opened.violations() == []
        assert opened.troubles == []


@pytest.mark.parametrize("name", NAMES)
def test_no_board_is_wider_than_its_window(browser: Browser, pages: Path, name: str) -> None:
    with window(browser, width=390) as opened:
        opened.show(pages / f"{name}.html").draw_all()
        for button in opened.page.locator(".tools button:text-is('Table')").all():
            button.click()
        for width in WIDTHS:
            opened.page.set_viewport_size({"width": width, "height": 900})
            opened.draw_all()
            assert (width, opened.overflow()) == (width, 0)
        opened.page.reload()
        opened.page.wait_for_selector("html[data-ready]", state="attached")
        assert opened.draw_all().overflow() == 0


def as_the_page_says(found: Any, card: Card) -> list[tuple[Any, ...]]:
    """Python's lines in the page's format: dimensions as text, whole numbers and amounts with every digit."""

    def on_page(name: str, value: Any) -> Any:
        if isinstance(value, datetime):
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        if value is None or name in card.dimensions:
            return value if value is None or isinstance(value, (int, str)) else value.isoformat()
        return Decimal(str(value))

    return [
        tuple(on_page(name, line[name]) for name in [*card.dimensions, *card.measures]) for line in found.to_dicts()
    ]


def number(text: str | None) -> Decimal | str | None:
    return text if text is None or "T" in text else Decimal(text)


def equal(one: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
    """Equal. Ratios and floats are compared to twelve digits, since both sides divide in binary."""
    return all(
        a == b or (isinstance(a, Decimal) and isinstance(b, Decimal) and abs(a - b) <= Decimal("1e-12") * abs(b))
        for a, b in zip(one, other, strict=True)
    )


def in_order(lines: list[tuple[Any, ...]], dimensions: int) -> list[tuple[Any, ...]]:
    return sorted(lines, key=lambda line: tuple((value is None, str(value)) for value in line[:dimensions]))


def is_exact(card: Card, name: str, result: Result) -> bool:
    measure = card.measures[name]
    return not measure.per and not (measure.of and result.rows.schema[measure.of].is_float())


def test_the_page_adds_up_as_the_platform_does(shown: tuple[Board, Opened], rows: dict[str, dict[str, Result]]) -> None:
    board, opened = shown
    for card in board.cards:
        for choice, chosen in CHOICES.items():
            assert_equal(opened.numbers(card.name, chosen), rows[board.name][card.name], card, chosen, choice)


def assert_equal(
    on_page: list[dict[str, Any]], result: Result, card: Card, chosen: dict[str, list[str]], why: str
) -> None:
    """Every line and every cell; only ratios and floats may differ, after the twelfth digit."""
    columns = [*card.dimensions, *card.measures]
    wanted = as_the_page_says(numbers(result, card, chosen), card)
    found = [tuple(number(line[n]) if n in card.measures else line[n] for n in columns) for line in on_page]
    wanted, found = in_order(wanted, len(card.dimensions)), in_order(found, len(card.dimensions))
    assert len(found) == len(wanted), (card.name, why)
    exact = [at for at, name in enumerate(columns) if name in card.dimensions or is_exact(card, name, result)]
    for one, other in zip(found, wanted, strict=True):
        assert equal(one, other), (card.name, why, one, other)
        assert [one[at] for at in exact] == [other[at] for at in exact], (card.name, why)


def big(opened: Opened, card: str) -> str:
    return str(opened.card(card).locator(".big").inner_text())


def test_filters_change_the_numbers_and_reset_brings_them_back(
    opened: Opened, rows: dict[str, dict[str, Result]]
) -> None:
    card = cards_of(EVERY)["spend"]
    result = rows[EVERY.name]["spend"]

    def wanted(**chosen: list[str]) -> str:
        [[spent, *_]] = numbers(result, card, chosen).rows()
        return f"${spent:,.2f}"

    months = [f"2025-{12}", *(f"2026-{month:02}" for month in range(1, 12))]
    whole = big(opened, "spend")
    assert whole == wanted(period=months)
    opened.page.click("button.chooser:has-text('All providers')")
    opened.page.check("#choose-provider input[value=cursor]")
    opened.page.keyboard.press("Escape")
    assert big(opened, "spend") == wanted(period=months, provider=["cursor"]) != whole
    opened.page.click("button.chooser:has-text('Everybody')")
    opened.page.fill("#choose-person input[type=search]", "0007")
    opened.page.check("#choose-person input[type=checkbox]")
    opened.page.keyboard.press("Escape")
    person = ["person.0007@example.com"]
    assert big(opened, "spend") == wanted(period=months, provider=["cursor"], person=person)
    assert opened.page.evaluate("location.hash") == "#provider=cursor&person=person.0007%40example.com"
    opened.page.click("button.reset")
    assert big(opened, "spend") == whole
    assert opened.page.evaluate("location.hash") == ""


@pytest.mark.parametrize(
    ("preset", "months"),
    [
        ("1m", ["2026-11", "2026-11"]),
        ("last", ["2026-10", "2026-10"]),
        ("3m", ["2026-09", "2026-11"]),
        ("6m", ["2026-06", "2026-11"]),
        ("12m", ["2025-12", "2026-11"]),
        ("all", ["2025-10", "2026-11"]),
    ],
)
def test_a_preset_is_so_many_calendar_months_up_to_the_newest(shared: Opened, preset: str, months: list[str]) -> None:
    shared.page.click(f"button[data-preset='{preset}']")
    shown = [shared.page.input_value(f"select[data-month='{which}']") for which in ("from", "to")]
    assert shown == months
    assert shared.page.evaluate("aiUsage.choice.span") == months
    assert shared.page.get_attribute(f"button[data-preset='{preset}']", "aria-pressed") == "true"
    shared.page.click("button[data-preset='all']")


def test_months_chosen_the_wrong_way_round_are_turned(opened: Opened) -> None:
    opened.page.click("button[data-preset='3m']")
    opened.page.select_option("select[data-month='from']", "2026-11")
    opened.page.select_option("select[data-month='to']", "2026-02")
    assert opened.page.evaluate("aiUsage.choice.span") == ["2026-02", "2026-11"]


def test_a_link_opens_the_view_it_was_taken_of(browser: Browser, pages: Path) -> None:
    fragment = "#period=2026-02..2026-04&provider=cursor&team=Sales%2C%20%22EMEA%22%20%3C%2Fscript%3E%3Cb%3E%26"
    with window(browser) as opened:
        opened.show(pages / f"{EVERY.name}.html", fragment)
        assert opened.page.evaluate("aiUsage.choice.values") == {
            "period": ["2026-02", "2026-03", "2026-04"],
            "provider": ["cursor"],
            "team": [ODD_TEAM],
        }
        here = big(opened, "spend")
        opened.page.evaluate("aiUsage.choice.changed()")
        assert opened.page.evaluate("location.hash") == fragment
        opened.page.reload()
        opened.page.wait_for_selector("html[data-ready]", state="attached")
        assert big(opened, "spend") == here


def test_a_link_that_names_what_is_not_there_is_passed_over(browser: Browser, pages: Path) -> None:
    with window(browser) as opened:
        opened.show(pages / f"{EVERY.name}.html", "#period=1999-01..2026-04&provider=unknown&team=%E0%A4%A&what=ever")
        assert opened.page.evaluate("Object.keys(aiUsage.choice.values)") == ["period"]
        assert opened.page.evaluate("aiUsage.choice.period.preset") == "12m"
        assert opened.troubles == []


def test_a_card_lists_the_filters_that_do_not_apply_to_it(opened: Opened) -> None:
    note = opened.card("budget").locator(".note")
    assert not note.is_visible()
    opened.page.evaluate("aiUsage.choice.chosen.team = ['Team 01']; aiUsage.choice.changed()")
    opened.draw_all()
    assert note.inner_text() == "Not filtered by team: budgets are of providers."
    assert not opened.card("trend").locator(".note").is_visible()


def downloaded(opened: Opened, card: str, kind: str) -> tuple[str, bytes]:
    with opened.page.expect_download() as waiting:
        opened.card(card).locator(f"[data-export={kind}]").click()
    return waiting.value.suggested_filename, Path(waiting.value.path()).read_bytes()


@pytest.mark.parametrize("card", ["trend", "teams", "people", "outlay", "checks", "daily"])
def test_the_csv_is_the_table(shared: Opened, card: str) -> None:
    shared.draw_all()
    place = shared.card(card)
    if (opener := place.locator("button:text-is('Table')")).count():
        opener.click()
    name, content = downloaded(shared, card, "csv")
    assert name.startswith("SIMULATED_")
    head, *rows = list(csv.reader(io.StringIO(content.decode())))
    heads = "els => els.map(e => e.textContent)"
    cells = "els => els.map(tr => [...tr.children].map(cell => cell.dataset.value))"
    assert place.locator("thead button").evaluate_all(heads) == head
    assert place.locator("tbody tr").evaluate_all(cells) == rows
    assert len(rows) > 1


def test_terms_have_names_and_files_have_the_terms(opened: Opened) -> None:
    opened.draw_all()
    trend = opened.card("trend")
    assert sorted(trend.locator(".key li").all_inner_texts()) == ["Anthropic", "Cursor"]
    trend.locator("button:text-is('Table')").click()
    assert trend.locator("tbody tr").first.inner_text().split("\t")[1] == "Anthropic"
    _, content = downloaded(opened, "trend", "csv")
    assert {row[1] for row in csv.reader(io.StringIO(content.decode())) if row[0].startswith("2026")} == {
        "anthropic",
        "cursor",
    }
    opened.page.click("button.chooser:has-text('All providers')")
    assert opened.page.locator("#choose-provider label").all_inner_texts() == ["Anthropic", "Cursor"]
    opened.page.check("#choose-provider input[value=cursor]")
    assert "Cursor" in (opened.page.locator(".filter-summary").text_content() or "")


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("=1+1", "'=1+1"),
        (" =1+1", "' =1+1"),
        ("a;=cmd|'/C calc'!A0", "a;'=cmd|'/C calc'!A0"),
        ("a|+1", "a|'+1"),
        ("a;b", "a;b"),
        ('a; "@SUM(1)', 'a; ""\'@SUM(1)'),
    ],
)
def test_a_csv_cell_is_no_formula_whatever_parts_the_cells(shared: Opened, name: str, written: str) -> None:
    on_page = shared.page.evaluate(
        """(name) => { const page = aiUsage.page, view = page.views.find((v) => v.card.name === 'people');
        view.show(); view.lines[0].person = name; return new Promise((done) => { const old = URL.createObjectURL;
        URL.createObjectURL = (blob) => { blob.text().then(done); return old(blob); };
        view.element.querySelector('[data-export=csv]').click(); }); }""",
        name,
    )
    assert written in on_page
    assert name == written or f",{name}" not in on_page


NAMES_OF_OBJECTS = ["constructor", "__proto__", "toString", "hasOwnProperty"]


def test_names_that_every_object_has_leave_no_picture_blank(browser: Browser, tmp_path: Path) -> None:
    found = {}
    for name, result in results(40, MONTHS).items():
        texts = [c for c, of in result.rows.schema.items() if of == pl.String and c not in {"month", "provider"}]
        odd = {c: dict(zip(result.rows[c].unique().drop_nulls().sort(), NAMES_OF_OBJECTS, strict=False)) for c in texts}
        rows = result.rows.with_columns(pl.col(c).replace(odd[c]) for c in texts)
        found[name] = replace(result, rows=rows)
    site.write(tmp_path, "odd.html", Site([EVERY], site.vega(tmp_path)).page(EVERY, found))
    with window(browser) as opened:
        opened.show(tmp_path / "odd.html").draw_all()
        assert opened.troubles == []
        for card in (card.name for card in EVERY.cards if card.display in {"row", "bar", "heatmap", "scatter", "area"}):
            opened.page.wait_for_selector(f"#card-{card} .figure svg, #card-{card} .empty", timeout=10_000)
        assert opened.page.locator("#card-teams .figure svg .mark-rect path").count() >= 4
        assert "constructor" in (opened.page.locator("#card-teams .figure svg").text_content() or "")


@pytest.mark.parametrize("card", ["spend", "trend", "heat", "people", "nothing"])
def test_a_png_can_be_taken_of_every_card(shared: Opened, card: str) -> None:
    name, content = downloaded(shared, card, "png")
    assert name.startswith(f"SIMULATED_{EVERY.name}_{card}")
    assert content.startswith(b"\x89PNG")
    assert len(content) > 5000


def test_small_groups_stand_after_the_ranking_until_asked_for(opened: Opened) -> None:
    opened.draw_all()
    place = opened.card("teams")
    place.locator("button:text-is('Table')").click()
    people = place.locator("tbody tr td:last-child").evaluate_all("els => els.map(e => Number(e.dataset.value))")
    small = [count < 5 for count in people]
    assert any(small)
    assert small == sorted(small)
    assert place.locator("tbody tr.is-small").count() == small.count(True)
    assert "fewer than 5 people" in place.locator("tbody tr.is-small").first.inner_text()
    place.locator("button:text-is('Rank all groups')").click()
    assert "Groups of any size are ranked" in place.locator(".aside").inner_text()


def test_a_table_is_sorted_by_the_column_pressed(opened: Opened) -> None:
    place = opened.card("people")
    opened.draw_all()
    values = "els => els.map(e => Number(e.dataset.value))"
    spent = place.locator("tbody tr td:nth-child(3)")
    assert spent.evaluate_all(values) == sorted(spent.evaluate_all(values), reverse=True)
    place.locator("thead button:text-is('Spend')").click()
    assert spent.evaluate_all(values) == sorted(spent.evaluate_all(values))
    assert place.locator("th[aria-sort=ascending]").inner_text().startswith("Spend")


def test_a_number_is_compared_with_as_many_months_before(opened: Opened) -> None:
    change = opened.card("spend").locator(".change")
    assert change.count() == 0
    opened.page.click("button[data-preset='last']")
    assert change.inner_text().endswith("against Sep 2026")
    opened.page.click("button[data-preset='1m']")
    assert change.inner_text().startswith("so far; Oct 2026 came to $")
    opened.page.click("button[data-preset='all']")
    assert change.count() == 0


def test_a_footer_shows_the_days_and_whether_they_may_change(opened: Opened) -> None:
    opened.draw_all()
    foot = opened.card("trend").locator(".freshness")
    assert foot.inner_text() == "Data through 20 Nov 2026 · as of 21 Nov, 06:02 UTC\u00a0· provisional"
    opened.page.select_option("select[data-month='to']", "2026-08")
    opened.draw_all()
    assert foot.inner_text() == "Data through 31 Aug 2026 · as of 21 Nov, 06:02 UTC\u00a0· final"


def test_an_empty_card_explains_what_that_means(opened: Opened) -> None:
    assert opened.card("nothing").locator(".empty").inner_text() == "Nothing has been billed yet. Run make backfill."
    assert opened.card("nothing").locator(".empty code").inner_text() == "make backfill"


def test_a_chart_has_a_text_alternative(opened: Opened) -> None:
    opened.draw_all()
    for picture in opened.page.locator(".figure:has(svg.marks)").all():
        assert picture.get_attribute("role") == "img"
        assert len(picture.get_attribute("aria-label") or "") > 40


def test_the_theme_chosen_is_kept(opened: Opened) -> None:
    opened.page.click("#theme")
    assert opened.page.get_attribute("html", "data-theme") == "dark"
    opened.page.reload()
    opened.page.wait_for_selector("html[data-ready]", state="attached")
    assert opened.page.get_attribute("html", "data-theme") == "dark"


def test_paper_has_every_table_and_no_buttons(opened: Opened) -> None:
    opened.draw_all()
    opened.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    opened.page.emulate_media(media="print")
    with_table = [card for card in EVERY.cards if card.display != "number"]
    assert opened.page.locator(".table-place:visible").count() >= len(with_table)
    assert not opened.page.locator(".tools").first.is_visible()
    assert not opened.page.locator(".filters").is_visible()
    assert opened.page.locator("#chosen").is_visible()
    assert opened.card("trend").bounding_box()["x"] >= 0
    opened.page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert opened.page.pdf(format="A4").startswith(b"%PDF")
