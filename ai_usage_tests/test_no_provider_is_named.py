"""SQL and boards that span providers name none: they join `dim_provider` and `dim_platform`, or read a file of each."""

import re
from collections.abc import Iterator

from ai_usage.places import ROOT
from ai_usage.providers.registry import PROVIDERS

# A code file, and why it names a provider.
ALLOWED = {
    "ai_usage/providers/registry.py": "the list of providers",
    **dict.fromkeys(("ai_usage/settings.py", "ai_usage/spelling.py"), "the variables, and how they are misspelled"),
    **dict.fromkeys(
        (
            *("ai_usage/sheet/tabs.py", "ai_usage/checks/people.py"),
            *("ai_usage/commands/sheet_template.py", "ai_usage/automation/build_requests.py"),
        ),
        "the sheet's tab claude_ai_usage, and examples of rows that people write",
    ),
    **dict.fromkeys(
        ("ai_usage/redaction.py", "ai_usage/warehouse/duckdb/identity.py", "ai_usage/warehouse/people.py"),
        "keys that Anthropic names by a person's address, wherever they are",
    ),
    "ai_usage/warehouse/migrations.py": "a column as an earlier release had it",
    "ai_usage/ingest/optional.py": "header names that no plan is about; an example of a status",
}


def names() -> re.Pattern[str]:
    """Keys, names and the prefixes of pulls."""
    words = {word.lower() for of in PROVIDERS for word in (of.key, of.name)}
    words |= {pull.partition("_")[0] for of in PROVIDERS for pull in of.daily_pulls}
    return re.compile("|".join(sorted(words)), re.IGNORECASE)


def shared() -> Iterator[tuple[str, str]]:
    for path in [*(ROOT / "sql").rglob("*.sql"), *(ROOT / "dashboards").glob("*.yml")]:
        name = path.relative_to(ROOT).as_posix()
        if not name.startswith("sql/providers/"):
            yield name, path.read_text(encoding="utf-8")


def code() -> Iterator[tuple[str, str]]:
    """Modules and the boards' scripts, outside the providers' folders and the simulator."""
    for path in [*(ROOT / "ai_usage").rglob("*.py"), *(ROOT / "ai_usage").rglob("*.js")]:
        name = path.relative_to(ROOT).as_posix()
        of_provider = any(name.startswith(f"ai_usage/providers/{of.key}/") for of in PROVIDERS)
        if not of_provider and not name.startswith("ai_usage/simulator/"):
            yield name, path.read_text(encoding="utf-8")


def named_in_code() -> re.Pattern[str]:
    """Like `names`, except: `cursor` in small letters is also a position in a log, and Google also has the sheet,
    BigQuery and its SQL. For these two only a quoted key counts.
    """
    other_things = {"cursor", "Cursor", "google", "Google"}
    words = {re.escape(word) for of in PROVIDERS for word in (of.key, of.name, *of.also_called)} - other_things
    pulls = {rf"{pull.partition('_')[0]}_\w" for of in PROVIDERS for pull in of.daily_pulls}
    quoted = "|".join([*sorted(pulls), "cursor[\"']", "google[\"']"])
    return re.compile(rf"(?i:{'|'.join(sorted(words))})|\bCursor\b|[\"'](?:{quoted})")


def test_sql_and_boards_outside_a_providers_folder_name_no_provider() -> None:
    assert {name for name, text in shared() if names().search(text)} == set()
    assert names().search("where provider = 'anthropic'"), "the pattern finds what it is for"


def test_code_outside_a_providers_folder_names_no_provider_without_a_reason() -> None:
    assert {name for name, text in code() if named_in_code().search(text)} == ALLOWED.keys()
