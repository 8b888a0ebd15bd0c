"""Keeps requests within a provider's stated rate."""

import time
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Lock

import httpx

MINUTE = 60.0


@dataclass
class Pace:
    """An httpx request hook: at most so many requests an endpoint in any minute, over all threads of a client.

    `a_minute` names endpoints by the end of their path; the others share nothing but the default rate each. `slack` is
    seconds that our minute is longer than the provider's, who counts from when a request arrives: a first one that has
    to shake hands travels longer than the one that follows it by a minute, which would come too soon.
    """

    a_minute: Mapping[str, int]
    default: int
    slack: float = 0.0
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    _sent: dict[str, deque[float]] = field(default_factory=lambda: defaultdict(deque), init=False)
    _turn: Lock = field(default_factory=Lock, init=False)

    def __call__(self, request: httpx.Request) -> None:
        named = next((end for end in self.a_minute if request.url.path.endswith(end)), None)
        rate = self.a_minute[named] if named else self.default
        with self._turn:
            sent = self._sent[named or self._group(request)]
            if len(sent) == rate:
                self.sleep(max(0.0, sent.popleft() + MINUTE + self.slack - self.clock()))
            sent.append(self.clock())

    def _group(self, request: httpx.Request) -> str:
        """Without named endpoints all requests share one rate, as an organization's do."""
        return request.url.path if self.a_minute else ""
