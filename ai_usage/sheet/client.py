"""Tabs of a Google spreadsheet. Rows come out as JSON lists, unchanged.

Google is asked through gspread, with scopes that can only read. A tab once found is known by its id, whatever its
title is later; a tab that is not there keeps the rows of its last pull.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf
from typing import Any

import google.auth
import gspread
import msgspec
import requests
import stamina
from google.auth.exceptions import GoogleAuthError
from gspread.auth import READONLY_SCOPES
from gspread.http_client import HTTPClient
from gspread.urls import DRIVE_FILES_API_V3_URL, SPREADSHEET_URL, SPREADSHEET_VALUES_BATCH_URL

import ai_usage.retries  # noqa: F401 - logs each retry
from ai_usage.errors import SettingError
from ai_usage.ingest.http.bodies import Limits, are_too_deep
from ai_usage.ingest.http.client import Client, http_client
from ai_usage.ingest.http.deadlines import no_later_than
from ai_usage.ingest.http.errors import NotFound, NotTheApi, OutOfTime, UnexpectedAnswer, unchained
from ai_usage.ingest.http.refusals import first_words, is_a_page
from ai_usage.ingest.http.retry import Patience
from ai_usage.places import COMMAND
from ai_usage.sheet.port import SOURCE
from ai_usage.sheet.refusals import decoded, in_plain_words, may_help, refusal
from ai_usage.sheet.tabs import TABS
from ai_usage.sheet.wire import session_over
from ai_usage.warehouse.ledger import Answer

TIMEOUT = (10.0, 60.0)  # to connect, to answer
PATIENCE = Patience(attempts=6, seconds=200.0, first_wait=2.0, longest_wait=64.0)  # Google's quotas are by the minute
SHORT_TIMEOUT = (4.0, 10.0)
SHORT_ANSWER = 15.0  # seconds for a whole answer, the credentials' renewal among it, where there is no time
LITTLE_PATIENCE = Patience(attempts=2, seconds=5.0)
FEW_BYTES = 2**20  # of an answer that names the tabs or the version
HOSTS = ("https://sheets.googleapis.com", "https://www.googleapis.com")


class _Answered(msgspec.Struct):
    """`values:batchGet`; `values` is absent where a tab is empty."""

    class _Range(msgspec.Struct):
        range: str = ""
        values: list[msgspec.Raw] = []

    valueRanges: list[_Range]  # noqa: N815 - Google's name


class _Spreadsheet(msgspec.Struct):
    """What tabs there are; Google leaves out what is 0 or empty."""

    class _Tab(msgspec.Struct):
        class _Properties(msgspec.Struct):
            sheetId: int = 0  # noqa: N815 - Google's name
            title: str = ""

        properties: _Properties

    sheets: list[_Tab] = []


class _File(msgspec.Struct):
    version: str | int | None = None


@dataclass
class GoogleSheet:
    """One spreadsheet through gspread."""

    sheet_id: str
    client: gspread.Client
    wire: Client
    is_simulated: bool = False
    requests: int = field(default=0, init=False)
    patience: Patience = field(default=PATIENCE, init=False)
    answer_seconds: float = field(default=inf, init=False)  # for a whole answer, if less than the limits allow

    @classmethod
    def open(
        cls, sheet_id: str, *, base_url: str = "", is_simulated: bool = False, limits: Limits | None = None
    ) -> "GoogleSheet":
        """With the credentials that GOOGLE_APPLICATION_CREDENTIALS or the machine has; a base URL needs none."""
        credentials = None
        if not base_url:
            try:
                credentials, _ = google.auth.default(scopes=READONLY_SCOPES)
            except (GoogleAuthError, OSError, ValueError) as error:
                raise SettingError(
                    "No Google credentials: set GOOGLE_APPLICATION_CREDENTIALS to the file of a service account "
                    f"with which the sheet is shared. ({type(error).__name__})"
                ) from error
        wire = http_client(base_url or HOSTS[0], {}, limits=limits)
        client = gspread.Client(
            auth=None,  # type: ignore[arg-type]
            session=session_over(wire, credentials),
            http_client=_reading(base_url),
        )
        client.http_client.set_timeout(TIMEOUT)
        return cls(sheet_id, client, wire, is_simulated)

    def close(self) -> None:
        self.client.http_client.session.close()

    def probe(self) -> None:
        self._titles({})

    def hurry(self) -> None:
        self.patience, self.answer_seconds = LITTLE_PATIENCE, SHORT_ANSWER
        self.client.http_client.set_timeout(SHORT_TIMEOUT)

    def version(self) -> str:
        """Drive's version of the file: it grows with every change, and with some that change no cell."""
        fields = {"fields": "id,name,version,modifiedTime", "supportsAllDrives": "true"}
        body = self._get(f"{DRIVE_FILES_API_V3_URL}/{self.sheet_id}", fields)
        version = decoded(body, _File, at_most=FEW_BYTES).version
        if version is None:
            raise UnexpectedAnswer("Google Drive sent no version of the sheet's file.")
        return str(version)

    def tabs(self, known: Mapping[str, int]) -> dict[str, Answer]:
        titles = self._titles(known)
        if not titles:
            raise NotFound(f"The sheet has none of the tabs {', '.join(TABS)}. {COMMAND} sheet-template writes them.")
        names = list(titles)
        query: dict[str, Any] = {
            "ranges": ["'" + titles[name][1].replace("'", "''") + "'" for name in names],
            "valueRenderOption": "UNFORMATTED_VALUE",
            "dateTimeRenderOption": "SERIAL_NUMBER",
            "majorDimension": "ROWS",
        }
        answered = decoded(self._get(SPREADSHEET_VALUES_BATCH_URL % self.sheet_id, query), _Answered).valueRanges
        if len(answered) != len(names):
            raise UnexpectedAnswer(f"Google Sheets answered {len(answered)} tabs of the {len(names)} asked for.")
        depth = self.wire.limits.depth
        if any(are_too_deep([bytes(row) for row in values.values], depth) for values in answered):
            raise UnexpectedAnswer(f"Google Sheets sent a row nested deeper than {depth} levels (AI_USAGE_JSON_DEPTH).")
        return {
            name: Answer(
                SOURCE,
                None,
                [bytes(row) for row in values.values],
                1,
                {"path": "values:batchGet", "tab": name, **{k: v for k, v in query.items() if k != "ranges"}},
                {"tab_id": titles[name][0], "title": titles[name][1]},
                self.is_simulated,
                is_ordered=True,
            )
            for name, values in zip(names, answered, strict=True)
        }

    def _titles(self, known: Mapping[str, int]) -> dict[str, tuple[int, str]]:
        """Our name → the tab's id and present title: by its id where that is known, else by its title."""
        query = {"includeGridData": "false", "fields": "sheets.properties(sheetId,title)"}
        sheet = decoded(self._get(SPREADSHEET_URL % self.sheet_id, query), _Spreadsheet, at_most=FEW_BYTES)
        there = {tab.properties.sheetId: tab.properties.title for tab in sheet.sheets}
        by_title = {title.strip().lower(): tab_id for tab_id, title in there.items()}
        found = {name: known.get(name) if known.get(name) in there else by_title.get(name) for name in TABS}
        return {name: (tab_id, there[tab_id]) for name, tab_id in found.items() if tab_id is not None}

    def _get(self, url: str, query: Mapping[str, Any]) -> bytes:
        """An answer's body; tried again where that can help, as long as patience lasts."""
        patience = self.patience
        with unchained(), self.wire.allowed.asking() as until:
            for attempt in stamina.retry_context(
                on=may_help,
                attempts=patience.attempts,
                timeout=patience.seconds,
                wait_initial=patience.first_wait,
                wait_max=patience.longest_wait,
            ):
                with attempt, no_later_than(time.monotonic() + self.answer_seconds):
                    return self._once(url, query, until)
        raise AssertionError("unreachable: retry_context returns or raises")

    def _once(self, url: str, query: Mapping[str, Any], until: float) -> bytes:
        if time.monotonic() >= until:
            hours = self.wire.limits.pull_seconds / 3600
            raise OutOfTime(f"Google has been asked for {hours:g} hours in this run (AI_USAGE_PULL_HOURS).")
        self.requests += 1
        with in_plain_words():
            answer = self.client.http_client.request("get", url, params=dict(query))
        if answer.status_code != requests.codes.ok:
            raise refusal(answer)
        kind, body = answer.headers.get("content-type", ""), bytes(answer.content)
        if is_a_page(kind, body):
            raise NotTheApi(f"Google: {first_words(answer.status_code, kind, body)}")
        return body


def _reading(base_url: str) -> type[HTTPClient]:
    """A gspread client that returns refusals too, and finds both of Google's hosts at a base URL, if any. gspread would
    raise an error for a refusal, and fails to if the body is not in Google's form.
    """

    class Reading(HTTPClient):
        def request(self, method: str, endpoint: str, params: Any = None, *args: Any, **more: Any) -> requests.Response:
            for host in HOSTS if base_url else ():
                if endpoint.startswith(host):
                    endpoint = base_url.rstrip("/") + endpoint.removeprefix(host)
            return self.session.request(method, endpoint, params=params, timeout=self.timeout)

    return Reading
