"""Metabase refuses, hangs up, starts late or answers nonsense: the writes that follow, and the report."""

import re
from contextlib import closing
from typing import Any

import pytest

from ai_usage.dashboards import cards
from ai_usage.dashboards.metabase.client import Metabase
from ai_usage.dashboards.metabase.provision import bigquery_database
from ai_usage.errors import AiUsageError, SettingError
from ai_usage.ingest.http.errors import ApiDown, KeyRefused, NotPermitted, NotTheApi, UnexpectedAnswer
from ai_usage.ingest.http.retry import Patience
from ai_usage_tests.dashboards.metabase_stand_in import ADMIN, READER, Mishap, StandIn, standing_in
from ai_usage_tests.dashboards.provisioned import DATABASE, QUICK, SQL, bring

pytestmark = pytest.mark.usefixtures("one_select_for_all", "one_context_for_all")
IMPATIENT = Patience(attempts=1, seconds=20)


def state(there: StandIn) -> dict[str, Any]:
    """The stand-in's content, with names instead of ids."""
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


def test_a_metabase_that_starts_is_waited_for_and_one_not_set_up_is_named(there: StandIn) -> None:
    with closing(Metabase.open(url=there.url, key=ADMIN, patience=QUICK)) as metabase:
        there.starting = 2
        metabase.refuse_unready()
        there.has_user_setup = False
        with pytest.raises(SettingError, match=r"The Metabase at http.* is not set up yet"):
            metabase.refuse_unready()


@pytest.mark.parametrize(
    ("key", "error", "advice"),
    [
        ("mb_of-another-metabase", KeyRefused, "METABASE_API_KEY is not a key of this Metabase"),
        (READER, NotPermitted, "give it the group Administrators"),
    ],
)
def test_the_error_of_a_refused_key_names_what_to_do_and_not_the_key(
    there: StandIn, key: str, error: type[AiUsageError], advice: str
) -> None:
    with pytest.raises(error, match=advice) as caught:
        bring(there, key=key)
    assert key not in str(caught.value)
    assert not there.writes


def test_an_error_that_quotes_the_key_is_shown_without_it(there: StandIn) -> None:
    there.meddle = lambda _: "refuse"
    with pytest.raises(ApiDown, match=r"OutOfMemoryError \(key was \(key\)\)") as caught:
        bring(there)
    assert ADMIN not in str(caught.value)


def test_a_database_that_does_not_open_is_reported_with_the_message_of_metabase(there: StandIn) -> None:
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

    def without(asked: str, answer: Any) -> Any:
        if asked != path:
            return answer
        answer = answer.get("data", answer) if isinstance(answer, dict) else answer
        for of in answer if isinstance(answer, list) else [answer]:
            of.pop(name, None)
        return answer

    there.bend = without
    with pytest.raises(UnexpectedAnswer, match=rf"{re.escape(path)}: the answer is not .* `{name}`"):
        bring(there)
    assert len(there.writes) == before


def test_a_list_that_is_cut_short_is_not_taken_for_the_whole(there: StandIn) -> None:
    bring(there)
    there.bend = lambda path, answer: {"data": answer["data"][:2], "total": 8} if path.endswith("/items") else answer
    with pytest.raises(AiUsageError, match="lists 2 of 8 items"):
        bring(there)


def test_an_answer_that_is_not_json_is_reported_as_such(there: StandIn) -> None:
    there.bend = lambda path, answer: "<html>Sign in</html>" if path == "/api/database" else answer
    with pytest.raises(NotTheApi, match="begins with “Sign in”, not JSON"):
        bring(there)
