"""The README and docs/ name what exists: tables, make targets, variables and files."""

import re
from pathlib import Path

import pytest

from ai_usage.catalog import TABLES
from ai_usage.places import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
EXAMPLE = (ROOT / ".env.example").read_text(encoding="utf-8")
OF_A_DEPLOYMENT = {"DAGSTER_POSTGRES_URL", "DAGSTER_EVENT_BATCH_SIZE"}  # Dagster's own variables


def test_the_readme_lists_every_table_once() -> None:
    rows = re.findall(r"^\| (?:raw|core|marts) \| (.*?) \|", README, re.MULTILINE)
    listed = [name for row in rows for name in re.findall(r"`(\w+)`", row)]
    assert sorted(listed) == sorted(table.name for table in TABLES)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_make_targets_and_variables_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    targets = set(re.findall(r"`make ([a-z-]+)", text)) | set(re.findall(r"^make ([a-z-]+)", text, re.MULTILINE))
    assert {target for target in targets if not re.search(rf"^{target}:", MAKEFILE, re.MULTILINE)} == set()
    variables = set(re.findall(r"`((?:AI_USAGE|ALERT|METABASE|DAGSTER)_[A-Z_]*[A-Z])`", text)) - OF_A_DEPLOYMENT
    assert {name for name in variables if f"{name}=" not in EXAMPLE} == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_source_files_exist(page: Path) -> None:
    """Paths from the root or from ai_usage/."""
    named = set(re.findall(r"`([\w/]+/\w+\.(?:py|sql|yml|toml))`", page.read_text(encoding="utf-8")))
    assert {
        name for name in named if not any((folder / name).exists() for folder in (ROOT, ROOT / "ai_usage"))
    } == set()
