"""Runs the SQL that Metabase would run: every card's SQL, with and without its optional clauses, gives the numbers that
the site shows for a company's quarter. Also tests the output of `make metabase`.
"""

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import polars as pl
import pytest

from ai_usage.catalog import TABLES
from ai_usage.commands import metabase as command
from ai_usage.commands.__main__ import main
from ai_usage.dashboards.boards import Card, boards
from ai_usage.dashboards.cards import numbers, result
from ai_usage.dashboards.metabase.looks import DISPLAYS, FORMATS, shown
from ai_usage.dashboards.metabase.wanted import VARIABLES, WantedCard, wanted
from ai_usage.errors import SettingError
from ai_usage.places import ROOT
from ai_usage.settings import read_settings, settings
from ai_usage.warehouse import readers
from ai_usage.warehouse.duckdb.engine import DuckDBWarehouse
from ai_usage.warehouse.nameless_views import NAMELESS, is_shown
from ai_usage.warehouse.table import ANALYTICS, PULLS
from ai_usage_tests.dashboards.metabase_stand_in import ADMIN, StandIn, standing_in
from ai_usage_tests.googlesql.engine import NOT_READY, GoogleEngine

BOARDS = {board.name: board for board in boards()}
WANTED = wanted(list(BOARDS.values()), engine="duckdb", is_simulated=True)
ON_BIGQUERY = wanted(list(BOARDS.values()), engine="googlesql", is_simulated=False)
CARDS = [(board.name, card.name) for board in BOARDS.values() for card in board.cards]
OPTIONAL = re.compile(r"\[\[(.*?)\]\]")


@pytest.fixture(scope="module")
def published(company: DuckDBWarehouse) -> Iterator[duckdb.DuckDBPyConnection]:
    """The published copy, opened by a reader such as Metabase."""
    company.publish()
    with duckdb.connect(str(company.published_path), read_only=True) as db:
        yield db


def substituted(sql: str, values: dict[str, str]) -> str:
    """Metabase's substitution: it leaves out a clause with a variable that has no value, and writes other values as
    literals.
    """

    def clause(found: re.Match[str]) -> str:
        [name] = re.findall(r"\{\{(\w+)\}\}", found[1])
        if name not in values:
            return ""
        literal = "'" + values[name].replace("'", "''") + "'"
        kind = "date " if name.startswith("period") else ""
        return str(found[1].replace("{{" + name + "}}", kind + literal))

    return OPTIONAL.sub(clause, sql)


def asked(published: duckdb.DuckDBPyConnection, sql: str) -> pl.DataFrame:
    return published.sql(sql).pl()


@pytest.fixture(scope="module")
def google() -> Iterator[GoogleEngine]:
    """Google's own analyzer, over the declared tables without rows."""
    if not GoogleEngine.is_ready():
        pytest.fail(NOT_READY, pytrace=False)
    engine = GoogleEngine()
    tables = [table for table in TABLES if table.schema == ANALYTICS]
    engine.declare("empty", tables, {table.address: [] for table in tables})
    yield engine
    engine.close()


def card_of(board: str, name: str) -> tuple[Card, str]:
    card = next(card for card in BOARDS[board].cards if card.name == name)
    return shown(card), next(of.sql for of in WANTED.cards if of.key == f"{board}.yml/{name}")


def same(ours: pl.DataFrame, theirs: pl.DataFrame, card: Card) -> None:
    """Compares the rows. If a card shows only the first rows, compares those, except for ties."""
    columns = [*card.dimensions, *card.measures]
    if card.smallest_group and card.display in {"row", "bar"}:
        theirs = theirs.filter(pl.col("people") >= card.smallest_group)
    if card.top and card.series:
        totals = theirs.group_by(card.series).agg(pl.col(card.y[0]).sum().alias("of_group"))
        first = totals.sort("of_group", card.series, descending=[True, False]).head(card.top)[card.series]
        theirs = theirs.filter(pl.col(card.series).is_in(first.to_list()))
    elif card.top and card.sort:
        by = card.sort.removeprefix("-")
        theirs = theirs.sort(by, descending=card.sort.startswith("-"), nulls_last=True).head(card.top)
        ours, theirs = ours.select(by), theirs.select(by)
        columns = [by]
    assert cells(ours.select(columns)) == cells(theirs.select(columns))


def cells(frame: pl.DataFrame) -> list[tuple[str, ...]]:
    return sorted(tuple(cell(value) for value in row) for row in frame.rows())


def cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.10g}"
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    return str(value)


@pytest.mark.parametrize(("board", "name"), CARDS)
def test_without_a_filter_a_card_shows_what_the_site_shows(
    company: DuckDBWarehouse, published: duckdb.DuckDBPyConnection, board: str, name: str
) -> None:
    card, sql = card_of(board, name)
    same(asked(published, substituted(sql, {})), numbers(result(company, card), card, {}), card)


@pytest.mark.parametrize(("board", "name"), [(b, n) for b, n in CARDS if card_of(b, n)[0].filters])
def test_with_a_filter_too(
    company: DuckDBWarehouse, published: duckdb.DuckDBPyConnection, board: str, name: str
) -> None:
    card, sql = card_of(board, name)
    found = result(company, card)
    for of, column in card.filters.items():
        values = found.rows[column].drop_nulls().unique().sort()
        if values.is_empty():
            continue
        value = values[len(values) // 2]
        text = value.strftime("%Y-%m") if isinstance(value, date) else str(value)
        variables = [variable.name for variable in VARIABLES[of]]
        put = dict.fromkeys(variables, f"{text}-01" if of == "period" else text)
        ours = asked(published, substituted(sql, put))
        same(ours, numbers(found, card, {of: [text]}), card)
        if of == "period":
            assert asked(published, substituted(sql, put | {"period_to": "1999-01-01"})).drop_nulls().height in {0, 1}


@pytest.mark.parametrize("card", ON_BIGQUERY.cards, ids=lambda card: card.key)
def test_google_takes_every_card_with_and_without_its_filters(google: GoogleEngine, card: WantedCard) -> None:
    put = {of.name: "2026-11-01" for of in card.variables}
    [ours] = [of for of in WANTED.cards if of.key == card.key]
    for values in ({}, put):
        columns = google.analyze("empty", substituted(card.sql, values), {}).columns
        assert set(columns) >= {json.loads(key)[1] for key in ours.settings.get("column_settings", {})}


@pytest.mark.parametrize("name", [card.key for card in WANTED.cards if card.key.startswith("filters/")])
def test_a_filters_list_offers_what_the_cards_are_cut_by(published: duckdb.DuckDBPyConnection, name: str) -> None:
    [sql] = [of.sql for of in WANTED.cards if of.key == name]
    offered = asked(published, sql)
    assert offered.columns == [name.removeprefix("filters/")]
    assert offered.height


def test_every_display_and_format_is_mapped() -> None:
    every: set[str] = {card.display for board in BOARDS.values() for card in board.cards}
    assert every <= DISPLAYS.keys()
    formats = {of.format for b in BOARDS.values() for c in b.cards for of in c.measures.values()}
    assert formats <= {*FORMATS, "text", "term", "words", "date", "month"}


@pytest.mark.parametrize("card", WANTED.cards, ids=lambda card: card.key)
def test_settings_name_columns_that_the_sql_gives(published: duckdb.DuckDBPyConnection, card: Any) -> None:
    columns = set(asked(published, substituted(card.sql, {})).columns)
    keys = {json.loads(key)[1] for key in card.settings.get("column_settings", {})}
    named = {*card.settings.get("graph.dimensions", []), *card.settings.get("graph.metrics", [])}
    single = ("table.pivot_column", "table.cell_column", "scatter.bubble", "scalar.field")
    named |= {card.settings[key] for key in single if key in card.settings}
    named |= set(card.settings.get("series_settings", {}))
    assert keys | named <= columns
    if card.settings.get("table.pivot"):
        assert len(columns) == 3  # Metabase cannot pivot more


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    with standing_in() as metabase:
        monkeypatch.setenv("METABASE_URL", metabase.url)
        monkeypatch.setenv("METABASE_API_KEY", ADMIN)
        monkeypatch.setattr(command, "_is_simulated", lambda _: True)
        yield metabase


def printed(capsys: pytest.CaptureFixture[str]) -> str:
    captured = capsys.readouterr()
    assert ADMIN not in captured.out + captured.err
    return captured.out + captured.err


def test_the_difference_is_shown_and_only_apply_writes_it(there: StandIn, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["metabase", ""]) == 0
    shown_first = printed(capsys)
    assert "+ database AI usage" in shown_first
    assert "SIMULATED DATA" in shown_first
    assert re.search(r"Nothing was written: \d+ to make\. make metabase APPLY=1 does it\.", shown_first)
    assert not there.writes
    assert main(["metabase", "1"]) == 0
    written = printed(capsys)
    assert re.search(r"Written: \d+ made\.", written)
    for of in there.dashboards.values():
        assert f"{of['name']}: {there.url}/dashboard/{of['id']}" in written
    before = len(there.writes)
    assert main(["metabase", "1"]) == 0
    assert "Nothing to change." in printed(capsys)
    assert len(there.writes) == before


def test_every_board_stands_there_with_every_card(there: StandIn, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["metabase", "1"]) == 0
    printed(capsys)
    for board in BOARDS.values():
        [of] = [of for of in there.dashboards.values() if of["name"] == f"{board.title} (simulated)"]
        assert sum(d["card_id"] is not None for d in of["dashcards"]) == len(board.cards)
        tops = [(d["row"], d["row"] + d["size_y"], d["col"], d["col"] + d["size_x"]) for d in of["dashcards"]]
        for n, (top, bottom, left, right) in enumerate(tops):
            others = [o for o in tops[n + 1 :] if o[0] < bottom and top < o[1] and o[2] < right and left < o[3]]
            assert not others, board.name


def test_a_changed_card_is_listed_with_old_and_new(there: StandIn, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["metabase", "1"]) == 0
    printed(capsys)
    card = next(of for of in there.cards.values() if of["dataset_query"]["native"]["query"].count("\n") > 3)
    card["name"], card["display"] = "Mine", "pie"
    card["dataset_query"]["native"]["query"] += "\n-- mine"
    assert main(["metabase", "0"]) == 0
    output = printed(capsys)
    assert "title: Mine → " in output
    assert "display: pie → " in output
    assert "  --- mine" in output
    assert "1 to change. make metabase APPLY=1" in output


@pytest.mark.parametrize("gone", ["METABASE_URL", "METABASE_API_KEY"])
def test_what_is_not_configured_is_named(
    there: StandIn, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, gone: str
) -> None:
    monkeypatch.setenv(gone, "")
    assert main(["metabase", ""]) == 2
    assert f"{gone} is not set" in printed(capsys)
    assert not there.asked


def test_pseudonyms_are_not_given_away(
    there: StandIn, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AI_USAGE_PSEUDONYMS", "a salt of sixteen or more")
    assert main(["metabase", "1"]) == 2
    assert "would show addresses: nothing was written" in " ".join(printed(capsys).split())
    assert not there.asked


def test_in_bigquery_cards_ask_the_views_that_name_no_person_with_a_readers_key(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    key = tmp_path / "key.json"
    key.write_text('{"project_id": "of-the-account", "private_key": "of the account that runs use"}', encoding="utf-8")
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(key))
    environment = {"AI_USAGE_WAREHOUSE": "bigquery", "BIGQUERY_PROJECT": "p", "AI_USAGE_SIMULATE": "1"}
    given = {**environment, "METABASE_URL": "http://127.0.0.1:1", "METABASE_API_KEY": "k"}
    with_names, nameless = read_settings(given), read_settings({**given, "AI_USAGE_PSEUDONYMS": "0123456789abcdef"})
    command.refuse_unconfigured(nameless)
    assert json.dumps(command.database_of(with_names)).count("of the account that runs use")
    assert command.database_of(with_names)[0]["details"]["project-id"] == "p"
    assert not json.dumps(command.database_of(nameless)).count("of the account that runs use")
    found = command.definitions(nameless, is_simulated=False)
    texts = [card.sql for card in found.cards]
    texts += [tile.card.sql for board in found.dashboards for tile in board.tiles if tile.card]
    assert len(texts) > 2 * len(CARDS)
    shown = {table.name for table in TABLES if is_shown(table)}
    for text in texts:
        read = re.findall(r"\b(ai_usage_\w+)\.(\w+)", text)
        assert {dataset for dataset, _ in read} == {NAMELESS}
        assert {table for _, table in read} <= shown
    assert {text.replace(NAMELESS, ANALYTICS) for text in texts} == {card.sql for card in ON_BIGQUERY.cards}


def test_apply_is_yes_or_no(there: StandIn, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["metabase", "yes"]) == 2
    assert "APPLY=yes is neither 1 nor 0" in printed(capsys)


def test_a_write_that_stops_halfway_is_reported_as_incomplete(
    there: StandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    there.unreadable = {settings().metabase_duckdb_file}
    assert main(["metabase", "1"]) == 2
    output = " ".join(printed(capsys).split())
    assert "0 of " in output
    assert "steps are done; make metabase APPLY=1 goes on from there." in output
    assert "Cannot open file /warehouse/ai_usage_published.duckdb" in output


def test_a_metabase_that_stores_something_else_than_was_sent_is_an_error(
    there: StandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    def stubborn(path: str, answer: Any) -> Any:
        if path.startswith("/api/card/"):
            answer["display"] = "pie"
        return answer

    there.bend = stubborn
    assert main(["metabase", "1"]) == 1
    assert "holds something else than was sent" in printed(capsys)


def test_whether_data_is_simulated_is_asked_of_the_warehouse(company: DuckDBWarehouse, tmp_path: Path) -> None:
    of = replace(settings(), data_dir=tmp_path)
    with pytest.raises(SettingError, match="is empty: make demo or make backfill fills it"):
        command._is_simulated(of)
    shutil.copyfile(company.published_path, of.database)
    for is_simulated in (True, False):
        with duckdb.connect(str(of.database)) as db:
            db.execute(f"update {PULLS.address} set is_simulated = {is_simulated}")
        assert command._is_simulated(of) is is_simulated


def test_the_compose_file_shows_metabase_the_copy_where_the_settings_look_for_it() -> None:
    folder = ROOT / "dashboards" / "metabase"
    metabase = msgspec.yaml.decode((folder / "compose.yml").read_text(encoding="utf-8"))["services"]["metabase"]
    [bound] = [volume for volume in metabase["volumes"] if isinstance(volume, dict)]
    found = read_settings({})
    assert (bound["type"], bound["read_only"]) == ("bind", True)
    assert f"{bound['target']}/{found.published_database.name}" == found.metabase_duckdb_file
    assert bound["source"].endswith(f"{found.data_dir.name}}}/{readers.FOLDER}")
    assert (ROOT / metabase["build"]["context"] / "Dockerfile").is_file()
