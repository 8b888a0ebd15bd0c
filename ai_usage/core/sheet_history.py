"""All rows that a tab of the sheet ever had, with the times at which each appeared and disappeared."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl

from ai_usage.sheet import tabs
from ai_usage.sheet.tabs import Tab, TabRows, read_tab
from ai_usage.warehouse.port import Warehouse
from ai_usage.warehouse.table import Table


@dataclass
class KnownRow:
    """A row of a tab over the tab's versions: its last content, since when, and until when."""

    row: tabs.Row
    first_seen_at: datetime
    pull_id: str
    pulled_at: datetime
    removed_at: datetime | None = None


def rows_ever_seen(
    warehouse: Warehouse, tab: Tab, identity: Sequence[str], beside: Sequence[str] = ()
) -> list[KnownRow]:
    """Every row of any version of the tab, those of the newest version first, in its order. Rows with equal `identity`
    are known since the first of them; those that differ in `beside` are separate rows. A version with an unusable
    header removes no row.
    """
    history = warehouse.history(tab.pull)
    known: dict[tuple[Any, ...], KnownRow] = {}
    first: dict[tuple[Any, ...], datetime] = {}
    found, before = TabRows(), None
    for pull_id, at, content in history.versions.select("pull_id", "pulled_at", "content_hash").iter_rows():
        if content != before:
            lines = history.lines.filter(history.lines["pull_id"] == pull_id)
            found = read_tab(tab, lines["record"].to_list())
        before = content
        if not found.has_header:
            continue
        there = {(*_of(row, identity), *_of(row, beside)): row for row in found.good}
        for key, row in there.items():
            known[key] = KnownRow(row, first.setdefault(_of(row, identity), at), pull_id, at)
        for key in known.keys() - there.keys():
            known[key].removed_at = known[key].removed_at or at
    return sorted(known.values(), key=lambda one: (one.removed_at is not None, one.row["row_number"]))


def _of(row: Mapping[str, Any], names: Sequence[str]) -> tuple[Any, ...]:
    return tuple(row[name] for name in names)


def history_rows(table: Table, rows: Sequence[KnownRow]) -> pl.DataFrame:
    """Rows of a table that has the tab's columns, and since when and until when each row is known."""
    own: dict[str, list[Any]] = {
        "first_seen_at": [one.first_seen_at for one in rows],
        "removed_at": [one.removed_at for one in rows],
        "pull_id": [one.pull_id for one in rows],
        "ingestion_timestamp": [one.pulled_at for one in rows],
    }
    return table.frame({name: own.get(name) or [one.row[name] for one in rows] for name in table.columns})
