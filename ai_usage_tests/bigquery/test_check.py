"""`make bigquery-check` dry-runs every statement in BigQuery, and reports bytes and errors."""

from dataclasses import replace
from functools import cache

import pytest

from ai_usage.catalog import TABLES
from ai_usage.commands import bigquery_check
from ai_usage.commands.bigquery_check import print_found, run, tried
from ai_usage.commands.bigquery_texts import Statement, every_statement
from ai_usage.errors import WarehouseError
from ai_usage.marts.files import marts
from ai_usage.settings import read_settings
from ai_usage_tests.bigquery.project import Project
from ai_usage_tests.googlesql.recorded import type_of
from ai_usage_tests.googlesql.texts import asked_in_python, typed_parameters
from ai_usage_tests.googlesql.two_engines import FILES
from ai_usage_tests.printed import printed

OF = read_settings({"BIGQUERY_PROJECT": "p", "AI_USAGE_SIMULATE": "1", "AI_USAGE_START_DATE": "2026-01-01"})
GOOD = Statement("check", "good", "select 1 as n", {"first_day": OF.yesterday()})
WRONG = Statement("card", "wrong", "select no_such_name", {})


@cache
def statements() -> list[Statement]:
    return every_statement(OF)


def test_every_file_table_and_view_is_among_the_statements() -> None:
    names = {one.name for one in statements()}
    of_marts = {mart.query for mart in marts()}
    assert {name for name in FILES if name not in of_marts and not name.startswith(("contracts/", "ledger/"))} <= names
    assert {table.name for table in TABLES} <= names
    assert {mart.table.name for mart in marts()} <= {name.split()[0] for name in names}


def test_most_questions_of_modules_are_among_the_statements() -> None:
    texts = {one.text for one in statements()}
    apart = [str(asked) for asked in asked_in_python() if "select" in (asked.text or "") and asked.text not in texts]
    assert len(apart) < len(asked_in_python()) / 2, apart


def test_every_parameter_has_a_value_of_its_type() -> None:
    own = {"kept_days": "ARRAY<STRING>", "kept_accounts": "ARRAY<STRING>", "of_provider": "STRING"}
    for one in statements():
        named = {name for name in one.parameters if name not in own}
        wanted = {name: typed_parameters(f"select @{name}")[name].type for name in named} | own
        assert {name: type_of(value) for name, value in one.parameters.items()} == {
            name: wanted[name] for name in one.parameters
        }, one.name


def test_bytes_and_errors_are_shown_and_an_error_is_exit_code_1(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    project = Project(bytes_read=3 * 2**30)
    project.tables["ai_usage_raw.pulls"] = {
        "tableReference": {"projectId": "p", "datasetId": "ai_usage_raw", "tableId": "pulls"}
    }
    monkeypatch.setattr(bigquery_check, "project_of", lambda _: project.place())
    monkeypatch.setattr(bigquery_check, "every_statement", lambda _: [GOOD, WRONG])
    assert run(replace(OF, bigquery_max_bytes=2**30), []) == 1
    output = printed(capsys)
    assert "✓ check: 1 statement, 3 GiB" in output
    assert "✗ card: 1 statement, 0 B, 1 with an error" in output
    assert "! 3 GiB check good" in output
    assert "✗ card wrong: Unrecognized name: no_such_name at [1:8]" in output
    monkeypatch.setattr(bigquery_check, "every_statement", lambda _: [GOOD])
    assert run(OF, []) == 0


def test_a_dry_run_has_the_statements_parameters_and_runs_nothing() -> None:
    project = Project()
    [found] = tried(project.place(), [GOOD])
    assert (found.bytes, found.error) == (1000, "")
    assert project.statements == [GOOD.text]
    assert project.configurations == [{"dryRun": True, "parameters": ["first_day"]}]


def test_a_right_that_lacks_is_an_error_of_each_statement() -> None:
    found = tried(Project(denied={"bigquery.jobs.create"}).place(), [GOOD])
    assert "Permission bigquery.jobs.create denied" in found[0].error


def test_a_project_without_tables_is_set_up_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bigquery_check, "project_of", lambda _: Project().place())
    with pytest.raises(WarehouseError, match="make bigquery-setup APPLY=1 makes them"):
        run(OF, [])


def test_the_sum_is_shown_in_dollars(capsys: pytest.CaptureFixture[str]) -> None:
    print_found(tried(Project(bytes_read=2**39).place(), [GOOD]), limit=1)
    assert "1 statement, 512 GiB if each ran once: $3.1250 on demand" in printed(capsys)
