"""Where the tabs come from: a Google spreadsheet, or a folder of CSV files. Rows out as JSON lists, as they stand.

Google is asked through gspread, with scopes that can only read. A tab once found is known by its id, whatever it is
called later; one that is not there is left as it last was.
"""

import csv
import hashlib
import io
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from typing import Any, Protocol

import google.auth
import gspread
import msgspec
import requests
import stamina
from google.auth.exceptions import GoogleAuthError
from gspread.auth import READONLY_SCOPES
from gspread.http_client import HTTPClient
from gspread.urls import DRIVE_FILES_API_V3_URL, SPREADSHEET_URL, SPREADSHEET_VALUES_BATCH_URL

import ai_usage.retries  # noqa: F401 - tells of each retry
from ai_usage.errors import SettingError
from ai_usage.ingest.http.bodies import Limits, are_too_deep, refuse_bad_utf8
from ai_usage.ingest.http.client import Client, http_client
from ai_usage.ingest.http.deadlines import no_later_than
from ai_usage.ingest.http.errors import (
    DamagedAnswer,
    KeyRefused,
    NotFound,
    NotPermitted,
    NotTheApi,
    OutOfTime,
    RateLimited,
    TooLarge,
    UnexpectedAnswer,
    Unreachable,
    VendorDown,
    VendorError,
    unchained,
)
from ai_usage.ingest.http.refusals import first_words, is_a_page
from ai_usage.ingest.http.retry import Patience
from ai_usage.secrecy import without_secrets
from ai_usage.sheet.tabs import TABS
from ai_usage.sheet.wire import session_over
from ai_usage.warehouse.ledger import Answer

SOURCE = "google_sheets"
TIMEOUT = (10.0, 60.0)  # to connect, to answer
PATIENCE = Patience(attempts=6, seconds=200.0, first_wait=2.0, longest_wait=64.0)  # Google's quotas are by the minute
SHORT_TIMEOUT = (4.0, 10.0)
SHORT_ANSWER = 15.0  # seconds for a whole answer, the credentials' renewal among it, where there is no time
LITTLE_PATIENCE = Patience(attempts=2, seconds=5.0)
FEW_BYTES = 2**20  # of an answer that names the tabs or the version
HOSTS = ("https://sheets.googleapis.com", "https://www.googleapis.com")
ADVICE = {
    400: "Is AI_USAGE_SHEET_ID the id in the sheet's address, between /d/ and /edit?",
    401: "GOOGLE_APPLICATION_CREDENTIALS no longer opens anything: make the service account a new key.",
    403: "Share the sheet with the service account's e-mail address as a viewer, and enable the Sheets and Drive APIs.",
    404: "There is no such sheet for this account: check AI_USAGE_SHEET_ID, and that the sheet is shared with it.",
    429: "The read quota of this minute is used up, perhaps by another tool with the same account.",
    500: "Google is in trouble: try again later.",
}
KINDS: Mapping[int, type[VendorError]] = {401: KeyRefused, 403: NotPermitted, 404: NotFound, 429: RateLimited}


class Sheet(Protocol):
    """Tabs that people keep, wherever they do."""

    requests: int
    is_simulated: bool

    def version(self) -> str:
        """Changes whenever a tab may have; cheap to ask."""

    def tabs(self, known: Mapping[str, int]) -> dict[str, Answer]:
        """The tabs that are there, by our name for them. `known` has the ids of tabs found before."""

    def probe(self) -> None:
        """Nothing, if the tabs can be read: else the error that says why not."""

    def hurry(self) -> None:
        """From now on give up within seconds: for whoever asks again in a minute."""

    def close(self) -> None: ...


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


class _Refusal(msgspec.Struct):
    class _Error(msgspec.Struct):
        message: str = ""

    error: _Error | str = ""


@dataclass
class GoogleSheet:
    """One spreadsheet through gspread."""

    sheet_id: str
    client: gspread.Client
    wire: Client
    is_simulated: bool = False
    requests: int = field(default=0, init=False)
    patience: Patience = field(default=PATIENCE, init=False)
    answer_seconds: float = field(default=inf, init=False)  # for a whole answer, if less than the limits say

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
        """Drive's version of the file: it grows with every change, and with some that nobody sees."""
        fields = {"fields": "id,name,version,modifiedTime", "supportsAllDrives": "true"}
        said = self._get(f"{DRIVE_FILES_API_V3_URL}/{self.sheet_id}", fields)
        version = _json(said, _File, at_most=FEW_BYTES).version
        if version is None:
            raise UnexpectedAnswer("Google Drive tells no version of the sheet's file.")
        return str(version)

    def tabs(self, known: Mapping[str, int]) -> dict[str, Answer]:
        titles = self._titles(known)
        if not titles:
            raise NotFound(f"The sheet has none of the tabs {', '.join(TABS)}. make sheet-template writes them.")
        names = list(titles)
        query: dict[str, Any] = {
            "ranges": ["'" + titles[name][1].replace("'", "''") + "'" for name in names],
            "valueRenderOption": "UNFORMATTED_VALUE",
            "dateTimeRenderOption": "SERIAL_NUMBER",
            "majorDimension": "ROWS",
        }
        answered = _json(self._get(SPREADSHEET_VALUES_BATCH_URL % self.sheet_id, query), _Answered).valueRanges
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
        said = _json(self._get(SPREADSHEET_URL % self.sheet_id, query), _Spreadsheet, at_most=FEW_BYTES)
        there = {tab.properties.sheetId: tab.properties.title for tab in said.sheets}
        by_title = {title.strip().lower(): tab_id for tab_id, title in there.items()}
        found = {name: known.get(name) if known.get(name) in there else by_title.get(name) for name in TABS}
        return {name: (tab_id, there[tab_id]) for name, tab_id in found.items() if tab_id is not None}

    def _get(self, url: str, query: Mapping[str, Any]) -> bytes:
        """An answer's body; tried again where that can help, as long as patience lasts."""
        patience = self.patience
        with unchained(), self.wire.allowed.asking() as until:
            for attempt in stamina.retry_context(
                on=_may_help,
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
        with _in_plain_words():
            answer = self.client.http_client.request("get", url, params=dict(query))
        if answer.status_code != requests.codes.ok:
            raise _refusal(answer)
        kind, body = answer.headers.get("content-type", ""), bytes(answer.content)
        if is_a_page(kind, body):
            raise NotTheApi(f"Google: {first_words(answer.status_code, kind, body)}")
        return body


@dataclass
class CsvFolder:
    """`<tab>.csv` files in a folder: what needs no Google."""

    folder: Path
    is_simulated: bool = False
    requests: int = field(default=0, init=False)

    def close(self) -> None:
        """Nothing is open."""

    def probe(self) -> None:
        self.tabs({})

    def hurry(self) -> None:
        """Files answer at once."""

    def version(self) -> str:
        files = [(path.name, path.stat().st_mtime_ns, path.stat().st_size) for path in self._files().values()]
        return hashlib.sha256(repr(sorted(files)).encode()).hexdigest()[:16]

    def tabs(self, known: Mapping[str, int]) -> dict[str, Answer]:
        files = self._files()
        if not files:
            raise SettingError(
                f"AI_USAGE_SHEET_ID names {self.folder}, which has none of {', '.join(f'{tab}.csv' for tab in TABS)}. "
                "make sheet-template writes them."
            )
        return {
            name: Answer(SOURCE, None, _csv_rows(path), 1, {"file": path.name}, {}, self.is_simulated, is_ordered=True)
            for name, path in files.items()
        }

    def _files(self) -> dict[str, Path]:
        return {name: path for name in TABS if (path := self.folder / f"{name}.csv").is_file()}


def _csv_rows(path: Path) -> list[bytes]:
    try:
        text = path.read_bytes().decode("utf-8-sig")
        rows = list(csv.reader(io.StringIO(text), strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SettingError(f"{path} cannot be read as CSV in UTF-8: {error}. Nothing of it is used.") from error
    return [json.dumps(row, ensure_ascii=False).encode() for row in rows]


def _reading(base_url: str) -> type[HTTPClient]:
    """A client of gspread's that hands out refusals too, and finds both of Google's hosts at a base URL, if any:
    gspread makes an error of a refusal, and fails at that if it is not worded as Google words them.
    """

    class Reading(HTTPClient):
        def request(self, method: str, endpoint: str, params: Any = None, *args: Any, **more: Any) -> requests.Response:
            for host in HOSTS if base_url else ():
                if endpoint.startswith(host):
                    endpoint = base_url.rstrip("/") + endpoint.removeprefix(host)
            return self.session.request(method, endpoint, params=params, timeout=self.timeout)

    return Reading


def _refusal(answer: requests.Response) -> VendorError:
    status = answer.status_code
    kind = KINDS.get(status, VendorDown if status >= 500 else VendorError)
    if status == 403 and b"usageLimits" in answer.content:  # how Drive words its quotas
        kind = RateLimited
    advice = ADVICE[429] if kind is RateLimited else ADVICE.get(status) or ADVICE.get(status // 100 * 100, "")
    return kind(f"Google answered {status}: {_reason(answer.content)}. {advice}".rstrip())


def _reason(body: bytes) -> str:
    """Google's own words, or the beginning of whatever else it sent."""
    try:
        error = msgspec.json.decode(body, type=_Refusal).error
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        error = body[:1000].decode(errors="replace")
    said = without_secrets(error if isinstance(error, str) else error.message)
    return " ".join(said.split())[:200].rstrip(".") or "no explanation"


@contextmanager
def _in_plain_words() -> Iterator[None]:
    """What requests and google-auth raise as ours: what happened, and what to do."""
    try:
        yield
    except GoogleAuthError as error:
        raise KeyRefused(f"Google refused the credentials ({type(error).__name__}). {ADVICE[401]}") from error
    except requests.exceptions.RequestException as error:
        raise Unreachable(f"No answer from Google ({type(error).__name__}). Check the network or a proxy.") from error


def _may_help(error: Exception) -> bool:
    return isinstance(error, RateLimited | VendorDown | Unreachable | DamagedAnswer)


def _json(body: bytes, of: Any, *, at_most: float = inf) -> Any:
    with unchained():
        if len(body) > at_most:
            raise TooLarge(f"Google's answer has {len(body):,} bytes, which is not what its API promises.")
        try:
            refuse_bad_utf8(body)
            return msgspec.json.decode(body, type=of)
        except (msgspec.ValidationError, RecursionError) as error:
            raise UnexpectedAnswer(f"Google's answer is not what its API promises ({error}).") from None
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise DamagedAnswer(f"Google's answer is cut short or no JSON ({error}).") from None


def known_tabs(envelopes: Sequence[tuple[str, str]]) -> dict[str, int]:
    """Our name → the tab's id, from what the ledger has of each pull: its name and envelope."""
    found = {pull.removeprefix("sheet_"): json.loads(envelope).get("tab_id") for pull, envelope in envelopes}
    return {name: tab_id for name, tab_id in found.items() if tab_id is not None}
