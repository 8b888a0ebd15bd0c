"""No provider can delay a pull indefinitely: a slow answer ends at its deadline, whichever part is slow; so does a
whole pull.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import date
from typing import Any

import httpx
import pytest

from ai_usage.ingest.http.api import Api
from ai_usage.ingest.http.bodies import Limits
from ai_usage.ingest.http.client import http_client
from ai_usage.ingest.http.deadlines import TimeAllowed
from ai_usage.ingest.http.errors import ApiDown, OutOfTime, Unreachable
from ai_usage.ingest.http.refusals import ApiWords
from ai_usage.ingest.http.retry import Patience
from ai_usage.providers.anthropic.client import ClaudeAdmin
from ai_usage.sheet.client import GoogleSheet
from ai_usage_tests.ingest.hostile import HEAD, Served, Treat, dripping, serving, silent

ACME = ApiWords(name="Acme", advice={})
ONCE = Patience(attempts=1)
SOON = Limits(answer_seconds=0.4)
GENEROUS = 8.0  # seconds: far more than the deadline, far less than the servers drip
CHUNKED = HEAD + b"transfer-encoding: chunked\r\n\r\n"


def asked(url: str, limits: Limits = SOON) -> float:
    """Seconds until the request fails."""
    began = time.monotonic()
    with http_client(url, {}, limits=limits) as client, pytest.raises(Unreachable, match="no answer from"):
        Api(ACME, client, ONCE).get("/v1/spend", {}, read=bytes)
    return time.monotonic() - began


@pytest.mark.parametrize(
    "treat",
    [
        silent,
        dripping(b"HTTP/1.1 200 OK\r\nx-slow: "),
        dripping(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        dripping(HEAD + b"content-length: 99999\r\n\r\n"),
        dripping(CHUNKED, b"1\r\n \r\n"),
        dripping(b"HTTP/1.1 500 No\r\ncontent-length: 99999\r\n\r\n"),
    ],
    ids=["silent", "headers", "interim answers", "body", "chunks", "refusal"],
)
def test_an_answer_that_drips_ends_with_its_deadline(treat: Treat) -> None:
    with serving(treat) as server:
        assert asked(server.url) < GENEROUS


def test_the_deadline_holds_while_connecting(monkeypatch: pytest.MonkeyPatch) -> None:
    """The client waits neither for a TLS handshake without an answer nor for a proxy that drips."""
    with serving(silent, reads=False) as server:
        assert asked(server.url.replace("http:", "https:")) < GENEROUS
    with serving(dripping(b"HTTP/1.1 200 OK\r\nx-slow: ")) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        monkeypatch.setenv("NO_PROXY", "")
        assert asked("https://acme.test") < GENEROUS
        assert proxy.connections == 1


def test_waiting_for_the_rate_limit_does_not_count_toward_the_deadline() -> None:
    """Cursor's rate limit may delay a request for a minute before it is sent."""

    def drips_its_end(connection: Any) -> None:
        connection.sendall(HEAD + b"content-length: 2\r\n\r\n{")
        time.sleep(0.05)
        connection.sendall(b"}")

    with serving(drips_its_end) as server, http_client(server.url, {}, limits=Limits(answer_seconds=1)) as client:
        client.event_hooks["request"] = [lambda _: time.sleep(1.2)]
        assert Api(ACME, client, ONCE).get("/v1/spend", {}, read=bytes) == b"{}"


@pytest.fixture
def drips() -> Iterator[Served]:
    with serving(dripping(HEAD + b"content-length: 99999\r\n\r\n")) as server:
        yield server


def test_a_source_that_exceeds_its_time_is_an_error_in_the_middle_of_an_answer(drips: Served) -> None:
    began = time.monotonic()
    with (
        http_client(drips.url, {}, limits=replace(SOON, answer_seconds=60, pull_seconds=0.4)) as client,
        pytest.raises(OutOfTime, match=r"Acme has been asked for .* hours in this run \(AI_USAGE_PULL_HOURS\)"),
    ):
        Api(ACME, client, Patience()).get("/v1/spend", {}, read=bytes)
    assert time.monotonic() - began < GENEROUS
    assert drips.connections == 1


@pytest.mark.parametrize("hurried", [False, True])
def test_the_sheet_has_the_same_deadlines(drips: Served, monkeypatch: pytest.MonkeyPatch, *, hurried: bool) -> None:
    limits = replace(SOON, answer_seconds=60) if hurried else SOON
    monkeypatch.setattr("ai_usage.sheet.client.SHORT_ANSWER", 0.4)
    monkeypatch.setattr("ai_usage.sheet.client.LITTLE_PATIENCE", ONCE)
    began = time.monotonic()
    with closing(GoogleSheet.open("id", base_url=drips.url, limits=limits)) as sheet:
        sheet.patience = ONCE
        if hurried:
            sheet.hurry()
        with pytest.raises(Unreachable, match="No answer from Google"):
            sheet.version()
        sheet.wire.allowed.seconds = 0
        with pytest.raises(OutOfTime, match="Google has been asked"):
            sheet.version()
    assert time.monotonic() - began < GENEROUS
    assert drips.connections == 1


class Clock:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        self.asked = 0
        monkeypatch.setattr(time, "monotonic", lambda: self.now)
        monkeypatch.setattr(time, "sleep", self.pass_)

    def pass_(self, seconds: float) -> None:
        self.now += seconds

    def slow(self, _: httpx.Request) -> httpx.Response:
        self.asked += 1
        self.now += 3000
        return httpx.Response(200, json={"data": [], "has_more": False, "next_page": None})


def test_a_source_is_asked_for_so_many_hours_with_both_its_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    admin = ClaudeAdmin.open(
        base_url="https://mock.test",
        admin_key="sk-mock",
        analytics_key="sk-other",
        patience=ONCE,
        limits=Limits(pull_seconds=2 * 3600),
        transport=httpx.MockTransport(clock.slow),
    )
    admin.users()
    clock.pass_(9999)  # meanwhile other sources are pulled
    admin.enterprise_users([date(2026, 11, 1)])
    admin.users()
    with pytest.raises(OutOfTime, match=r"has been asked for 2 hours.*What was pulled before is kept"):
        admin.users()
    with pytest.raises(OutOfTime):
        admin.enterprise_users([date(2026, 11, 1)])
    assert clock.asked == 3


def test_no_wait_for_a_retry_that_would_begin_after_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    transport = httpx.MockTransport(lambda _: httpx.Response(503, headers={"retry-after": "200"}))
    client = http_client("https://mock.test", {}, transport, Limits(pull_seconds=500))
    with pytest.raises(ApiDown):
        Api(ACME, client, Patience(seconds=100_000)).get("/", {}, read=bytes)
    assert clock.now == 1000 + 2 * 200


def test_time_counts_once_while_several_threads_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    allowed = TimeAllowed(100)
    with allowed.asking() as first:
        clock.pass_(10)
        seen: list[float] = []

        def ask() -> None:
            with allowed.asking() as until:
                seen.append(until)

        thread = threading.Thread(target=ask)
        thread.start()
        thread.join()
        clock.pass_(20)
    clock.pass_(1000)
    with allowed.asking() as later:
        assert (first, seen, later) == (1100, [1100], 2030 + 70)
