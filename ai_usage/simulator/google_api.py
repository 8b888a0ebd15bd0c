"""Google's Sheets v4 and Drive v3 over HTTP, as far as a reader of one spreadsheet goes: anybody may, none may write.

What is in the spreadsheet is `sheet`'s business; one base stands for both of Google's hosts.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ai_usage.simulator import sheet_cells
from ai_usage.simulator.google_errors import NOT_SHARED_FILE, drive_error, sheets_error
from ai_usage.simulator.google_fields import select
from ai_usage.simulator.queries import Query, RefusalError
from ai_usage.simulator.quota import Quota
from ai_usage.simulator.sheet import SHEET_ID, TITLE, UNSHARED_SHEET_ID, Sheet, Tab
from ai_usage.simulator.sheet_cells import DATE_RENDERS, FORMATTED, FORMULA, RENDERS, SERIAL, UNFORMATTED, Value

GOOGLE_PREFIX = "/google"
SHEETS, DRIVE = f"{GOOGLE_PREFIX}/v4/spreadsheets", f"{GOOGLE_PREFIX}/drive/v3/files"
READS_A_MINUTE = 60  # of one user; the 300 of a project are never reached by one
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
ANYWHERE = ("alt", "key", "prettyPrint", "quotaUser")  # parameters any of Google's endpoints takes
USUAL_DRIVE_FIELDS = "kind,id,name,mimeType"
KNOWN = frozenset({"namedRanges", "developerMetadata", "dataSources"})  # of a spreadsheet; this one has none


class GoogleApi:
    """Routes to one spreadsheet; limited only with a clock for the limits."""

    def __init__(self, sheet: Sheet, monotonic: Callable[[], float] | None = None) -> None:
        self.sheet, self.quota = sheet, Quota(monotonic)

    def routes(self) -> list[Route]:
        served = {
            f"{SHEETS}/{{id}}": self.spreadsheet,
            f"{SHEETS}/{{id}}/values:batchGet": self.values_of_ranges,
            f"{SHEETS}/{{id}}/values/{{range:path}}": self.values,
            f"{DRIVE}/{{id}}": self.file,
        }
        routes = [Route(path, self._endpoint(work), methods=["GET"]) for path, work in served.items()]
        return [*routes, Route(GOOGLE_PREFIX + "/{rest:path}", self._nothing, methods=METHODS)]

    def error(self, status: int, path: str, message: str | None = None) -> Response:
        """Any refusal or failure; the two APIs differ in form."""
        if path.startswith(DRIVE):
            return _json(drive_error(status, path.removeprefix(f"{DRIVE}/"), message), status)
        return _json(sheets_error(status, message), status)

    def _endpoint(self, work: Callable[[Query, Request], Any]) -> Callable[[Request], Any]:
        async def endpoint(request: Request) -> Response:
            path, sheet_id = request.url.path, request.path_params["id"]
            is_drive = path.startswith(DRIVE)
            if not (is_drive or self.quota.take("reads", READS_A_MINUTE)):
                return self.error(429, path)
            if sheet_id not in (SHEET_ID, UNSHARED_SHEET_ID):
                return self.error(404, path)
            if sheet_id == UNSHARED_SHEET_ID or not self.sheet.is_shared:
                return _json(NOT_SHARED_FILE, 403) if is_drive else self.error(403, path)
            query = Query(path, [(name, each) for name, each in request.query_params.multi_items() if each])
            try:
                for name in ANYWHERE:
                    query.one(name)
                answer = work(query, request)
            except RefusalError as refusal:
                return self.error(refusal.status, path, str(refusal))
            return _json(answer)

        return endpoint

    async def _nothing(self, request: Request) -> Response:
        return self.error(404 if request.method == "GET" else 403, request.url.path)

    def spreadsheet(self, query: Query, request: Request) -> Any:
        has_cells = query.flag("includeGridData")
        fields = query.one("fields")
        query.refuse_unread()
        answer = {
            "spreadsheetId": SHEET_ID,
            "properties": {"title": TITLE, "locale": "en_US", "autoRecalc": "ON_CHANGE", "timeZone": "Etc/UTC"},
            "sheets": [
                {"properties": _properties(n, tab)} | ({"data": [_grid(tab)]} if has_cells else {})
                for n, tab in enumerate(self.sheet.tabs)
            ],
            "spreadsheetUrl": f"https://docs.google.com/spreadsheets/d/{SHEET_ID}/edit",
        }
        return select(answer, fields, KNOWN)

    def values(self, query: Query, request: Request) -> Any:
        read_range = self._range_reader(query)
        fields = query.one("fields")
        query.refuse_unread()
        return select(read_range(request.path_params["range"]), fields, frozenset({"values"}))

    def values_of_ranges(self, query: Query, request: Request) -> Any:
        ranges, read_range = query.each("ranges"), self._range_reader(query)
        fields = query.one("fields")
        query.refuse_unread()
        return select({"spreadsheetId": SHEET_ID, "valueRanges": [read_range(each) for each in ranges]}, fields)

    def _range_reader(self, query: Query) -> Callable[[str], dict[str, Any]]:
        """A function that renders a range in the requested way."""
        render = query.one("valueRenderOption", RENDERS) or FORMATTED
        dates = query.one("dateTimeRenderOption", DATE_RENDERS) or SERIAL
        dimension = query.one("majorDimension", ("ROWS", "COLUMNS")) or "ROWS"

        def read_range(asked: str) -> dict[str, Any]:
            try:
                tab, cells = self._tab(asked)
                box = sheet_cells.box(cells, tab.row_count, tab.column_count)
            except sheet_cells.RangeError as error:
                raise RefusalError(str(error) or f"Unable to parse range: {asked}") from error
            rows = sheet_cells.values(tab.rows, box, render, dates)
            rows = sheet_cells.by_columns(rows) if dimension == "COLUMNS" else rows
            answer = {"range": sheet_cells.a1(tab.title, box), "majorDimension": dimension}
            return answer | ({"values": rows} if rows else {})

        return read_range

    def _tab(self, asked: str) -> tuple[Tab, str | None]:
        title, cells = sheet_cells.parse_range(asked)
        by_title = {tab.title: tab for tab in self.sheet.tabs}
        if title is None:
            return (by_title[asked], None) if asked in by_title else (self.sheet.tabs[0], cells)
        if title not in by_title:
            raise sheet_cells.RangeError
        return by_title[title], cells

    def file(self, query: Query, request: Request) -> Any:
        fields = query.one("fields") or USUAL_DRIVE_FIELDS
        for name in ("supportsAllDrives", "supportsTeamDrives", "includeItemsFromAllDrives"):
            query.one(name)
        query.refuse_unread()
        answer = {
            "kind": "drive#file",
            "id": SHEET_ID,
            "name": TITLE,
            "mimeType": "application/vnd.google-apps.spreadsheet",
            "version": str(self.sheet.version),
            "createdTime": _milliseconds(self.sheet.created_at),
            "modifiedTime": _milliseconds(self.sheet.modified_at),
            "trashed": False,
        }
        return select(answer, fields)


def _properties(n: int, tab: Tab) -> dict[str, Any]:
    return {
        "sheetId": tab.id,
        "title": tab.title,
        "index": n,
        "sheetType": "GRID",
        "gridProperties": {"rowCount": tab.row_count, "columnCount": tab.column_count},
    }


def _grid(tab: Tab) -> dict[str, Any]:
    """Cells as `includeGridData` sends them, without their formats."""
    return {"rowData": [{"values": [_cell(cell) for cell in row]} if row else {} for row in tab.rows]}


def _cell(cell: Value) -> dict[str, Any]:
    if cell in (None, ""):
        return {}
    effective = sheet_cells.rendered(cell, UNFORMATTED)
    kind = {str: "stringValue", bool: "boolValue"}.get(type(effective), "numberValue")
    entered = sheet_cells.rendered(cell, FORMULA)
    is_formula = isinstance(cell, sheet_cells.Formula)
    return {
        "userEnteredValue": {"formulaValue" if is_formula else kind: entered},
        "effectiveValue": {kind: effective},
        "formattedValue": sheet_cells.rendered(cell, FORMATTED),
    }


def _milliseconds(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def _json(answer: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(answer), status, media_type="application/json; charset=UTF-8")
