"""What takes long to make and is the same each time is kept for the next process of a test, in pytest's own folder."""

import os
from collections.abc import Callable

from ai_usage.places import ROOT

FOLDER = ROOT / ".pytest_cache" / "kept"


def kept(name: str, make: Callable[[], bytes]) -> bytes:
    """What was made under this name, which must change with all that it is made of."""
    file = FOLDER / name
    if not file.exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        fresh = file.with_name(f"{name}.{os.getpid()}")
        fresh.write_bytes(make())
        fresh.replace(file)
    return file.read_bytes()
