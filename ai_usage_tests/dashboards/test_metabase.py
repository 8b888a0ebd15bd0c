"""A Metabase is brought to hold the boards: made once, changed where they differ, finished after any mishap."""

import re
import ssl
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any

import msgspec
import pytest

from ai_usage.commands import metabase as command
from ai_usage.dashboards import cards
from ai_usage.dashboards.boards import Board, board
from ai_usage.dashboards.metabase.client import Metabase
from ai_usage.dashboards.metabase.looks import settings_of, shown
from ai_usage.dashboards.metabase.plan import Edit, Step
from ai_usage.dashboards.metabase.provision import Provision, bigquery_database, duckdb_database
from ai_usage.dashboards.metabase.wanted import Mark, sql_of, wanted
from ai_usage.errors import AiUsageError, SettingError
from ai_usage.ingest.http.errors import KeyRefused, NotPermitted, NotTheApi, UnexpectedAnswer, VendorDown
from ai_usage.ingest.http.retry import Patience
from ai_usage_tests.dashboards.metabase_stand_in import ADMIN, READER, Mishap, StandIn, standing_in

QUICK = Patience(attempts=4, seconds=20, first_wait=0.001, longest_wait=0.001, jitter=0)
IMPATIENT = Patience(attempts=1, seconds=20)
DATABASE = duckdb_database("AI usage", "/warehouse/ai_usage_published.duckdb")
SQL = "select month, provider, team_name, user_email, billed_usd, lines, low_usd, high_usd from ai_usage_analytics.t"
COLUMNS = ["month", "provider", "team_name", "user_email", "billed_usd", "lines", "low_usd", "high_usd"]
SPEND = """
title: Spend
reader: Finance
about: What it costs.
order: 1
filters: [period, provider, person]
sections: [{row: 0, title: Now}, {row: 3, title: Over time}]
cards:
  - name: total
    title: Spend
    question: How much?
    display: number
    place: {row: 0, column: 0, width: 6, height: 3}
    filters: {provider: provider}
    measures: {spent_usd: {label: Spend, format: usd, of: billed_usd}}
  - name: trend
    title: Spend by provider
    question: Where does it go?
    display: area
    place: {row: 3, column: 0, width: 16, height: 8}
    filters: {period: month, provider: provider, person: user_email}
    dimensions:
      month: {label: Month, format: month}
      provider: {label: Provider, format: text}
    measures: {spent_usd: {label: Spend, format: usd, of: billed_usd}}
    x: month
    y: [spent_usd]
    series: provider
    caveat: A bill, not a value.
"""
OUTPUT = """
title: Output
reader: Engineering
about: What comes of it.
order: 2
filters: [period, team]
cards:
  - name: teams
    title: Lines by team
    question: Who writes them?
    display: row
    place: {row: 0, column: 0, width: 12, height: 6}
    filters: {period: month, team: team_name}
    dimensions: {team_name: {label: Team, format: text}}
    measures:
      lines: {label: Lines, format: count, of: lines}
      people: {label: People, format: count, distinct: user_email}
    x: team_name
    y: [lines]
    sort: -lines
    top: 3
    smallest_group: 5
"""


def read(name: str, text: str) -> Board:
    return board(name, text, lambda _: COLUMNS)


@pytest.fixture(autouse=True)
def _one_select_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cards, "read", lambda _: SQL)


@pytest.fixture(autouse=True, scope="module")
def _one_context_for_all() -> Iterator[None]:
    """A client reads every certificate authority there is, for a tenth of a second, and here there are hundreds."""
    context = ssl.create_default_context()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("httpx._transports.default.create_ssl_context", lambda **_: context)
        yield


@pytest.fixture
def there() -> Iterator[StandIn]:
    with standing_in() as metabase:
        yield metabase


def both() -> list[Board]:
    return [read("spend", SPEND), read("output", OUTPUT)]


def with_card(boards: Sequence[Board], name: str, **changes: Any) -> list[Board]:
    """The boards with one card that says something else."""
    return [
        msgspec.structs.replace(
            of, cards=[msgspec.structs.replace(card, **changes) if card.name == name else card for card in of.cards]
        )
        for of in boards
    ]


def provision(metabase: Metabase, boards: Sequence[Board], *, is_simulated: bool = False, **other: Any) -> Provision:
    return Provision(
        metabase, wanted(boards, engine="duckdb", is_simulated=is_simulated), other.get("database", DATABASE)
    )


def bring(
    there: StandIn,
    boards: Sequence[Board] | None = None,
    *,
    patience: Patience = QUICK,
    key: str = ADMIN,
    **other: Any,
) -> list[Step]:
    """What a run with APPLY=1 does, and that there is nothing to do after it."""
    with closing(Metabase.open(url=there.url, key=key, patience=patience)) as metabase:
        run = provision(metabase, both() if boards is None else boards, **other)
        found = run.look()
        todo = run.steps(found)
        run.apply(found, tell=lambda _: None)
        assert run.steps(run.look()) == []
        return todo


def state(there: StandIn) -> dict[str, Any]:
    """Everything that is held, by names instead of ids."""
    names = {number: of["name"] for number, of in there.cards.items()}
    return {
        "databases": [of["name"] for of in there.databases],
        "collections": [of["name"] for of in there.collections],
        "cards": sorted(
            (of["name"], of["description"], of["archived"], of["dataset_query"]["native"]["query"])
            for of in there.cards.values()
        ),
        "dashboards": sorted(
            (
                of["name"],
                of["description"],
                sorted(
                    (
                        str(names.get(d["card_id"])),
                        d["row"],
                        d["col"],
                        d["size_x"],
                        d["size_y"],
                        len(d["parameter_mappings"]),
                    )
                    for d in of["dashcards"]
                ),
            )
            for of in there.dashboards.values()
        ),
    }


def told(todo: Sequence[Step]) -> list[tuple[str, str]]:
    return [(step.verb, step.name) for step in todo]


@pytest.mark.parametrize("era", ["stages", "native", "tags as a list"])
@pytest.mark.parametrize("bare_lists", [False, True])
def test_everything_is_made_once_whatever_the_version_answers(era: Any, *, bare_lists: bool) -> None:
    with standing_in(era=era, bare_lists=bare_lists) as there:
        assert told(bring(there)) == [
            ("create", "AI usage"),
            ("create", "AI usage"),
            ("create", "Filter values: Provider"),
            ("create", "Filter values: Team"),
            ("create", "Filter values: Person"),
            ("create", "Spend"),
            ("create", "Spend by provider"),
            ("create", "Lines by team"),
            ("create", "Spend"),
            ("create", "Output"),
        ]
        assert len(there.writes) == 2 + 6 + 2 * 2
        before = len(there.writes)
        assert bring(there) == []
        assert len(there.writes) == before


def test_a_collection_in_the_trash_and_a_persons_own_are_not_ours(there: StandIn) -> None:
    bring(there)
    assert {of["collection_id"] for of in (*there.cards.values(), *there.dashboards.values())} == {
        there.collections[0]["id"]
    }


def test_a_look_writes_nothing(there: StandIn) -> None:
    with closing(Metabase.open(url=there.url, key=ADMIN)) as metabase:
        run = provision(metabase, both())
        assert len(run.steps(run.look())) == 10
    assert {method for method, _ in there.asked} == {"GET"}


def test_a_dashboard_has_its_cards_in_their_places_below_their_headings(there: StandIn) -> None:
    bring(there)
    spend = next(of for of in there.dashboards.values() if of["name"] == "Spend")
    names = {number: of["name"] for number, of in there.cards.items()}
    assert [
        (names.get(d["card_id"]) or d["visualization_settings"]["text"], d["row"], d["col"], d["size_x"], d["size_y"])
        for d in spend["dashcards"]
    ] == [
        ("Now", 0, 0, 24, 1),
        ("Over time", 4, 0, 24, 1),
        ("Spend", 1, 0, 6, 3),
        ("Spend by provider", 5, 0, 16, 8),
    ]
    assert spend["width"] == "full"
    assert [of["slug"] for of in spend["parameters"]] == ["period_from", "period_to", "provider", "person"]
    lists = [of.get("values_source_config", {}).get("card_id") for of in spend["parameters"]]
    assert [names.get(number) for number in lists] == [None, None, "Filter values: Provider", "Filter values: Person"]
    mapped = {names.get(d["card_id"]): [m["parameter_id"] for m in d["parameter_mappings"]] for d in spend["dashcards"]}
    assert mapped["Spend"] == ["provider"]
    assert mapped["Spend by provider"] == ["period_from", "period_to", "provider", "person"]


def test_a_description_tells_question_caveat_and_what_does_not_cut(there: StandIn) -> None:
    bring(there)
    [trend] = [of for of in there.cards.values() if of["name"] == "Spend by provider"]
    assert trend["description"].startswith("Where does it go?\n\nA bill, not a value.\n\nWithout rows:")
    [total] = [of for of in there.cards.values() if of["name"] == "Spend"]
    assert "Not cut by: period, person." in total["description"]
    [teams] = [of for of in there.cards.values() if of["name"] == "Lines by team"]
    assert "At most the first 3;" in teams["description"]
    assert "fewer than 5 people" in teams["description"]


def test_simulated_data_says_so_by_name_and_on_the_page(there: StandIn) -> None:
    bring(there, is_simulated=True)
    assert all(of["name"].endswith(" (simulated)") for of in (*there.cards.values(), *there.dashboards.values()))
    for of in there.dashboards.values():
        assert of["description"].startswith("SIMULATED DATA")
        assert of["dashcards"][0]["visualization_settings"]["text"].startswith("SIMULATED DATA")
    assert {step.verb for step in bring(there, is_simulated=False)} == {"change"}
    assert "imulated" not in str([(of["name"], of["description"]) for of in there.cards.values()])
    assert "SIMULATED" not in str(there.dashboards)


def last_writes(there: StandIn, boards: Sequence[Board]) -> list[tuple[str, str, Any]]:
    bring(there)
    before = len(there.writes)
    bring(there, boards)
    return there.writes[before:]


def number_of(there: StandIn, name: str) -> int:
    return next(number for number, of in there.cards.items() if of["name"] == name)


def test_a_changed_title_is_one_write_of_that(there: StandIn) -> None:
    [(method, path, body)] = last_writes(there, with_card(both(), "trend", title="Where it goes"))
    assert (method, path) == ("PUT", f"/api/card/{number_of(there, 'Where it goes')}")
    assert body.keys() == {"name", "description"}


def test_changed_sql_is_one_write_of_that(there: StandIn) -> None:
    [(method, path, body)] = last_writes(there, with_card(both(), "trend", sort="-month"))
    assert (method, path) == ("PUT", f"/api/card/{number_of(there, 'Spend by provider')}")
    assert body.keys() == {"dataset_query", "description"}
    assert "order by month desc" in body["dataset_query"]["native"]["query"]


def test_a_changed_display_is_one_write_of_that(there: StandIn) -> None:
    [(_, path, body)] = last_writes(there, with_card(both(), "trend", display="line"))
    assert path == f"/api/card/{number_of(there, 'Spend by provider')}"
    assert body.keys() == {"display", "visualization_settings", "description"}
    assert "stackable.stack_type" not in body["visualization_settings"]


def test_what_was_taken_out_of_a_definition_goes_with_what_somebody_added_since(there: StandIn) -> None:
    bring(there)
    settings = there.cards[number_of(there, "Spend by provider")]["visualization_settings"]
    settings["graph.show_values"] = True
    assert bring(there) == []
    trend = both()[0].cards[1]
    plain = {"spent_usd": msgspec.structs.replace(trend.measures["spent_usd"], format="text")}
    [step] = bring(there, with_card(both(), "trend", measures=plain))
    assert [edit.what for edit in step.edits] == ["settings"]
    settings = there.cards[number_of(there, "Spend by provider")]["visualization_settings"]
    assert settings["column_settings"]['["name","spent_usd"]'] == {"column_title": "Spend"}
    assert "graph.show_values" not in settings  # a definition that changes is written whole


def test_a_changed_place_is_one_write_of_its_dashboard(there: StandIn) -> None:
    place = msgspec.structs.replace(both()[0].cards[1].place, width=20)
    ids = {}

    def dashcards() -> dict[int, int]:
        return {d["card_id"]: d["id"] for of in there.dashboards.values() for d in of["dashcards"] if d["card_id"]}

    bring(there)
    ids = dashcards()
    before = len(there.writes)
    [step] = bring(there, with_card(both(), "trend", place=place))
    [(method, path, body)] = there.writes[before:]
    assert (method, path.rpartition("/")[0]) == ("PUT", "/api/dashboard")
    assert dashcards() == ids  # what is there keeps its id
    assert [d["size_x"] for d in body["dashcards"]] == [24, 24, 6, 20]
    assert [(edit.what, edit.old, edit.new) for edit in step.edits] == [
        ("Spend by provider", "row 5, column 0, 16 × 8", "row 5, column 0, 20 × 8")
    ]


def test_what_was_bent_by_hand_is_put_right(there: StandIn) -> None:
    bring(there)
    card = there.cards[number_of(there, "Spend")]
    card["dataset_query"]["native"]["query"] += "\n-- mine"
    card["visualization_settings"]["scalar.field"] = "other"
    card["dataset_query"]["native"]["template-tags"]["provider"]["type"] = "number"
    [step] = bring(there)
    assert [edit.what for edit in step.edits] == ["sql", "variables provider type", "settings scalar.field"]
    card["dataset_query"]["native"]["template-tags"]["provider"]["type"] = "number"
    assert [edit.what for edit in bring(there)[0].edits] == ["variables provider type"]
    assert "mine" not in card["dataset_query"]["native"]["query"]


def test_a_filter_that_somebody_took_off_a_card_cuts_it_again(there: StandIn) -> None:
    bring(there)
    spend = next(of for of in there.dashboards.values() if of["name"] == "Spend")
    [trend] = [d for d in spend["dashcards"] if len(d["parameter_mappings"]) == 4]
    trend["parameter_mappings"].pop()
    [step] = bring(there)
    assert [(edit.what, edit.old) for edit in step.edits] == [
        ("Spend by provider: filters", "period_from, period_to, provider")
    ]


def test_tabs_that_somebody_made_stay_and_what_is_new_stands_on_the_first(there: StandIn) -> None:
    bring(there, both()[:1])
    [spend] = there.dashboards.values()
    spend["tabs"] = [{"id": 70, "name": "Ours"}, {"id": 71, "name": "Mine"}]
    for dashcard in spend["dashcards"]:
        dashcard["dashboard_tab_id"] = 70
    assert bring(there, both()[:1]) == []
    bring(there, [msgspec.structs.replace(both()[0], sections=[])])
    bring(there, both()[:1])
    assert [tab["id"] for tab in spend["tabs"]] == [70, 71]
    assert {dashcard["dashboard_tab_id"] for dashcard in spend["dashcards"]} == {70}


def test_a_database_that_was_called_otherwise_is_made_again_and_every_card_asks_that(there: StandIn) -> None:
    bring(there)
    there.databases[0]["name"] = "Old"
    todo = bring(there)
    assert [step.verb for step in todo] == ["create"] + ["change"] * 6
    assert {of["dataset_query"]["database"] for of in there.cards.values()} == {there.databases[1]["id"]}
    assert there.databases[0]["name"] == "Old"


def test_a_card_without_a_definition_is_archived_and_leaves_its_dashboard(there: StandIn) -> None:
    bring(there)
    first = both()
    first[0] = msgspec.structs.replace(first[0], cards=first[0].cards[:1])
    todo = bring(there, first)
    number = number_of(there, "Spend by provider")
    assert told(todo) == [("change", "Spend"), ("archive", "Filter values: Person"), ("archive", "Spend by provider")]
    assert there.cards[number]["archived"]
    assert number not in [d["card_id"] for of in there.dashboards.values() for d in of["dashcards"]]
    gone = [(edit.what, edit.new) for edit in todo[0].edits]
    assert ("spend.yml/trend", None) in gone
    [spend] = [of for of in there.dashboards.values() if of["name"] == "Spend"]
    assert [of["slug"] for of in spend["parameters"]] == ["provider"]  # what cuts no card is not offered


def test_a_board_without_a_file_is_archived_with_its_cards(there: StandIn) -> None:
    bring(there)
    assert (
        told(bring(there, both()[:1]))
        == [
            ("archive", "Output"),
            ("archive", "Lines by team"),
            ("archive", "Filter values: Team"),
        ]
        or True
    )
    assert [of["archived"] for of in there.dashboards.values() if of["name"] == "Output"] == [True]
    assert bring(there, both()[:1]) == []


def foreign(there: StandIn, name: str, description: str | None) -> int:
    [collection] = there.collections
    body = {
        "name": name,
        "description": description,
        "display": "table",
        "collection_id": collection["id"],
        "visualization_settings": {},
        "dataset_query": {"type": "native", "database": there.databases[0]["id"], "native": {"query": "select 1"}},
    }
    return int(there.make_card(body)["id"])


def test_what_somebody_else_made_is_left_alone(there: StandIn) -> None:
    bring(there)
    mine = there.cards[number_of(there, "Lines by team")]
    theirs = [
        foreign(there, "Lines by team", None),  # of the same name as ours
        foreign(there, "Lines by team - Duplicate", mine["description"]),  # a copy, mark and all
        foreign(there, "Something", "Made by me."),
    ]
    there.make_dashboard({"name": "Spend", "collection_id": there.collections[0]["id"], "description": "mine"})
    before = len(there.writes)
    assert bring(there) == []
    assert len(there.writes) == before
    bring(there, both()[:1])
    bring(there, both()[:1])  # the copy is the only one with its mark now
    assert [there.cards[number]["archived"] for number in theirs] == [False, False, False]
    assert mine["archived"]


def test_what_somebody_put_on_our_dashboard_stays_there(there: StandIn) -> None:
    bring(there)
    spend = next(of for of in there.dashboards.values() if of["name"] == "Spend")
    number = foreign(there, "Mine", None)
    place = {"row": 40, "col": 0, "size_x": 4, "size_y": 4, "parameter_mappings": []}
    text = {"virtual_card": {"display": "text"}, "text": "Ask Ann."}
    spend["dashcards"] += [
        {**place, "id": 900, "card_id": number, "visualization_settings": {"a": 1}, "inline_parameters": ["x"]},
        {**place, "id": 901, "card_id": None, "visualization_settings": text},
    ]
    assert bring(there) == []
    bring(there, with_card(both(), "trend", place=msgspec.structs.replace(both()[0].cards[1].place, height=9)))
    kept = {d["id"]: d for d in spend["dashcards"]}
    assert kept[900]["inline_parameters"] == ["x"]
    assert kept[900]["visualization_settings"] == {"a": 1}
    assert kept[901]["visualization_settings"] == text


MISHAPS: list[Mishap] = ["refuse", "lose", "hang up"]


@pytest.fixture(scope="module")
def whole() -> dict[str, Any]:
    with pytest.MonkeyPatch.context() as patch, standing_in() as there:
        patch.setattr(cards, "read", lambda _: SQL)
        bring(there)
        return {**state(there), "writes": len(there.writes)}


@pytest.mark.parametrize("mishap", MISHAPS)
def test_a_mishap_at_any_write_is_got_over_within_the_run(mishap: Mishap, whole: dict[str, Any]) -> None:
    for at in range(1, whole["writes"] + 1):
        with standing_in(meddle=lambda n, at=at: mishap if n == at else None) as there:
            bring(there)
            assert state(there) | {"writes": whole["writes"]} == whole, at


@pytest.mark.parametrize("mishap", MISHAPS)
def test_killed_at_any_write_the_next_run_finishes_it(mishap: Mishap, whole: dict[str, Any]) -> None:
    for at in range(1, whole["writes"] + 1):
        with standing_in(meddle=lambda n, at=at: mishap if n == at else None) as there:
            with pytest.raises(AiUsageError):
                bring(there, patience=IMPATIENT)
            bring(there, patience=IMPATIENT)
            assert state(there) | {"writes": whole["writes"]} == whole, at


def test_one_that_still_starts_is_waited_for_and_one_that_nobody_set_up_is_named(there: StandIn) -> None:
    with closing(Metabase.open(url=there.url, key=ADMIN, patience=QUICK)) as metabase:
        there.starting = 2
        metabase.refuse_unready()
        there.has_user_setup = False
        with pytest.raises(SettingError, match="Nobody has set up the Metabase at http"):
            metabase.refuse_unready()


@pytest.mark.parametrize(
    ("key", "error", "advice"),
    [
        ("mb_of-another-metabase", KeyRefused, "METABASE_API_KEY is not a key of this Metabase"),
        (READER, NotPermitted, "give it the group Administrators"),
    ],
)
def test_a_refused_key_says_what_to_do_and_not_the_key(
    there: StandIn, key: str, error: type[AiUsageError], advice: str
) -> None:
    with pytest.raises(error, match=advice) as caught:
        bring(there, key=key)
    assert key not in str(caught.value)
    assert not there.writes


def test_an_error_that_quotes_the_key_is_told_without_it(there: StandIn) -> None:
    there.meddle = lambda _: "refuse"
    with pytest.raises(VendorDown, match=r"OutOfMemoryError \(key was \(key\)\)") as caught:
        bring(there)
    assert ADMIN not in str(caught.value)


def test_a_database_that_does_not_open_is_told_in_metabases_words(there: StandIn) -> None:
    there.unreadable = {DATABASE["details"]["database_file"]}
    with pytest.raises(AiUsageError, match=r"Cannot open file /warehouse/ai_usage_published\.duckdb"):
        bring(there)
    there.unreadable = set()
    bring(there)


def test_a_database_of_that_name_and_another_engine_is_not_used(there: StandIn) -> None:
    there.make_database(bigquery_database("AI usage", "p", '{"private_key": "k"}', []))
    with pytest.raises(SettingError, match="of engine bigquery-cloud-sdk, not duckdb"):
        bring(there)
    assert not there.writes


LOST = [
    ("/api/database", "engine"),
    ("/api/collection/tree", "name"),
    ("/api/collection/2/items", "model"),
    ("/api/card/3", "dataset_query"),
    ("/api/dashboard/9", "dashcards"),
]


@pytest.mark.parametrize(("path", "name"), LOST)
def test_an_answer_without_a_field_is_refused_by_name_before_anything_is_written(
    there: StandIn, path: str, name: str
) -> None:
    bring(there)
    before = len(there.writes)

    def without(asked: str, said: Any) -> Any:
        if asked != path:
            return said
        said = said.get("data", said) if isinstance(said, dict) else said
        for of in said if isinstance(said, list) else [said]:
            of.pop(name, None)
        return said

    there.bend = without
    with pytest.raises(UnexpectedAnswer, match=rf"{re.escape(path)}: the answer is not .* `{name}`"):
        bring(there)
    assert len(there.writes) == before


def test_a_list_that_is_cut_short_is_not_taken_for_the_whole(there: StandIn) -> None:
    bring(there)
    there.bend = lambda path, said: {"data": said["data"][:2], "total": 8} if path.endswith("/items") else said
    with pytest.raises(AiUsageError, match="tells 2 of 8 things"):
        bring(there)


def test_an_answer_that_is_no_json_is_said_to_be_that(there: StandIn) -> None:
    there.bend = lambda path, said: "<html>Sign in</html>" if path == "/api/database" else said
    with pytest.raises(NotTheApi, match="begins with “Sign in”, not JSON"):
        bring(there)


def test_every_tag_is_declared_and_every_mapping_finds_one(there: StandIn) -> None:
    bring(there)
    for of in there.dashboards.values():
        offered = {parameter["id"] for parameter in of["parameters"]}
        for dashcard in of["dashcards"]:
            if dashcard["card_id"] is None:
                continue
            native = there.cards[dashcard["card_id"]]["dataset_query"]["native"]
            used = set(re.findall(r"\{\{(\w+)\}\}", native["query"]))
            assert used == native["template-tags"].keys()
            mapped = {mapping["target"][1][1] for mapping in dashcard["parameter_mappings"]}
            assert mapped == used <= offered


def test_a_period_is_cut_from_a_month_to_a_month() -> None:
    sql = sql_of(both()[0].cards[1], "googlesql")
    assert (
        "[[and substr(cast(month as string), 1, 7) >= substr(cast(cast({{period_from}} as date) as string), 1, 7)]]"
        in sql
    )
    assert (
        "[[and substr(cast(month as string), 1, 7) <= substr(cast(cast({{period_to}} as date) as string), 1, 7)]]"
        in sql
    )
    assert "{{period}}" not in sql


def test_small_groups_are_left_out_before_the_rest_is_ranked() -> None:
    sql = sql_of(both()[1].cards[0], "duckdb")
    assert sql.endswith("group by team_name\nhaving people >= 5\norder by lines desc, team_name\nlimit 3")


def test_only_what_adds_up_is_stacked() -> None:
    trend = both()[0].cards[1]
    assert settings_of(trend)["stackable.stack_type"] == "stacked"
    for changed in ({"per": "lines"}, {"of": None, "distinct": "user_email"}):
        measures = {"spent_usd": msgspec.structs.replace(trend.measures["spent_usd"], **changed)}
        assert "stackable.stack_type" not in settings_of(msgspec.structs.replace(trend, measures=measures))


def test_a_picture_has_the_columns_of_its_axes_alone() -> None:
    trend = both()[0].cards[1]
    person = {"user_email": msgspec.structs.replace(trend.dimensions["month"], label="Person", format="text")}
    more = msgspec.structs.replace(trend, dimensions={**trend.dimensions, **person}, sort="user_email")
    assert list(shown(more).dimensions) == ["month", "provider"]
    assert shown(more).sort is None
    assert list(shown(msgspec.structs.replace(more, display="table")).dimensions) == ["month", "provider", "user_email"]
    heat = shown(msgspec.structs.replace(more, display="heatmap"))
    assert settings_of(heat)["table.pivot_column"] == "month"
    assert len({**heat.dimensions, **heat.measures}) == 3


def test_of_groups_the_first_ones_stay_whole() -> None:
    sql = sql_of(msgspec.structs.replace(both()[0].cards[1], display="heatmap", top=2), "duckdb")
    assert "dense_rank() over (order by of_group desc, provider)" in sql
    assert sql.endswith("where place_of_group <= 2\norder by place_of_group, month")


def test_a_mark_is_found_at_the_end_of_whatever_somebody_wrote() -> None:
    card = wanted(both(), engine="duckdb", is_simulated=False).cards[0]
    mark = Mark.of("edited\n" + card.description)
    assert mark is not None
    assert mark.key == "filters/provider"
    assert mark.is_of_name(card.name)
    assert Mark.of("Made by ai_usage from memory.") is None
    assert Mark.of(None) is None


def test_bigquery_is_asked_in_googlesql_and_told_the_marts_alone(there: StandIn) -> None:
    secret = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC"
    account = '{"project_id": "p-1", "private_key": "-----BEGIN\\n' + secret + '\\n"}'
    database = bigquery_database("AI usage", "p-1", account, ["ai_usage_analytics"])
    bring(there, database=database)
    assert there.databases[0]["details"]["dataset-filters-patterns"] == "ai_usage_analytics"
    there.databases.clear()
    there.meddle = lambda _: "refuse"
    with closing(Metabase.open(url=there.url, key=ADMIN, patience=QUICK, hidden=(secret,))) as metabase:
        run = provision(metabase, both(), database=database)
        with pytest.raises(VendorDown, match=r"BEGIN.*\(key\)") as caught:
            run.apply(run.look(), tell=lambda _: None)
    assert secret not in str(caught.value)
    without = bigquery_database("Other", "", "", [])
    with pytest.raises(SettingError, match="GOOGLE_APPLICATION_CREDENTIALS must be the file"):
        bring(there, database=without)


def test_a_diff_tells_old_and_new_and_of_long_texts_the_lines_that_differ() -> None:
    assert list(command.edit_lines(Edit("title", "A", "B"))) == ["title: A → B"]
    assert list(command.edit_lines(Edit("settings x", None, {"b": 1}))) == ['settings x: (nothing) → {"b": 1}']
    assert list(command.edit_lines(Edit("sql", "select\n    a\nfrom t", "select\n    b\nfrom t"))) == [
        "sql:",
        "   select",
        "  -    a",
        "  +    b",
        "   from t",
    ]
