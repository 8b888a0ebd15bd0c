"""The owners of keys over time: the sheet's history, read as statements that each hold until the next.

A key's first statement holds for all time before. A later one holds from the day it was first seen, or from the row's
own `valid_from`. Another statement on the same day corrects it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from ai_usage.sheet.tabs import Row

KeyId = tuple[str, str]  # the provider, and the key's id there


@dataclass(frozen=True)
class Seen:
    """The key mapping as one pull found it."""

    at: datetime
    pull_id: str
    rows: Mapping[KeyId, Row]


@dataclass(frozen=True)
class Statement:
    """From a day on (since ever, if None) a key has this owner; none, if `row` is None."""

    since: date | None
    made_on: date
    seen: Seen
    row: Row | None

    @property
    def owner(self) -> tuple[str | None, str | None] | None:
        return (self.row["user_email"], self.row["team_name"]) if self.row else None


def statements(history: Sequence[Seen]) -> dict[KeyId, list[Statement]]:
    """By key, oldest first; each holds until the next one's day."""
    found: dict[KeyId, list[Statement]] = {}
    for seen in history:
        for key in {*found, *seen.rows}:
            _state(found.setdefault(key, []), seen, seen.rows.get(key))
    return found


def _state(statements: list[Statement], seen: Seen, row: Row | None) -> None:
    today = seen.at.date()
    since: date | None = today if statements else None
    explicit = row["valid_from"] if row else None
    last = statements[-1] if statements else None
    if last and last.made_on == today and last.seen is not seen:
        since = last.since
    if explicit:
        since = explicit
    new = Statement(since, today, seen, row)
    if last and last.owner == new.owner and (not explicit or last.since == explicit):
        statements[-1] = Statement(last.since, last.made_on, last.seen, row)  # other words for the same owner
        return
    if not statements and row is None:
        return
    while statements and (since is None or (statements[-1].since is not None and statements[-1].since >= since)):
        statements.pop()
    if not statements or statements[-1].owner != new.owner:
        statements.append(new)
