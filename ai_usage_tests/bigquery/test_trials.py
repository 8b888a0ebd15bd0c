"""`make doctor` tries each operation of a run in BigQuery, names each missing permission, and changes nothing."""

import re
from pathlib import Path

import pytest

from ai_usage.commands import bigquery_setup, doctor
from ai_usage.errors import WarehouseError
from ai_usage.settings import read_settings
from ai_usage.warehouse.bigquery.client import BigQueryAt
from ai_usage.warehouse.bigquery.tables import DATASETS
from ai_usage_tests.bigquery.project import Project
from ai_usage_tests.printed import printed

OF = read_settings({"AI_USAGE_WAREHOUSE": "bigquery", "BIGQUERY_PROJECT": "p", "AI_USAGE_SIMULATE": "1"})


@pytest.fixture
def project(monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project with its datasets, as named in the settings of the doctor's run."""
    made = Project(datasets={name: {"datasetReference": reference(name), "location": "US"} for name in DATASETS})
    monkeypatch.setattr(bigquery_setup, "project_of", lambda _: made.place())
    return made


def reference(name: str) -> dict[str, str]:
    return {"projectId": "p", "datasetId": name}


def test_everything_that_a_run_needs_is_tried_and_nothing_is_changed(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    assert doctor._project_is_sound(OF)
    output = printed(capsys)
    assert output.count("✓") == 10
    assert "✗" not in output
    assert {where for _, where in project.changes()} == {"/jobs"}
    assert len(project.configurations) == len(project.statements) == 6  # each is a dry run
    assert any(statement.lstrip().startswith("merge ai_usage_analytics.") for statement in project.statements)


@pytest.mark.parametrize(
    ("denied", "lines"),
    [
        (
            "bigquery.jobs.create",
            ["a job can be run: The right bigquery.jobs.create is missing: the role BigQuery Job User"],
        ),
        ("bigquery.datasets.get", ["dataset ai_usage_raw: The right bigquery.datasets.get is missing"]),
        ("bigquery.tables.getData", ["the ledger can be read: The right bigquery.tables.getData is missing"]),
        (
            "bigquery.tables.updateData",
            [
                "the ledger can be written: The right bigquery.tables.updateData is missing",
                "tables can be filled: The right bigquery.tables.updateData is missing: the role BigQuery Data Editor",
            ],
        ),
        ("bigquery.tables.create", ["tables can be made for rows on their way: The right bigquery.tables.create"]),
        ("bigquery.routines.update", ["functions can be made: The right bigquery.routines.update is missing"]),
    ],
)
def test_each_missing_right_is_named(
    project: Project, capsys: pytest.CaptureFixture[str], denied: str, lines: list[str]
) -> None:
    project.denied = {denied}
    assert not doctor._project_is_sound(OF)
    output = printed(capsys)
    assert all(f"✗ {line}" in output for line in lines)


def test_a_dataset_that_is_missing_or_elsewhere_is_named_and_the_rest_is_tried(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    del project.datasets["ai_usage_raw"]
    project.datasets["ai_usage_analytics"]["location"] = "EU"
    assert not doctor._project_is_sound(OF)
    output = printed(capsys)
    assert "✗ dataset ai_usage_raw: it is not there: make bigquery-setup APPLY=1 makes it." in output
    assert "✗ dataset ai_usage_analytics: The dataset ai_usage_analytics is in EU" in output
    assert "✓ tables can be made for rows on their way" in output
    assert "ledger" not in output


def test_a_project_that_is_not_there_is_named(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    project.is_there = False
    assert not doctor._project_is_sound(OF)
    assert "✗ dataset ai_usage_raw: There is no Google Cloud project p, or it has no BigQuery" in printed(capsys)


def test_tables_that_no_run_has_made_yet_are_no_trouble(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    project.has_tables = False
    assert doctor._project_is_sound(OF)
    assert "✓ the ledger can be read: no table yet" in printed(capsys)


def test_absent_credentials_are_one_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "nothing.json"
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(file))
    with pytest.raises(
        WarehouseError, match=re.escape(f"File {file} was not found. Set GOOGLE_APPLICATION_CREDENTIALS")
    ):
        BigQueryAt(project="p", location="US").client()
