"""Is it known whose it is: keys and their owners, addresses and people, and what people wrote into the sheet.

What the sheet has wrong is told as a warning: it is left out, and nothing of it is guessed.
"""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from decimal import Decimal
from typing import Any

import dagster as dg

from ai_usage.checks.runner import Verdict, by_day, daily_check, snapshot_check, some
from ai_usage.core.keys import DIM_API_KEY_MAPPING, WITH_KEYS, keys_seen_nowhere
from ai_usage.core.people import DIM_PERSON
from ai_usage.core.sheets import SHEET_REJECTIONS
from ai_usage.partitions import Span
from ai_usage.providers.anthropic.pulls import SOURCE as CLAUDE
from ai_usage.settings import settings
from ai_usage.sheet.newest import read_newest
from ai_usage.sheet.pulls import SOURCE as SHEET
from ai_usage.sheet.tabs import API_KEY_MAPPING, CLAUDE_AI_USAGE, CONSOLE_FIGURES, TABS
from ai_usage.warehouse.port import Warehouse
from ai_usage.warehouse.table import Table

KEYS, PEOPLE, FIGURES, REJECTIONS = (
    dg.AssetKey(["core", table])
    for table in ("dim_api_key_mapping", "dim_person", "console_figures", "sheet_rejections")
)


def _owned_share(warehouse: Warehouse, span: Span) -> Mapping[date, Verdict]:
    keys = warehouse.query("checks/every_key_has_an_owner", first_day=span.first, last_day=span.last)
    return {day: judge_owners(rows, settings().attributed_at_least) for day, rows in by_day(keys).items()}


def judge_owners(keys: list[dict[str, Any]], at_least: Decimal) -> Verdict:
    """Of what keys used and cost on a day, how much somebody answers for; the keys nobody does, dearest first."""
    nobodys = [key for key in keys if key["mapped_by"] == "none"]
    tokens = 1 - _share(nobodys, keys, "tokens")
    usd = 1 - _share(nobodys, keys, "usd")
    said = f"{usd:.1%} of API-key spend and {tokens:.1%} of their tokens have an owner"
    if min(tokens, usd) >= at_least:
        return Verdict.right(f"{said} (threshold {at_least:.0%}).")
    named = some((f"{key['api_key_name'] or key['api_key_id']} ({key['usd']:.2f} USD)" for key in nobodys), at_most=3)
    return Verdict.warning(f"{said} (threshold {at_least:.0%}). Unowned: {named}.", nobodys)


def _share(some_keys: list[dict[str, Any]], keys: list[dict[str, Any]], measure: str) -> float:
    whole = sum(key[measure] for key in keys)
    return float(sum(key[measure] for key in some_keys) / whole) if whole else 0.0


every_key_has_an_owner = daily_check(
    "every_key_has_an_owner",
    KEYS,
    _owned_share,
    source=CLAUDE,
    description="API keys have an owner for at least AI_USAGE_ATTRIBUTED_AT_LEAST of their spend and of their tokens.",
    relies_on=["claude_messages_usage", "claude_cost_report"],
    also_reads=[dg.AssetKey(["core", "claude_usage_tokens"]), dg.AssetKey(["marts", "claude_cost_shares"])],
)


def _unambiguous(warehouse: Warehouse) -> Verdict | None:
    if (read := read_newest(warehouse, API_KEY_MAPPING)) is None:
        return None
    _, found = read
    overlaps = warehouse.query("checks/mapping_is_unambiguous").to_dicts()
    if overlaps:
        named = some(sorted({row["api_key_id"] for row in overlaps}))
        return Verdict.error(f"Two owners on the same day: {named}.", overlaps)
    if found.good and _is_empty(warehouse, DIM_API_KEY_MAPPING):
        return Verdict.error(f"The sheet has {len(found.good)} owners, and core/dim_api_key_mapping none: build it.")
    unclear = [asdict(rejection) for rejection in found.rejections if rejection.reason.startswith("contradicts")]
    if unclear:
        rows = some(row["row_number"] for row in unclear)
        return Verdict.warning(f"Rows {rows} give one key different owners: none of them is used.", unclear)
    return Verdict.right("Each key has one owner at a time.")


mapping_is_unambiguous = snapshot_check(
    "mapping_is_unambiguous",
    KEYS,
    _unambiguous,
    source=SHEET,
    description="No API key has two owners: neither by two rows of the sheet, nor on one day.",
    pull=API_KEY_MAPPING.pull,
)


def _known_keys(warehouse: Warehouse) -> Verdict | None:
    """Keys of a provider that never listed its own are not judged: what is not pulled is not known."""
    pulled = [key for key, of in WITH_KEYS.items() if not warehouse.newest(of.pulls[0], None).versions.is_empty()]
    if not pulled or warehouse.newest(API_KEY_MAPPING.pull, None).versions.is_empty():
        return None
    unknown = warehouse.ask(keys_seen_nowhere(), providers=pulled).to_dicts()
    if unknown:
        named = some(f"{row['api_key_id']} ({row['api_key_name'] or row['user_email']})" for row in unknown)
        return Verdict.warning(
            f"{len(unknown)} API keys of the sheet appear in no list, usage or cost: {named}. Their owners are kept; "
            "correct the ids that have a typing error.",
            unknown,
        )
    return Verdict.right("Each API key of the sheet is listed by its provider, or has usage or cost.")


mapped_keys_are_known = snapshot_check(
    "mapped_keys_are_known",
    KEYS,
    _known_keys,
    source=SHEET,
    description="Each API key in the sheet is listed by its provider, or appears in its usage or cost.",
    pull=API_KEY_MAPPING.pull,
    also_reads=[dg.AssetKey(["core", table.name]) for of in WITH_KEYS.values() for table in of.used_in],
)


def _known_people(warehouse: Warehouse) -> Verdict | None:
    if all(warehouse.newest(tab.pull, None).versions.is_empty() for tab in (API_KEY_MAPPING, CLAUDE_AI_USAGE)):
        return None
    if _is_empty(warehouse, DIM_PERSON):
        return Verdict.error("core/dim_person is empty: build it.")
    strangers = warehouse.query("checks/emails_are_known_people").to_dicts()
    if strangers:
        named = some(row["user_email"] for row in strangers)
        return Verdict.warning(
            f"{len(strangers)} addresses of the sheet are in no provider's list of members: {named}.", strangers
        )
    return Verdict.right("Every address of the sheet is in a provider's list of members.")


emails_are_known_people = snapshot_check(
    "emails_are_known_people",
    PEOPLE,
    _known_people,
    source=SHEET,
    description="Each address in the sheet, or one it is an alias of, is a provider's member's or in the tab people.",
    pull=API_KEY_MAPPING.pull,
    also_reads=[dg.AssetKey(["core", table]) for table in ("dim_person_account", "people")],
)


def _no_overlap(warehouse: Warehouse) -> Verdict | None:
    if warehouse.newest(CONSOLE_FIGURES.pull, None).versions.is_empty():
        return None
    overlaps = warehouse.query("checks/console_figures_have_no_overlap").to_dicts()
    if overlaps:
        named = some(f"rows {row['first_row']} and {row['second_row']}" for row in overlaps)
        return Verdict.error(f"Periods of one provider and workspace overlap: {named}.", overlaps)
    return Verdict.right("No day has two figures of the same provider and workspace.")


console_figures_have_no_overlap = snapshot_check(
    "console_figures_have_no_overlap",
    FIGURES,
    _no_overlap,
    source=SHEET,
    description="No day of a provider and workspace is covered by two console figures.",
    pull=CONSOLE_FIGURES.pull,
)


def _rows_are_valid(warehouse: Warehouse) -> Verdict | None:
    tabs = [tab.name for tab in TABS.values() if not warehouse.newest(tab.pull, None).versions.is_empty()]
    if not tabs:
        return None
    bad = [
        asdict(rejection)
        for tab in TABS.values()
        if (read := read_newest(warehouse, tab))
        for rejection in read[1].rejections
    ]
    told = warehouse.ask(f"select count(*) as told from {SHEET_REJECTIONS.address}").item()
    if told != len(bad):
        return Verdict.error(f"core/sheet_rejections has {told} of the sheet's {len(bad)} rejections: build it.", bad)
    if bad:
        named = some(
            (f"{r['tab']} row {r['row_number']}, {r['column_name']} {r['reason']}" for r in bad),
            at_most=3,
            between="; ",
        )
        return Verdict.warning(f"{len({(r['tab'], r['row_number']) for r in bad})} rows are left out: {named}.", bad)
    return Verdict.right(f"Every row of {', '.join(tabs)} is used.")


sheet_rows_are_valid = snapshot_check(
    "sheet_rows_are_valid",
    REJECTIONS,
    _rows_are_valid,
    source=SHEET,
    description="Every row of the sheet can be used; those that cannot are named with what is wrong, and left out.",
    pull=API_KEY_MAPPING.pull,
)


def _is_empty(warehouse: Warehouse, table: Table) -> bool:
    return bool(warehouse.ask(f"select count(*) = 0 as is_empty from {table.address}").item())


CHECKS = [
    every_key_has_an_owner,
    mapping_is_unambiguous,
    mapped_keys_are_known,
    emails_are_known_people,
    console_figures_have_no_overlap,
    sheet_rows_are_valid,
]
