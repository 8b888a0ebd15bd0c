"""Brings a warehouse of an earlier release to today's shape, in place. Engine-free: the changes are planned here from
the tables' declarations; an engine carries them out.

The ledger can never be pulled again, so its tables only gain columns. Core and marts are made from it: their columns
are renamed, converted and dropped too, with the rows that are there; the days built before that are built again.

A file has the version of its shape in `SCHEMA`. A release refuses a file of a later shape: it would drop what it does
not know. `VERSION` is raised by the first change of a table after a release; a test fails where it was forgotten.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ai_usage.errors import OfAnotherRelease
from ai_usage.places import COMMAND
from ai_usage.warehouse.table import ANALYTICS, DEFAULT_ACCOUNT, PULLS, RAW, Column, Table, Type, integer

VERSION = 1  # files of earlier releases have none, which is 0

SCHEMA = Table(
    name="schema_version",
    schema=RAW,
    grain="the shape of this warehouse's tables: one row",
    columns={"version": integer("raised with every release that changes a table", required=False)},
    date_column=None,
)

# What a column was called before: (address of the table, old name) → new name.
RENAMED: Mapping[tuple[str, str], str] = {
    (f"{ANALYTICS}.cursor_usage_stats", "user_id"): "cursor_user_id",
    (f"{ANALYTICS}.check_results", "claim"): "check_name",
    (f"{ANALYTICS}.check_results", "judged_day"): "checked_date",
    (f"{ANALYTICS}.check_results", "verdict"): "result",
    (f"{ANALYTICS}.check_results", "why"): "reason",
    (f"{ANALYTICS}.check_results", "judged_at"): "evaluated_at",
}

# What a value was before in a column that is renamed: (address of the table, new name) → old value → new value.
RENAMED_VALUES: Mapping[tuple[str, str], Mapping[str, str]] = {
    (f"{ANALYTICS}.check_results", "result"): {"not judged": "not evaluated"}
}


@dataclass(frozen=True)
class Made:
    """A column as a file has it."""

    type: Type | None  # None: no type of ours
    is_required: bool


@dataclass(frozen=True)
class Change:
    """One change of a table that exists."""

    table: Table
    column: str
    what: str  # renamed, converted, relaxed, added, dropped
    before: str = ""  # the old name of a renamed column

    @property
    def declared(self) -> Column:
        return self.table.columns[self.column]

    @property
    def values(self) -> Mapping[str, str]:
        """The values of a renamed column that are renamed too: old value → new value."""
        return RENAMED_VALUES.get((self.table.address, self.column), {}) if self.what == "renamed" else {}

    @property
    def is_first_account(self) -> bool:
        """Whether the ledger did not know accounts until now."""
        return self.table is PULLS and self.column == "account" and self.what == "added"


def changes(tables: Iterable[Table], made: Mapping[str, Mapping[str, Made]]) -> list[Change]:
    """What the tables of a file lack of their declarations, in the order in which it has to be carried out. A table
    that is not there, and a view, is not changed but made.
    """
    return [
        change
        for table in tables
        if not table.view_of and table.address in made
        for change in _of_table(table, dict(made[table.address]))
    ]


def _of_table(table: Table, there: dict[str, Made]) -> Iterable[Change]:
    for (address, before), name in RENAMED.items():
        if address == table.address and before in there and name in table.columns and name not in there:
            yield Change(table, name, "renamed", before)
            there[name] = there.pop(before)
    for name, column in table.columns.items():
        if name not in there:
            yield Change(table, name, "added")
            continue
        if there[name].is_required and not column.required:
            yield Change(table, name, "relaxed")
        if there[name].type is not column.type:
            if table.schema == RAW:
                raise ValueError(f"{table.address}.{name} would change its type: the ledger only gains columns")
            yield Change(table, name, "converted")
    if table.schema != RAW:
        for name in there.keys() - table.columns.keys():
            yield Change(table, name, "dropped")


def accounts_of_before(tables: Iterable[Table]) -> dict[str, str]:
    """Pull → the account that was asked for it before there were accounts, if not the default one."""
    before = {table.name: table.columns["account"].before for table in tables if table.is_ledger}
    return {pull: account for pull, account in before.items() if account and account != DEFAULT_ACCOUNT}


def refuse_a_later(version: int, warehouse: object) -> None:
    """`OfAnotherRelease` if a warehouse is of a later shape than this release knows."""
    if version > VERSION:
        raise OfAnotherRelease(
            f"{warehouse} was written by a newer release of ai_usage (shape {version}; this one knows {VERSION}): "
            f"update ai_usage, or restore a backup of before ({COMMAND} restore FROM=…). Nothing was changed."
        )


def is_new(made: Mapping[str, object]) -> bool:
    """Whether a file was never a warehouse: nothing in it has to be built again."""
    return PULLS.address not in made
