"""Boards in Metabase: created once, and changed where they differ from their definitions."""

from collections.abc import Sequence
from contextlib import closing
from typing import Any

import msgspec
import pytest

from ai_usage.dashboards.boards import Board
from ai_usage.dashboards.metabase.client import Metabase
from ai_usage.dashboards.metabase.plan import Step
from ai_usage_tests.dashboards.metabase_stand_in import ADMIN, StandIn, standing_in
from ai_usage_tests.dashboards.provisioned import both, bring, provision

pytestmark = pytest.mark.usefixtures("one_select_for_all", "one_context_for_all")


def with_card(boards: Sequence[Board], name: str, **changes: Any) -> list[Board]:
    """The boards with one card changed."""
    return [
        msgspec.structs.replace(
            of, cards=[msgspec.structs.replace(card, **changes) if card.name == name else card for card in of.cards]
        )
        for of in boards
    ]


def step_names(todo: Sequence[Step]) -> list[tuple[str, str]]:
    return [(step.verb, step.name) for step in todo]


@pytest.mark.parametrize("era", ["stages", "native", "tags as a list"])
@pytest.mark.parametrize("bare_lists", [False, True])
def test_everything_is_made_once_whatever_the_version_answers(era: Any, *, bare_lists: bool) -> None:
    with standing_in(era=era, bare_lists=bare_lists) as there:
        assert step_names(bring(there)) == [
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


def test_a_description_has_the_question_the_caveat_and_the_filters_that_do_not_apply(there: StandIn) -> None:
    bring(there)
    [trend] = [of for of in there.cards.values() if of["name"] == "Spend by provider"]
    assert trend["description"].startswith("Where does it go?\n\nA bill, not a value.\n\nWithout rows:")
    [total] = [of for of in there.cards.values() if of["name"] == "Spend"]
    assert "Not filtered by: period, person." in total["description"]
    [teams] = [of for of in there.cards.values() if of["name"] == "Lines by team"]
    assert "At most the first 3;" in teams["description"]
    assert "fewer than 5 people" in teams["description"]


def test_simulated_data_is_marked_by_name_and_on_the_page(there: StandIn) -> None:
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


def test_what_left_a_definition_is_removed_and_so_is_what_was_added_by_hand(there: StandIn) -> None:
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
    assert "graph.show_values" not in settings  # a changed definition is written completely


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
    assert dashcards() == ids  # existing cards keep their ids
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


def test_a_filter_that_was_removed_by_hand_applies_again(there: StandIn) -> None:
    bring(there)
    spend = next(of for of in there.dashboards.values() if of["name"] == "Spend")
    [trend] = [d for d in spend["dashcards"] if len(d["parameter_mappings"]) == 4]
    trend["parameter_mappings"].pop()
    [step] = bring(there)
    assert [(edit.what, edit.old) for edit in step.edits] == [
        ("Spend by provider: filters", "period_from, period_to, provider")
    ]


def test_tabs_made_by_hand_stay_and_new_cards_go_to_the_first(there: StandIn) -> None:
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
    assert step_names(todo) == [
        ("change", "Spend"),
        ("archive", "Filter values: Person"),
        ("archive", "Spend by provider"),
    ]
    assert there.cards[number]["archived"]
    assert number not in [d["card_id"] for of in there.dashboards.values() for d in of["dashcards"]]
    gone = [(edit.what, edit.new) for edit in todo[0].edits]
    assert ("spend.yml/trend", None) in gone
    [spend] = [of for of in there.dashboards.values() if of["name"] == "Spend"]
    assert [of["slug"] for of in spend["parameters"]] == ["provider"]  # a filter that applies to no card is not offered


def test_a_board_without_a_file_is_archived_with_its_cards(there: StandIn) -> None:
    bring(there)
    assert (
        step_names(bring(there, both()[:1]))
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


def test_objects_that_are_not_ours_are_left_alone(there: StandIn) -> None:
    bring(there)
    mine = there.cards[number_of(there, "Lines by team")]
    theirs = [
        foreign(there, "Lines by team", None),  # with the same name as ours
        foreign(there, "Lines by team - Duplicate", mine["description"]),  # a copy, including the mark
        foreign(there, "Something", "Made by me."),
    ]
    there.make_dashboard({"name": "Spend", "collection_id": there.collections[0]["id"], "description": "mine"})
    before = len(there.writes)
    assert bring(there) == []
    assert len(there.writes) == before
    bring(there, both()[:1])
    bring(there, both()[:1])  # now only the copy has its mark
    assert [there.cards[number]["archived"] for number in theirs] == [False, False, False]
    assert mine["archived"]


def test_a_foreign_card_on_our_dashboard_stays_there(there: StandIn) -> None:
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
