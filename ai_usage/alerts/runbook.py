"""The likely cause of each alert, read from docs/runbook.md, the only place where it is written."""

import re
from collections.abc import Collection
from functools import cache
from urllib.parse import urlsplit

from ai_usage.places import SHIPPED
from ai_usage.runbook_page import ADDRESS, PAGE
from ai_usage.settings import LOOPBACK, Settings

OPENS_HERE_ONLY = (
    "Links in messages begin with {}, which opens on this machine only: set AI_USAGE_UI_URL to the address at which "
    "their readers open the UI."
)
SECTION = re.compile(r"^### (?P<topic>\w+)\n(?P<body>.*?)(?=^#{1,3} |\Z)", re.MULTILINE | re.DOTALL)
CAUSE = re.compile(r"^\*\*Likely cause:\*\* (?P<cause>.+?)(?=\n\n|\Z)", re.MULTILINE | re.DOTALL)
OF_A_KIND = re.compile(
    r"^\*\*Likely cause of a (?P<kind>[\w ]+):\*\* (?P<cause>.+?)(?=\n\n|\Z)", re.MULTILINE | re.DOTALL
)


@cache
def likely_causes() -> dict[str, str]:
    """Topic → a sentence. Empty if the installation lacks the page: messages then have no cause."""
    path = SHIPPED / PAGE
    return read(path.read_text(encoding="utf-8")) if path.is_file() else {}


def likely_cause(topic: str, kinds: Collection[str]) -> str:
    """The cause of the kind if there is only one kind, such as a drop; else the cause of the topic."""
    [kind] = kinds if len(set(kinds)) == 1 else [""]
    return _causes_of_kinds().get((topic, kind)) or likely_causes().get(topic, "")


@cache
def _causes_of_kinds() -> dict[tuple[str, str], str]:
    path = SHIPPED / PAGE
    page = path.read_text(encoding="utf-8") if path.is_file() else ""
    return {
        (section["topic"], found["kind"]): " ".join(found["cause"].split())
        for section in SECTION.finditer(page)
        for found in OF_A_KIND.finditer(section["body"])
    }


def read(page: str) -> dict[str, str]:
    found = {section["topic"]: CAUSE.search(section["body"]) for section in SECTION.finditer(page)}
    return {topic: " ".join(cause["cause"].split()) if cause else "" for topic, cause in found.items()}


def section(topic: str, ui_url: str = "") -> str:
    """Where the page describes what to do: in the UI, which serves it; without its address, in the repository."""
    return f"{f'{ui_url}{ADDRESS}' if ui_url else PAGE}#{topic.lower()}"


def opens_here_only(of: Settings) -> bool:
    """Whether links in messages lead to the machine that sends them."""
    return urlsplit(of.ui_url).hostname in LOOPBACK
