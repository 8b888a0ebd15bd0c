"""Details of a page: numbers that react, periods of days, incomplete months, colors of names, files."""

import csv
import io
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from playwright.sync_api import Browser

from ai_usage.dashboards import site
from ai_usage.dashboards.boards import boards
from ai_usage.dashboards.site import Site
from ai_usage.providers.registry import COLORS, PROVIDERS
from ai_usage_tests.dashboards.browser import Opened, chromium, window
from ai_usage_tests.dashboards.company import board, results, rows_for

EVERY = board()
BOARDS = [EVERY, *boards()]
POINTS = """(name) => aiUsage.page.views.find((view) => view.card.name === name).picture.points
    .map(({ x, y, name, measure, isRunning, tip }) => ({ x, y, name, measure, isRunning: Boolean(isRunning), tip }))"""
OUTSIDE = """(name) => { const card = document.getElementById(name), right = card.getBoundingClientRect().right;
    const cells = [...card.querySelectorAll("td, th")];
    return cells.filter((cell) => cell.getBoundingClientRect().right > right + 1).length; }"""
COLORS_OF = """(els) => Object.fromEntries(els.map((el) =>
    [el.textContent, el.querySelector(".swatch").style.getPropertyValue("--colour")]))"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A simulated site of every board."""
    folder = tmp_path_factory.mktemp("details")
    made = Site(BOARDS, site.vega(folder), is_simulated=True)
    site.write(folder, site.INDEX, made.index())
    for of in BOARDS:
        rows = results(40, 6) if of is EVERY else {card.name: rows_for(card, 5, 6) for card in of.cards}
        site.write(folder, f"{of.name}.html", made.page(of, rows))
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture
def opened(browser: Browser, folder: Path) -> Iterator[Opened]:
    with window(browser) as found:
        yield found.show(folder / f"{EVERY.name}.html").draw_all()
        assert found.troubles == []


def points(opened: Opened, card: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = opened.page.evaluate(POINTS, card)
    return found


def choose(opened: Opened, fragment: str) -> Opened:
    opened.page.evaluate("(text) => { location.hash = text; }", fragment)
    opened.page.wait_for_function("(text) => aiUsage.choice.hash === text", arg=fragment)
    return opened.draw_all()


@pytest.mark.parametrize(
    ("month", "answer"),
    [
        ("2026-10", "$8,318 under budget (27 %)"),
        ("2026-11", "$500 over budget (2 %)"),
        ("2026-09", "$0.00 on budget (0 %)"),
    ],
)
def test_a_number_answers_its_question(opened: Opened, month: str, answer: str) -> None:
    choose(opened, f"period={month}..{month}")
    big = opened.card("variance").locator(".big")
    assert " ".join((big.text_content() or "").split()) == answer
    [line] = opened.numbers("variance", {"period": [month]})
    assert big.get_attribute("data-value") == line["over_usd"]  # every digit, and its sign


def test_a_month_that_still_runs_is_hatched_and_is_no_fall(opened: Opened) -> None:
    running = {(point["x"], point["isRunning"]) for point in points(opened, "trend") if point["x"] >= "2026-10"}
    assert running == {("2026-10", False), ("2026-11", True)}
    figure = opened.card("trend").locator(".figure svg")
    assert figure.locator(".mark-area").count() == 0  # an area chart would fall
    bars = figure.locator(".mark-rect path").count()
    choose(opened, "period=2026-06..2026-10")
    assert figure.locator(".mark-area").count() > 0
    assert bars > 40  # including the stripes over the last one
    assert not any(point["isRunning"] for point in points(opened, "daily"))


def test_a_first_month_that_is_known_in_part_is_hatched_too(opened: Opened) -> None:
    opened.page.evaluate(
        """() => {
          const spans = { anthropic: [["2026-06-22", "2026-11-20"]], cursor: [["2026-06-20", "2026-11-20"]] };
          aiUsage.page.known = new aiUsage.page.known.constructor(spans, null);
          aiUsage.page.refresh();
        }"""
    )
    opened.draw_all()
    found = {(point["x"], point["isRunning"]): point["tip"] for point in points(opened, "trend")}
    assert {key for key in found if key[1]} == {("2026-06", True), ("2026-11", True)}
    assert found["2026-06", True].endswith("\nKnown from 20 Jun 2026 on")


def test_a_tooltip_has_the_total_and_how_far_it_goes(opened: Opened) -> None:
    newest = [point for point in points(opened, "trend") if point["x"] == "2026-11"]
    total = sum(Decimal(line["spent_usd"]) for line in opened.numbers("trend", {"period": ["2026-11"]}))
    assert len(newest) == 2
    for point in newest:
        assert f"\nTotal: ${total:,.2f}\nSo far, through 20 Nov 2026" in point["tip"]
    whole = sum(Decimal(line["spent_usd"] or 0) for line in opened.numbers("teams", {}))
    [first, *_] = points(opened, "teams")
    assert f"of ${whole:,.2f})" in first["tip"]
    assert f"({Decimal(first['y']) / whole:.1%} of" in first["tip"]


def test_a_period_may_be_of_days(opened: Opened) -> None:
    opened.page.click("button[data-preset='7d']")
    opened.draw_all()
    assert opened.page.evaluate("aiUsage.choice.daySpan") == ["2026-11-14", "2026-11-20"]
    assert {point["x"] for point in points(opened, "daily")} == {f"2026-11-{day}" for day in range(14, 21)}
    note = "Counts whole months, Nov 2026: these figures are kept by month, not by day."
    assert opened.card("spend").locator(".note").inner_text() == note
    assert not opened.card("daily").locator(".note").is_visible()
    opened.page.fill("input[data-day='from']", "2026-10-30")
    assert opened.page.evaluate("location.hash") == "#period=2026-10-30..2026-11-20"
    assert opened.draw_all().card("daily").locator(".freshness").inner_text().startswith("Data through 20 Nov 2026")
    opened.page.click("button.swap")
    assert opened.page.evaluate("aiUsage.choice.values.period") == ["2026-10", "2026-11"]
    choose(opened, "period=2026-11-03..2026-11-05")
    assert "3 Nov 2026 to 5 Nov 2026" in (opened.page.locator(".filter-summary").text_content() or "")
    [day] = {line["spent_usd"] for line in opened.numbers("daily", {"period": ["2026-11-04"]})}
    assert day == "17000000.123456789"


def test_filters_go_along_from_board_to_board(opened: Opened, folder: Path) -> None:
    chosen = "period=3m&provider=cursor&team=Team%2001"
    choose(opened, chosen)
    opened.page.click("nav a[href^='data_trust.html']")
    opened.page.wait_for_selector("html[data-ready]", state="attached")
    assert opened.page.url.endswith(f"data_trust.html#{chosen}")
    assert opened.page.evaluate("aiUsage.choice.values.provider") == ["cursor"]
    elsewhere = opened.page.locator(".elsewhere").inner_text()
    assert elsewhere == ("Kept for other boards, and not applied here: Team 01: this board has no filter for teams.")
    opened.page.click("button[data-preset='1m']")
    opened.page.click("a.home")
    link = opened.page.locator(".boards a").first.get_attribute("href")
    assert link == f"{EVERY.name}.html#period=1m&provider=cursor&team=Team%2001"
    opened.page.click(f".boards a[href^='{EVERY.name}.html']")
    opened.page.wait_for_selector("html[data-ready]", state="attached")
    assert opened.page.evaluate("aiUsage.choice.values.team") == ["Team 01"]
    opened.page.click("button.reset")
    assert "#" not in opened.page.locator("nav a").first.get_attribute("href")  # type: ignore[operator]


def test_one_download_has_every_card(opened: Opened) -> None:
    choose(opened, "provider=cursor")
    with opened.page.expect_download() as waiting:
        opened.page.click("#download-all")
    assert waiting.value.suggested_filename == f"SIMULATED_{EVERY.name}_2025-12_2026-11.zip"
    with zipfile.ZipFile(waiting.value.path()) as files:
        assert files.testzip() is None
        names = {
            name.removeprefix(f"SIMULATED_{EVERY.name}_").split("_")[0].removesuffix(".csv")
            for name in files.namelist()
        }
        assert names == {card.name for card in EVERY.cards}
        name = next(name for name in files.namelist() if "_people_" in name)
        head, *rows = csv.reader(io.StringIO(files.read(name).decode()))
    assert head == ["Person", "Team", "Spend", "Acceptance", "Most in a month"]
    wanted = {
        line["person"]: line["spent_usd"] or ""
        for line in opened.numbers("people", opened.page.evaluate("aiUsage.choice.values"))
    }
    assert {row[0]: row[2] for row in rows} == wanted
    assert len(rows) > 1


def test_a_table_shows_how_many_rows_it_has(opened: Opened) -> None:
    rows = opened.card("people").locator(".row-count span")
    assert rows.inner_text() == f"{opened.card('people').locator('tbody tr').count()} rows"


def test_what_provisional_means_is_shown_on_hover_and_read_out(opened: Opened) -> None:
    state = opened.card("trend").locator(".state")
    assert "may still restate what they billed from 22 Oct 2026 on" in (state.get_attribute("aria-label") or "")
    state.hover()
    assert opened.page.locator(".bubble").inner_text() == state.get_attribute("aria-label")
    opened.page.mouse.move(0, 0)
    assert not opened.page.locator(".bubble").is_visible()


def test_an_empty_card_says_what_was_chosen_and_resets_it(opened: Opened) -> None:
    choose(opened, "period=2026-07..2026-07&provider=anthropic")
    empty = opened.card("variance").locator(".empty")
    assert empty.inner_text().startswith("None of its 3 rows is of Jul 2026 · Anthropic. Choose another period")
    empty.locator("button").click()
    assert opened.page.evaluate("aiUsage.choice.hash") == ""


def colors(opened: Opened, card: str) -> dict[str, str]:
    found: dict[str, str] = opened.draw_all().card(card).locator(".key li").evaluate_all(COLORS_OF)
    return found


def test_a_color_belongs_to_a_name_on_every_board(browser: Browser, folder: Path) -> None:
    with window(browser) as opened:
        daily = colors(opened.show(folder / "executive_summary.html"), "daily_spend")
        alone = colors(opened.show(folder / "executive_summary.html", "#provider=cursor"), "daily_spend")
        trend = colors(opened.show(folder / "cost_allocation.html"), "spend_trend")
    assert set(daily) == {"Anthropic", "Cursor"}
    assert daily == trend
    assert alone == {"Cursor": daily["Cursor"]}
    assert len({COLORS[of.key] for of in PROVIDERS}) == len(PROVIDERS)


def test_a_provider_keeps_its_color_where_it_is_the_only_one(browser: Browser, folder: Path, tmp_path: Path) -> None:
    [of] = (of for of in boards() if of.name == "executive_summary")
    rows = {card.name: rows_for(card, 5, 6) for card in of.cards}
    only = rows["daily_spend"].rows.filter(pl.col("provider") == "cursor")
    page = Site(BOARDS, site.vega(tmp_path)).page(of, rows | {"daily_spend": replace(rows["daily_spend"], rows=only)})
    site.write(tmp_path, "only.html", page)
    with window(browser) as opened:
        both = colors(opened.show(folder / "executive_summary.html"), "daily_spend")
        assert colors(opened.show(tmp_path / "only.html"), "daily_spend") == {"Cursor": both["Cursor"]}


def test_no_column_of_a_table_is_cut_on_a_phone(browser: Browser, folder: Path) -> None:
    with window(browser, width=390) as opened:
        for of in boards():
            opened.show(folder / f"{of.name}.html").draw_all()
            for card in of.cards:
                if card.display in {"table", "status"}:
                    assert opened.page.evaluate(OUTSIDE, f"card-{card.name}") == 0, card.name
