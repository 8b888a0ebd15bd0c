"""The sheet's client, with real gspread, against the simulated Google, which was written from the contract alone."""

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
import stamina

from ai_usage.commands.sheet_template import write_template
from ai_usage.errors import SettingError
from ai_usage.ingest.http.errors import ApiDown, NotFound, NotPermitted, RateLimited, UnexpectedAnswer, Unreachable
from ai_usage.sheet.client import GoogleSheet
from ai_usage.sheet.csv_folder import CsvFolder
from ai_usage.sheet.port import Sheet
from ai_usage.sheet.tabs import TABS, read_tab
from ai_usage.simulator import SHEET_ID, UNSHARED_SHEET_ID, Simulator

NOW = datetime(2026, 11, 20, 12, 30, tzinfo=UTC)
THERE = {"api_key_mapping", "claude_ai_usage", "console_figures", "budgets", "people", "seats", "invoices"}


@pytest.fixture
def google() -> Iterator[Simulator]:
    with Simulator(now=NOW) as simulator:
        yield simulator


@pytest.fixture
def sheet(google: Simulator) -> Iterator[GoogleSheet]:
    with closing(GoogleSheet.open(SHEET_ID, base_url=google.google_url)) as opened:
        yield opened


@pytest.fixture(autouse=True)
def _hurried() -> Iterator[None]:
    stamina.set_testing(True, attempts=2)
    yield
    stamina.set_testing(False)


def test_every_tab_comes_with_one_request_and_is_read_as_intended(google: Simulator, sheet: GoogleSheet) -> None:
    answers = sheet.tabs({})
    assert answers.keys() == THERE
    assert sheet.requests == 2  # the list of tabs, and their content
    for name, answer in answers.items():
        found = read_tab(TABS[name], answer.records)
        good = {row.row: row.values for row in google.sheet.good if row.tab == name}
        bad = {row.row for row in google.sheet.bad if row.tab == name}
        strangers = {row["row_number"] for row in found.good} - set(good)
        assert strangers <= bad  # a key can only be found unknown by comparison with the list of keys
        for row in found.good:
            meant = good.get(row["row_number"], {})
            assert {column: row[column] or None for column in meant if column in row} == {
                column: value or None for column, value in meant.items() if column in row
            }
        assert {rejection.row_number for rejection in found.rejections} == bad - strangers


def test_a_tab_once_found_is_known_whatever_it_is_called(google: Simulator, sheet: GoogleSheet) -> None:
    before = sheet.tabs({})
    known = {name: answer.envelope["tab_id"] for name, answer in before.items()}
    google.sheet.rename("budgets", "Max's plan '26")
    assert "budgets" not in sheet.tabs({})
    after = sheet.tabs(known)
    assert after["budgets"].content_hash == before["budgets"].content_hash
    assert after["budgets"].envelope["title"] == "Max's plan '26"


def test_the_order_of_rows_is_content(sheet: GoogleSheet) -> None:
    answer = sheet.tabs({})["budgets"]
    rows = list(answer.records)
    rows[1], rows[2] = rows[2], rows[1]
    moved = type(answer)(**{**vars(answer), "records": rows} | {"envelope": {}})
    assert moved.content_hash != answer.content_hash


def test_a_version_moves_with_each_change(google: Simulator, sheet: GoogleSheet) -> None:
    first = sheet.version()
    assert sheet.version() == first
    google.sheet.touch()
    assert sheet.version() != first


def test_a_removed_tab_is_missing_and_a_sheet_without_tabs_is_reported(google: Simulator, sheet: GoogleSheet) -> None:
    google.sheet.remove("seats")
    assert sheet.tabs({}).keys() == THERE - {"seats"}
    for name in THERE - {"seats"}:
        google.sheet.rename(name, f"old {name}")
    with pytest.raises(NotFound, match="make sheet-template"):
        sheet.tabs({})


def test_an_emptied_tab_is_an_empty_answer(google: Simulator, sheet: GoogleSheet) -> None:
    for _ in range(len(google.sheet.tab("seats").rows)):
        google.sheet.delete_row("seats", 1)
    assert sheet.tabs({})["seats"].records == []


def test_an_unshared_sheet_is_an_error_that_states_what_to_do(google: Simulator) -> None:
    with closing(GoogleSheet.open(UNSHARED_SHEET_ID, base_url=google.google_url)) as unshared:
        with pytest.raises(NotPermitted, match="Share the sheet with the service account"):
            unshared.tabs({})
        with pytest.raises(NotPermitted):
            unshared.version()
    with (
        closing(GoogleSheet.open("nowhere", base_url=google.google_url)) as missing,
        pytest.raises(NotFound, match="check AI_USAGE_SHEET_ID"),
    ):
        missing.tabs({})


def test_a_used_up_quota_is_waited_for(google: Simulator, sheet: GoogleSheet) -> None:
    google.faults.plan("status", status=429, path="/v4/", times=1)
    assert sheet.tabs({}).keys() == THERE
    assert sheet.requests == 3
    google.faults.plan("status", status=429, path="/v4/", times=None)
    with pytest.raises(RateLimited, match="read quota"):
        sheet.tabs({})
    google.faults.clear()
    google.faults.plan("status", status=403, path="/drive/", times=None)
    with pytest.raises(RateLimited):  # Drive answers 403 for its quota
        sheet.version()


def test_a_failure_at_google_is_one_sentence(google: Simulator, sheet: GoogleSheet) -> None:
    google.faults.plan("status", status=503, path="/v4/", times=None)
    with pytest.raises(ApiDown, match="Google answered 503"):
        sheet.tabs({})
    google.stop()
    with pytest.raises(Unreachable, match="No answer from Google"):
        sheet.version()


def test_an_answer_of_fewer_tabs_is_refused(sheet: GoogleSheet, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = sheet._get

    def short(url: str, query: Any) -> bytes:
        body = json.loads(honest(url, query))
        body.get("valueRanges", []).pop() if "valueRanges" in body else None
        return json.dumps(body).encode()

    monkeypatch.setattr(sheet, "_get", short)
    with pytest.raises(UnexpectedAnswer, match="6 tabs of the 7"):
        sheet.tabs({})


def test_google_itself_is_only_ever_read(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}

    def default(scopes: list[str]) -> tuple[Any, None]:
        asked["scopes"] = scopes
        raise OSError("no such file")

    monkeypatch.setattr("google.auth.default", default)
    with pytest.raises(SettingError, match="GOOGLE_APPLICATION_CREDENTIALS"):
        GoogleSheet.open("some-id")
    assert asked["scopes"]
    assert all(scope.endswith(".readonly") for scope in asked["scopes"])


def test_every_request_has_a_time_limit(sheet: GoogleSheet, monkeypatch: pytest.MonkeyPatch) -> None:
    limits = []
    honest = requests.Session.request

    def watched(session: Any, *args: Any, **more: Any) -> Any:
        limits.append(more["timeout"])
        return honest(session, *args, **more)

    monkeypatch.setattr(requests.Session, "request", watched)
    sheet.version()
    sheet.tabs({})
    assert len(limits) == 3
    assert all(limit == (10.0, 60.0) for limit in limits)


def test_a_folder_of_csv_files_replaces_a_sheet(tmp_path: Path) -> None:
    write_template(tmp_path)
    folder: Sheet = CsvFolder(tmp_path)
    answers = folder.tabs({})
    assert answers.keys() == TABS.keys()
    for name, answer in answers.items():
        found = read_tab(TABS[name], answer.records)
        assert (len(found.good), found.rejections) == (1, []), name
    before = folder.version()
    (tmp_path / "seats.csv").write_bytes("\ufeffprovider,plan,seat_price_usd,seats\r\ncursor,Teams,40,5\r\n".encode())
    assert folder.version() != before
    [seats] = read_tab(TABS["seats"], folder.tabs({})["seats"].records).good
    assert (seats["plan"], seats["seats"], seats["valid_from"]) == ("Teams", 5, None)


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"none of api_key_mapping\.csv"):
        CsvFolder(tmp_path).tabs({})
    (tmp_path / "seats.csv").write_bytes(b"provider,plan\xff\xfe\n")
    with pytest.raises(SettingError, match=r"seats\.csv cannot be read as CSV in UTF-8"):
        CsvFolder(tmp_path).tabs({})


def test_a_template_overwrites_no_file(tmp_path: Path) -> None:
    (tmp_path / "seats.csv").write_text("mine")
    with pytest.raises(SettingError, match=r"already has seats\.csv"):
        write_template(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["seats.csv"]
