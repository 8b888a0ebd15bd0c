"""SQL and boards that span providers name none: they join `dim_provider` and `dim_platform`, or read a file of each."""

import re
from collections.abc import Iterator

from ai_usage.providers.registry import PROVIDERS
from ai_usage.settings import ROOT

# A file, and why it names one.
ALLOWED = {
    "sql/last_addresses.sql": "Cursor's alone: who used to have an id",
    **dict.fromkeys(
        ("sql/checks/ledger_is_whole.sql", "sql/checks/no_day_is_missing.sql", "sql/checks/console_figures_match.sql"),
        "compares core with raw, pull by pull, or a figure with a provider's own total",
    ),
}


def names() -> re.Pattern[str]:
    """Keys, names and the words that pulls begin with."""
    words = {word.lower() for of in PROVIDERS for word in (of.key, of.name)}
    words |= {pull.partition("_")[0] for of in PROVIDERS for pull in of.daily_pulls}
    return re.compile("|".join(sorted(words)), re.IGNORECASE)


def shared() -> Iterator[tuple[str, str]]:
    for path in [*(ROOT / "sql").rglob("*.sql"), *(ROOT / "dashboards").glob("*.yml")]:
        name = path.relative_to(ROOT).as_posix()
        if not name.startswith("sql/providers/"):
            yield name, path.read_text(encoding="utf-8")


def test_sql_outside_a_providers_folder_names_no_provider() -> None:
    found = {name for name, text in shared() if names().search(text)}
    assert found <= ALLOWED.keys(), "it joins dim_provider or dim_platform, or reads `providers/*/<contract>`"
    assert names().search("where provider = 'anthropic'"), "the pattern finds what it is for"
