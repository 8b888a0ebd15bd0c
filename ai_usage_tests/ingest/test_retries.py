"""Which failures are retried, how often and how long."""

import logging
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest

from ai_usage.ingest.http.errors import (
    ApiDown,
    DamagedAnswer,
    RateLimited,
    UnexpectedAnswer,
    Unreachable,
)
from ai_usage.ingest.http.retry import Patience, retry_after
from ai_usage_tests.ingest.scripted import AT_ONCE, GOOD, Script, Step, refused


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
        except (ApiDown, Unreachable):
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
    with pytest.raises(ApiDown):
        script.page(Patience(attempts=6, first_wait=1, longest_wait=5, jitter=0))
    assert clock.slept == [1, 2, 4, 5, 5]


def test_waits_are_jittered(clock: Clock) -> None:
    with pytest.raises(ApiDown):
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
            for header in ("0", "-5", "nan", "1e-9", "1", "Fri, 20 Nov 2020 15:31:00 GMT")  # shorter than our own waits
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
    with pytest.raises(ApiDown):
        script.page(Patience(attempts=1000, seconds=60, first_wait=1, jitter=0, longest_wait=5))
    assert len(script.asked) == 5  # they begin after 0, 11, 23, 37 and 52 seconds; the next would begin after 67
    assert clock.now == 1062
