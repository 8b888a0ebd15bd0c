"""Checks that the sheet is unambiguous and known: keys and their owners, addresses, console figures, every row.

An error in the sheet is a warning: the row is rejected, and nothing is guessed.
"""

from dataclasses import asdict

from ai_usage.check import Check, Result, SnapshotCheck, failed, passed, some, warned, without_input
from ai_usage.core.keys import DIM_API_KEY_MAPPING, WITH_KEYS, keys_seen_nowhere
from ai_usage.core.people import DIM_PERSON
from ai_usage.core.sheets import SHEET_REJECTIONS
from ai_usage.sheet.newest import read_newest
from ai_usage.sheet.pulls import SOURCE as SHEET
from ai_usage.sheet.tabs import API_KEY_MAPPING, CLAUDE_AI_USAGE, CONSOLE_FIGURES, TABS
from ai_usage.warehouse.port import Warehouse
from ai_usage.warehouse.table import Table

KEYS = "core/dim_api_key_mapping"


def _unambiguous(warehouse: Warehouse) -> Result | None:
    if (read := read_newest(warehouse, API_KEY_MAPPING)) is None:
        return None
    _, found = read
    overlaps = warehouse.query("checks/mapping_is_unambiguous").to_dicts()
    if overlaps:
        named = some(sorted({row["api_key_id"] for row in overlaps}))
        return failed(f"Two owners on the same day: {named}.", overlaps)
    if found.good and _is_empty(warehouse, DIM_API_KEY_MAPPING):
        return failed(f"The sheet has {len(found.good)} owners, and core/dim_api_key_mapping none: build it.")
    unclear = [asdict(rejection) for rejection in found.rejections if rejection.reason.startswith("contradicts")]
    if unclear:
        rows = some(row["row_number"] for row in unclear)
        return warned(f"Rows {rows} give one key different owners: none of them is used.", unclear)
    return passed("Each key has one owner at a time.")


mapping_is_unambiguous = SnapshotCheck(
    name="mapping_is_unambiguous",
    asset=KEYS,
    evaluate=_unambiguous,
    sources=(SHEET,),
    title="a key with two owners",
    severity="failed",
    sql="checks/mapping_is_unambiguous",
    description="No API key has two owners, by two rows of the sheet or on one day.",
    pulls=(API_KEY_MAPPING.pull,),
)


def _known_keys(warehouse: Warehouse) -> Result | None:
    """Not evaluated for keys of a provider without a pulled list of keys: they are unknown."""
    pulled = [key for key, of in WITH_KEYS.items() if not warehouse.newest(of.pulls[0], None).versions.is_empty()]
    if not pulled or warehouse.newest(API_KEY_MAPPING.pull, None).versions.is_empty():
        return None
    unknown = warehouse.ask(keys_seen_nowhere(), providers=pulled).to_dicts()
    if unknown:
        named = some(f"{row['api_key_id']} ({row['api_key_name'] or row['user_email']})" for row in unknown)
        return warned(
            f"API keys of the sheet in no list, usage or cost: {len(unknown)}. {named}. Their owners are kept; "
            "correct the ids that have a typing error.",
            unknown,
        )
    return passed("Each API key of the sheet is listed by its provider, or has usage or cost.")


mapped_keys_are_known = SnapshotCheck(
    name="mapped_keys_are_known",
    asset=KEYS,
    evaluate=_known_keys,
    sources=(SHEET,),
    title="a key of the sheet that appears in no list, usage or cost",
    severity="warned",
    description="Each API key in the sheet is listed by its provider, or appears in its usage or cost.",
    pulls=(API_KEY_MAPPING.pull,),
    also_reads=tuple(f"core/{table.name}" for of in WITH_KEYS.values() for table in of.used_in),
)


def _known_people(warehouse: Warehouse) -> Result | None:
    if all(warehouse.newest(tab.pull, None).versions.is_empty() for tab in (API_KEY_MAPPING, CLAUDE_AI_USAGE)):
        return None
    if _is_empty(warehouse, DIM_PERSON):
        return without_input("core/dim_person is empty: build it.")
    strangers = warehouse.query("checks/emails_are_known_people").to_dicts()
    if strangers:
        named = some(row["user_email"] for row in strangers)
        return warned(
            f"{len(strangers)} addresses of the sheet are in no provider's list of members: {named}.", strangers
        )
    return passed("Every address of the sheet is in a provider's list of members.")


emails_are_known_people = SnapshotCheck(
    name="emails_are_known_people",
    asset="core/dim_person",
    evaluate=_known_people,
    sources=(SHEET,),
    title="an address that no provider knows: a typing error, a former member",
    severity="failed",
    sql="checks/emails_are_known_people",
    description="Each address in the sheet, or the address it is an alias of, is a member's or in the tab people.",
    pulls=(API_KEY_MAPPING.pull,),
    also_reads=("core/dim_person_account", "core/people"),
)


def _no_overlap(warehouse: Warehouse) -> Result | None:
    if warehouse.newest(CONSOLE_FIGURES.pull, None).versions.is_empty():
        return None
    overlaps = warehouse.query("checks/console_figures_have_no_overlap").to_dicts()
    if overlaps:
        named = some(f"rows {row['first_row']} and {row['second_row']}" for row in overlaps)
        return failed(f"Periods of one provider, account and workspace overlap: {named}.", overlaps)
    return passed("No day has two figures of the same provider, account and workspace.")


console_figures_have_no_overlap = SnapshotCheck(
    name="console_figures_have_no_overlap",
    asset="core/console_figures",
    evaluate=_no_overlap,
    sources=(SHEET,),
    title="a day that is covered by two console figures",
    severity="failed",
    sql="checks/console_figures_have_no_overlap",
    description="No day of a provider's account and workspace is covered by two console figures.",
    pulls=(CONSOLE_FIGURES.pull,),
)


def _rows_are_valid(warehouse: Warehouse) -> Result | None:
    tabs = [tab.name for tab in TABS.values() if not warehouse.newest(tab.pull, None).versions.is_empty()]
    if not tabs:
        return None
    bad = [
        asdict(rejection)
        for tab in TABS.values()
        if (read := read_newest(warehouse, tab))
        for rejection in read[1].rejections
    ]
    kept = warehouse.ask(f"select count(*) as kept from {SHEET_REJECTIONS.address}").item()
    if kept != len(bad):
        return failed(f"core/sheet_rejections has {kept} of the sheet's {len(bad)} rejections: build it.", bad)
    if bad:
        named = some(
            (f"{r['tab']} row {r['row_number']}, {r['column_name']} {r['reason']}" for r in bad),
            at_most=3,
            between="; ",
        )
        return warned(f"{len({(r['tab'], r['row_number']) for r in bad})} rows are rejected: {named}.", bad)
    return passed(f"Every row of {', '.join(tabs)} is used.")


sheet_rows_are_valid = SnapshotCheck(
    name="sheet_rows_are_valid",
    asset="core/sheet_rejections",
    evaluate=_rows_are_valid,
    sources=(SHEET,),
    title="sheet rows that cannot be used",
    severity="failed",
    description="Every row of the sheet can be used; other rows are rejected, each with its reason.",
    pulls=(API_KEY_MAPPING.pull,),
)


def _is_empty(warehouse: Warehouse, table: Table) -> bool:
    return bool(warehouse.ask(f"select count(*) = 0 as is_empty from {table.address}").item())


CHECKS: list[Check] = [
    mapping_is_unambiguous,
    mapped_keys_are_known,
    emails_are_known_people,
    console_figures_have_no_overlap,
    sheet_rows_are_valid,
]
