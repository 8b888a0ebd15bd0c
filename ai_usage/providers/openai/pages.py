"""Pages of OpenAI's answers: which one comes next, and the day or the id of their records. Times are unix seconds."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import msgspec

from ai_usage.ingest.http.paging import Page, Query
from ai_usage.ingest.instants import day_of_seconds

CURSORS = {"has_more", "next_page", "first_id", "last_id", "object"}


class _Bucket(msgspec.Struct):
    start_time: Any = None


class _Item(msgspec.Struct):
    id: str | int | None = None
    status: Any = None


_decoded_bucket = msgspec.json.Decoder(_Bucket).decode
_decoded_item = msgspec.json.Decoder(_Item).decode


def by_page_token(page: Page) -> Query | None:
    """Reports: what follows `next_page`, while `has_more`. More without a token is a contradiction."""
    token = page.beside.get("next_page")
    if not page.beside.get("has_more", bool(token)):
        return None
    if not token:
        raise ValueError("reports more and names no next page")
    return {"page": token}


def by_last_id(page: Page) -> Query | None:
    """Lists: what follows the last item, while `has_more`."""
    if not page.beside.get("has_more"):
        return None
    last = id_of(page.items[-1]) if page.items else None
    if last is None:
        raise ValueError("reports more and has no last item with an id")
    return {"after": last}


def items_of(pages: Sequence[Page]) -> list[bytes]:
    """The records of all pages, in order."""
    return [item for page in pages for item in page.items]


def bucket_day(bucket: bytes) -> date | None:
    """The UTC day a bucket or row begins on; None if it cannot be read."""
    try:
        return day_of_seconds(_decoded_bucket(bucket).start_time)
    except msgspec.ValidationError:
        return None


def bucket_of(body: bytes) -> tuple[date | None, Page | None]:
    """A bucket's day and its results, each None if it cannot be read."""
    try:
        bucket = Page.read(body, items="results")
    except msgspec.ValidationError:
        return bucket_day(body), None
    return day_of_seconds(bucket.beside.get("start_time")), bucket


def id_of(record: bytes) -> str | None:
    """An item's id as text; None where it has none."""
    try:
        found = _decoded_item(record).id
    except msgspec.ValidationError:
        return None
    return None if found is None else str(found)


def is_archived(project: bytes) -> bool:
    """Whether a project of a list, which has an id, is archived."""
    return bool(_decoded_item(project).status == "archived")


def name_an_item_twice(pages: Sequence[Page]) -> bool:
    """Whether an item of a list has two records, on one page or on two."""
    ids = [found for record in items_of(pages) if (found := id_of(record))]
    return len(set(ids)) < len(ids)


def envelope_of(*parts: Page) -> dict[str, Any]:
    """The fields of pages and buckets beside their records, without the cursors."""
    return {name: value for part in parts for name, value in part.beside.items() if name not in CURSORS}
