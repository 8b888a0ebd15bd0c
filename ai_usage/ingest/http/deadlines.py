"""Deadlines of an exchange and of a source's pull. httpx limits each single read, which a server that sends a byte per
minute never exceeds. So every connect, read and write gets no more time than the whole exchange has left.
"""

import ssl
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from math import inf
from threading import Lock
from typing import Any

import httpcore
import httpx

_latest: ContextVar[float] = ContextVar(
    "latest", default=inf
)  # the deadline of this thread's requests, by the monotonic clock
_exchange: ContextVar["_Exchange | None"] = ContextVar("exchange", default=None)  # that this thread is in


@dataclass
class _Exchange:
    """One request and its answer. Its clock starts when it first uses the network: before that it may wait for its
    turn.
    """

    seconds: float
    ends: float = inf

    def left(self) -> float:
        now = time.monotonic()
        if self.ends == inf:
            self.ends = now + self.seconds
        return min(self.ends, _latest.get()) - now


@contextmanager
def exchange(seconds: float) -> Iterator[None]:
    """Requests of this thread inside the block end within these seconds, or raise an `httpx.TimeoutException`."""
    this = _Exchange(seconds)
    before = _exchange.set(this)
    try:
        yield
    except httpx.TimeoutException:
        if time.monotonic() >= this.ends:
            raise httpx.ReadTimeout(f"the whole answer took longer than {seconds:g} seconds") from None
        raise
    finally:
        _exchange.reset(before)


@contextmanager
def no_later_than(latest: float) -> Iterator[None]:
    """Requests of this thread inside the block end by this instant of the monotonic clock."""
    before = _latest.set(min(latest, _latest.get()))
    try:
        yield
    finally:
        _latest.reset(before)


@dataclass
class TimeAllowed:
    """The total time for a source's requests, waits included. The clock stops between requests, so the sources of one
    run do not use up each other's time.
    """

    seconds: float
    _spent: float = field(default=0.0, init=False)
    _asking: int = field(default=0, init=False)  # threads that do
    _since: float = field(default=0.0, init=False)
    _counting: Lock = field(default_factory=Lock, init=False, repr=False)

    @contextmanager
    def asking(self) -> Iterator[float]:
        """Gives the instant of the monotonic clock at which the time is up."""
        with self._counting:
            if not self._asking:
                self._since = time.monotonic()
            self._asking += 1
            until = self._since + self.seconds - self._spent
        try:
            with no_later_than(until):
                yield until
        finally:
            with self._counting:
                self._asking -= 1
                if not self._asking:
                    self._spent += time.monotonic() - self._since


def hold_to_deadlines(client: httpx.Client) -> None:
    """Apply the exchange's deadline to all network operations of the client, including those through a proxy."""
    for transport in (client._transport, *client._mounts.values()):  # noqa: SLF001 - httpx has no public way to its pool
        if isinstance(transport, httpx.HTTPTransport):
            pool = transport._pool  # noqa: SLF001
            pool._network_backend = _Backend(pool._network_backend)  # noqa: SLF001


def _within(timeout: float | None) -> float | None:
    """The time-out, but at most the time that the exchange has left."""
    exchange = _exchange.get()
    if exchange is None:
        return timeout
    left = exchange.left()
    if left <= 0:
        raise httpcore.ReadTimeout("the time is up")
    return left if timeout is None else min(timeout, left)


@dataclass
class _Stream(httpcore.NetworkStream):
    inner: httpcore.NetworkStream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self.inner.read(max_bytes, _within(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self.inner.write(buffer, _within(timeout))

    def close(self) -> None:
        self.inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _Stream(self.inner.start_tls(ssl_context, server_hostname, _within(timeout)))

    def get_extra_info(self, info: str) -> Any:
        return self.inner.get_extra_info(info)


@dataclass
class _Backend(httpcore.NetworkBackend):
    inner: httpcore.NetworkBackend

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        return _Stream(self.inner.connect_tcp(host, port, _within(timeout), local_address, socket_options))

    def sleep(self, seconds: float) -> None:
        self.inner.sleep(seconds)
