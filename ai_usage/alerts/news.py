"""News: what sources find and channels send."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import IntEnum


class Severity(IntEnum):
    """The most severe is sent first."""

    RESOLVED = 0
    NOTICE = 1
    WARNING = 2
    FAILED = 3


@dataclass(frozen=True, kw_only=True)
class News:
    """One thing to report once: a key that was sent is never sent again, not even after a restart."""

    key: str  # such as "budget 2026-11 total 80%"
    severity: Severity
    title: str  # without the day: news of one title are one entry of a digest
    topic: str  # the section of docs/runbook.md: the likely cause is read from it
    kind: str = ""  # for a topic with several kinds that differ in cause, such as a drop
    text: str = ""  # what happened, and how much
    day: date | None = None
    link: str = ""  # where to look


@dataclass(frozen=True)
class Section:
    """A heading of a digest, and its lines, one sentence each."""

    title: str
    lines: Sequence[str]

    def __post_init__(self) -> None:
        object.__setattr__(self, "lines", list(self.lines))


@dataclass(frozen=True, kw_only=True)
class Digest(News):
    """News in sections, always sent as a separate message."""

    sections: Sequence[Section]


def plainly(text: str) -> str:
    """The text on one line, without control characters."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
