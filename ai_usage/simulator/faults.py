"""How the stand-in providers misbehave, as planned by a test, and what was asked of them. Knows of no provider.

A fault is planned for requests with a path that contains a text; it can wait for some of them, and wear off.
"""

import asyncio
import json
import socket
import struct
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime
from http import HTTPStatus
from threading import Lock
from typing import Any, Literal
from urllib.parse import parse_qs, parse_qsl

import msgspec
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ai_usage.simulator.queries import page_token

CONTROL = "/_simulator"

Kind = Literal[
    "rate_limit",  # 429; `retry_after` seconds, as an HTTP date with `as_date`, or no header at all
    "status",  # any `status`, in the provider's own words
    "reset",  # half the answer, then a connection reset
    "slow",  # answers after `delay` seconds
    "drip",  # a byte each `delay` seconds
    "login_page",  # a proxy's page, with status 200
    "truncated",  # fewer bytes than Content-Length has
    "cut_json",  # as many bytes as it has, but half of the JSON
    "repeated_cursor",  # the next page is the one just asked for
    "empty_page",  # no data, yet more to come
    "unknown_field",  # an unknown `field` in every record
    "unknown_value",  # an unknown `value` in the first record's `field`, or its first open set
    "not_included",  # a `status` (403 unless given), in the provider's words for what a plan or scope lacks
    "missing_bucket",  # without the bucket of `day`; without a `day`, the newest is not there yet
    "overlapping_page",  # begins with the last record of the page before; if it `loses`, without its own last record
    "sparse",  # as the contracts' sparse samples are: no zero counts, no nulls, no `kind`, text ids, number timestamps
    "absent",  # without `field`, in every record and at any depth
]
LOGIN_PAGE = b"<!doctype html><title>Sign in</title><p>Sign in to the company network to go on."
OPEN_SETS = ("cost_type", "service_tier", "customer_type", "status", "role", "kind", "commitSource")
LISTS = ("data", "usageEvents", "teamMembers", "teamMemberSpend", "groups", "items")  # where answers keep their records


class Fault(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    kind: Kind
    path: str = ""  # any path that contains this
    times: int | None = 1  # None: for ever
    after: int = 0  # so many matching requests go well first
    status: int | None = None  # 500, unless the kind has another
    message: str | None = None  # the provider's usual one, unless given
    retry_after: float | None = None
    as_date: bool = False
    delay: float = 0.5
    field: str | None = None
    value: str = "simulated_novelty"
    day: date | None = None
    loses: bool = True


@dataclass(frozen=True)
class Request:
    """One request as the simulator saw it; `status` is None if the connection was reset."""

    method: str
    path: str
    query: dict[str, list[str]]
    status: int | None


class Faults:
    """The plan. The first fault that fits a request strikes; one request suffers one fault."""

    def __init__(self) -> None:
        self._planned: list[Fault] = []
        self._lock = Lock()

    def plan(self, kind: Kind, **details: Any) -> Fault:
        """`faults.plan("status", status=529, path="cost_report", times=2)`."""
        return self.add(msgspec.convert({"kind": kind, **details}, Fault))

    def add(self, fault: Fault) -> Fault:
        with self._lock:
            self._planned.append(fault)
        return fault

    def clear(self) -> None:
        with self._lock:
            self._planned.clear()

    def plans_overlaps(self, path: str) -> bool:
        """Whether a page's last record must be remembered for the page after it."""
        with self._lock:
            return any(fault.kind == "overlapping_page" and fault.path in path for fault in self._planned)

    def strike(self, path: str, *, has_cursor: bool, has_page_before: bool = False) -> Fault | None:
        """The fault this request suffers; counts it."""
        with self._lock:
            for fault in self._planned:
                if fault.path not in path or (fault.kind == "repeated_cursor" and not has_cursor):
                    continue
                if fault.kind == "overlapping_page" and not has_page_before:
                    continue
                if fault.after > 0:
                    fault.after -= 1
                elif fault.times is None or fault.times > 0:
                    if fault.times is not None:
                        fault.times -= 1
                    return fault
        return None


class FaultyApp:
    """An ASGI app around the providers': strikes their answers and keeps the log."""

    def __init__(
        self,
        app: ASGIApp,
        faults: Faults,
        log: list[Request],
        *,
        errors: Callable[[str, int, str | None], Response],
        lacks: Callable[[str, int], str],
        transport: Callable[[Any], asyncio.Transport | None],
    ) -> None:
        self.app = app
        self.faults = faults
        self.log = log
        self.errors = errors  # a path, a status and a message, if not the usual one → the provider's own error
        self.lacks = lacks  # a path and a status → the provider's message about what a plan or scope lacks
        self._ends: dict[str, Any] = {}  # a question, its page apart → the last record of the page it was last answered
        self.transport = transport  # a client's address → its connection

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        if path.startswith(CONTROL):
            await self.app(scope, receive, send)
            return
        pairs = parse_qsl(scope["query_string"].decode(), keep_blank_values=True)
        cursor = next((value for name, value in pairs if name in ("page", "after_id")), None)
        answer_to = f"{path}?{sorted(pair for pair in pairs if pair[0] != 'page')}"
        end = self._ends.pop(answer_to, None)
        fault = self.faults.strike(path, has_cursor=cursor is not None, has_page_before=end is not None)
        answer = await self._answer(fault, scope, receive)
        kind = fault.kind if fault else None
        if answer.status_code == HTTPStatus.OK and self.faults.plans_overlaps(path):
            self._ends[answer_to] = _end(bytes(answer.body))
        if fault and answer.status_code == HTTPStatus.OK:
            answer.body = _bent(fault, bytes(answer.body), cursor, page_token(path, pairs, 0), end)
        query = parse_qs(scope["query_string"].decode(), keep_blank_values=True)
        self.log.append(Request(scope["method"], path, query, None if kind == "reset" else answer.status_code))
        if kind == "login_page":
            answer.body, answer.raw_headers = LOGIN_PAGE, [(b"content-type", b"text/html; charset=utf-8")]
        sent = len(answer.body) // 2 if kind in ("reset", "truncated") else len(answer.body)
        headers = [*answer.raw_headers, (b"content-length", str(len(answer.body)).encode())]
        await send({"type": "http.response.start", "status": answer.status_code, "headers": headers})
        if fault and kind == "drip":
            await _drip(bytes(answer.body), fault.delay, receive, send)
            return
        await send({"type": "http.response.body", "body": answer.body[:sent], "more_body": sent < len(answer.body)})
        if kind in ("reset", "truncated"):
            self._hang_up(scope, reset=kind == "reset")

    async def _answer(self, fault: Fault | None, scope: Scope, receive: Receive) -> Response:
        """What would be sent, Content-Length aside."""
        answer = Response()
        if fault and fault.kind == "slow":
            with suppress(TimeoutError):
                await asyncio.wait_for(_gone(receive), fault.delay)
        if fault and fault.kind in ("rate_limit", "status", "not_included"):
            path, usual = scope["path"], {"rate_limit": 429, "not_included": 403}.get(fault.kind, 500)
            status = fault.status or usual
            message = fault.message or (self.lacks(path, status) if fault.kind == "not_included" else None)
            answer = self.errors(path, status, message)
            if status == HTTPStatus.NO_CONTENT:  # bytes after its head would be read as the next answer
                answer.body = b""
            if fault.retry_after is not None:
                answer.headers["retry-after"] = _retry_after(fault.retry_after, as_date=fault.as_date)
        else:

            async def capture(message: Message) -> None:
                if message["type"] == "http.response.start":
                    answer.status_code = message["status"]
                    answer.raw_headers = list(message["headers"])
                else:
                    answer.body = bytes(answer.body) + message.get("body", b"")

            await self.app(scope, receive, capture)
        answer.raw_headers = [(name, value) for name, value in answer.raw_headers if name != b"content-length"]
        return answer

    def _hang_up(self, scope: Scope, *, reset: bool) -> None:
        transport = self.transport(scope["client"])
        if transport is None:
            return
        if reset:  # no lingering: the peer gets RST instead of FIN
            peer: socket.socket = transport.get_extra_info("socket")
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            transport.abort()
        else:
            transport.close()


async def _drip(body: bytes, seconds: float, receive: Receive, send: Send) -> None:
    """Sends a byte each so many seconds, until the client has hung up."""
    hung_up = asyncio.ensure_future(_gone(receive))
    for place in range(len(body)):
        if (await asyncio.wait({hung_up}, timeout=seconds))[0]:
            return
        await send({"type": "http.response.body", "body": body[place : place + 1], "more_body": place + 1 < len(body)})
    hung_up.cancel()


async def _gone(receive: Receive) -> None:
    """Returns when the client has hung up."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _retry_after(seconds: float, *, as_date: bool) -> str:
    if as_date:  # by the real clock, as the waiting client's
        return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)
    return f"{seconds:g}"


def _bent(fault: Fault, body: bytes, cursor: str | None, first_page: str, end: Any) -> bytes:
    if fault.kind == "cut_json":
        return body[: len(body) // 2]
    content = json.loads(body, parse_float=Decimal)
    if fault.kind in BENDS:
        BENDS[fault.kind](fault, content, end)
    elif fault.kind in ("repeated_cursor", "empty_page"):
        _promise_more(fault, content, cursor, first_page)
    else:
        return body
    return msgspec.json.Encoder(decimal_format="number").encode(content)


def _promise_more(fault: Fault, content: Any, cursor: str | None, first_page: str) -> None:
    if fault.kind == "empty_page":
        content[_list(content)] = []
    if "has_more" not in content and "next_page" not in content:  # pages with numbers: there is no cursor to repeat
        content |= {"pagination": content["pagination"] | {"hasNextPage": True}} if "pagination" in content else {}
        return
    if "has_more" in content:
        content["has_more"] = True
    if "next_page" in content:
        content["next_page"] = cursor or first_page
    else:
        content["first_id"] = content["last_id"] = cursor


def _put_unknown_field(fault: Fault, content: Any, _: Any) -> None:
    for record in _records(content):
        record[fault.field or "simulated_field"] = fault.value


def _end(body: bytes) -> Any:
    """A page's last record; None if no page follows."""
    content = json.loads(body, parse_float=Decimal)
    items, pagination = content.get(_list(content)), content.get("pagination", {})
    is_followed = content.get("next_page") or content.get("has_more") or pagination.get("hasNextPage")
    if "totalCount" in content:
        is_followed = content["page"] * content["pageSize"] < content["totalCount"]
    return items[-1] if items and is_followed else None


def _overlap(fault: Fault, content: Any, end: Any) -> None:
    items = content[_list(content)]
    content[_list(content)] = [end, *(items[:-1] if fault.loses else items)]


def _leave_out_a_bucket(fault: Fault, content: Any, _: Any) -> None:
    buckets = content["data"]
    if fault.day is None and not content.get("has_more"):
        buckets[-1:] = []
    elif fault.day is not None:
        content["data"] = [bucket for bucket in buckets if not bucket["starting_at"].startswith(str(fault.day))]


def _make_sparse(_: Fault, content: Any, __: Any) -> None:
    for item in content[_list(content)]:
        holder = item.get("results", [item])
        holder[:] = [_sparse(record) for record in holder]
        if "results" not in item:
            item.clear()
            item.update(holder[0])


def _sparse(record: Any) -> Any:
    if not isinstance(record, dict):
        return record
    kept = {name: _sparse(value) for name, value in record.items() if name != "kind" and value is not None}
    kept = {name: value for name, value in kept.items() if not _is_zero_count(name, value)}
    if isinstance(kept.get("userId"), int):
        kept["userId"] = f"user_SIMULATED{kept['userId']:019d}"
    if isinstance(kept.get("timestamp"), str):
        kept["timestamp"] = int(kept["timestamp"])
    return kept


def _is_zero_count(name: str, value: Any) -> bool:
    """A zero amount of money is sent; a zero count may be omitted."""
    return type(value) is int and value == 0 and not name.endswith(("Cents", "amount", "Dollars"))


def _leave_out_a_field(fault: Fault, content: Any, _: Any) -> None:
    def without(value: Any) -> Any:
        if isinstance(value, list):
            return [without(each) for each in value]
        if isinstance(value, dict):
            return {name: without(each) for name, each in value.items() if name != fault.field}
        return value

    content[_list(content)] = without(content[_list(content)])


def _records(content: Any) -> Iterator[dict[str, Any]]:
    for item in content.get(_list(content), [content]):
        yield from item.get("results", [item])


def _list(content: Any) -> str:
    return next((name for name in LISTS if name in content), "data")


def _put_unknown_value(fault: Fault, content: Any, _: Any) -> None:
    for record in _records(content):
        for holder in (record, record.get("group") or {}):
            for name in (fault.field,) if fault.field else OPEN_SETS:
                if holder.get(name) is not None:
                    holder[name] = fault.value
                    return


BENDS: Mapping[str, Callable[[Fault, Any, Any], None]] = {
    "unknown_field": _put_unknown_field,
    "unknown_value": _put_unknown_value,
    "overlapping_page": _overlap,
    "missing_bucket": _leave_out_a_bucket,
    "sparse": _make_sparse,
    "absent": _leave_out_a_field,
}
