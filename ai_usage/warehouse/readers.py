"""A folder that holds the published copy and nothing else, for readers who must not see anything else, such as a
Metabase in a container. To have the copy, make the folder; each run then writes it.
"""

import os
from pathlib import Path

FOLDER = "metabase"


def readers_copy(published: Path) -> Path:
    """Where such readers find the published copy."""
    return published.parent / FOLDER / published.name


def show_readers(published: Path) -> None:
    """Put the copy there at once, by another name of the same file: it takes no space."""
    copy = readers_copy(published)
    if not copy.parent.is_dir() or not published.exists():
        return
    fresh = copy.with_suffix(".tmp")
    fresh.unlink(missing_ok=True)
    os.link(published, fresh)
    fresh.replace(copy)
    fresh.unlink(missing_ok=True)  # a rename onto the same file leaves both names
