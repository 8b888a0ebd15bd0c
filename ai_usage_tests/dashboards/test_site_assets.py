"""Boards as assets: each page is written from the marts that its cards read, without secrets and hidden names."""

import base64
import csv
import io
import json
import re
import zipfile
import zlib
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import dagster as dg
import polars as pl
import pytest
from msgspec import structs

from ai_usage import runbook_page
from ai_usage.commands import dashboards as command
from ai_usage.dashboards import cards, site
from ai_usage.dashboards.all_boards import write_figures
from ai_usage.dashboards.assets import ASSETS, marts_read, site_folder, write_board
from ai_usage.dashboards.boards import boards
from ai_usage.dashboards.site import Site
from ai_usage.definitions import defs
from ai_usage.marts.assets import through_views
from ai_usage.places import ROOT
from ai_usage.redaction import Redaction
from ai_usage.settings import settings
from ai_usage.warehouse.duckdb.engine import DuckDBWarehouse
from ai_usage.warehouse.lock_files import alone_in
from ai_usage_tests.dashboards.browser import chromium, window
from ai_usage_tests.dashboards.company import rows_for
from ai_usage_tests.mock_claude import DAY, NEXT, ordinary
from ai_usage_tests.platform import Platform
from ai_usage_tests.warehouse.test_duckdb import counted

SPEND = """
select sum(billed_usd) as usd, max(user_email) as who
from ai_usage_analytics.ai_spend
where billed_usd is not null and {cut}
"""
SALT = "a salt of sixteen or more"


def whole_text(page: str) -> str:
    """A page with its packed data unpacked."""
    embedded = json.loads(re.search(r'id="board">(.*?)</script>', page, re.DOTALL)[1])  # type: ignore[index]
    content = zlib.decompress(base64.b64decode(embedded["packed"]["content"]), -15)
    return page + json.dumps(embedded, ensure_ascii=False) + content.decode("latin-1")


def test_each_board_is_an_asset_over_the_marts_it_reads() -> None:
    graph = defs.resolve_asset_graph()
    for board in boards():
        key = dg.AssetKey(["dashboards", board.name])
        assert graph.get(key).group_name == "dashboards"
        read_through_views = {name for _, name in through_views(marts_read(board))}
        assert {parent.path[-1] for parent in graph.get(key).parent_keys} == marts_read(board) | read_through_views


def test_a_warehouse_without_a_row_gives_pages_all_the_same(platform: Platform) -> None:
    result = dg.materialize(ASSETS, resources={"warehouse": platform.warehouse})
    assert result.success
    names = {path.name for path in site_folder(settings()).glob("*.html")}
    assert names == {site.INDEX, runbook_page.FILE, *(f"{board.name}.html" for board in boards())}
    notes = result.asset_materializations_for_node(f"dashboards__{boards()[0].name}")[0].metadata
    assert Path(str(notes["page"].value)).exists()
    with zipfile.ZipFile(site_folder(settings()) / site.figures_file(is_simulated=settings().simulate)) as figures:
        assert {path.split("/")[0] for path in figures.namelist()} == {board.name for board in boards()}


def test_a_board_has_the_check_results_of_the_run_that_makes_it(platform: Platform) -> None:
    [trust] = [board for board in boards() if board.name == "data_trust"]
    mart = dg.AssetKey(["marts", min(marts_read(trust))])

    @dg.asset(key=mart, check_specs=[dg.AssetCheckSpec("it_holds", asset=mart)])
    def read_by_the_board() -> dg.MaterializeResult:  # type: ignore[type-arg]  # Dagster reads it, and knows no argument
        result = dg.AssetCheckResult(check_name="it_holds", passed=False, description="it does not hold today")
        return dg.MaterializeResult(check_results=[result])

    ran = dg.materialize(
        [read_by_the_board, *ASSETS], resources={"warehouse": platform.warehouse}, instance=platform.instance
    )
    assert ran.success
    assert "it does not hold today" in whole_text((site_folder(settings()) / f"{trust.name}.html").read_text("utf-8"))


def test_known_days_are_those_that_were_pulled_and_built(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    platform.run({DAY: ordinary(), NEXT: ordinary()})
    asked = [0]
    monkeypatch.setattr(cards, "freshness_of", counted(asked, cards.freshness_of))
    with platform.warehouse.connected():
        assert cards.known_days(platform.warehouse) == {"anthropic": [DAY, NEXT]}
        path = write_board(platform.warehouse, boards()[0], settings())
    assert f'"known":{{"anthropic":[["{DAY}","{NEXT}"]]}}' in path.read_text("utf-8")
    assert asked == [1], "once for all cards"


def test_pages_have_pseudonyms_where_they_are_wanted(company: DuckDBWarehouse) -> None:
    for board in boards():
        found = {
            salt: {card.name: cards.result(company, card, salt=salt) for card in board.cards} for salt in ("", SALT)
        }
        pages = {salt: whole_text(Site(boards(), "").page(board, results)) for salt, results in found.items()}
        assert "@example.com" not in pages[SALT]
        if "person" in board.filters:
            assert "@example.com" in pages[""]
            assert "person-" in pages[SALT]


def test_the_sums_of_the_page_are_those_of_all_spend(company: DuckDBWarehouse, tmp_path: Path) -> None:
    board = next(of for of in boards() if of.name == "cost_allocation")
    results = {card.name: cards.result(company, card) for card in board.cards}
    site.write(tmp_path, "page.html", Site(boards(), site.vega(tmp_path)).page(board, results))
    person = company.ask(SPEND.format(cut="user_email is not null group by user_email order by 1 desc limit 1"))
    cuts = {
        "true": {},
        "provider = 'cursor'": {"provider": ["cursor"]},
        "format_date('%Y-%m', spend_date) = '2026-10'": {"period": ["2026-10"]},
        f"user_email = '{person['who'][0]}' and provider = 'anthropic'": {
            "person": [person["who"][0]],
            "provider": ["anthropic"],
        },
    }
    with chromium() as browser, window(browser) as opened:
        opened.show(tmp_path / "page.html")
        for cut, chosen in cuts.items():
            [[wanted, _]] = company.ask(SPEND.format(cut=cut)).rows()
            [line] = opened.numbers("period_spend", chosen)
            assert Decimal(line["spent_usd"]) == wanted > 0


def test_one_file_has_the_figures_of_all_boards(company: DuckDBWarehouse, tmp_path: Path) -> None:
    first, second, *_ = boards()
    [person, secret] = company.ask(
        "select distinct user_email from ai_usage_analytics.ai_spend where user_email is not null order by 1 limit 2"
    )["user_email"]
    answers = {card.name: cards.result(company, card, salt="") for of in (first, second) for card in of.cards}
    rows = answers["top_people"].rows
    answers["top_people"] = replace(
        answers["top_people"], rows=rows.with_columns(pl.col("person").replace(person, f"={person}"))
    )
    (tmp_path / "all_boards.zip").write_bytes(b"torn")
    removed = structs.replace(first, name="removed")
    for board, is_simulated in [(first, True), (removed, False), (first, False), (second, False), (first, False)]:
        file = write_figures(
            tmp_path, board, answers, boards=[first, second], is_simulated=is_simulated, redact=Redaction([secret])
        )
    assert [file.name, *(path.name for path in tmp_path.iterdir())] == ["all_boards.zip"] * 2
    with zipfile.ZipFile(file) as figures:
        assert figures.namelist() == sorted(f"{of.name}/{card.name}.csv" for of in (first, second) for card in of.cards)
        text = figures.read(f"{first.name}/top_people.csv").decode()
        head, *lines = csv.reader(io.StringIO(text))
    [card] = [card for card in first.cards if card.name == "top_people"]
    assert head == [of.label for of in card.dimensions.values()] + [of.label for of in card.measures.values()]
    shown = cards.numbers(answers["top_people"], card, {})
    assert sum(Decimal(line[1]) for line in lines) == shown["spent_usd"].sum() > 0
    amounts = [Decimal(line[1]) for line in lines]
    assert amounts == sorted(amounts, reverse=True)
    assert (f"'={person}" in text, secret in text, "[secret]" in text) == (True, False, True)
    marked = write_figures(tmp_path, second, answers, boards=[first, second], is_simulated=True)
    assert [path.name for path in tmp_path.iterdir()] == [marked.name] == ["SIMULATED_all_boards.zip"]
    with zipfile.ZipFile(marked) as figures:
        assert all("/SIMULATED_" in path for path in figures.namelist())


def test_boards_written_at_once_wait_for_each_other(company: DuckDBWarehouse, tmp_path: Path) -> None:
    first, second, *_ = boards()
    answers = {card.name: cards.result(company, card, salt="") for of in (first, second) for card in of.cards}
    with ThreadPoolExecutor() as at_once:
        with alone_in(tmp_path):
            file = write_figures(tmp_path / "before", first, answers, boards=[first, second], is_simulated=False)
            waiting = at_once.submit(
                write_figures, tmp_path, second, answers, boards=[first, second], is_simulated=False
            )
            assert not wait([waiting], timeout=0.5).done
            file.rename(tmp_path / file.name)  # what the other process writes meanwhile
        with zipfile.ZipFile(waiting.result(20)) as figures:
            assert {path.split("/")[0] for path in figures.namelist()} == {first.name, second.name}


def test_no_secret_gets_into_a_page(company: DuckDBWarehouse) -> None:
    board = boards()[0]
    results = {card.name: cards.result(company, card, salt="") for card in board.cards}
    [person] = company.ask(SPEND.format(cut="user_email is not null group by user_email order by 1 desc limit 1"))[
        "who"
    ]
    assert f'"{person}"' in whole_text(Site(boards(), "").page(board, results))
    page = whole_text(Site(boards(), "", redact=Redaction([person])).page(board, results))
    assert f'"{person}"' not in page
    assert '"[secret]"' in page


def test_without_a_warehouse_the_command_names_what_to_do(tmp_path: Path) -> None:
    of = settings()
    if not of.database.exists():
        with pytest.raises(Exception, match="make demo"):
            command.run(of, [])


def test_a_page_has_the_notices_of_what_it_redistributes(tmp_path: Path) -> None:
    drawn = site.vega(tmp_path)
    notices = drawn[: drawn.index("*/")]
    for owner in ("University of Washington Interactive Data Lab", "Trifacta Inc.", "Mike Bostock", "Mapbox"):
        assert owner in notices
    assert "Redistributions in binary form must reproduce the above copyright notice" in notices
    [board, *_] = boards()
    assert notices in Site([board], drawn).page(board, {card.name: rows_for(card, 1, 1) for card in board.cards})


def test_the_project_has_a_license() -> None:
    assert "Apache License" in (ROOT / "LICENSE").read_text("utf-8")
    assert "BSD-3-Clause" in (ROOT / "NOTICE").read_text("utf-8")
