"""Reads a query string, or a JSON body, strictly: all known, of its kind and in range, or a `RefusalError`.

Also the page tokens, which only fit the very query that earned them. Knows of no endpoint.
"""

import binascii
import hashlib
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Container, Sequence
from datetime import UTC, date, datetime
from typing import Any, TypeVar

import msgspec

RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
DAY = re.compile(r"\d{4}-\d\d-\d\d")

LONGEST_MS = 30 * 86_400_000
LATEST_MS = 10**13  # the year 2286; later ones are not milliseconds

Pairs = Sequence[tuple[str, str]]
T = TypeVar("T")


class RefusalError(Exception):
    """The provider refuses: a status and its message."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


def rfc3339(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")


def page_token(path: str, pairs: Pairs, offset: int) -> str:
    """Opaque to clients; worth nothing with any other query."""
    asked = sorted((name, value) for name, value in pairs if name != "page")
    seal = hashlib.blake2b(repr((path, asked, offset)).encode(), digest_size=12).hexdigest()
    return "page_" + urlsafe_b64encode(f"{offset}.{seal}".encode()).decode()


class Query:
    """One request's parameters; parameters that no code has read by the end are refused too."""

    def __init__(self, path: str, pairs: Pairs) -> None:
        self.path = path
        self.pairs = pairs
        self._unread = {name for name, _ in pairs}

    def refuse_unread(self) -> None:
        if self._unread:
            raise RefusalError(f"{min(self._unread)}: Extra inputs are not permitted")

    def all(self, name: str, allowed: Container[str] | None = None) -> tuple[str, ...]:
        """Every value of a bracketed, repeated parameter."""
        self._unread.discard(f"{name}[]")
        values = tuple(value for given, value in self.pairs if given == f"{name}[]")
        for value in values:
            if allowed is not None and value not in allowed:
                raise RefusalError(f"{name}[]: unexpected value {value!r}")
        if len(set(values)) < len(values):
            raise RefusalError(f"{name}[]: values must not repeat")
        return values

    def each(self, name: str) -> tuple[str, ...]:
        """Every value of a parameter that is repeated without brackets."""
        self._unread.discard(name)
        return tuple(value for given, value in self.pairs if given == name)

    def one(self, name: str, allowed: Container[str] | None = None) -> str | None:
        self._unread.discard(name)
        values = [value for given, value in self.pairs if given == name]
        if len(values) > 1:
            raise RefusalError(f"{name}: expected one value")
        if values and allowed is not None and values[0] not in allowed:
            raise RefusalError(f"{name}: unexpected value {values[0]!r}")
        return values[0] if values else None

    def flag(self, name: str) -> bool:
        return self.one(name, ("true", "false")) == "true"

    def limit(self, default: int, most: int) -> int:
        text = self.one("limit")
        if text is None:
            return default
        if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= most:
            raise RefusalError(f"limit: must be between 1 and {most}")
        return int(text)

    def offset(self) -> int:
        """Where the page begins, by the token."""
        token = self.one("page")
        if token is None:
            return 0
        try:
            offset = int(urlsafe_b64decode(token.removeprefix("page_")).split(b".")[0])
        except (ValueError, binascii.Error):
            offset = -1
        if offset < 0 or token != page_token(self.path, self.pairs, offset):
            raise RefusalError("page: invalid, or of another query")
        return offset

    def next_page(self, offset: int, total: int) -> str | None:
        return page_token(self.path, self.pairs, offset) if offset < total else None

    def instant(self, name: str) -> datetime | None:
        text = self.one(name)
        if text is None:
            return None
        if not RFC3339.fullmatch(text):
            raise RefusalError(f"{name}: must be an RFC 3339 timestamp")
        try:
            return datetime.fromisoformat(text).astimezone(UTC)
        except (ValueError, OverflowError) as error:
            raise RefusalError(f"{name}: {error}") from error

    def day(self, name: str) -> date:
        text = self.one(name) or ""
        if not DAY.fullmatch(text):
            raise RefusalError(f"{name}: required, as YYYY-MM-DD")
        try:
            return date.fromisoformat(text)
        except ValueError as error:
            raise RefusalError(f"{name}: {error}") from error


class Body:
    """One POST's JSON object, read as strictly as a `Query`."""

    def __init__(self, body: bytes) -> None:
        try:
            self.fields = msgspec.json.decode(body or b"{}", type=dict[str, Any])
        except msgspec.DecodeError as error:
            raise RefusalError(f"Invalid JSON: {error}") from error
        self._unread = set(self.fields)

    def refuse_unread(self) -> None:
        if self._unread:
            raise RefusalError(f"Unrecognized key: {min(self._unread)}")

    def _read(self, name: str, kind: type[T]) -> T | None:
        self._unread.discard(name)
        value: T | None = self.fields.get(name)
        if value is not None and type(value) is not kind:
            raise RefusalError(f"{name}: expected {kind.__name__}")
        return value

    def text(self, name: str, allowed: Sequence[str] | None = None) -> str | None:
        value = self._read(name, str)
        if value is not None and allowed is not None and value not in allowed:
            raise RefusalError(f"{name}: unexpected value {value!r}")
        return value

    def whole(self, name: str, default: int | None = None, most: int | None = None) -> int:
        """From 1 to `most`; required where there is no default."""
        value = self._read(name, int)
        value = default if value is None else value
        if value is None or value < 1 or (most is not None and value > most):
            raise RefusalError(f"{name}: expected a number from 1 to {most or '…'}")
        return value

    def number(self, name: str) -> int | None:
        return self._read(name, int)

    def span(self) -> tuple[int, int]:
        start, end = self.whole("startDate", most=LATEST_MS), self.whole("endDate", most=LATEST_MS)
        if end < start:
            raise RefusalError("endDate must not be before startDate")
        if end - start > LONGEST_MS:
            raise RefusalError("Date range cannot exceed 30 days")
        return start, end
