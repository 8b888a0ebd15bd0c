"""The limits of an answer: bytes on the wire and decompressed, pages, records, depth. No answer may make the process
run out of memory, since it could not report why.
"""

import re
import zlib
from array import array
from codecs import getincrementaldecoder
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

import httpx

from ai_usage.settings import Settings

MEGABYTE = 2**20
ERROR_BYTES = 2**16  # of a refusal's body: explanations are shorter
VALUE_BYTES = 16  # of a large page in the mean: values of fewer take many times their bytes in memory
RECORD_BYTES = 256  # the same of an answer's records, which become columns too, or rejections
FEW_BYTES = 4 * MEGABYTE  # of a page that may be made of anything
UTF8_AT_ONCE = MEGABYTE

STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
STEPS = bytes({ord("["): 1, ord("{"): 1, ord("]"): 255, ord("}"): 255}.get(byte, 0) for byte in range(256))


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The limits for a provider. Beyond them, an answer is an error that names the setting."""

    answer_seconds: float = 120.0  # one request with its whole answer
    pull_seconds: float = 6 * 3600.0  # all requests and waits of a source in one run
    page_bytes: int = 64 * MEGABYTE
    answer_bytes: int = 128 * MEGABYTE  # all pages
    pages: int = 10_000  # more is a cursor that runs in circles
    depth: int = 250

    @classmethod
    def of(cls, settings: Settings) -> "Limits":
        return cls(
            answer_seconds=settings.answer_seconds,
            pull_seconds=settings.pull_hours * 3600.0,
            page_bytes=settings.page_megabytes * MEGABYTE,
            answer_bytes=settings.answer_megabytes * MEGABYTE,
            pages=settings.answer_pages,
            depth=settings.json_depth,
        )


class TooMuch(Exception):
    """More than a limit allows; the text names the limit."""


class Undecodable(Exception):
    """A body with a compression that is broken, unfinished, or not one that was asked for."""


def body_of(response: httpx.Response, limits: Limits) -> bytes:
    """The body of a streamed answer, decompressed. Only the beginning for a refusal; otherwise all of it, or
    `TooMuch`.
    """
    is_refusal = response.status_code != httpx.codes.OK
    at_most = ERROR_BYTES if is_refusal else limits.page_bytes
    parts: list[bytes] = []
    left = at_most
    for part in _decompressed(response, at_most):
        parts.append(part[:left])
        left -= len(part)
        if left < 0 and not is_refusal:
            raise TooMuch(f"is larger than {_megabytes(at_most)} (AI_USAGE_PAGE_MEGABYTES)")
        if left <= 0 and is_refusal:
            break
    body = parts[0] if len(parts) == 1 else b"".join(parts)
    values = limits.page_bytes // VALUE_BYTES
    if len(body) > FEW_BYTES and body.count(b",") > values:
        raise TooMuch(f"has more than {values:,} values (AI_USAGE_PAGE_MEGABYTES)")
    return body


def _decompressed(response: httpx.Response, at_most: int) -> Iterator[bytes]:
    """Parts of the body, none much larger than what is taken in all."""
    coding = response.headers.get("content-encoding", "").strip().lower() or "identity"
    raw: Iterable[bytes] = [response.content] if response.is_stream_consumed else response.iter_raw()
    if coding == "identity" or response.is_stream_consumed:
        yield from raw
    elif coding in ("gzip", "x-gzip", "deflate"):
        yield from _inflated(raw, at_most)
    else:
        raise Undecodable(f"it is encoded as {coding[:40]!r}, which was not asked for")


def _inflated(raw: Iterable[bytes], at_most: int) -> Iterator[bytes]:
    """Gzip and zlib are known by their first byte; what is neither is deflate alone, as some servers send it."""
    stream = None
    on_the_wire = 0
    try:
        for part in filter(None, raw):
            if stream is None:
                is_wrapped = part[0] == 0x1F or part[0] & 0x0F == 8
                stream = zlib.decompressobj(zlib.MAX_WBITS | 32 if is_wrapped else -zlib.MAX_WBITS)
            on_the_wire += len(part)
            if on_the_wire > at_most:
                raise TooMuch(f"is larger than {_megabytes(at_most)} (AI_USAGE_PAGE_MEGABYTES)")
            waiting = part
            while waiting and not stream.eof:
                yield stream.decompress(waiting, MEGABYTE)
                waiting = stream.unconsumed_tail
    except zlib.error as error:
        raise Undecodable(str(error)) from None
    if stream is None:
        return
    yield stream.flush()
    if not stream.eof:
        raise Undecodable("it is compressed and ends early")


def refuse_bad_utf8(body: bytes) -> None:
    """`UnicodeDecodeError` for what is no UTF-8; msgspec looks at the text alone that it decodes."""
    if not body.isascii():
        decoder = getincrementaldecoder("utf-8")()
        view = memoryview(body)
        for at in range(0, len(body), UTF8_AT_ONCE):
            decoder.decode(view[at : at + UTF8_AT_ONCE])
        decoder.decode(b"", final=True)


@dataclass
class Room:
    """The rest of the limits for the next pages of one answer."""

    limits: Limits
    read_bytes: int = 0
    records: int = 0
    beside_bytes: int = 0

    def take(self, body: int, records: int, beside: int) -> None:
        """Count a page; `TooMuch` if it exceeds the limits."""
        self.read_bytes += body
        self.records += records
        self.beside_bytes += beside
        at_most = self.limits.answer_bytes
        if self.read_bytes > at_most:
            raise TooMuch(f"has pages of more than {_megabytes(at_most)} (AI_USAGE_ANSWER_MEGABYTES)")
        if self.records > at_most // RECORD_BYTES:
            raise TooMuch(f"has more than {at_most // RECORD_BYTES:,} records (AI_USAGE_ANSWER_MEGABYTES)")
        if self.beside_bytes > 2 * FEW_BYTES:
            raise TooMuch(f"has more than {_megabytes(2 * FEW_BYTES)} beside its records")


def are_too_deep(records: Sequence[bytes], depth: int) -> bool:
    """Whether lists and objects of a record are nested deeper than `depth`. A level takes at least two bytes, and most
    records are too short for it.
    """
    if max(map(len, records), default=0) <= 2 * depth:
        return False
    return any(_is_too_deep(record, depth) for record in records if len(record) > 2 * depth)


def _is_too_deep(record: bytes, depth: int) -> bool:
    if record.count(b"[") + record.count(b"{") <= depth:
        return False
    steps = array("b", STRING.sub(b"", record).translate(STEPS))
    return max(accumulate(steps), default=0) > depth


def _megabytes(size: int) -> str:
    return f"{size / MEGABYTE:g} MB"
