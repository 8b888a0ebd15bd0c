"""Anthropic's side of the contract over loopback HTTP, under a path prefix; it is independent of the client.

A test fills `days`, `lists` and `rows`, changes what is sent by `bend`, and finds the requests in `asked`.
"""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

PREFIX = "/some/prefix"
ORGANIZATIONS = "/v1/organizations"
ADMIN, ANALYTICS = "sk-ant-admin01-stand-in", "sk-ant-analytics-stand-in"
BETA = "analytics-usage-cost-2026-08-24"
REPORTS = ("/cost_report", "/usage_report/messages")

Params = dict[str, list[str]]


@dataclass(frozen=True)
class Asked:
    path: str
    params: Params
    headers: Mapping[str, str]


class RefusalError(Exception):
    """An answer other than 200."""


@dataclass
class StandIn:
    url: str = ""
    days: dict[date, list[str]] = field(default_factory=dict)  # records of every report, as JSON text
    rows: list[str] = field(default_factory=list)  # of analytics
    lists: dict[str, list[str]] = field(default_factory=dict)
    default_workspace: str | None = None
    page_size: int = 1000  # maximum number of buckets, records or items per page
    bend: Callable[[list[str]], list[str]] = list
    envelope: dict[str, object] = field(default_factory=dict)  # replaces the real values beside the data
    ready: date = date.max  # the newest day with known people
    refreshes: int = 0  # the number of coming pages that each have a newer state of the data
    asked: list[Asked] = field(default_factory=list)
    tokens: dict[str, tuple[Params, int]] = field(default_factory=dict)

    def answer(self, path: str, params: Params, headers: Mapping[str, str]) -> str:
        if headers.get("anthropic-version") != "2023-06-01":
            raise RefusalError(400, "invalid_request_error", "anthropic-version: header is required")
        place = path.removeprefix(PREFIX + ORGANIZATIONS)
        if place == path:
            raise RefusalError(404, "not_found_error", "Not found")
        analytics = place.startswith("/analytics/")
        if headers.get("x-api-key") not in ((ADMIN, ANALYTICS) if analytics else (ADMIN,)):
            raise RefusalError(401, "authentication_error", f"invalid x-api-key {headers.get('x-api-key')}")
        if place == "/me":
            return self.lists["me"][0]
        if analytics:
            return self.analytics(place, params, headers)
        if place in REPORTS:
            return self.by_token(list(self.buckets(params)), params, cap=31)
        if place == "/usage_report/claude_code":
            if "ending_at" in params:
                raise RefusalError(400, "invalid_request_error", "ending_at: Extra inputs are not permitted")
            return self.by_token(self.days[date.fromisoformat(params["starting_at"][0])], params, cap=1000)
        return self.by_id(place.lstrip("/"), params)

    def analytics(self, place: str, params: Params, headers: Mapping[str, str]) -> str:
        if place == "/analytics/users":
            return self.people(params)
        if headers.get("anthropic-beta") != BETA:
            raise RefusalError(400, "invalid_request_error", "anthropic-beta: required")
        return self.by_token(self.rows, params, cap=1000)

    def people(self, params: Params) -> str:
        """The people of one day, in a list without `has_more`."""
        day = date.fromisoformat(params["date"][0])
        if day > self.ready:
            raise RefusalError(400, "invalid_request_error", f"Data is available up to {self.ready}.")
        return self.by_token(self.days[day], params, cap=1000).replace('"has_more": false, ', "")

    def buckets(self, params: Params) -> Iterator[str]:
        first, end = (date.fromisoformat(params[name][0][:10]) for name in ("starting_at", "ending_at"))
        if end <= first:
            raise RefusalError(400, "invalid_request_error", "ending date must be after starting date")
        for n in range((end - first).days):
            yield bucket(first + timedelta(n), self.days.get(first + timedelta(n), []))

    def by_token(self, items: list[str], params: Params, cap: int) -> str:
        """Tokens are opaque and valid only with the parameters they were made for."""
        if self.refreshes:
            self.refreshes -= 1
            self.envelope = {"data_refreshed_at": f"state {self.refreshes}"}
        others, at = {name: value for name, value in params.items() if name != "page"}, 0
        if "page" in params:
            made_for, at = self.tokens[params["page"][0]]
            if made_for != others:
                raise RefusalError(400, "invalid_request_error", "page: does not match the request")
        limit = min(int(params["limit"][0]), self.page_size)
        if limit > cap:
            raise RefusalError(400, "invalid_request_error", f"limit: at most {cap}")
        token = None
        if at + limit < len(items):
            token = f"page_{len(self.tokens)}=="
            self.tokens[token] = (others, at + limit)
        return self.page_of(items[at : at + limit], {"has_more": token is not None, "next_page": token})

    def by_id(self, name: str, params: Params) -> str:
        items = self.lists[name]
        if "include_archived" not in params:
            items = [item for item in items if not json.loads(item).get("archived_at")]
        if "include_default" not in params:
            items = [item for item in items if json.loads(item)["id"] != self.default_workspace]
        ids = [json.loads(item)["id"] for item in items]
        at = ids.index(params["after_id"][0]) + 1 if "after_id" in params else 0
        end = at + min(int(params["limit"][0]), self.page_size)
        return self.page_of(
            items[at:end],
            {"has_more": end < len(items), "last_id": ids[min(end, len(ids)) - 1] if ids else None},
        )

    def page_of(self, page: list[str], beside: dict[str, object]) -> str:
        rest = ", ".join(f'"{name}": {json.dumps(v)}' for name, v in {**beside, **self.envelope}.items())
        return f'{{"data": [{", ".join(self.bend(page))}], {rest}}}'


def bucket(day: date, records: list[str]) -> str:
    return (
        f'{{"starting_at":"{day}T00:00:00Z","ending_at":"{day + timedelta(1)}T00:00:00Z",'
        f'"results":[{",".join(records)}]}}'
    )


@contextmanager
def standing_in() -> Iterator[StandIn]:
    """A stand-in that answers until the block ends."""
    stand_in = StandIn()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            params = parse_qs(parts.query, keep_blank_values=True)
            headers = {name.lower(): value for name, value in self.headers.items()}
            stand_in.asked.append(Asked(parts.path, params, headers))
            try:
                status, body = 200, stand_in.answer(parts.path, params, headers)
            except RefusalError as error:
                status, kind, message = error.args
                body = json.dumps({"type": "error", "error": {"type": kind, "message": message}})
            self.send_response(status)
            self.send_header("content-length", str(len(body.encode())))
            self.send_header("request-id", "req_stand_in")
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        server.block_on_close = False
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.005}, daemon=True).start()
        stand_in.url = f"http://127.0.0.1:{server.server_port}{PREFIX}"
        yield stand_in
        server.shutdown()
