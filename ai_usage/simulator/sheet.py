"""The spreadsheet an admin keeps, as something to read and to edit. Independent of HTTP and of usage.

It is as it was left at the last full quarter of a day (0, 6, 12, 18 UTC) before it was first looked at, and from
then on changes only by edits, each of which moves its version.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from threading import RLock
from typing import NamedTuple

from ai_usage.simulator.sheet_cells import Value

SHEET_ID = "1SimulatedSpreadsheetId000000000000000000000"
UNSHARED_SHEET_ID = "1SimulatedSpreadsheetOfSomebodyElse000000000"
TITLE = "AI usage upload"
QUARTER = timedelta(hours=6)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LEAST_ROWS, LEAST_COLUMNS = 1000, 26


class Good(NamedTuple):
    """A row that a right reader keeps, and what it reads there; None where nothing is written."""

    tab: str
    row: int  # as people see it: the header is row 1
    values: dict[str, object]


class Bad(NamedTuple):
    """A row that a right reader leaves out, and why."""

    tab: str
    row: int
    why: str


class Contents(NamedTuple):
    """What is in the tabs, header first, by title."""

    tabs: dict[str, list[list[Value]]]
    good: list[Good]
    bad: list[Bad]


class Tab:
    """One tab: its rows, header first. To change it, use the sheet."""

    def __init__(self, tab_id: int, title: str, rows: list[list[Value]]) -> None:
        self.id, self.title, self.rows = tab_id, title, rows

    @property
    def row_count(self) -> int:
        """Of the grid, which is larger than what is written."""
        return max(LEAST_ROWS, len(self.rows))

    @property
    def column_count(self) -> int:
        return max(LEAST_COLUMNS, max(map(len, self.rows), default=0))


class Sheet:
    """The one spreadsheet. Rows are counted as people see them: the header is row 1."""

    def __init__(self, make: Callable[[datetime], Contents], clock: Callable[[], datetime]) -> None:
        self.is_shared = True  # else Google refuses, as it does before an admin has shared it
        self._make, self._clock = make, clock
        self._lock = RLock()  # tests edit while the server reads
        self._left_at: datetime | None = None
        self._edited_at: datetime | None = None
        self._moves = 0
        self._contents: Contents | None = None
        self._tabs: list[Tab] = []

    @property
    def left_at(self) -> datetime:
        """When the admin left it as it was first seen."""
        with self._lock:
            if self._left_at is None:
                self._left_at = EPOCH + (self._clock() - EPOCH) // QUARTER * QUARTER
            return self._left_at

    @property
    def modified_at(self) -> datetime:
        return self._edited_at or self.left_at

    @property
    def created_at(self) -> datetime:
        return datetime(2024, 9, 3, 9, 4, 5, 678000, tzinfo=UTC)

    @property
    def version(self) -> int:
        """Grows with the time at which it was left, and with each edit."""
        return (self.left_at - EPOCH) // timedelta(minutes=1) + self._moves

    @property
    def tabs(self) -> list[Tab]:
        """From left to right."""
        self._made()
        return self._tabs

    @property
    def good(self) -> list[Good]:
        """The rows to keep, as the sheet was before any edit."""
        return self._made().good

    @property
    def bad(self) -> list[Bad]:
        """The rows to leave out, as the sheet was before any edit."""
        return self._made().bad

    def tab(self, title: str) -> Tab:
        found = next((tab for tab in self.tabs if tab.title == title), None)
        if found is None:
            raise KeyError(f"no tab {title!r}: {[tab.title for tab in self.tabs]}")
        return found

    def set(self, title: str, row: int, column: int | str, value: Value) -> None:
        """Writes one cell; a column is a number from 1, or its name in the header."""
        rows = self.tab(title).rows
        n = column - 1 if isinstance(column, int) else rows[0].index(column)
        with self._lock:
            rows.extend([] for _ in range(row - len(rows)))
            cells = rows[row - 1]
            cells.extend(None for _ in range(n + 1 - len(cells)))
            cells[n] = value
            self._edited()

    def append(self, title: str, cells: Sequence[Value]) -> int:
        """Writes a row below the others; its number."""
        rows = self.tab(title).rows
        with self._lock:
            rows.append([*cells])
            self._edited()
        return len(rows)

    def delete_row(self, title: str, row: int) -> None:
        """The rows below move up."""
        rows = self.tab(title).rows
        with self._lock:
            del rows[row - 1]
            self._edited()

    def rename(self, title: str, new_title: str) -> None:
        """The tab keeps its id."""
        tab = self.tab(title)
        with self._lock:
            tab.title = new_title
            self._edited()

    def add(self, title: str, rows: Sequence[Sequence[Value]] = ()) -> None:
        """A new tab, to the right of the others."""
        tab_id = max((tab.id for tab in self.tabs), default=0) + 1
        with self._lock:
            self._tabs.append(Tab(tab_id, title, [[*row] for row in rows]))
            self._edited()

    def remove(self, title: str) -> None:
        tab = self.tab(title)
        with self._lock:
            self._tabs.remove(tab)
            self._edited()

    def touch(self) -> None:
        """Something changes that no user can see: the version moves, the time of the last edit does not."""
        with self._lock:
            self._moves += 1

    def _made(self) -> Contents:
        with self._lock:
            if self._contents is None:
                self._contents = made = self._make(self.left_at)
                self._tabs = [Tab(n * 1_234_567, title, rows) for n, (title, rows) in enumerate(made.tabs.items())]
            return self._contents

    def _edited(self) -> None:
        self._moves += 1
        self._edited_at = self._clock()
