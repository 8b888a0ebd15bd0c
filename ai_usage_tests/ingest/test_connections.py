"""Requests, proxies, broken connections, and several requests at once."""

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import msgspec
import pytest

from ai_usage.errors import SettingError
from ai_usage.ingest.http import api as http_api
from ai_usage.ingest.http.api import Api, overlapped
from ai_usage.ingest.http.client import http_client
from ai_usage.ingest.http.errors import Unreachable
from ai_usage.ingest.http.retry import Patience
from ai_usage_tests.ingest.scripted import ACME, AT_ONCE, GOOD, KEY, Script


def test_requests_name_us_wait_within_reason_and_carry_their_own_headers() -> None:
    script = Script(GOOD)
    api = script.api()
    api.get("/v1/spend", {"group_by[]": ["x", "y"]}, read=bytes, headers={"beta": "b"})
    [asked] = script.asked
    assert asked.headers["user-agent"].startswith("ai_usage/")
    assert (asked.headers["beta"], asked.headers["x-api-key"]) == ("b", KEY)
    assert asked.url.path == "/pre/v1/spend"
    assert asked.url.params.get_list("group_by[]") == ["x", "y"]
    assert api.http.timeout == httpx.Timeout(60, connect=10)
    assert api.requests == 1


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("HTTPS_PROXY", "socks5://user:hidden-word@proxy.test:1080"),
        ("HTTPS_PROXY", "ftp://user:hidden-word@proxy.test"),
        ("ALL_PROXY", "http://user:hidden-word@proxy.test:80:80"),
        ("NO_PROXY", "[::1"),
        ("HTTP_PROXY", "http://user:hidden-word@proxy.test:port"),
        ("SSL_CERT_FILE", "/no/such/hidden-word.pem"),
    ],
)
def test_an_unusable_environment_is_an_error_at_the_first_request(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    """Opening a client must not fail a run: sources that need no network continue."""
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv(variable, value)
    with http_client("https://acme.test", {"x-api-key": KEY}) as client:
        api = Api(ACME, client, AT_ONCE)
        with pytest.raises(SettingError, match=r"proxy that the environment names|SSL_CERT_FILE") as caught:
            api.get("/v1/spend", {}, read=bytes)
    assert variable in str(caught.value)
    assert "hidden-word" not in repr(caught.value)
    assert api.requests == 1


@pytest.mark.parametrize("proxy", ["http://proxy.test:99999", f"http://{'x' * 70}.test:1", "http://127.0.0.1:9"])
def test_a_proxy_that_cannot_be_reached_is_a_sentence(monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    with http_client("https://acme.test", {}) as client, pytest.raises(Unreachable, match=r"no answer from acme\.test"):
        Api(ACME, client, Patience(attempts=1)).get("/v1/spend", {}, read=bytes)


# Behavior that only a real socket shows. Each breaker gets a connection after the request was read.
def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def silent(connection: socket.socket) -> None:
    connection.shutdown(socket.SHUT_RDWR)


def short(connection: socket.socket) -> None:
    connection.sendall(b'HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{"data": [1]}')


def unfinished_chunks(connection: socket.socket) -> None:
    connection.sendall(b'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nd\r\n{"data": [1]}\r\n')


def unmarked(connection: socket.socket) -> None:
    connection.sendall(b'HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{"data": [1')


def no_gzip(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 4\r\n\r\nnope")


def well(connection: socket.socket) -> None:
    connection.sendall(b'HTTP/1.1 200 OK\r\ncontent-length: 13\r\nconnection: close\r\n\r\n{"data": [1]}')


@contextmanager
def listening(*answers: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server that handles connections one after the other in the given ways, and then closes."""

    def serve(server: socket.socket) -> None:
        for answer in answers:
            connection, _ = server.accept()
            with connection:
                while not connection.recv(65536).endswith(b"\r\n\r\n"):
                    pass
                answer(connection)

    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(5)
        thread = threading.Thread(target=serve, args=[server])
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        thread.join()


@pytest.mark.parametrize("breaks", [reset, silent, short, unfinished_chunks, unmarked, no_gzip])
def test_resets_and_truncated_bodies_are_tried_again(
    breaks: Callable[[socket.socket], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")  # for the world outside, not for loopback
    with listening(breaks, well) as url, http_client(url, {"x-api-key": KEY}) as client:
        api = Api(ACME, client, AT_ONCE)
        assert api.get("/v1/spend", {}, read=msgspec.json.decode) == {"data": [1]}
        assert api.requests == 2


def test_overlapped_answers_keep_the_order_of_the_items() -> None:
    later = threading.Event()

    def ask(item: int) -> int:
        assert later.wait(5) if item == 0 else True
        later.set()
        return item * 10

    assert overlapped(ask, range(5), at_once=2) == [0, 10, 20, 30, 40]
    assert overlapped(ask, [], at_once=2) == []


def test_no_more_requests_than_allowed_are_under_way() -> None:
    met, counting, under_way = threading.Barrier(3, timeout=5), threading.Lock(), [0, 0]

    def ask(item: int) -> int:
        with counting:
            under_way[0] += 1
            under_way[1] = max(under_way)
        met.wait()
        with counting:
            under_way[0] -= 1
        return item

    overlapped(ask, range(9), at_once=3)
    assert under_way == [0, 3]


def test_the_first_error_ends_it_though_an_earlier_item_is_still_under_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cancelled, asked = threading.Event(), []

    class Pool(ThreadPoolExecutor):
        def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002 - as inherited
            super().shutdown(wait=False, cancel_futures=cancel_futures)
            cancelled.set()
            super().shutdown(wait=wait)

    def ask(item: int) -> None:
        asked.append(item)
        if item == 1:
            raise Unreachable("the second of fifty")
        assert cancelled.wait(2)

    monkeypatch.setattr(http_api, "ThreadPoolExecutor", Pool)
    with pytest.raises(Unreachable, match="second of fifty"):
        overlapped(ask, range(50), at_once=2)
    assert set(asked) <= {0, 1, 2}
