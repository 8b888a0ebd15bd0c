"""The check that the sheet can be read: it fails for a tab with a damaged header."""

from pathlib import Path

import dagster as dg
import pytest

from ai_usage.checks.registry import CHECKS as ALL
from ai_usage.checks.sheet import CHECKS
from ai_usage.definitions import build_defs
from ai_usage.partitions import Span
from ai_usage.settings import settings
from ai_usage.sheet.csv_folder import CsvFolder
from ai_usage_tests.mock_claude import DAY
from ai_usage_tests.outcome import Outcome
from ai_usage_tests.platform import QUIET, Platform

READ = "sheet_can_be_read"
TABS = {
    "api_key_mapping": "api_key_id,user_email,team_name\napikey_1,dev@example.com,Team\n",
    "budgets": "month,scope,amount_usd\n2026-11,total,100\n",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "sheet"
    folder.mkdir()
    for tab, text in TABS.items():
        (folder / f"{tab}.csv").write_text(text, encoding="utf-8")
    return folder


def pulled(platform: Platform, folder: Path | None) -> Outcome:
    checks = dg.AssetSelection.checks(*(check.key for check in CHECKS))
    selection = dg.AssetSelection.groups("raw_sheets") | checks
    return platform.materialize(selection, Span(DAY, DAY), None, sheet=folder and CsvFolder(folder))


def test_a_sheet_with_its_headers_can_be_read(platform: Platform, folder: Path) -> None:
    outcome = pulled(platform, folder)
    assert outcome.not_passed(READ) == set()
    assert outcome.evaluation(READ, None, "sheet_api_key_mapping").description == "Passed."
    assert set(CHECKS) <= set(ALL)


@pytest.mark.parametrize("header", ["month,amount_usd", "month,scope,amount_usd,scope"])
def test_a_tab_that_lacks_a_column_it_needs_is_named(platform: Platform, folder: Path, header: str) -> None:
    (folder / "budgets.csv").write_text(f"{header}\n2026-11,total,100\n", encoding="utf-8")
    outcome = pulled(platform, folder)
    assert outcome.not_passed(READ) == {None}
    why = outcome.why(READ, None, "sheet_api_key_mapping")
    assert "The tab budgets must have scope in its header, once" in why
    assert "api_key_mapping" not in why


def test_without_a_sheet_it_is_not_evaluated(platform: Platform) -> None:
    outcome = pulled(platform, None)
    assert outcome.not_passed(READ) == set()
    assert outcome.not_evaluated(READ) == {None: "Not configured: AI_USAGE_SHEET_ID is not set."}


def test_a_sheet_that_cannot_be_read_fails_and_the_tables_built_from_it_keep_their_rows(
    platform: Platform, folder: Path
) -> None:
    keys = dg.AssetSelection.assets(dg.AssetKey(["core", "dim_api_key_mapping"])) | dg.AssetSelection.checks(
        *(check.key for check in CHECKS)
    )
    selection = dg.AssetSelection.groups("raw_sheets") | keys
    first = platform.materialize(selection, Span(DAY, DAY), None, sheet=CsvFolder(folder))
    assert first.not_passed(READ) == set()
    owners = "select api_key_id, user_email from ai_usage_analytics.dim_api_key_mapping"
    assert platform.sql(owners) == [("apikey_1", "dev@example.com")]
    (folder / "api_key_mapping.csv").write_bytes(b"api_key_id\xff\n")
    outcome = platform.materialize(selection, Span(DAY, DAY), None, sheet=CsvFolder(folder))
    assert outcome.result.success
    assert outcome.not_passed(READ) == {None}
    why = outcome.why(READ, None, "sheet_api_key_mapping")
    assert "api_key_mapping.csv cannot be read as CSV" in why
    assert "left as it was" in outcome.noted_anywhere("skipped")["raw/sheet_api_key_mapping"]
    assert platform.sql(owners) == [("apikey_1", "dev@example.com")]


def test_in_the_sheets_own_job_it_fails_the_run_which_is_then_tried_again(platform: Platform, folder: Path) -> None:
    (folder / "budgets.csv").write_bytes(b"month\xff\n")
    job = build_defs(
        settings(), overrides={"warehouse": platform.warehouse, "sheet": CsvFolder(folder)}
    ).resolve_job_def("refresh_sheet")
    result = job.execute_in_process(
        asset_selection=[dg.AssetKey(["raw", "sheet_budgets"])],
        instance=platform.instance,
        run_config=QUIET,
        raise_on_error=False,
    )
    assert "budgets.csv cannot be read as CSV" in Outcome(result).failed["raw__sheet_tabs"]
