"""Misbehaving servers: they send a byte at a time, never end, or send more than memory can hold. Raw sockets, since no
library answers like that.
"""

import socket
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
MEGABYTE = 2**20

Treat = Callable[[socket.socket], None]


@dataclass
class Served:
    url: str
    port: int
    over: threading.Event
    connections: int = field(default=0)


@contextmanager
def serving(treat: Treat, *, reads: bool = True) -> Iterator[Served]:
    """A server that reads each request's head if `reads` is set and calls `treat` with the connection, in a thread."""

    def one(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.settimeout(20)
            while reads and not (received := connection.recv(65536)).endswith(b"\r\n\r\n"):
                if not received:
                    return
            treat(connection)

    def serve(server: socket.socket) -> None:
        while not served.over.is_set():
            try:
                connection, _ = server.accept()
            except TimeoutError:
                continue
            served.connections += 1
            threading.Thread(target=one, args=[connection], daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.05)
        port = server.getsockname()[1]
        served = Served(f"http://127.0.0.1:{port}", port, threading.Event())
        thread = threading.Thread(target=serve, args=[server])
        thread.start()
        try:
            yield served
        finally:
            served.over.set()
            thread.join()


def dripping(before: bytes = b"", drop: bytes = b"x", every: float = 0.05, seconds: float = 20.0) -> Treat:
    """Sends the start at once, and then a byte at a time for longer than a test waits."""

    def treat(connection: socket.socket) -> None:
        connection.sendall(before)
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            connection.sendall(drop)
            time.sleep(every)

    return treat


def silent(connection: socket.socket) -> None:
    """Sends nothing while the client stays connected."""
    while connection.recv(65536):
        pass


def sending(body: bytes, head: bytes = HEAD, repeat: int = 1) -> Treat:
    """One answer that ends with the connection: a body, once or repeated."""

    def treat(connection: socket.socket) -> None:
        connection.sendall(head + b"connection: close\r\n\r\n")
        for _ in range(repeat):
            connection.sendall(body)

    return treat


def bomb(megabytes: int) -> bytes:
    """Many zeros, in a thousandth of their size. The end is missing: no client should reach it."""
    stream = zlib.compressobj(9, wbits=zlib.MAX_WBITS | 16)

    def packed(data: bytes) -> bytes:
        return stream.compress(data) + stream.flush(zlib.Z_FULL_FLUSH)

    return packed(b'{"data": [') + packed(b" " * MEGABYTE) * megabytes
