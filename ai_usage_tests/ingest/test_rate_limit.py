"""Requests are as fast as the provider permits, and no faster."""

import httpx

from ai_usage.ingest.http.rate_limit import Pace


class Clock:
    """Time that passes only by sleeping."""

    now = 500.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def ask(path: str) -> httpx.Request:
    return httpx.Request("GET", f"https://provider.example/api{path}")


def test_sixty_requests_a_minute_and_no_slower() -> None:
    clock, sent = Clock(), []
    pace = Pace({}, 60, clock=lambda: clock.now, sleep=clock.sleep)
    for n in range(200):
        pace(ask(f"/any/{n}"))
        sent.append(clock.now)
        clock.now += 0.25 if n < 100 else 2
    assert all(later - sooner >= 60 for sooner, later in zip(sent, sent[60:], strict=False))
    assert sent[:60] == [500 + n / 4 for n in range(60)]
    assert sent[60:100] == [560 + n / 4 for n in range(40)]
    assert sent[199] == sent[140] + 59 * 2  # two seconds apart, as they came: nothing to hold back


def test_each_endpoint_has_a_rate_of_its_own() -> None:
    clock = Clock()
    pace = Pace({"/events": 60}, 20, clock=lambda: clock.now, sleep=clock.sleep)
    for path, permitted in (("/events", 60), ("/spend", 20), ("/members", 20)):
        for _ in range(permitted):
            pace(ask(path))
    assert clock.now == 500
    pace(ask("/spend"))
    assert clock.now == 560
