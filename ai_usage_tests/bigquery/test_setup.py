"""`make bigquery-setup` shows what a project lacks, grants each account the least permissions that it needs, and then
finds nothing to do.
"""

import re
from typing import Any

import pytest

from ai_usage.commands.bigquery_setup import bring
from ai_usage.errors import WarehouseError
from ai_usage.providers.anthropic.tables import RAW_TABLES
from ai_usage.warehouse.bigquery.access import People
from ai_usage.warehouse.bigquery.jobs import Jobs
from ai_usage.warehouse.bigquery.rights import RightMissing
from ai_usage.warehouse.bigquery.setup import Setup
from ai_usage.warehouse.bigquery.tables import ALL, SHAPE, Place, digest_of_all
from ai_usage.warehouse.nameless_views import DIM_PSEUDONYM, NAMELESS, UNKNOWN
from ai_usage.warehouse.table import PULLS, Table, day, string
from ai_usage_tests.bigquery.project import Project
from ai_usage_tests.bigquery.running import Emulator
from ai_usage_tests.printed import printed
from ai_usage_tests.warehouse.writing import PULL

USERS = Table(
    name="users",
    grain="a user",
    columns={"activity_date": day("the day"), "user_email": string("who"), "note": string("a note")},
)
TABLES = (PULLS, RAW_TABLES[PULL], USERS, DIM_PSEUDONYM)
WRITER, READER = "runs@p.iam.gserviceaccount.com", "group:finance@example.com"


def setup_of(project: Project, *, writer: str = WRITER, reader: str = READER, nameless: bool = False) -> Setup:
    place = project.place()
    return Setup(place, TABLES, (), People(writer, reader, are_nameless=nameless), project.roles(place))


def whats(setup: Setup) -> list[str]:
    return [f"{step.verb} {step.what}" for step in setup.steps()]


def do_all(setup: Setup) -> None:
    for step in list(setup.steps()):
        step.do()


@pytest.fixture
def project() -> Project:
    """A project with datasets and tables. Only its owner has permissions."""
    made = Project()
    for step in list(Setup(made.place(), TABLES, (), People()).steps())[:3]:
        step.do()
    made.tables["ai_usage_raw.pulls"] = {
        "tableReference": {"projectId": "p", "datasetId": "ai_usage_raw", "tableId": "pulls"},
        "labels": {ALL: digest_of_all(TABLES, ())},
    }
    made.asked.clear()
    return made


def access(project: Project, dataset: str) -> list[str]:
    entries = project.datasets[dataset].get("access", [])
    return sorted(
        " ".join([one.get("role", "views"), one.get("userByEmail") or one.get("groupByEmail") or _authorized(one)])
        for one in entries
    )


def _authorized(entry: dict[str, Any]) -> str:
    assert entry["dataset"]["targetTypes"] == ["VIEWS"]
    return str(entry["dataset"]["dataset"]["datasetId"])


def test_a_new_project_is_made_and_the_second_time_there_is_nothing_to_do(
    running: Emulator, capsys: pytest.CaptureFixture[str]
) -> None:
    place = Place(Jobs(running.client(), max_bytes_billed=10**10, wait=0.01), "US")
    setup = Setup(place, TABLES, (), People(are_nameless=True))
    assert bring(setup, is_wanted=False) == 0
    assert list(place.client.list_datasets()) == []
    assert bring(setup, is_wanted=True) == 0
    assert bring(setup, is_wanted=True) == 0
    output = printed(capsys)
    assert "Nothing was changed: 6 steps to do" in output
    assert "Done: 6 steps." in output
    assert output.strip().endswith("Nothing to change.")
    assert {table.table_id for table in place.client.list_tables(NAMELESS)} == {"users"}
    place.client.query_and_wait(f"insert into {USERS.address} values (date '2026-11-19', 'ada@example.com', 'Ada')")
    [row] = place.client.query_and_wait(f"select user_email, note from {NAMELESS}.users")
    assert tuple(row.values()) == (UNKNOWN, None)


def test_runs_and_readers_get_the_least_that_they_need(project: Project) -> None:
    do_all(setup_of(project))
    assert whats(setup_of(project)) == []
    assert access(project, "ai_usage_raw") == [f"WRITER {WRITER}", "views ai_usage_analytics"]
    assert access(project, "ai_usage_analytics") == ["READER finance@example.com", f"WRITER {WRITER}"]
    assert access(project, "ai_usage_staging") == [f"WRITER {WRITER}"]
    assert project.policy["bindings"] == [
        {"role": "roles/bigquery.jobUser", "members": [READER, f"serviceAccount:{WRITER}"]}
    ]


def test_nothing_is_changed_by_looking(project: Project) -> None:
    assert len(whats(setup_of(project))) == 7
    assert project.changes() == []


def test_rights_of_others_stay(project: Project) -> None:
    others = {"role": "OWNER", "userByEmail": "admin@example.com"}
    project.datasets["ai_usage_raw"]["access"] = [others]
    bound = {"role": "roles/viewer", "members": ["user:admin@example.com"]}
    at_night = {"role": "roles/bigquery.jobUser", "members": [READER], "condition": {"expression": "false"}}
    project.policy["bindings"] = [bound, at_night]
    do_all(setup_of(project))
    assert "OWNER admin@example.com" in access(project, "ai_usage_raw")
    assert project.policy["bindings"][:2] == [bound, at_night]
    assert project.policy["bindings"][2]["members"] == [READER, f"serviceAccount:{WRITER}"]
    assert project.policy["version"] == 3


def test_with_pseudonyms_readers_read_views_without_names_and_nothing_else(project: Project) -> None:
    do_all(setup_of(project))
    assert "remove dataset ai_usage_analytics: finance@example.com is READER" in whats(setup_of(project, nameless=True))
    do_all(setup_of(project, nameless=True))
    assert whats(setup_of(project, nameless=True)) == []
    assert access(project, "ai_usage_analytics") == [f"WRITER {WRITER}", f"views {NAMELESS}"]
    assert access(project, NAMELESS) == ["READER finance@example.com"]
    assert "named_by" in project.tables[f"{NAMELESS}.users"]["view"]["query"]


def test_a_view_of_another_release_is_renewed_and_one_without_a_table_is_removed(project: Project) -> None:
    do_all(setup_of(project, nameless=True))
    project.tables[f"{NAMELESS}.users"]["labels"] = {SHAPE: "old"}
    project.tables[f"{NAMELESS}.gone"] = {**project.tables[f"{NAMELESS}.users"], "tableReference": reference("gone")}
    project.tables[f"{NAMELESS}.of_others"] = {"tableReference": reference("of_others")}
    todo = setup_of(project, nameless=True)
    assert whats(todo) == [f"change 1 view of {NAMELESS}", f"remove 1 view of {NAMELESS}"]
    do_all(todo)
    assert whats(todo) == []
    assert {name for name in project.tables if name.startswith(NAMELESS)} == {
        f"{NAMELESS}.users",
        f"{NAMELESS}.of_others",
    }


def reference(name: str) -> dict[str, str]:
    return {"projectId": "p", "datasetId": NAMELESS, "tableId": name}


def test_tables_of_another_release_are_a_step(project: Project) -> None:
    project.tables["ai_usage_raw.pulls"]["labels"] = {ALL: "of another release"}
    assert "change 4 tables and views of this release, 0 function" in whats(setup_of(project))


@pytest.mark.parametrize(
    ("denied", "sentence"),
    [
        ("bigquery.datasets.get", "role BigQuery Data Viewer (roles/bigquery.dataViewer) on the dataset ai_usage_raw"),
        ("bigquery.datasets.update", "role BigQuery Data Owner (roles/bigquery.dataOwner) on the dataset ai_usage_raw"),
        ("bigquery.tables.create", f"role BigQuery Data Editor (roles/bigquery.dataEditor) on the dataset {NAMELESS}"),
        (
            "resourcemanager.projects.getIamPolicy",
            "role Project IAM Admin (roles/resourcemanager.projectIamAdmin) on the project p",
        ),
        (
            "resourcemanager.projects.setIamPolicy",
            "role Project IAM Admin (roles/resourcemanager.projectIamAdmin) on the project p",
        ),
        ("bigquery.datasets.create", "role BigQuery Data Owner (roles/bigquery.dataOwner) on the project p"),
    ],
)
def test_a_missing_right_is_named_with_the_role_that_gives_it(project: Project, denied: str, sentence: str) -> None:
    project.denied = {denied}
    with pytest.raises(RightMissing, match=re.escape(f"The right {denied} is missing: the {sentence} gives it.")):
        do_all(setup_of(project, nameless=True))


def test_a_setup_that_stops_counts_what_is_done(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    project.denied = {"resourcemanager.projects.setIamPolicy"}
    with pytest.raises(RightMissing):
        bring(setup_of(project), is_wanted=True)
    assert "5 of 7 steps are done" in printed(capsys)
    project.denied = set()
    assert bring(setup_of(project), is_wanted=True) == 0
    assert bring(setup_of(project), is_wanted=True) == 0
    assert f"✓ in ai_usage_raw {WRITER} is WRITER" in printed(capsys)


def test_a_dataset_in_another_location_is_named(project: Project) -> None:
    project.datasets["ai_usage_analytics"]["location"] = "EU"
    with pytest.raises(WarehouseError, match="ai_usage_analytics is in EU, and BIGQUERY_LOCATION is US: set"):
        whats(setup_of(project))


def test_a_project_that_is_not_there_is_named(project: Project) -> None:
    project.is_there = False
    with pytest.raises(WarehouseError, match="There is no Google Cloud project p, or it has no BigQuery"):
        whats(setup_of(project))
