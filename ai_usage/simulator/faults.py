"""How the stand-in providers misbehave, as planned by a test. Knows of no provider.

A fault is planned for requests with a path that contains a text; it can wait for some of them, and wear off.
"""

from datetime import date
from threading import Lock
from typing import Any, Literal

import msgspec

Kind = Literal[
    "rate_limit",  # 429; `retry_after` seconds, as an HTTP date with `as_date`, or no header at all
    "status",  # any `status`, in the provider's own words
    "reset",  # half the answer, then a connection reset
    "slow",  # answers after `delay` seconds
    "drip",  # a byte each `delay` seconds
    "login_page",  # a proxy's page, with status 200
    "truncated",  # fewer bytes than Content-Length has
    "cut_json",  # as many bytes as it has, but half of the JSON
    "repeated_cursor",  # the next page is the one just asked for
    "empty_page",  # no data, yet more to come
    "unknown_field",  # an unknown `field` in every record
    "unknown_value",  # an unknown `value` in the first record's `field`, or its first open set
    "not_included",  # a `status` (403 unless given), in the provider's words for what a plan or scope lacks
    "missing_bucket",  # without the bucket of `day`; without a `day`, the newest is not there yet
    "overlapping_page",  # begins with the last record of the page before; if it `loses`, without its own last record
    "sparse",  # as the contracts' sparse samples are: no zero counts, no nulls, no `kind`, text ids, number timestamps
    "absent",  # without `field`, in every record and at any depth
]


class Fault(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    kind: Kind
    path: str = ""  # any path that contains this
    times: int | None = 1  # None: for ever
    after: int = 0  # so many matching requests go well first
    status: int | None = None  # 500, unless the kind has another
    message: str | None = None  # the provider's usual one, unless given
    retry_after: float | None = None
    as_date: bool = False
    delay: float = 0.5
    field: str | None = None
    value: str = "simulated_novelty"
    day: date | None = None
    loses: bool = True


class Faults:
    """The plan. The first fault that fits a request strikes; one request suffers one fault."""

    def __init__(self) -> None:
        self._planned: list[Fault] = []
        self._lock = Lock()

    def plan(self, kind: Kind, **details: Any) -> Fault:
        """`faults.plan("status", status=529, path="cost_report", times=2)`."""
        return self.add(msgspec.convert({"kind": kind, **details}, Fault))

    def add(self, fault: Fault) -> Fault:
        with self._lock:
            self._planned.append(fault)
        return fault

    def clear(self) -> None:
        with self._lock:
            self._planned.clear()

    def plans_overlaps(self, path: str) -> bool:
        """Whether a page's last record must be remembered for the page after it."""
        with self._lock:
            return any(fault.kind == "overlapping_page" and fault.path in path for fault in self._planned)

    def strike(self, path: str, *, has_cursor: bool, has_page_before: bool = False) -> Fault | None:
        """The fault that applies to this request. Counts it."""
        with self._lock:
            for fault in self._planned:
                if fault.path not in path or (fault.kind == "repeated_cursor" and not has_cursor):
                    continue
                if fault.kind == "overlapping_page" and not has_page_before:
                    continue
                if fault.after > 0:
                    fault.after -= 1
                elif fault.times is None or fault.times > 0:
                    if fault.times is not None:
                        fault.times -= 1
                    return fault
        return None
