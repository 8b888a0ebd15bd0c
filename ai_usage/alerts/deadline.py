"""A deadline for a whole exchange with a receiver. A timeout covers one read only: a receiver that sends a byte now
and then never reaches it.
"""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class Deadline:
    """Cuts its connections when the time is over: a read or write on one then raises an error."""

    def __init__(self) -> None:
        self.is_over = False
        self._connections: list[socket.socket] = []
        self._lock = threading.Lock()

    def holds(self, connection: socket.socket) -> None:
        """Cut this connection too, at once if the time is already over."""
        with self._lock:
            self._connections.append(connection)
            if self.is_over:
                _cut(connection)

    def pass_(self) -> None:
        with self._lock:
            self.is_over = True
            for connection in self._connections:
                _cut(connection)


@contextmanager
def deadline(seconds: float) -> Iterator[Deadline]:
    """A deadline this many seconds from now; canceled when the exchange ends first."""
    found = Deadline()
    timer = threading.Timer(seconds, found.pass_)
    timer.daemon = True
    timer.start()
    try:
        yield found
    finally:
        timer.cancel()


def _cut(connection: socket.socket) -> None:
    with suppress(OSError):  # closed already
        socket.socket.shutdown(connection, socket.SHUT_RDWR)  # of TLS too: the socket below it
