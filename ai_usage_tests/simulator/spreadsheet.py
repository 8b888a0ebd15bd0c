"""The simulated Google as gspread sees it, for tests."""

import json
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import gspread
import httpx
import requests
from gspread.http_client import HTTPClient
from gspread.utils import ValueRenderOption

from ai_usage.simulator import SHEET_ID, Simulator
from ai_usage_tests.simulator.conftest import PATIENCE, Clock

HOSTS = ("https://sheets.googleapis.com", "https://www.googleapis.com")
TABS = ["api_key_mapping", "claude_ai_usage", "console_figures", "budgets", "seats", "people", "invoices"]
SHEET, FILE = f"/v4/spreadsheets/{SHEET_ID}", f"/drive/v3/files/{SHEET_ID}"
RAW = ValueRenderOption.unformatted


class Google:
    """The simulated Google and gspread's view of it; it counts minutes by `seconds`."""

    def __init__(self, **options: Any) -> None:
        self.clock, self.seconds = Clock(), 0.0
        self.simulator = Simulator(now=self.clock, monotonic=lambda: self.seconds, **options).start()
        self.sheet = self.simulator.sheet
        self.http = httpx.Client(base_url=self.simulator.google_url, timeout=PATIENCE)
        self.session = requests.Session()
        base = self.simulator.google_url

        class AtTheSimulator(HTTPClient):
            def request(self, method: str, endpoint: str, *args: Any, **kwargs: Any) -> requests.Response:
                for host in HOSTS:
                    endpoint = endpoint.replace(host, base)
                return super().request(method, endpoint, *args, **kwargs)

        self.client = gspread.Client(auth=None, session=self.session, http_client=AtTheSimulator)  # type: ignore[arg-type]

    def open(self) -> gspread.Spreadsheet:
        return self.client.open_by_key(SHEET_ID)

    def get(self, path: str, **query: Any) -> Any:
        answer = self.http.get(path, params=query)
        assert answer.status_code == 200, answer.text
        return json.loads(answer.text, parse_float=Decimal)

    def values(self, wanted: str, **query: Any) -> Any:
        return self.get(f"{SHEET}/values/{quote(wanted, safe='')}", **query).get("values")

    def file(self) -> tuple[int, str]:
        found = self.get(FILE, fields="id,name,version,modifiedTime", supportsAllDrives="true")
        return int(found["version"]), found["modifiedTime"]

    def close(self) -> None:
        self.http.close()
        self.session.close()
        self.simulator.stop()
