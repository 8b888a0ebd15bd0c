"""The likely cause of each trouble, read from docs/runbook.md: the one place where it is written."""

import re
from functools import cache

from ai_usage.places import SHIPPED

PAGE = "docs/runbook.md"
SECTION = re.compile(r"^### (?P<topic>\w+)\n(?P<body>.*?)(?=^#{1,3} |\Z)", re.MULTILINE | re.DOTALL)
CAUSE = re.compile(r"^\*\*Likely cause:\*\* (?P<cause>.+?)(?=\n\n|\Z)", re.MULTILINE | re.DOTALL)


@cache
def likely_causes() -> dict[str, str]:
    """Topic → a sentence. Nothing, where the page was left out of an installation: a message goes without, then."""
    path = SHIPPED / PAGE
    return read(path.read_text(encoding="utf-8")) if path.is_file() else {}


def read(page: str) -> dict[str, str]:
    found = {section["topic"]: CAUSE.search(section["body"]) for section in SECTION.finditer(page)}
    return {topic: " ".join(cause["cause"].split()) if cause else "" for topic, cause in found.items()}


def section(topic: str) -> str:
    """Where the page describes what to do."""
    return f"{PAGE}#{topic.lower()}"
