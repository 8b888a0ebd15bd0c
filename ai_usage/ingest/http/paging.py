"""Pages of an answer: parses one, and reads all of them in one state of the provider's data."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import httpx
import msgspec

from ai_usage.ingest.http.bodies import FEW_BYTES
from ai_usage.ingest.http.errors import IncompleteAnswer

Query = Mapping[str, str | int | Sequence[str]]
READS_AT_MOST = 3  # of pages that contradict each other, because the provider's data moved while they were read


@dataclass(frozen=True)
class Page:
    """One page: its items as the bytes the provider sent, and the fields beside them, cursors included."""

    items: Sequence[bytes]
    beside: Mapping[str, Any]
    etag: str = ""  # where the provider sends one
    beside_bytes: int = 0

    @classmethod
    def of(cls, response: httpx.Response, *, items: str) -> "Page":
        """An answer as a page, its ETag with it."""
        return replace(cls.read(response.content, items=items), etag=response.headers.get("etag", ""))

    @classmethod
    def read(cls, body: bytes, *, items: str) -> "Page":
        """A JSON object, parted at its list `items`; `msgspec.ValidationError` if it has none."""
        fields = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
        if items not in fields:
            raise msgspec.ValidationError(f"there is no {items!r} in it")
        inside = msgspec.json.decode(fields.pop(items), type=list[msgspec.Raw])
        beside_bytes = sum(map(len, fields.values()))
        if beside_bytes > FEW_BYTES:
            raise msgspec.ValidationError(f"{beside_bytes:,} bytes stand beside its {items!r}")
        beside = {name: msgspec.json.decode(value) for name, value in fields.items()}
        return cls([bytes(item) for item in inside], beside, beside_bytes=beside_bytes)


Following = Callable[[Page], Query | None]  # what the next page's query adds; None after the last


def steady_pages(
    what: str,
    read: Callable[[], list[Page]],
    *,
    moved: Callable[[Sequence[Page]], bool] = lambda _: False,
    repeats: Callable[[Sequence[Page]], bool] | None = None,
) -> list[Page]:
    """All pages of one state of the provider's data. Numbered pages shift when records arrive or leave while they are
    read: then one record is on two pages, and another on none, though the count may be right.

    Pages that contradict each other are read again, READS_AT_MOST times in all: those that `moved` (a count or a time
    of refresh that differs from page to page), and those on which a record `repeats` (without another rule: an equal
    one stands on two neighboring pages). If two readings return the same records, the provider has that record
    twice, and a grain check reports it. Data that moved during every reading are an `IncompleteAnswer`.
    """
    before: list[bytes] | None = None
    for _ in range(READS_AT_MOST):
        pages = read()
        if moved(pages):
            continue
        if not (repeats or neighbors_overlap)(pages):
            return pages
        now = sorted(item for page in pages for item in page.items)
        if now == before:
            return pages
        before = now
    raise IncompleteAnswer(f"{what} moved during each of {READS_AT_MOST} reads: nothing of this answer is kept.")


def neighbors_overlap(pages: Sequence[Page]) -> bool:
    """Whether an equal record stands on two neighboring pages."""
    return any(not set(one.items).isdisjoint(following.items) for one, following in pairwise(pages))
