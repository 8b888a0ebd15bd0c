"""HTTP for every provider: what is retried, and how long; what an error contains; pages that must be consistent."""

import logging
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import msgspec
import pytest

from ai_usage.errors import SettingError
from ai_usage.ingest.http import api as http_api
from ai_usage.ingest.http.api import Api, overlapped
from ai_usage.ingest.http.client import http_client
from ai_usage.ingest.http.errors import (
    BadRequest,
    DamagedAnswer,
    IncompleteAnswer,
    KeyRefused,
    NotFound,
    NotPermitted,
    NotTheApi,
    RateLimited,
    Refused,
    UnexpectedAnswer,
    Unreachable,
    VendorDown,
    VendorError,
)
from ai_usage.ingest.http.paging import Page, Query, steady_pages
from ai_usage.ingest.http.refusals import Vendor
from ai_usage.ingest.http.retry import Patience, retry_after

KEY = "sk-secret-0123456789"
AT_ONCE = Patience(attempts=4, first_wait=0, jitter=0)
ACME = Vendor(
    name="Acme",
    advice={
        300: "Mend ACME_URL.",
        400: "Ask the maintainers.",
        401: "Set ACME_KEY.",
        403: "It needs read:spend.",
        404: "See the plan.",
        429: "Come back later.",
        500: "See their status page.",
    },
)
GOOD = httpx.Response(200, json={"data": [1]})
Step = httpx.Response | Exception | Callable[[], httpx.Response]


class Script:
    """A provider that answers step by step and then repeats the last; `asked` holds the requests."""

    def __init__(self, *steps: Step) -> None:
        self.steps = list(steps)
        self.asked: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        step = self.steps.pop(0) if len(self.steps) > 1 else self.steps[0]
        if isinstance(step, Exception):
            raise step
        answer = step if isinstance(step, httpx.Response) else step()
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)

    def api(self, patience: Patience = AT_ONCE) -> Api:
        transport = httpx.MockTransport(self)
        return Api(ACME, http_client("https://acme.test/pre", {"x-api-key": KEY}, transport), patience)

    def page(self, patience: Patience = AT_ONCE) -> Page:
        return self.api(patience).get("/v1/spend", {"a": 1}, read=lambda body: Page.read(body, items="data"))

    def pages(self, following: Callable[[Page], Query | None] | None = None, cap: int = 9) -> list[Page]:
        return self.api().pages("/v1/spend", {"a": 1}, following=following or by_next, cap=cap)


def by_next(page: Page) -> Query | None:
    return {"page": page.beside["next"]} if page.beside.get("next") else None


def sheet(data: list[int], to: str | None = None) -> httpx.Response:
    return httpx.Response(200, json={"data": data, "next": to})


def refused(status: int, **headers: str) -> httpx.Response:
    body = {"error": {"type": "some_error", "message": "Something is off"}, "request_id": "req_in_body"}
    return httpx.Response(status, json=body, headers={k.replace("_", "-"): v for k, v in headers.items()})


class Clock:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(time, "monotonic", lambda: clock.now)
    monkeypatch.setattr(time, "sleep", clock.sleep)
    return clock


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504, 529])
def test_a_temporary_failure_is_retried(status: int) -> None:
    script = Script(refused(status), refused(status), GOOD)
    assert script.page().items == [b"1"]
    assert len(script.asked) == 3


@pytest.mark.parametrize(
    "broken",
    [
        httpx.ConnectError("refused"),
        httpx.ConnectTimeout("slow"),
        httpx.ReadTimeout("slow"),
        httpx.ReadError("reset"),
        httpx.RemoteProtocolError("peer closed"),
        httpx.Response(200, content=b'{"data": [1'),
        httpx.Response(200, content=b"busy", headers={"content-type": "application/json"}),
        httpx.Response(200, content=b""),
        httpx.Response(200, content=b'{"data": ["\xff"]}'),
    ],
    ids=repr,
)
def test_a_broken_answer_is_tried_again_and_then_is_an_error(broken: Step) -> None:
    assert Script(broken, GOOD).page().items == [b"1"]
    script = Script(broken)
    with pytest.raises((Unreachable, DamagedAnswer), match="Acme /v1/spend"):
        script.page()
    assert len(script.asked) == AT_ONCE.attempts


LOGIN = b"\n<!DOCTYPE html><html><head><title>Sign in</title><style>b{}</style></head><body>to <b>Corp</b> net</body>"


@pytest.mark.parametrize(
    ("page", "what"),
    [
        (httpx.Response(200, html=LOGIN.decode()), "text/html with status 200 that begins with “Sign in to Corp net”"),
        (httpx.Response(200, content=LOGIN), "a body without a content type with status 200 that begins with “Sign in"),
        (
            httpx.Response(200, text=f"Please log in, {KEY}\x1b[31m" + "!" * 999),
            "text/plain with status 200 that begins with “Please log in, (key) [31m!",
        ),
        (
            httpx.Response(200, content=b"<script>", headers={"content-type": "text/html"}),
            "text/html with status 200, ",
        ),
    ],
)
def test_a_page_of_a_proxy_is_named_and_not_requested_again(page: httpx.Response, what: str) -> None:
    script = Script(page)
    with pytest.raises(NotTheApi) as caught:
        script.page()
    assert len(script.asked) == 1
    assert str(caught.value).startswith(f"Acme /v1/spend: the answer is {what}")
    assert str(caught.value).endswith("check the network's proxy and the base URL.")
    assert len(str(caught.value)) < 300


REFUSALS: list[tuple[httpx.Response, type[Refused], str]] = [
    (refused(400), BadRequest, "Ask the maintainers."),
    (refused(401), KeyRefused, "Set ACME_KEY."),
    (refused(402), BadRequest, "Ask the maintainers."),
    (refused(403), NotPermitted, "It needs read:spend."),
    (refused(404), NotFound, "See the plan."),
    (refused(429, x_should_retry="false"), RateLimited, "Come back later."),
    (refused(500, x_should_retry="false"), VendorDown, "See their status page."),
    (refused(501), VendorDown, "See their status page."),
    (refused(302, location="https://elsewhere.test/"), BadRequest, "Mend ACME_URL."),
]


@pytest.mark.parametrize(("answer", "kind", "advice"), REFUSALS)
def test_a_permanent_refusal_is_raised_at_once_with_all_details(
    answer: httpx.Response, kind: type[Refused], advice: str
) -> None:
    script = Script(answer)
    with pytest.raises(kind) as caught:
        script.page()
    assert type(caught.value) is kind
    assert [request.url.host for request in script.asked] == ["acme.test"]
    assert str(caught.value) == (
        f"Acme /v1/spend answered {answer.status_code}: Something is off (some_error); request id req_in_body. {advice}"
    )


@pytest.mark.parametrize("name", ["request-id", "x-request-id"])
def test_the_request_id_of_the_header_comes_first(name: str) -> None:
    with pytest.raises(KeyRefused, match="request id req_in_header"):
        Script(httpx.Response(401, json={"request_id": "req_b"}, headers={name: "req_in_header"})).page()


@pytest.mark.parametrize(
    ("content", "quoted"),
    [
        (b"", ": no explanation; request id none. Set"),
        (b"<h1>\n  Bad\n  gateway</h1>", ": <h1> Bad gateway</h1>;"),
        (b'{"error": "plain"}', ': {"error": "plain"};'),
        (b'{"error": {"message": "no type"}}', ": no type;"),
        (b'{"error": {"message": "\xff"}}', "\ufffd"),
    ],
)
def test_an_error_body_of_any_shape_is_quoted_on_one_line(content: bytes, quoted: str) -> None:
    with pytest.raises(KeyRefused) as caught:
        Script(httpx.Response(401, content=content)).page()
    assert quoted in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "step",
    [
        httpx.Response(401, json={"error": {"message": f"invalid x-api-key {KEY}"}}),
        httpx.Response(502, content=b" " * 190 + f"x-api-key: {KEY}".encode()),
        httpx.ConnectError("refused"),
        httpx.Response(200, content=b"{"),
    ],
    ids=repr,
)
def test_no_error_and_no_log_holds_the_key(step: Step, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    script = Script(step)
    with pytest.raises(VendorError) as caught:
        script.page()
    texts = [caplog.text, repr(script.api())]
    chain: BaseException | None = caught.value
    while chain is not None:
        texts += [str(chain), repr(chain)]
        chain = chain.__cause__ or chain.__context__
    assert script.asked[0].headers["x-api-key"] == KEY
    assert KEY[:9] not in "\n".join(texts)


@pytest.mark.parametrize("key", [f"{KEY}\n", f"{KEY[:9]}…", f"{KEY}\x00"])
def test_a_key_that_no_header_can_hold_is_refused_without_being_quoted(key: str) -> None:
    with pytest.raises(SettingError, match="x-api-key") as caught:
        http_client("https://acme.test", {"x-api-key": key})
    assert KEY[:9] not in repr(caught.value)


def test_each_retry_is_logged_on_one_line(caplog: pytest.LogCaptureFixture) -> None:
    Script(refused(529), refused(503, retry_after="0"), GOOD).page()
    assert [r.getMessage()[:27] for r in caplog.records if r.levelno >= logging.WARNING] == [
        "Acme /v1/spend answered 529",
        "Acme /v1/spend answered 503",
    ]


@pytest.mark.parametrize("down", [refused(503), httpx.ConnectError("refused")])
def test_after_an_outage_one_try_is_made_until_it_answers(down: Step) -> None:
    script = Script(*[down] * (4 + 1), GOOD, down)
    api = script.api()

    def asked() -> int:
        before = len(script.asked)
        try:
            api.get("/v1/spend", {}, read=bytes)
        except (VendorDown, Unreachable):
            return before - len(script.asked)
        return len(script.asked) - before

    assert [asked() for _ in range(5)] == [-4, -1, 1, -4, -1]


def test_json_of_another_shape_is_not_asked_for_again() -> None:
    shapes: list[object] = [{"rows": []}, {"data": None}, [], {"data": {}}]
    for shape in shapes:
        script = Script(httpx.Response(200, json=shape, headers={"request-id": "req_7"}))
        with pytest.raises(UnexpectedAnswer, match=r"Acme /v1/spend.*req_7"):
            script.page()
        assert len(script.asked) == 1


def test_waits_double_up_to_the_longest(clock: Clock) -> None:
    script = Script(refused(529))
    with pytest.raises(VendorDown):
        script.page(Patience(attempts=6, first_wait=1, longest_wait=5, jitter=0))
    assert clock.slept == [1, 2, 4, 5, 5]


def test_waits_are_jittered(clock: Clock) -> None:
    with pytest.raises(VendorDown):
        Script(refused(529)).page(Patience(attempts=30, first_wait=1, longest_wait=1.5, jitter=0.5, seconds=99))
    assert all(1 <= wait <= 1.5 for wait in clock.slept)
    first_waits = set()
    for _ in range(5):
        clock.slept.clear()
        Script(refused(529), GOOD).page(Patience(first_wait=1, jitter=0.5))
        first_waits |= set(clock.slept)
    assert len(first_waits) > 1


def test_the_provider_sets_how_long_to_wait(clock: Clock) -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)
    Script(refused(429, retry_after="7"), refused(529, retry_after="1.5"), GOOD).page()
    Script(refused(429, retry_after=date), GOOD).page()
    assert clock.slept[:2] == [7, 1.5]
    assert 80 < clock.slept[2] <= 100


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None), ("", None), ("soon", None), ("12", 12), ("0", None), ("-3", None), ("nan", None), ("-inf", None),
        ("Fri, 20 Nov 2026 15:32:30 GMT", 30), ("Fri, 20 Nov 2026 15:31:00 GMT", None), ("Fri, 20 Nov", None),
        ("Fri, 20 Nov 2026 15:32:30 -0000", None),
    ],
)  # fmt: skip
def test_retry_after_is_seconds_or_a_date(header: str | None, seconds: float | None) -> None:
    assert retry_after(header, now=lambda: datetime(2026, 11, 20, 15, 32, tzinfo=UTC)) == seconds


@pytest.mark.parametrize(
    ("patience", "header", "slept"),
    [
        (Patience(seconds=30), "31", []),
        (Patience(seconds=30), "inf", []),
        (Patience(seconds=30), "20", [20]),
        (Patience(seconds=30, first_wait=8, jitter=0), None, [8, 16]),
        (Patience(seconds=30, first_wait=8, jitter=0, longest_wait=10), None, [8, 10, 10]),
        *[
            (Patience(seconds=30, first_wait=8, jitter=0, longest_wait=10), header, [8, 10, 10])
            for header in ("0", "-5", "nan", "1e-9", "1", "Fri, 20 Nov 2020 15:31:00 GMT")  # no faster than we are
        ],
        (Patience(seconds=30, first_wait=8, jitter=0, longest_wait=10), "9", [9, 10, 10]),
    ],
)
def test_no_attempt_begins_past_the_patience(
    clock: Clock, patience: Patience, header: str | None, slept: list[float]
) -> None:
    script = Script(refused(429, **({"retry_after": header} if header else {})))
    with pytest.raises(RateLimited):
        script.page(patience)
    assert clock.slept == slept


def test_a_slow_outage_ends_with_the_patience_whatever_the_count(clock: Clock) -> None:
    def slow() -> httpx.Response:
        clock.now += 10
        return refused(503)

    script = Script(slow)
    with pytest.raises(VendorDown):
        script.page(Patience(attempts=1000, seconds=60, first_wait=1, jitter=0, longest_wait=5))
    assert len(script.asked) == 5  # begun after 0, 11, 23, 37 and 52 seconds; the next would be after 67
    assert clock.now == 1062


def test_pages_are_followed_to_the_last_and_a_page_is_asked_for_again_alone() -> None:
    script = Script(sheet([1], "b"), refused(500), sheet([2, 3], "c"), sheet([]))
    assert [item for page in script.pages() for item in page.items] == [b"1", b"2", b"3"]
    asked = [dict(request.url.params) for request in script.asked]
    assert asked == [{"a": "1"}, {"a": "1", "page": "b"}, {"a": "1", "page": "b"}, {"a": "1", "page": "c"}]


def contradicts(_: Page) -> Query | None:
    raise ValueError("contradicts itself")


@pytest.mark.parametrize(
    ("steps", "following", "why"),
    [
        ([sheet([1], "b"), sheet([2], "b")], None, "same cursor twice"),
        ([sheet([1], "b"), sheet([2], "c"), sheet([3], "b")], None, "same cursor twice"),
        ([sheet([1], "b"), sheet([], "c")], None, "more after an empty page"),
        ([sheet([n], f"after {n}") for n in range(9)], None, "more than 9 pages"),
        ([sheet([1])], contradicts, "contradicts itself"),
    ],
)
def test_inconsistent_pages_are_refused(
    steps: list[Step], following: Callable[[Page], Query | None] | None, why: str
) -> None:
    with pytest.raises(IncompleteAnswer, match=f"Acme /v1/spend .*{why}.*nothing of this answer is kept"):
        Script(*steps, sheet([99])).pages(following)


def test_as_many_pages_as_the_limit_are_accepted() -> None:
    assert len(Script(sheet([1], "b"), sheet([2], "c"), sheet([3])).pages(cap=3)) == 3


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
    """Opening a client fails no run: sources that need no network continue."""
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


# What only a real socket shows. Each breaker gets a connection after the request was read.
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


def readings(*of: list[list[int]]) -> Callable[[], list[Page]]:
    """The readings in order: each has pages, and each page has records."""
    left = iter(of)
    return lambda: [Page([str(item).encode() for item in page], {"total": len(page)}) for page in next(left)]


def records(pages: list[Page]) -> list[list[int]]:
    return [[int(item) for item in page.items] for page in pages]


CLEAN = [[1, 2], [3, 4], [5]]
SHIFTED = [[1, 2], [2, 3], [5]]  # 2 on two pages, 4 on none, the count right


def test_pages_that_agree_are_read_once() -> None:
    assert records(steady_pages("Acme", readings(CLEAN))) == CLEAN
    assert records(steady_pages("Acme", readings([[1, 1, 1]]))) == [[1, 1, 1]]  # one page cannot shift


@pytest.mark.parametrize(
    ("reads", "kept"),
    [
        ([SHIFTED, CLEAN], CLEAN),
        ([SHIFTED, SHIFTED], SHIFTED),  # it is there twice
        ([SHIFTED, [[2, 1], [3, 2], [5]]], [[2, 1], [3, 2], [5]]),  # the same records in another order
        ([SHIFTED, [[1, 2], [3, 3], [3, 5]], CLEAN], CLEAN),
        ([SHIFTED, [[1, 2], [3, 3], [3, 5]], [[1, 2], [3, 3], [3, 5]]], [[1, 2], [3, 3], [3, 5]]),
        ([[[1, 2, 3], [2, 3, 4]], CLEAN], CLEAN),  # a shift by more than one
    ],
)
def test_pages_that_overlap_are_read_again_until_two_readings_agree(
    reads: list[list[list[int]]], kept: list[list[int]]
) -> None:
    """Case 16."""
    assert records(steady_pages("Acme", readings(*reads))) == kept


def test_pages_that_change_at_each_reading_are_refused() -> None:
    shifting = [[[n, n + 1], [n + 1, n + 3]] for n in range(3)]
    with pytest.raises(IncompleteAnswer, match="Acme moved during each of 3 reads"):
        steady_pages("Acme", readings(*shifting))


def test_pages_of_two_states_are_read_again_even_if_they_repeat() -> None:
    moved = lambda pages: len({page.beside["total"] for page in pages}) > 1  # noqa: E731
    even, uneven = [[1, 2], [3, 4]], [[1, 2], [3]]
    assert records(steady_pages("Acme", readings(uneven, uneven, even), moved=moved)) == even
    with pytest.raises(IncompleteAnswer):
        steady_pages("Acme", readings(uneven, uneven, uneven), moved=moved)
