"""Answers questions: in this process's memory where all tables that they read are held there, and of the others by a
job. A small table is read whole the first time that a question needs it: that is no job, and free.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from ai_usage.warehouse.bigquery.memory import SMALL_ROWS, Memory
from ai_usage.warehouse.bigquery.statements import LEASE
from ai_usage.warehouse.bigquery.tables import Place, declared_by, known_table
from ai_usage.warehouse.reads import reads_of
from ai_usage.warehouse.table import PULLS, Table

ALL = f"select {', '.join(PULLS.columns)} from {PULLS.address}"


class Questions:
    """Questions to a place, of a warehouse with these tables and views."""

    def __init__(self, place: Place, memory: Memory, tables: Sequence[Table]) -> None:
        self._place = place
        self._memory = memory
        self._tables = {table.address: table for table in tables if not table.view_of}
        self._views = {table.address: table for table in tables if table.view_of}

    def answer(self, googlesql: str, parameters: Mapping[str, Any]) -> pl.DataFrame:
        reads = reads_of(googlesql, self._views)
        if not reads.is_lasting or LEASE in reads.tables:  # with the time, or with the lease, the answer changes
            return self._place.jobs.query(googlesql, parameters)
        if reads.is_known:
            self._learn(reads.tables)
        return self._memory.answer(
            googlesql,
            parameters,
            reads.tables if reads.is_known else None,
            reads.views,
            lambda: self._place.jobs.query(googlesql, parameters),
        )

    def learn_pulls(self) -> None:
        """Hold the rows of `pulls`, however many they are."""
        if self._memory.is_whole(PULLS.address):
            return
        found = known_table(self._place, PULLS.address)
        rows = None if found is None else self._place.jobs.rows(found, most=SMALL_ROWS)
        self._memory.hold(PULLS, self._place.jobs.query(ALL) if rows is None else rows)

    def _learn(self, addresses: Sequence[str]) -> None:
        """Hold all of these tables, if they are small."""
        lacking = [address for address in addresses if not self._memory.is_whole(address)]
        if any(self._memory.is_large(address) or self._is_ledger(address) for address in lacking):
            return
        for address in lacking:
            if address == PULLS.address:
                self.learn_pulls()
                continue
            found = known_table(self._place, address)
            if found is None or found.table_type not in {None, "TABLE"}:
                return
            rows = self._place.jobs.rows(found, most=SMALL_ROWS)
            if rows is None:
                self._memory.note_large(address)
                return
            self._memory.hold(self._tables.get(address) or declared_by(found), rows)

    def _is_ledger(self, address: str) -> bool:
        return address in self._tables and self._tables[address].is_ledger
