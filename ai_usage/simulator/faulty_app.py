"""Strikes the stand-in providers' answers with the planned faults, and logs what was asked of them."""

import asyncio
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, parse_qsl

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ai_usage.simulator.bends import bent, end_of
from ai_usage.simulator.faults import Fault, Faults
from ai_usage.simulator.queries import page_token

CONTROL = "/_simulator"

LOGIN_PAGE = b"<!doctype html><title>Sign in</title><p>Sign in to the company network to go on."
CURSORS = ("page", "after_id", "after", "pageToken")  # parameters that ask for a page after the first


@dataclass(frozen=True)
class Request:
    """One request as the simulator saw it; `status` is None if the connection was reset."""

    method: str
    path: str
    query: dict[str, list[str]]
    status: int | None


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
        cursor = next((value for name, value in pairs if name in CURSORS), None)
        answer_to = f"{path}?{sorted(pair for pair in pairs if pair[0] not in CURSORS)}"
        end = self._ends.pop(answer_to, None)
        fault = self.faults.strike(path, has_cursor=cursor is not None, has_page_before=end is not None)
        answer = await self._answer(fault, scope, receive)
        kind = fault.kind if fault else None
        if answer.status_code == HTTPStatus.OK and self.faults.plans_overlaps(path):
            self._ends[answer_to] = end_of(bytes(answer.body))
        if fault and answer.status_code == HTTPStatus.OK:
            answer.body = bent(fault, bytes(answer.body), cursor, page_token(path, pairs, 0), end)
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
        """The response with the fault, before its Content-Length is set."""
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
