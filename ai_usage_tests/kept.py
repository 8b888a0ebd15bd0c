"""Results that are slow to make and always the same are kept for the next test process, in pytest's folder."""

import os
from collections.abc import Callable
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / ".pytest_cache" / "kept"


def kept(name: str, make: Callable[[], bytes]) -> bytes:
    """The content that was made under this name. The name must change with everything that the content depends on."""
    file = FOLDER / name
    if not file.exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        fresh = file.with_name(f"{name}.{os.getpid()}")
        fresh.write_bytes(make())
        fresh.replace(file)
    return file.read_bytes()
