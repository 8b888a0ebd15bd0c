"""The recorded answers of `fixtures/anthropic`: whole, and as the records in them, byte for byte."""

from pathlib import Path

import msgspec

FIXTURES = Path(__file__).parent.parent / "fixtures" / "anthropic"


class _Inside(msgspec.Struct):
    results: list[msgspec.Raw]


class _Whole(msgspec.Struct):
    data: list[msgspec.Raw]


def body(name: str) -> bytes:
    return (FIXTURES / f"{name}.json").read_bytes()


def items(name: str) -> list[str]:
    """The content of `data`: records, or the buckets of a report."""
    return [bytes(item).decode() for item in msgspec.json.decode(body(name), type=_Whole).data]


def lines(name: str) -> list[str]:
    """The records inside a report's buckets."""
    buckets = [msgspec.json.decode(item, type=_Inside) for item in items(name)]
    return [bytes(line).decode() for bucket in buckets for line in bucket.results]
