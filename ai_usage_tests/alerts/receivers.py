"""Real receivers on loopback: a webhook over HTTP and a mail server. Each can be set to misbehave."""

import json
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Posted:
    """One request as received."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]


@dataclass
class Hook:
    """A webhook. It uses `answers` in order and then 200; a float is seconds without an answer."""

    url: str = ""
    answers: list[int | float] = field(default_factory=list)
    body: str = "ok"
    got: list[Posted] = field(default_factory=list)  # answered with 200
    asked: int = 0
    before_answer: Callable[[], None] = lambda: None

    @property
    def subjects(self) -> list[str]:
        return [str(one.body.get("subject") or one.body["text"]) for one in self.got]


@contextmanager
def hook(path: str = "/hook") -> Iterator[Hook]:
    """An HTTP server that takes POSTs, for as long as it is needed."""
    state = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            state.asked += 1
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            answer = state.answers.pop(0) if state.answers else 200
            if isinstance(answer, float):
                time.sleep(answer)
                self.close_connection = True
                return
            if answer == 200:
                state.got.append(Posted(self.path, {k.lower(): v for k, v in self.headers.items()}, body))
                state.before_answer()
            sent = state.body.encode()
            self.send_response(answer)
            self.send_header("content-length", str(len(sent)))
            if 300 <= answer < 400:
                self.send_header("location", state.url + "-elsewhere")
            self.end_headers()
            self.wfile.write(sent)

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        state.url = f"http://127.0.0.1:{server.server_port}{path}"
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        try:
            yield state
        finally:
            server.shutdown()


@dataclass
class Post:
    """A mail server. `answers` maps a command to answers that replace its usual one, each once and in order."""

    port: int = 0
    answers: dict[str, list[str]] = field(default_factory=dict)
    extensions: tuple[str, ...] = ("AUTH PLAIN LOGIN",)
    got: list[tuple[str, EmailMessage]] = field(default_factory=list)  # recipient, mail
    commands: list[str] = field(default_factory=list)

    @property
    def to(self) -> list[str]:
        return sorted(to for to, _ in self.got)


class _SmtpSession(socketserver.StreamRequestHandler):
    """The part of SMTP that one mail needs."""

    post: Post
    to = ""

    def handle(self) -> None:
        is_over = self.answer("CONNECT", "220 ready")
        while not is_over and (line := self.rfile.readline().decode().strip()):
            self.post.commands.append(line)
            is_over = self.obey(line)

    def obey(self, line: str) -> bool:
        command = line.split(maxsplit=1)[0].upper()
        if command == "RCPT":
            self.to = line[line.index("<") + 1 : line.index(">")]
        if command == "DATA":
            return self.answer("DATA", "354 go on", go_on="354") or self.answer("END", self.take())
        names = ["localhost", *self.post.extensions]
        offers = "\r\n".join(f"250{'-' if n < len(names) - 1 else ' '}{x}" for n, x in enumerate(names))
        usual = {"EHLO": offers, "QUIT": "221 bye", "AUTH": "235 ok"}.get(command, "250 ok")
        return self.answer(command, usual) or command == "QUIT"

    def take(self) -> str:
        lines = []
        while (line := self.rfile.readline()) not in {b".\r\n", b""}:
            lines.append(line[1:] if line.startswith(b"..") else line)
        if not self.post.answers.get("END"):
            self.post.got.append((self.to, message_from_bytes(b"".join(lines), policy=policy.SMTP)))
        return "250 taken"

    def answer(self, command: str, usual: str, go_on: str = "") -> bool:
        """True if the connection ends."""
        planned = self.post.answers.get(command, [])
        answer = planned.pop(0) if planned else usual
        if answer.startswith("silence"):
            time.sleep(float(answer.split()[1]))
            return True
        self.wfile.write(f"{answer}\r\n".encode())
        return answer.startswith("421") or not answer.startswith(go_on)


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


@contextmanager
def post() -> Iterator[Post]:
    """An SMTP server that keeps the mails it receives."""
    state = Post()
    with _Server(("127.0.0.1", 0), type("SmtpSession", (_SmtpSession,), {"post": state})) as server:
        state.port = server.server_address[1]
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        try:
            yield state
        finally:
            server.shutdown()


@contextmanager
def drip(start: bytes, every: float = 0.05) -> Iterator[int]:
    """A server that accepts any input and answers one byte at a time, forever. Yields its port."""
    is_over = threading.Event()

    class Dripping(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            rest = start
            with suppress(OSError):
                while not is_over.wait(every):
                    self.request.sendall(rest[:1] or b"a")
                    rest = rest[1:]

    with _Server(("127.0.0.1", 0), Dripping) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        try:
            yield server.server_address[1]
        finally:
            is_over.set()
            server.shutdown()


def dead_port() -> int:
    """A port without a listener."""
    with socketserver.TCPServer(("127.0.0.1", 0), socketserver.BaseRequestHandler) as server:
        return int(server.server_address[1])
