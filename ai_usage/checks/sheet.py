"""Checks that the sheet can be used at all. A run evaluates what it pulled. The sensor `sheet_changed`, which runs
every minute, reports under the same name when Google stops or resumes answering.
"""

import re
from collections.abc import Sequence

import dagster as dg

from ai_usage.check import PASSED, Check, Result, SnapshotCheck, failed
from ai_usage.sheet.pulls import SOURCE
from ai_usage.sheet.tabs import API_KEY_MAPPING, TABS, Tab, read_tab
from ai_usage.warehouse.port import Warehouse

AT_FAULT = re.compile(r"The tab (\w+) must|\b(\w+) row \d")  # in the texts of `unusable` and of rejected rows
KEY = dg.AssetCheckKey(dg.AssetKey(["raw", API_KEY_MAPPING.pull]), "sheet_can_be_read")


def missing_columns(tab: Tab, records: Sequence[str | bytes]) -> list[str]:
    """The required columns that the tab's header lacks or has twice."""
    needed = {column.name for column in tab.columns if column.required}
    of_header = [found.column_name for found in read_tab(tab, records).rejections if found.value_shape == "header"]
    return [name for name in of_header if name in needed]


def unusable(tab: Tab, columns: Sequence[str]) -> str:
    """One sentence about the errors of such a tab."""
    return f"The tab {tab.name} must have {', '.join(columns)} in its header, once: no row of it can be used."


def tabs_at_fault(why: str) -> list[str]:
    """The tabs with errors that a result about the whole sheet names."""
    named = [found[1] or found[2] for found in AT_FAULT.finditer(why)]
    return list(dict.fromkeys(name for name in named if name in TABS))


def _headers(warehouse: Warehouse, _: object) -> Result | None:
    pulled = [(tab, warehouse.newest(tab.pull, None)) for tab in TABS.values()]
    there = [(tab, newest.lines["record"].to_list()) for tab, newest in pulled if newest.versions.height]
    wrong = [unusable(tab, lost) for tab, records in there if (lost := missing_columns(tab, records))]
    if wrong:
        return failed(" ".join(wrong))
    return PASSED if there else None


CHECKS: list[Check] = [
    SnapshotCheck(
        name=KEY.name,
        asset=KEY.asset_key.to_user_string(),
        title="a sheet that does not answer, a tab without a column it needs",
        description="The sheet answers, and each of its tabs has the columns it needs.",
        severity="failed",
        sources=(SOURCE,),
        pulls=(API_KEY_MAPPING.pull,),
        asks=lambda sheet: sheet.probe(),
        also_reads=tuple(f"raw/{tab.pull}" for tab in TABS.values() if tab is not API_KEY_MAPPING),
        evaluate=_headers,
    )
]
