"""Applies a fault to an answer's content: missing, repeated, thin or unknown records. Knows no provider."""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import msgspec

from ai_usage.simulator.faults import Fault

OPEN_SETS = ("cost_type", "service_tier", "customer_type", "status", "role", "kind", "commitSource", "quantity_unit")
GOOGLE_LISTS = ("timeSeries", "entries", "orders", "licensedUsers")
LISTS = (  # where answers keep their records
    *("data", "usageEvents", "teamMembers", "teamMemberSpend", "groups", "items"),
    *GOOGLE_LISTS,
)
REQUIRED = (  # counts that are sent even at zero, in records that name their `object`
    *("input_tokens", "output_tokens", "num_model_requests", "num_requests", "num_sessions"),
    *("images", "seconds", "characters", "usage_bytes"),
)


def bent(fault: Fault, body: bytes, cursor: str | None, first_page: str, end: Any) -> bytes:
    if fault.kind == "cut_json":
        return body[: len(body) // 2]
    content = json.loads(body, parse_float=Decimal)
    if fault.kind in BENDS:
        BENDS[fault.kind](fault, content, end)
    elif fault.kind in ("repeated_cursor", "empty_page"):
        _promise_more(fault, content, cursor, first_page)
    else:
        return body
    return msgspec.json.Encoder(decimal_format="number").encode(content)


def _promise_more(fault: Fault, content: Any, cursor: str | None, first_page: str) -> None:
    if fault.kind == "empty_page":
        content[_list(content)] = []
    if _list(content) in GOOGLE_LISTS:
        content["nextPageToken"] = cursor or first_page
        return
    if "has_more" not in content and "next_page" not in content:  # pages with numbers: there is no cursor to repeat
        content |= {"pagination": content["pagination"] | {"hasNextPage": True}} if "pagination" in content else {}
        return
    if "has_more" in content:
        content["has_more"] = True
    if "next_page" in content:
        content["next_page"] = cursor or first_page
    else:
        content["first_id"] = content["last_id"] = cursor
        if content[_list(content)]:  # some providers' cursor is the last record's own id
            content[_list(content)][-1]["id"] = cursor


def _put_unknown_field(fault: Fault, content: Any, _: Any) -> None:
    for record in _records(content):
        record[fault.field or "simulated_field"] = fault.value


def end_of(body: bytes) -> Any:
    """A page's last record; None if it is the last page."""
    content = json.loads(body, parse_float=Decimal)
    items, pagination = content.get(_list(content)), content.get("pagination", {})
    is_followed = (
        content.get("nextPageToken")
        or content.get("next_page")
        or content.get("has_more")
        or pagination.get("hasNextPage")
    )
    if "totalCount" in content:
        is_followed = content["page"] * content["pageSize"] < content["totalCount"]
    return items[-1] if items and is_followed else None


def _overlap(fault: Fault, content: Any, end: Any) -> None:
    items = content[_list(content)]
    content[_list(content)] = [end, *(items[:-1] if fault.loses else items)]


def _leave_out_a_bucket(fault: Fault, content: Any, _: Any) -> None:
    buckets = content["data"]
    if fault.day is None and not content.get("has_more"):
        buckets[-1:] = []
    elif fault.day is not None:
        content["data"] = [bucket for bucket in buckets if _day_of(bucket) != fault.day]


def _day_of(bucket: Any) -> date:
    """The day of a bucket's start, which is RFC 3339 or Unix seconds."""
    start = bucket["starting_at"] if "starting_at" in bucket else bucket["start_time"]
    return (datetime.fromisoformat(start) if isinstance(start, str) else datetime.fromtimestamp(start, UTC)).date()


def _make_sparse(_: Fault, content: Any, __: Any) -> None:
    for item in content[_list(content)]:
        holder = item.get("results", [item])
        holder[:] = [_sparse(record) for record in holder]
        if "results" not in item:
            item.clear()
            item.update(holder[0])


def _sparse(record: Any) -> Any:
    if not isinstance(record, dict):
        return record
    kept = {name: _sparse(value) for name, value in record.items() if name != "kind" and value is not None}
    required = REQUIRED if "object" in record else ()
    kept = {name: value for name, value in kept.items() if name in required or not _is_zero_count(name, value)}
    if isinstance(kept.get("userId"), int):
        kept["userId"] = f"user_SIMULATED{kept['userId']:019d}"
    if isinstance(kept.get("timestamp"), str):
        kept["timestamp"] = int(kept["timestamp"])
    return kept


def _is_zero_count(name: str, value: Any) -> bool:
    """A zero amount of money is sent; a zero count may be omitted."""
    return type(value) is int and value == 0 and not name.endswith(("Cents", "amount", "Dollars"))


def _leave_out_a_field(fault: Fault, content: Any, _: Any) -> None:
    def without(value: Any) -> Any:
        if isinstance(value, list):
            return [without(each) for each in value]
        if isinstance(value, dict):
            return {name: without(each) for name, each in value.items() if name != fault.field}
        return value

    content[_list(content)] = without(content[_list(content)])


def _records(content: Any) -> Iterator[dict[str, Any]]:
    for item in content.get(_list(content), [content]):
        yield from item.get("results", [item])


def _list(content: Any) -> str:
    return next((name for name in LISTS if name in content), "data")


def _put_unknown_value(fault: Fault, content: Any, _: Any) -> None:
    for record in _records(content):
        for holder in (record, record.get("group") or {}):
            for name in (fault.field,) if fault.field else OPEN_SETS:
                if holder.get(name) is not None:
                    holder[name] = fault.value
                    return


BENDS: Mapping[str, Callable[[Fault, Any, Any], None]] = {
    "unknown_field": _put_unknown_field,
    "unknown_value": _put_unknown_value,
    "overlapping_page": _overlap,
    "missing_bucket": _leave_out_a_bucket,
    "sparse": _make_sparse,
    "absent": _leave_out_a_field,
}
