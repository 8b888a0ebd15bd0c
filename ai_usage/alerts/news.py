"""What there is to report, whoever receives it: between the sources that find news and the channels that send them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import IntEnum


class Severity(IntEnum):
    """How grave it is; the gravest is sent first."""

    RESOLVED = 0
    NOTICE = 1
    WARNING = 2
    FAILED = 3


@dataclass(frozen=True, kw_only=True)
class News:
    """One thing to report, once: a key that was sent is never sent again, after any restart either."""

    key: str  # such as "budget 2026-11 total 80%"
    severity: Severity
    title: str  # what, without the day: news of one title are one entry of a digest
    topic: str  # the section of docs/runbook.md: the likely cause is read from it
    kind: str = ""  # of a topic that has several with causes of their own, such as a drop
    text: str = ""  # what happened, and how much
    day: date | None = None
    link: str = ""  # where to look


@dataclass(frozen=True)
class Section:
    """A heading of a digest, and what stands under it, a sentence a line."""

    title: str
    lines: Sequence[str]

    def __post_init__(self) -> None:
        object.__setattr__(self, "lines", list(self.lines))


@dataclass(frozen=True, kw_only=True)
class Digest(News):
    """News in sections: a message of its own, whatever else is sent."""

    sections: Sequence[Section]


def plainly(text: str) -> str:
    """A text in one line, without a character that moves the cursor."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
