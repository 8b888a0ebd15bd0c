"""Messages over HTTP: to Slack, or to whatever takes JSON. An error never names the URL, which is a secret."""

import logging
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urlsplit

import httpx

from ai_usage.alerts.deadline import Deadline, deadline
from ai_usage.alerts.message import Item, Message
from ai_usage.errors import AiUsageError
from ai_usage.settings import LOOPBACK

SECONDS = 5.0  # to connect, and for each read of the answer
SECONDS_IN_ALL = 10.0  # for the whole exchange: a receiver may send its answer a byte at a time
BUSY = frozenset({408, 425, 500, 502, 503, 504})
SLACK_WORD = re.compile(r"[a-z_]{1,40}")  # such as no_service; the only part of an answer that is shown
SECTION_LENGTH, HEADER_LENGTH, SECTIONS = 2900, 150, 40  # Slack refuses above 3,000 characters, 150, and 50 blocks


class Undelivered(AiUsageError):
    """The channel did not take the message. It may be tried again at once or at the next tick."""

    may_retry_now: bool

    def __init__(self, why: str, *, may_retry_now: bool) -> None:
        super().__init__(why)
        self.may_retry_now = may_retry_now


class Channel(Protocol):
    """One receiver. `send` returns when the receiver has taken the message, else raises `Undelivered`."""

    @property
    def name(self) -> str:
        """The outbox identifies the channel by it; stable across restarts."""

    def send(self, message: Message) -> None: ...


@dataclass(frozen=True)
class Webhook:
    """A POST of JSON. It includes the key, so that a receiver can recognize a message it already has."""

    url: str = field(repr=False)
    name: str = "webhook"

    def send(self, message: Message) -> None:
        _post("The webhook", self.url, as_json(message), message.key)


@dataclass(frozen=True)
class Slack:
    """An incoming webhook of Slack."""

    url: str = field(repr=False)
    name: str = "slack"

    def send(self, message: Message) -> None:
        _post("Slack", self.url, as_blocks(message), message.key)


def as_json(message: Message) -> dict[str, Any]:
    """For programs: every field, and the plain text."""
    return {
        "key": message.key,
        "severity": message.severity,
        "subject": message.subject,
        "simulated": message.is_simulated,
        "counts": message.counts,
        "more": message.more,
        "items": [
            {
                "severity": item.severity,
                "title": item.title,
                "count": item.count,
                "days": [day.isoformat() for day in item.days],
                "text": item.text,
                "entries": item.entries,
                "likely_cause": item.likely_cause,
                "link": item.link,
                "runbook": item.runbook,
            }
            for item in message.items
        ],
        "text": message.text,
    }


def as_blocks(message: Message) -> dict[str, Any]:
    """For people in Slack. Text from the data stays plain text: it cannot mention anyone or make a link."""
    parts = [escaped(message.opening), *map(_marked_up, message.items), escaped(message.closing)]
    texts = list(_packed([part for part in parts if part]))
    left_out = ["_Cut here: the UI has the rest._"] if len(texts) > SECTIONS else []
    header = {"type": "plain_text", "text": message.subject[:HEADER_LENGTH], "emoji": False}
    return {
        "text": escaped(message.subject),
        "blocks": [
            {"type": "header", "text": header},
            *(
                {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}}
                for text in texts[:SECTIONS] + left_out
            ),
        ],
    }


def _marked_up(item: Item) -> str:
    """Only our own links become links."""
    text = escaped("\n".join([item.heading, *item.lines]))
    for words, link in (("Look", escaped(item.link)), ("What to do", escaped(item.runbook))):
        if link.startswith("http") and "|" not in link and len(text) + 2 <= SECTION_LENGTH:
            text = text.replace(f"\n{words}: {link}", f"\n{words}: <{link}>")
    return text


def escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _packed(parts: Sequence[str]) -> Iterator[str]:
    """Sections with as many parts as fit; a part that is too long is cut, but not within an `&amp;`."""
    packed = ""
    for part in parts:
        short = part if len(part) <= SECTION_LENGTH else re.sub(r"&[a-z]*$", "", part[:SECTION_LENGTH]) + "…"
        if packed and len(packed) + len(short) + 2 > SECTION_LENGTH:
            yield packed
            packed = ""
        packed = f"{packed}\n\n{short}" if packed else short
    if packed:
        yield packed


def _post(who: str, url: str, body: dict[str, Any], key: str) -> None:
    is_local = (urlsplit(url).hostname or "") in LOOPBACK  # a proxy cannot reach our loopback
    headers = {"Idempotency-Key": key, "user-agent": "ai_usage"}
    with deadline(SECONDS_IN_ALL) as end:
        try:
            with (
                _unlogged(),
                httpx.Client(timeout=SECONDS, trust_env=not is_local) as http,
                http.stream("POST", url, json=body, headers=headers, extensions={"trace": _held_to(end)}) as answer,
            ):
                status, word = answer.status_code, _first_word(answer) if who == "Slack" else ""
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:  # its text may contain the URL
            raise _unreached(who, error, end) from None
    if not 200 <= status < 300:
        why = f"{who} did not take the message: status {status}{f', {word}' if word else ''}."
        raise Undelivered(why, may_retry_now=status in BUSY)


def _held_to(end: Deadline) -> Callable[[str, dict[str, Any]], None]:
    """Registers with the deadline each connection that httpx opens, and its TLS wrapper."""

    def trace(event: str, details: dict[str, Any]) -> None:
        if event.endswith(("connect_tcp.complete", "start_tls.complete")):
            end.holds(details["return_value"].get_extra_info("socket"))

    return trace


def _unreached(who: str, error: Exception, end: Deadline) -> Undelivered:
    """Why nothing was delivered. After a timeout the receiver is not tried again at once."""
    if end.is_over:
        return Undelivered(f"{who} did not answer within {SECONDS_IN_ALL:.0f} s.", may_retry_now=False)
    return Undelivered(f"{who} cannot be reached ({type(error).__name__}).", may_retry_now=True)


def _first_word(answer: httpx.Response) -> str:
    """Slack's error code."""
    start = next(answer.iter_bytes(64), b"").decode(errors="replace").strip() if not answer.is_success else ""
    return start if SLACK_WORD.fullmatch(start) else ""


_IS_SECRET: ContextVar[bool] = ContextVar("is_secret", default=False)


@contextmanager
def _unlogged() -> Iterator[None]:
    """Silences the logs of httpx, which contain the URL of every request, and of httpcore, which contain headers."""
    before = _IS_SECRET.set(True)
    try:
        yield
    finally:
        _IS_SECRET.reset(before)


def _may_be_logged(_: logging.LogRecord) -> bool:
    return not _IS_SECRET.get()


for talker in ("httpx", "httpcore.connection", "httpcore.proxy", "httpcore.http11", "httpcore.http2"):
    logging.getLogger(talker).addFilter(_may_be_logged)
