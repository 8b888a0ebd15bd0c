"""The simulated Google's API: gspread reads its spreadsheet, edits can be noticed, and wrong requests are refused."""

import json
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote

import gspread
import httpx
import pytest
from gspread.utils import DateTimeOption, Dimension, ValueRenderOption

from ai_usage.simulator import SHEET_ID, UNSHARED_SHEET_ID, Formula, Shown
from ai_usage.simulator.sheet_cells import Value
from ai_usage_tests.simulator.shapes import Shape
from ai_usage_tests.simulator.spreadsheet import FILE, RAW, SHEET, TABS, Google

SAMPLES = Path(__file__).parents[1] / "fixtures" / "google"


@pytest.fixture(scope="module")
def running() -> Iterator[Google]:
    """Not to be edited."""
    google = Google()
    yield google
    google.close()


@pytest.fixture
def google() -> Iterator[Google]:
    """A copy that a test may edit and break."""
    google = Google()
    yield google
    google.close()


def learned(*samples: str) -> Shape:
    shape = Shape()
    for sample in samples:
        shape.learn(json.loads((SAMPLES / f"{sample}.json").read_text()))
    return shape


def error(google: Google, path: str, **query: Any) -> tuple[int, Any]:
    answer = google.http.get(path, params=query)
    return answer.status_code, answer.json()


CALLS: list[tuple[str, dict[str, Any], list[str]]] = [
    (SHEET, {"includeGridData": "false"}, ["spreadsheet_get"]),
    (f"{SHEET}/values/budgets", {}, ["values_get_formatted"]),
    (f"{SHEET}/values/budgets", {"valueRenderOption": "UNFORMATTED_VALUE"}, ["values_get_unformatted"]),
    (f"{SHEET}/values/budgets!Z900:Z1000", {}, ["values_get_empty"]),
    (f"{SHEET}/values:batchGet", {"ranges": ["seats!A1:B2", "seats!Z1:Z2"]}, ["values_batch_get"]),
    (FILE, {"fields": "id,name,createdTime,modifiedTime"}, ["drive_file_gspread"]),
    (FILE, {"fields": "id,name,version,modifiedTime"}, ["drive_file_version"]),
]


@pytest.mark.parametrize(("path", "query", "samples"), CALLS, ids=lambda value: str(value)[-40:])
def test_an_answer_has_the_shape_of_the_samples(
    running: Google, path: str, query: dict[str, Any], samples: list[str]
) -> None:
    answer = running.http.get(path, params=query).json()
    ranges = answer.get("valueRanges", [])
    shapes = learned(*samples)
    if not ranges:
        assert list(shapes.misfits(answer, set())) == []
    else:
        assert answer.keys() == {"spreadsheetId", "valueRanges"}
        assert [each.keys() for each in ranges] == [{"range", "majorDimension", "values"}, {"range", "majorDimension"}]


def test_gspread_opens_lists_and_reads_by_id(running: Google) -> None:
    spreadsheet = running.open()
    assert [tab.title for tab in spreadsheet.worksheets()] == TABS
    assert spreadsheet.get_lastUpdateTime() == "2026-11-20T12:00:00.000Z"
    ids = {tab.title: tab.id for tab in spreadsheet.worksheets()}
    seats = spreadsheet.get_worksheet_by_id(ids["seats"])
    truth = running.sheet.tab("seats").rows
    assert seats.get_all_values()[0] == truth[0] == seats.row_values(1)
    width = {len(row) for row in seats.get_all_values()}
    assert width == {len(truth[0])}
    assert seats.get("A1:B2") == [truth[0][:2], truth[1][:2]]
    assert seats.acell("A2").value == truth[1][0]
    first, nothing = seats.batch_get(["A1:C1", "Y1:Z99"])
    assert (first, list(nothing)) == ([truth[0][:3]], [])


def test_tabs_keep_their_ids_from_release_to_release(google: Google) -> None:
    """A tab is identified by its id: the ledger of an older demo has pulls with these ids."""
    ids = {tab.title: tab.id for tab in google.simulator.sheet.tabs}
    first = {"api_key_mapping": 0, "claude_ai_usage": 1234567, "console_figures": 2469134, "budgets": 3703701}
    assert first | {"seats": 4938268} == {title: of for title, of in ids.items() if title not in {"people", "invoices"}}


def test_all_tabs_come_in_one_batch(running: Google) -> None:
    answer = running.open().values_batch_get([f"'{tab}'" for tab in TABS], {"valueRenderOption": RAW})
    for values, title in zip(answer["valueRanges"], TABS, strict=True):
        tab = running.sheet.tab(title)
        assert values["range"] == f"{title}!A1:Z{tab.row_count}"
        assert len(values["values"]) == len(tab.rows)


def test_rows_are_ragged_and_what_is_empty_is_left_out(google: Google) -> None:
    google.sheet.add("mess", [["a", "b", "c"], ["x", None, None], [], [None, "", "z"], ["", None], [None]])
    assert google.values("mess") == [["a", "b", "c"], ["x"], [], ["", "", "z"]]
    assert google.values("mess!B1:C") == [["b", "c"], [], [], ["", "z"]]
    assert google.values("mess!A2:A3") == [["x"]]
    assert google.values("mess!B5:C9") is None
    assert google.values("mess", majorDimension="COLUMNS") == [["a", "x"], ["b"], ["c", "", "", "z"]]
    assert google.open().worksheet("mess").get("A1:C4", major_dimension=Dimension.cols)[1] == ["b"]


RANGES = {
    "seats": "seats!A1:Z1000",
    "'seats'": "seats!A1:Z1000",
    "seats!B2": "seats!B2",
    "seats!b2:$C$3": "seats!B2:C3",
    "seats!C3:B2": "seats!B2:C3",
    "seats!B:C": "seats!B1:C1000",
    "seats!2:3": "seats!A2:Z3",
    "seats!B5:C": "seats!B5:C1000",
    "seats!Y999:AB2000": "seats!Y999:Z1000",
    "A1:B2": "api_key_mapping!A1:B2",
    "claude_ai_usage!A1000:A1001": "claude_ai_usage!A1000:A1001",
}


@pytest.mark.parametrize(("asked", "returned"), RANGES.items())
def test_a_range_is_returned_in_its_full_form(running: Google, asked: str, returned: str) -> None:
    assert running.get(f"{SHEET}/values/{quote(asked, safe='')}")["range"] == returned


@pytest.mark.parametrize(
    "asked", ["Missing!A1:B2", "'Missing'", "Missing", "seats!", "seats!A", "seats!A0", "seats!A1:"]
)
def test_an_invalid_range_is_refused_as_in_the_sample(running: Google, asked: str) -> None:
    sample = json.loads((SAMPLES / "error_400.json").read_text())
    sample["error"]["message"] = f"Unable to parse range: {asked}"
    assert error(running, f"{SHEET}/values/{quote(asked, safe='')}") == (400, sample)
    assert error(running, f"{SHEET}/values:batchGet", ranges=["seats!A1", asked]) == (400, sample)


def test_a_range_outside_the_grid_is_refused(running: Google) -> None:
    assert error(running, f"{SHEET}/values/seats!A1001:A1002")[0] == 400
    assert error(running, f"{SHEET}/values/seats!AA1")[0] == 400


@pytest.mark.parametrize("title", ["People's seats", "100% of 1/2", "a!b", "ä ö", "x"])
def test_a_title_may_need_quotes_and_keeps_its_id(google: Google, title: str) -> None:
    before = google.open().worksheet("seats")
    google.sheet.rename("seats", title)
    tab = google.open().get_worksheet_by_id(before.id)
    assert tab.title == title
    assert tab.get("A1:B1")[0] == google.sheet.tab(title).rows[0][:2]
    quoted = "'" + title.replace("'", "''") + "'"
    returned = google.get(f"{SHEET}/values/{quote(quoted + '!A1', safe='')}")["range"]
    assert returned == f"{title if title == 'x' else quoted}!A1"
    with pytest.raises(gspread.exceptions.APIError):
        before.get("A1")


def test_a_cell_can_be_rendered_in_three_ways(google: Google) -> None:
    day = date(2026, 11, 1)
    cells: list[Value] = [
        "007",
        1234,
        Decimal("12.50"),
        Decimal(3),
        True,
        day,
        Shown(day, "11/1/2026"),
        Formula("=1+1", 2, "2.00"),
    ]
    google.sheet.add("cells", [[*cells, Shown(Decimal("1234.5"), "$1,234.50")]])
    shown, raw, formulas = (google.values("cells", valueRenderOption=option)[0] for option in ValueRenderOption)
    assert shown == ["007", "1234", "12.50", "3", "TRUE", "2026-11-01", "11/1/2026", "2.00", "$1,234.50"]
    assert raw == ["007", 1234, Decimal("12.5"), 3, True, 46327, 46327, 2, Decimal("1234.5")]
    assert formulas == [*raw[:7], "=1+1", raw[8]]
    texts = {"valueRenderOption": RAW, "dateTimeRenderOption": DateTimeOption.formatted_string}
    assert google.values("cells", **texts)[0] == [*raw[:5], "2026-11-01", "11/1/2026", *raw[7:]]
    assert google.values("cells", dateTimeRenderOption="SERIAL_NUMBER")[0] == shown
    tab = google.open().worksheet("cells")
    assert tab.get(value_render_option=RAW, date_time_render_option=DateTimeOption.serial_number)[0][5] == 46327


def test_a_text_that_looks_like_a_formula_is_a_text(running: Google) -> None:
    for option in ValueRenderOption:
        rows = running.values("api_key_mapping", valueRenderOption=option)
        texts = {cell for row in rows for cell in row}
        assert {'=HYPERLINK("http://evil.example","x")', "<script>alert(1)</script>", "'; drop table x; --"} <= texts


def test_cells_come_with_the_spreadsheet_when_asked_for(google: Google) -> None:
    google.sheet.set("seats", 2, "seats", 1)
    answer = google.get(SHEET, includeGridData="true")
    assert "data" not in google.get(SHEET)["sheets"][0]
    header, first = answer["sheets"][TABS.index("seats")]["data"][0]["rowData"][:2]
    assert [cell["formattedValue"] for cell in header["values"]] == google.sheet.tab("seats").rows[0]
    assert first["values"][3] == {
        "userEnteredValue": {"numberValue": 1},
        "effectiveValue": {"numberValue": 1},
        "formattedValue": "1",
    }


FIELDS: list[tuple[str, str, Any]] = [
    (FILE, "id", {"id": SHEET_ID}),
    (SHEET, "sheets.properties(title)", {"sheets": [{"properties": {"title": tab}} for tab in TABS]}),
    (SHEET, "sheets/properties/index,properties(title)", None),
    (SHEET, "namedRanges", {}),
    (f"{SHEET}/values/seats!A1", "values", {"values": [["provider"]]}),
]


@pytest.mark.parametrize(("path", "fields", "expected"), FIELDS)
def test_fields_choose_parts(running: Google, path: str, fields: str, expected: Any) -> None:
    answer = running.get(path, fields=fields)
    if expected is None:
        expected = {
            "sheets": [{"properties": {"index": n}} for n in range(len(TABS))],
            "properties": {"title": "AI usage upload"},
        }
    assert answer == expected


@pytest.mark.parametrize("fields", ["colour", "id,", "id(", "sheets(", "a b", "id)", "id$"])
def test_invalid_fields_are_refused(running: Google, fields: str) -> None:
    assert error(running, FILE, fields=fields)[0] == 400
    assert error(running, SHEET, fields=fields)[0] == 400
    assert running.get(FILE).keys() == {"kind", "id", "name", "mimeType"}
    assert running.get(FILE, fields="*")["version"] == str(running.sheet.version)


def test_every_address_that_google_accepts_is_accepted(running: Google) -> None:
    for path in (SHEET, FILE, f"{SHEET}/values/seats!A1"):
        assert running.get(path, alt="json", prettyPrint="false", key="any") == running.get(path)


@pytest.mark.parametrize("query", [{"colour": "red"}, {"valueRenderOption": "PRETTY"}, {"majorDimension": "DIAGONAL"}])
def test_unknown_parameters_are_refused(running: Google, query: dict[str, str]) -> None:
    status, body = error(running, f"{SHEET}/values/seats", **query)
    assert (status, body["error"]["status"]) == (400, "INVALID_ARGUMENT")


def test_an_unknown_id_is_404_with_each_apis_message(running: Google) -> None:
    unknown = "1ExampleSpreadsheetId000000000000000000000000"
    with pytest.raises(gspread.exceptions.SpreadsheetNotFound):
        running.client.open_by_key(unknown)
    assert error(running, f"/v4/spreadsheets/{unknown}/values/x")[1] == json.loads(
        (SAMPLES / "error_404.json").read_text()
    )
    sample = json.loads((SAMPLES / "drive_error_404.json").read_text())
    assert error(running, f"/drive/v3/files/{unknown}", fields="id") == (404, sample)


@pytest.mark.parametrize("way", ["another's", "taken back"])
def test_what_is_not_shared_is_403(google: Google, way: str) -> None:
    google.sheet.is_shared = way == "another's"
    sheet_id = UNSHARED_SHEET_ID if way == "another's" else SHEET_ID
    with pytest.raises(PermissionError):
        google.client.open_by_key(sheet_id)
    refused = error(google, f"/v4/spreadsheets/{sheet_id}")
    assert refused == (403, json.loads((SAMPLES / "error_403.json").read_text()))
    status, body = error(google, f"/drive/v3/files/{sheet_id}")
    assert (status, body["error"].keys()) == (403, {"code", "message", "errors"})
    assert body["error"]["errors"][0]["domain"] == "global"


def test_every_write_is_refused(running: Google) -> None:
    tab = running.open().worksheet("seats")
    writes: list[Callable[[], object]] = [
        lambda: tab.update_acell("A1", "x"),
        lambda: tab.append_row(["x"]),
        tab.clear,
    ]
    for write in writes:
        with pytest.raises(gspread.exceptions.APIError) as refused:
            write()
        assert refused.value.code == 403


def test_sixty_reads_a_minute_and_drive_apart() -> None:
    google = Google(enforce_limits=True)
    assert {google.http.get(f"{SHEET}/values/seats!A1").status_code for _ in range(59)} == {200}
    google.open()
    with pytest.raises(gspread.exceptions.APIError) as refused:
        google.open()
    assert refused.value.code == 429
    sample = json.loads((SAMPLES / "error_429.json").read_text())
    assert error(google, f"{SHEET}/values:batchGet", ranges="seats") == (429, sample)
    assert google.file()[0] > 0
    google.seconds += 60
    assert google.open().title == "AI usage upload"
    google.close()


def test_faults_of_google_have_its_own_messages(google: Google) -> None:
    plan = google.simulator.faults.plan
    plan("rate_limit", path="/v4/", retry_after=2)
    plan("status", status=403, path="/drive/")
    plan("status", status=503, path="/v4/")
    assert error(google, SHEET) == (429, json.loads((SAMPLES / "error_429.json").read_text()))
    assert error(google, FILE) == (403, json.loads((SAMPLES / "drive_error_403_quota.json").read_text()))
    status, body = error(google, SHEET)
    assert (status, body["error"]["status"]) == (503, "UNAVAILABLE")
    plan("truncated")
    with pytest.raises(httpx.RemoteProtocolError):
        google.http.get(SHEET)


def test_each_edit_moves_the_version_and_the_time_of_the_last_change(google: Google) -> None:
    sheet = google.sheet
    edits: list[Callable[[], object]] = [
        lambda: sheet.set("seats", 2, "seats", 99),
        lambda: sheet.set("seats", 40, 3, "far below"),
        lambda: sheet.append("seats", ["openai", "Team", 25, 3, "2026-01-01"]),
        lambda: sheet.delete_row("seats", 2),
        lambda: sheet.rename("seats", "Seats"),
        lambda: sheet.add("more", [["a"]]),
        lambda: sheet.remove("Seats"),
    ]
    seen = [google.file()]
    for edit in edits:
        google.clock.at += timedelta(minutes=1)
        edit()
        seen.append(google.file())
    assert [version for version, _ in seen] == sorted({version for version, _ in seen})
    assert [at for _, at in seen] == sorted({at for _, at in seen})
    assert seen[-1][1] == "2026-11-20T15:39:00.000Z"
    google.clock.at += timedelta(minutes=1)
    sheet.touch()
    assert google.file() == (seen[-1][0] + 1, seen[-1][1])
    assert [tab["properties"]["title"] for tab in google.get(SHEET)["sheets"]] == [
        *(tab for tab in TABS if tab != "seats"),
        "more",
    ]
    with pytest.raises(KeyError, match="Seats"):
        sheet.tab("Seats")


def test_an_edit_is_seen_by_the_next_reader(google: Google) -> None:
    below = google.values("seats")[2]
    google.sheet.set("seats", 2, "seats", 99)
    assert google.values("seats!D2", valueRenderOption=RAW) == [[99]]
    google.sheet.delete_row("seats", 2)
    assert google.values("seats!2:2") == [below]
    assert google.values("seats!A1") == [["provider"]]
    row = google.sheet.append("seats", ["openai", "Team"])
    assert google.values(f"seats!A{row}:B{row}") == [["openai", "Team"]]
    google.sheet.set("seats", row + 3, 2, "far below")
    assert google.values("seats")[row:] == [[], [], ["", "far below"]]


def test_a_version_can_be_asked_without_making_the_cells(google: Google) -> None:
    google.file()
    assert google.sheet._contents is None
