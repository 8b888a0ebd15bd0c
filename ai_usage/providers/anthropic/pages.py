"""Pages of Claude's answers: which one comes next, and the day, the id and the person of their records."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import msgspec

from ai_usage.ingest.http.paging import Page, Query
from ai_usage.ingest.instants import day_of_instant


class _Bucket(msgspec.Struct):
    starting_at: str | int | float | None = None


class _Dated(msgspec.Struct):
    date: str | int | float | None = None


class _Item(msgspec.Struct):
    id: str | int | None = None


class _OfUser(msgspec.Struct):
    user: _Item | None = None


def by_page_token(page: Page) -> Query | None:
    """Reports: `next_page` as long as there is one. `has_more` without it is a contradiction."""
    token = page.beside.get("next_page")
    if token is None and page.beside.get("has_more"):
        raise ValueError("reports more and names no next page")
    return None if token is None else {"page": token}


def by_last_id(page: Page) -> Query | None:
    """Lists: what follows the last id, while `has_more`."""
    if not page.beside.get("has_more"):
        return None
    if page.beside.get("last_id") is None:
        raise ValueError("reports more and names no last id")
    return {"after_id": page.beside["last_id"]}


def by_token_or_last_id(page: Page) -> Query | None:
    """Of an endpoint with an undocumented cursor: whichever it sends."""
    return by_page_token(page) if page.beside.get("next_page") is not None else by_last_id(page)


def items_of(pages: Sequence[Page]) -> list[bytes]:
    """The records of all pages, in order."""
    return [item for page in pages for item in page.items]


_decoded_bucket = msgspec.json.Decoder(_Bucket).decode
_decoded_date = msgspec.json.Decoder(_Dated).decode


def bucket_day(bucket: bytes) -> date | None:
    """The UTC day a bucket or row begins on, in whatever form; None if it cannot be read."""
    try:
        return day_of_instant(_decoded_bucket(bucket).starting_at)
    except msgspec.ValidationError:
        return None


def bucket_of(body: bytes) -> tuple[date | None, Page | None]:
    """A bucket's day and its results, each None if it cannot be read."""
    try:
        bucket = Page.read(body, items="results")
    except msgspec.ValidationError:
        return bucket_day(body), None
    return day_of_instant(bucket.beside.get("starting_at")), bucket


def record_day(record: bytes) -> date | None:
    """The UTC day in a record's `date`; None if it cannot be read."""
    try:
        return day_of_instant(_decoded_date(record).date)
    except msgspec.ValidationError:
        return None


def id_of(record: bytes) -> str | None:
    """An item's id as text; None where it has none."""
    try:
        found = msgspec.json.decode(record, type=_Item).id
    except msgspec.ValidationError:
        return None
    return None if found is None else str(found)


def name_a_person_twice(pages: Sequence[Page]) -> bool:
    """Whether a person has two records, on one page or on two."""
    people = [person for record in items_of(pages) if (person := _user_id(record))]
    return len(set(people)) < len(people)


def _user_id(record: bytes) -> str | None:
    try:
        user = msgspec.json.decode(record, type=_OfUser).user
    except msgspec.ValidationError:
        return None
    return None if user is None or user.id is None else str(user.id)


def envelope_of(*parts: Page) -> dict[str, Any]:
    """The fields of pages and buckets beside their records, without the cursors."""
    cursors = {"has_more", "next_page", "first_id", "last_id"}
    return {name: value for part in parts for name, value in part.beside.items() if name not in cursors}


def one_object(body: bytes) -> bytes:
    """The body itself, if it is an object with an id."""
    if id_of(body) is None:
        raise msgspec.ValidationError("there is no id in it")
    return body
