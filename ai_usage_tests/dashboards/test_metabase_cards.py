"""A card in Metabase: its tags, its SQL, its visualization and its description."""

import re
from contextlib import closing

import msgspec
import pytest

from ai_usage.commands import metabase as command
from ai_usage.dashboards.metabase.client import Metabase
from ai_usage.dashboards.metabase.looks import settings_of, shown
from ai_usage.dashboards.metabase.plan import Edit
from ai_usage.dashboards.metabase.provision import bigquery_database
from ai_usage.dashboards.metabase.wanted import Mark, sql_of, wanted
from ai_usage.errors import SettingError
from ai_usage.ingest.http.errors import ApiDown
from ai_usage_tests.dashboards.metabase_stand_in import ADMIN, StandIn
from ai_usage_tests.dashboards.provisioned import QUICK, both, bring, provision

pytestmark = pytest.mark.usefixtures("one_select_for_all", "one_context_for_all")


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


def test_our_mark_is_found_at_the_end_of_a_description_of_any_kind() -> None:
    card = wanted(both(), engine="duckdb", is_simulated=False).cards[0]
    mark = Mark.of("edited\n" + card.description)
    assert mark is not None
    assert mark.key == "filters/provider"
    assert mark.is_of_name(card.name)
    assert Mark.of("Made by ai_usage from memory.") is None
    assert Mark.of(None) is None


def test_bigquery_gets_googlesql_and_only_the_marts(there: StandIn) -> None:
    secret = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC"
    account = '{"project_id": "p-1", "private_key": "-----BEGIN\\n' + secret + '\\n"}'
    database = bigquery_database("AI usage", "p-1", account, ["ai_usage_analytics"])
    bring(there, database=database)
    assert there.databases[0]["details"]["dataset-filters-patterns"] == "ai_usage_analytics"
    there.databases.clear()
    there.meddle = lambda _: "refuse"
    with closing(Metabase.open(url=there.url, key=ADMIN, patience=QUICK, hidden=(secret,))) as metabase:
        run = provision(metabase, both(), database=database)
        with pytest.raises(ApiDown, match=r"BEGIN.*\(key\)") as caught:
            run.apply(run.look(), report=lambda _: None)
    assert secret not in str(caught.value)
    without = bigquery_database("Other", "", "", [])
    with pytest.raises(SettingError, match="Metabase needs a key for BigQuery"):
        bring(there, database=without)


def test_a_diff_shows_old_and_new_and_of_long_texts_the_lines_that_differ() -> None:
    assert list(command.edit_lines(Edit("title", "A", "B"))) == ["title: A → B"]
    assert list(command.edit_lines(Edit("settings x", None, {"b": 1}))) == ['settings x: (nothing) → {"b": 1}']
    assert list(command.edit_lines(Edit("sql", "select\n    a\nfrom t", "select\n    b\nfrom t"))) == [
        "sql:",
        "   select",
        "  -    a",
        "  +    b",
        "   from t",
    ]
