"""The boards, and the error for an invalid one: file, card, key and what to write."""

from pathlib import Path

import pytest

from ai_usage.dashboards import boards as module
from ai_usage.dashboards.boards import COLUMNS, BoardError, board, boards, columns_given

GOOD = """
title: Good
reader: Everybody
about: What is good.
order: 1
filters: [period, team]
sections:
  - {row: 0, title: In short}
cards:
  - name: first
    title: First
    question: How much?
    display: number
    place: {row: 0, column: 0, width: 6, height: 3}
    filters: {period: month}
    measures:
      spent_usd: {label: Spend, format: usd, of: billed_usd}
    compares: previous
  - name: second
    title: Second
    question: Who?
    display: row
    place: {row: 3, column: 0, width: 12, height: 8}
    filters: {period: month, team: team_name}
    dimensions:
      team_name: {label: Team, format: text}
    measures:
      spent_usd: {label: Spend, format: usd, of: billed_usd}
      people: {label: People, format: count, distinct: user_email}
      usd_each: {label: Each, format: usd_fine, of: billed_usd, per: lines}
    x: team_name
    y: [spent_usd]
    sort: -spent_usd
    smallest_group: 5
"""
GIVEN = ["month", "team_name", "user_email", "billed_usd", "lines"]


def test_the_boards_are_there_in_their_order() -> None:
    titles = [found.title for found in boards()]
    assert titles == [
        "Executive Summary",
        "Cost Allocation Workbench",
        "Productivity Analytics",
        "Platform ROI",
        "Data Trust",
    ]


def test_a_good_file_is_read_as_it_stands() -> None:
    found = board("good", GOOD, lambda _: GIVEN)
    first, second = found.cards
    assert (found.name, found.title, found.filters) == ("good", "Good", ["period", "team"])
    assert (first.query, first.compares, first.dimensions) == ("dashboards/first", "previous", {})
    assert second.measures["usd_each"].columns == ["billed_usd", "lines"]
    assert (second.sort, second.smallest_group, second.top) == ("-spent_usd", 5, None)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("title: Good", "titel: Good", "the board: nothing is called titel; write one of title, reader"),
        ("about: What is good.\n", "", r"missing required field `about`"),
        ("order: 1", "order: first", "order: Expected `int`, got `str`"),
        (
            "filters: [period, team]",
            "filters: [period, colour]",
            "filters: Invalid enum value 'colour'; write one of period, provider",
        ),
        ("filters: [period, team]", "filters: [period]", "card second: filters: the board does not offer team"),
        (
            "title: In short}",
            "title: In short, and long}",
            "sections: nothing is called and long; write one of row, title",
        ),
        ("question: Who?", "questoin: Who?", "card second: nothing is called questoin; write one of name, title"),
        ("display: row", "display: pie", "card second: display: Invalid enum value 'pie'; write one of number, line"),
        (
            "label: Team, format: text",
            "label: Team, format: prose",
            "card second: dimensions.team_name: format: Invalid enum",
        ),
        (
            "label: Team, format: text",
            "lable: Team, format: text",
            "second: dimensions.team_name: nothing is called lable",
        ),
        ("distinct: user_email", "distnct: user_email", "card second: measures.people: nothing is called distnct"),
        (
            "width: 12, height: 8",
            "widht: 12, height: 8",
            "card second: place: nothing is called widht; write one of row",
        ),
        ("{row: 3, column: 0", "{row: 2, column: 5", "card second: place: it covers a part of first; move one of them"),
        ("{row: 3, column: 0", "{row: 3, column: 13", "place: column and width come to 25; the grid has 24 columns"),
        ("{row: 3, column: 0", "{row: 3, column: -1", "place: row and column begin at 0"),
        ("name: second", "name: first", "card first: name: there are two of that name"),
        (
            "team: team_name",
            "team: team",
            "filters.team: sql/dashboards/second.sql gives no column team; it gives month",
        ),
        ("distinct: user_email", "distinct: email", "measures.people: .*gives no column email; it gives month"),
        ("per: lines}", "per: line}", "measures.usd_each.*gives no column line; it gives"),
        ("per: lines}", "per: lines, how: max}", "measures.usd_each: `per` makes a ratio of sums"),
        ("format: count, distinct: user_email", "format: count", "measures.people: write either `of`"),
        ("x: team_name", "x: spent_usd", "card second: x: there is no spent_usd; write one of team_name"),
        ("    x: team_name\n", "", "card second: x: display row needs it"),
        ("y: [spent_usd]", "y: [cost_usd]", "y: there is no cost_usd; write one of spent_usd, people, usd_each"),
        ("sort: -spent_usd", "sort: -cost", "sort: there is no cost; write one of team_name, spent_usd"),
        ("sort: -spent_usd", "top: 0", "top: at least 1 row is shown"),
        ("display: row", "display: band", "low: display band needs it"),
        ("display: row", "display: heatmap", "series: display heatmap needs it"),
        ("display: row", "display: scatter", "x: there is no team_name; write one of spent_usd"),
        ("display: row", "display: number", "dimensions: a number has none"),
        ("      people: {label", "      folk: {label", "smallest_group: .* a measure named people; write it"),
        ("filters: {period: month}\n", "filters: {}\n", "compares: there is no period to compare with"),
        ("title: Good", "title: [Good", "is no YAML"),
        ("title: Good", "name: good", "the board: its name is the file's; leave name out"),
        ("filters: {period: month}", "filters: {era: month}", "card first: filters: Invalid enum value 'era'"),
        (
            "  - name: first\n    title: First\n",
            "  - 7\n  - name: first\n    title: First\n",
            "card 1: Expected `object`",
        ),
        ("cards:\n", "rest: 1\ncards:\n", "the board: nothing is called rest"),
        (
            "    compares: previous\n",
            "    answer: {above: over, share_of: budget}\n",
            "card first: answer.share_of: there is no budget; write one of spent_usd",
        ),
        ("    smallest_group: 5", "    answer: {above: over}", "card second: answer: it completes a number"),
        ("    compares: previous\n", "    shares: true\n", "card first: shares: only bars of one ranking have them"),
        ("cards:\n", "cards: none\nrest:\n", "cards: Expected `array`, got `str`"),
    ],
)
def test_what_is_wrong_is_named(old: str, new: str, message: str) -> None:
    assert old in GOOD
    with pytest.raises(BoardError, match=f"(?s)dashboards/good.yml.*{message}"):
        board("good", GOOD.replace(old, new, 1), lambda _: GIVEN)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "card other: there is no sql/dashboards/other.sql; write its SELECT there"),
        (
            "select 1 as one from ai_usage_analytics.claude_costs",
            "reads ai_usage_analytics.claude_costs; a card reads marts",
        ),
        ("select 1 as one from ai_usage_raw.pulls", "reads ai_usage_raw.pulls; a card reads marts only"),
        ("select @first_day as one", "takes @first_day; a card's SQL takes no parameters"),
    ],
)
def test_sql_that_a_card_may_not_have_is_named(monkeypatch: pytest.MonkeyPatch, text: str | None, message: str) -> None:
    def read(name: str) -> str:
        if text is None:
            raise FileNotFoundError(name)
        return text

    monkeypatch.setattr(module, "read", read)
    columns_given.cache_clear()
    with pytest.raises(BoardError, match=message):
        columns_given("other")
    columns_given.cache_clear()


def test_numbers_stand_on_top_and_rows_are_full() -> None:
    """A number has six columns by three rows; cards that begin in one row have one height and fill the grid."""
    for found in boards():
        rows: dict[int, list[module.Place]] = {}
        for card in found.cards:
            rows.setdefault(card.place.row, []).append(card.place)
            assert card.display != "number" or (card.place.width, card.place.height, card.place.row) == (6, 3, 0)
        for places in rows.values():
            assert len({place.height for place in places}) == 1, found.name
            assert sum(place.width for place in places) == COLUMNS, found.name
        heads = {section.row for section in found.sections}
        assert heads <= rows.keys(), found.name


def test_lines_of_code_are_never_shown_without_a_word_of_caution() -> None:
    for found in boards():
        for card in found.cards:
            if any("lines" in column for m in card.measures.values() for column in m.columns):
                assert "ines of code" in (card.caveat or ""), card.name


def test_a_card_that_lacks_a_filter_of_its_board_says_why() -> None:
    for found in boards():
        for card in found.cards:
            assert (set(found.filters) <= card.filters.keys()) != bool(card.unfiltered), (found.name, card.name)


def test_groups_of_people_are_not_ranked_when_small() -> None:
    for found in boards():
        for card in found.cards:
            if "team_name" in card.dimensions and "people" in card.measures:
                assert card.smallest_group == 5, card.name


def test_a_folder_of_boards_is_read(tmp_path: Path) -> None:
    assert boards(tmp_path) == []
