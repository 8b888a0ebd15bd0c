"""Pages of Cursor's answers: which one comes next, and the day of their records."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Any, TypeVar

import msgspec

from ai_usage.ingest.http.paging import Following, Page, Query
from ai_usage.ingest.instants import day_of_instant
from ai_usage.partitions import Span

T = TypeVar("T")


class _Row(msgspec.Struct):
    day: Any = None  # absent in older answers
    date: Any = None  # milliseconds; not midnight, but the time of day the request began with


class _Event(msgspec.Struct):
    timestamp: Any = None


class _Commit(msgspec.Struct, rename="camel"):
    created_at: Any = None  # when Cursor received it
    commit_ts: Any = None


def by_number(pages_of: Callable[[Mapping[str, Any]], int]) -> Following:
    """Pages counted from 1: the next one, until there have been as many as the answer names."""
    page = 1

    def following(got: Page) -> Query | None:
        nonlocal page
        try:
            last = int(pages_of(got.beside))
        except (KeyError, TypeError, ValueError, ZeroDivisionError) as error:
            raise ValueError(f"does not report how many pages there are ({error})") from error
        page += 1
        return {"page": page} if page <= last else None

    return following


def page_of(name: str) -> Callable[[bytes], Page]:
    """Reads a body as one page with its records in the list of this name."""
    return lambda body: Page.read(body, items=name)


def groups_page(body: bytes) -> Page:
    """Billing groups as one page, `unassignedGroup` as the last of them."""
    page = Page.read(body, items="groups")
    rest = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    beside = {name: value for name, value in page.beside.items() if name != "unassignedGroup"}
    unassigned = bytes(rest.get("unassignedGroup", b"null"))
    return Page([*page.items, *([unassigned] if unassigned != b"null" else [])], beside)


def items_of(pages: Sequence[Page]) -> list[bytes]:
    """The records of all pages, in order."""
    return [item for page in pages for item in page.items]


def row_day(record: bytes) -> date | None:
    row = _decoded(record, _Row)
    return (day_of_instant(row.day) or day_of_instant(row.date)) if row else None


_decoded_event = msgspec.json.Decoder(_Event).decode  # a year has millions of events


def event_day(record: bytes) -> date | None:
    try:
        return day_of_instant(_decoded_event(record).timestamp)
    except msgspec.ValidationError:
        return None


def commit_day(record: bytes, span: Span) -> date | None:
    """The day a commit was made on, or, if that is not in the span, the day Cursor received it."""
    commit = _decoded(record, _Commit)
    instants = (commit.commit_ts, commit.created_at) if commit else ()
    known = [day for at in instants if (day := day_of_instant(at))]
    return next((day for day in known if day in span), known[0] if known else None)


def without_message(record: bytes) -> bytes:
    """The record without its message. A record that is no object may hold a secret anywhere: it becomes null, which
    cannot be read.
    """
    fields = _decoded(record, dict[str, msgspec.Raw])
    if fields is None:
        return b"null"
    if "message" in fields:
        fields["message"] = msgspec.Raw(b"null")
    return msgspec.json.encode(fields)


def pages_of_daily_usage(beside: Mapping[str, Any]) -> int:
    found: int = beside["pagination"]["totalPages"] if beside.get("pagination") else 1
    return found


def differ(values: Iterable[object]) -> bool:
    """Whether pages have different values of what they should have in common."""
    return len({repr(each) for each in values}) > 1


def miss_records(total: str, pages: Sequence[Page]) -> bool:
    """Whether pages hold another number of records than each of them has as its total."""
    return {page.beside.get(total) for page in pages} != {sum(len(page.items) for page in pages)}


def _decoded(record: bytes, of: type[T]) -> T | None:
    """A record as far as it is needed here; None if it is none."""
    try:
        return msgspec.json.decode(record, type=of)
    except msgspec.ValidationError:
        return None
