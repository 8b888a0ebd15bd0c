"""`make sheet-template`: the tabs as CSV files with their headers and an example row each, to fill in or to import."""

import csv
from collections.abc import Sequence
from pathlib import Path

from ai_usage.commands.terminal import OUT
from ai_usage.commands.typed import parser
from ai_usage.errors import SettingError
from ai_usage.places import ROOT
from ai_usage.settings import Settings
from ai_usage.sheet.tabs import TABS

EXAMPLES = {
    "api_key_mapping": ["apikey_01Example", "nightly report", "ada@example.com", "Data", "Replace this row", "", ""],
    "people": ["ada@example.com", "Ada Lovelace", "Data", "4711", "grace@example.com", "2026-01-01", "", "", ""],
    "claude_ai_usage": ["ada@example.com", "2026-01-31", "3", "41", "1", "0"],
    "console_figures": [
        "anthropic",
        "",
        "2026-01-01",
        "2026-02-01",
        "",
        "1234.50",
        "Console > Cost",
        "the end is exclusive",
        "usage",
    ],
    "budgets": ["2026-01", "team", "Data", "5000"],
    "seats": ["cursor", "Teams", "40", "25", "2026-01-01", ""],
    "invoices": ["anthropic", "", "INV-0001", "2026-01", "1234.50", "USD", "usage", "", "one row for each line"],
    "person_aliases": ["ada.l@example.com", "ada@example.com"],
}


def run(_of: Settings, argv: Sequence[str]) -> int:
    arguments = parser("sheet-template", __doc__)
    arguments.add_argument("folder", nargs="?", default="sheet")
    folder = (ROOT / Path(arguments.parse_args(argv).folder or "sheet").expanduser()).resolve()
    write_template(folder)
    OUT.print(f"Written to {folder}: a file for each tab.", soft_wrap=True)
    OUT.print("Replace the examples, then set one of these in .env:")
    OUT.print(f"  AI_USAGE_SHEET_ID=csv:{folder}          the files themselves", soft_wrap=True)
    OUT.print("  AI_USAGE_SHEET_ID=<id>  a Google sheet with these tabs (File, Import, one tab each)", soft_wrap=True)
    return 0


def write_template(folder: Path) -> None:
    """Writes all files or none; never overwrites an existing file."""
    paths = {tab: folder / f"{tab}.csv" for tab in TABS}
    there = [path.name for path in paths.values() if path.exists()]
    if there:
        raise SettingError(f"{folder} already has {', '.join(there)}: nothing was written. Name another: FOLDER=….")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for tab, path in paths.items():
            with path.open("w", encoding="utf-8", newline="") as file:
                csv.writer(file).writerows([[column.name for column in TABS[tab].columns], EXAMPLES[tab]])
    except OSError as error:
        raise SettingError(f"{folder} cannot be written ({error.strerror}). Name another: FOLDER=….") from error
