"""A card over days that were never pulled shows how many days are known, and draws nothing for the others."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from playwright.sync_api import Browser

from ai_usage.dashboards import site
from ai_usage.dashboards.boards import board as checked
from ai_usage.dashboards.boards import boards
from ai_usage.dashboards.site import Site
from ai_usage.partitions import Span
from ai_usage_tests.dashboards.browser import Opened, chromium, window
from ai_usage_tests.dashboards.company import board, results

EVERY = board()
GAP = Span(date(2026, 10, 6), date(2026, 10, 31))
WHOLE = Span(date(2026, 9, 22), date(2026, 11, 20))
KNOWN = {
    "anthropic": WHOLE.days,
    "cursor": [day for day in WHOLE.days if day not in GAP],
}
NEITHER = dict.fromkeys(KNOWN, KNOWN["cursor"])
OCTOBER = "#period=2026-10..2026-10"
WATCH_WRITING = """() => {
  window.written = [];
  const write = CanvasRenderingContext2D.prototype.fillText;
  CanvasRenderingContext2D.prototype.fillText = function (text, ...more) {
    window.written.push(text);
    return write.call(this, text, ...more);
  };
}"""
DAILY_POINTS = """() => {
  const daily = aiUsage.page.views.find((view) => view.card.name === "daily");
  return daily.picture.points.map((point) => [point.x, point.part]);
}"""
KNOWN_DAYS = "5 of 31 days known (Anthropic 31, Cursor 5)"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two pages: one with days that only Cursor lacks, one with days that both providers lack."""
    folder = tmp_path_factory.mktemp("known")
    made, rows = Site([EVERY], site.vega(folder)), results(40, 3)
    daily = replace(
        rows["daily"], rows=rows["daily"].rows.filter(~pl.col("spend_date").is_between(GAP.first, GAP.last))
    )
    site.write(folder, "one.html", made.page(EVERY, rows, KNOWN, WHOLE.last))
    site.write(folder, "neither.html", made.page(EVERY, {**rows, "daily": daily}, NEITHER, WHOLE.last))
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture
def opened(browser: Browser) -> Iterator[Opened]:
    with window(browser, width=390) as found:
        yield found
        assert found.troubles == []


def mark(opened: Opened, card: str) -> str:
    return str(opened.card(card).locator(".freshness").inner_text()).replace("\xa0", " ")


def test_a_card_over_a_month_shows_how_many_of_its_days_are_known(opened: Opened, folder: Path) -> None:
    opened.show(folder / "one.html", OCTOBER).draw_all()
    assert f"Data through 5 Oct 2026 · {KNOWN_DAYS} · " in mark(opened, "spend")
    assert mark(opened, "spend").endswith(" · incomplete")
    assert "%" not in opened.card("spend").locator(".change").inner_text()  # partly known months do not compare
    assert KNOWN_DAYS in mark(opened, "people")
    assert "known" not in mark(opened, "checks")  # this card has no days
    assert opened.overflow() == 0


@pytest.mark.parametrize(
    ("chosen", "mark_text"),
    [
        (f"{OCTOBER}&provider=cursor", "5 of 31 days known ·"),
        (f"{OCTOBER}&provider=anthropic", None),
        ("#period=2026-11..2026-11", None),
        ("#period=2026-10..2026-11", "25 of 51 days known (Anthropic 51, Cursor 25)"),
        ("#period=all", "34 of 81 days known (Anthropic 60, Cursor 34)"),  # from the first day of the first known month
    ],
)
def test_the_days_are_those_of_what_is_chosen(opened: Opened, folder: Path, chosen: str, mark_text: str | None) -> None:
    opened.show(folder / "one.html", chosen).draw_all()
    assert mark_text in mark(opened, "spend") if mark_text else "known" not in mark(opened, "spend")


def test_the_picture_and_the_print_show_it_too(opened: Opened, folder: Path) -> None:
    opened.show(folder / "one.html", OCTOBER).draw_all()
    opened.page.evaluate(WATCH_WRITING)
    with opened.page.expect_download():
        opened.card("trend").locator("[data-export=png]").click()
    assert [text for text in opened.page.evaluate("window.written") if KNOWN_DAYS in text]
    opened.page.emulate_media(media="print")
    assert opened.card("trend").locator(".partly").is_visible()


def test_no_line_leads_over_days_that_are_unknown_and_none_is_zero(opened: Opened, folder: Path) -> None:
    opened.show(folder / "neither.html").draw_all()
    points = opened.page.evaluate(DAILY_POINTS)
    assert {part for _, part in points} == {0, 1}
    assert {day for day, _ in points if date.fromisoformat(day) in GAP} == set()
    assert opened.card("daily").locator(".mark-line path").count() == 2
    opened.show(folder / "one.html").draw_all()
    assert opened.card("daily").locator(".mark-line path").count() == 1


def test_every_card_about_days_shows_which_days() -> None:
    """A card without the filter `period` names its days; the remaining cards have no days."""
    without = {card.name for of in boards() for card in of.cards if "period" not in card.filters and not card.covers}
    assert without == {"freshness"}
    text = (Path(__file__).parents[2] / "dashboards" / "executive_summary.yml").read_text("utf-8")
    broken = text.replace("    filters: {period: month}\n", "    filters: {period: month}\n    covers: month\n", 1)
    with pytest.raises(Exception, match="covers: the filter `period` sets the days already"):
        checked("executive_summary", broken)
