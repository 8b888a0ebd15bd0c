"""Faults between Google's client and BigQuery: a process that is killed, answers that are lost, and errors. A job with
an id that was used before is refused, as Google does.
"""

import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import requests
from google.cloud import bigquery

UPLOADED = re.compile(rb'"jobId"\s*:\s*"([^"]+)"')
ASKED = re.compile(r"/jobs/([^/?]+)")
STATUSES = {"500": (500, "backendError"), "503": (503, "backendError"), "403": (403, "rateLimitExceeded")}


class Killed(BaseException):
    """The process ends here: none of our code runs after it."""


@dataclass
class Line:
    """A client's connection to BigQuery. `fault` returns the fault of the n-th request, or None."""

    client: bigquery.Client
    fault: Callable[[int], str] = lambda _: ""
    sent: list[str] = field(default_factory=list)  # the path of each request
    happened: Counter[str] = field(default_factory=Counter)
    _loads: dict[str, requests.Response] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._request = self.client._http.request
        self.client._http.request = self.request

    def request(self, *args: Any, **more: Any) -> requests.Response:
        if self.happened["killed"]:
            raise Killed  # so that no cleanup after an error runs
        path = urlsplit(str(more.get("url") or args[1])).path
        self.sent.append(path)
        fault = self.fault(len(self.sent))
        self.happened[fault] += 1
        if fault in STATUSES:
            return refusal(*STATUSES[fault], f"injected {fault}")
        answer = self._answer(path, *args, **more)
        if fault == "killed":
            raise Killed
        if fault == "lost":
            raise requests.ConnectionError("the answer was lost", request=answer.request)
        return answer

    def _answer(self, path: str, *args: Any, **more: Any) -> requests.Response:
        """The emulator's answer, except for the id of a load: the emulator does not know it."""
        if "/upload/" in path:
            [name] = UPLOADED.findall(more["data"])
            if name.decode() in self._loads:
                self.happened["409"] += 1
                return refusal(409, "duplicate", "Already Exists: Job")
            return self._loads.setdefault(name.decode(), self._request(*args, **more))
        asked = ASKED.search(path)
        return self._loads[asked[1]] if asked and asked[1] in self._loads else self._request(*args, **more)


def refusal(status: int, reason: str, message: str) -> requests.Response:
    answer = requests.Response()
    answer.status_code = status
    answer.request = requests.Request("POST", "http://127.0.0.1/bigquery").prepare()
    answer.headers["Content-Type"] = "application/json"
    error = {"code": status, "message": message, "errors": [{"reason": reason, "message": message}]}
    answer._content = json.dumps({"error": error}).encode()
    return answer
